"""Class schemes: which ids a label or a class map may hold, what they mean, how they look.

Colours are chosen so that neighbours differ in lightness as well as hue (Okabe-Ito 2008), because
about one reader in twelve does not see red against green.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from claire.core.errors import LabelError, UnknownNameError

COLOR = re.compile(r"#[0-9a-fA-F]{6}")
"""Colours go into pages, so nothing else may stand there."""

IGNORE_INDEX = 255
"""Index that marks a pixel as not labelled wherever class *indices* (0..K-1) are used."""


@dataclass(frozen=True)
class LandClass:
    """One class: its id in files, its name, its colour as `#rrggbb`."""

    id: int
    name: str
    color: str

    def __post_init__(self) -> None:
        if not COLOR.fullmatch(self.color):
            raise LabelError("A class has no colour of the form #rrggbb.", "Give every class such a colour.")

    @property
    def rgb(self) -> tuple[int, int, int]:
        """Colour as three integers 0..255."""
        return int(self.color[1:3], 16), int(self.color[3:5], 16), int(self.color[5:7], 16)


@dataclass(frozen=True)
class ClassScheme:
    """An ordered set of classes. Position is the *index* a network predicts, `id` is what files hold.

    Args:
        name: Name in the registry and in manifests.
        classes: The classes in index order; ids unique, 0..254.
        ignore_ids: File ids that mean "not labelled"; `IGNORE_INDEX` always does.
    """

    name: str
    classes: tuple[LandClass, ...]
    ignore_ids: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        ids = [c.id for c in self.classes]
        if len(set(ids)) != len(ids) or set(ids) & set(self.ignore_ids):
            raise LabelError(f"The class scheme {self.name!r} uses an id twice.", "Give every class its own id.")
        if any(not 0 <= i < IGNORE_INDEX for i in ids):
            raise LabelError(f"The class scheme {self.name!r} has an id outside 0..254.", "Use ids 0..254.")

    def __len__(self) -> int:
        return len(self.classes)

    @property
    def names(self) -> tuple[str, ...]:
        """Class names in index order."""
        return tuple(c.name for c in self.classes)

    def to_index(self, label: NDArray[np.generic]) -> NDArray[np.uint8]:
        """Turn a label of file ids into class indices.

        Args:
            label: (H, W) of any number type. 255 always means not labelled: it can be no class.

        Returns:
            (H, W) uint8, 0..K-1, `IGNORE_INDEX` where not labelled.

        Raises:
            LabelError: An id is neither a class nor an ignored id.
        """
        index = np.full(label.shape, IGNORE_INDEX, np.uint8)
        known = np.isin(label, (*self.ignore_ids, IGNORE_INDEX))
        for position, land_class in enumerate(self.classes):
            here = label == land_class.id
            index[here] = position
            known |= here
        if not known.all():
            strange = ", ".join(f"{v:g}" for v in np.unique(label[~known])[:5].astype(float))
            wanted = ", ".join(f"{c.id} {c.name}" for c in self.classes)
            raise LabelError(
                f"The label holds {strange}, which the class scheme {self.name!r} does not know.",
                f"Use {wanted}"
                + (f"; not labelled: {', '.join(map(str, self.ignore_ids))}." if self.ignore_ids else "."),
            )
        return index

    def to_id(self, index: NDArray[np.integer]) -> NDArray[np.uint8]:
        """Turn class indices (H, W) 0..K-1 into file ids (H, W) uint8."""
        ids: NDArray[np.uint8] = np.array([c.id for c in self.classes], np.uint8)[index]
        return ids


FLOOD = ClassScheme(
    "flood", (LandClass(0, "background", "#d9d2c5"), LandClass(1, "flood", "#0072b2")), ignore_ids=(255,)
)

GLOBAL_10M = ClassScheme(
    "global-10m",
    (
        LandClass(1, "water", "#0072b2"),
        LandClass(2, "trees", "#1b5e3a"),
        LandClass(4, "flooded vegetation", "#56b4e9"),
        LandClass(5, "crops", "#e69f00"),
        LandClass(7, "built", "#b0305c"),
        LandClass(8, "bare", "#c8bfae"),
        LandClass(9, "snow or ice", "#f4f6f8"),
        LandClass(11, "rangeland", "#c9d46a"),
    ),
    ignore_ids=(0, 10),
)
"""Impact Observatory / Esri global 10 m land cover; clouds (10) are not a class of the ground."""


def _build(name: str, ignore_ids: tuple[int, ...], *rows: str) -> ClassScheme:
    """A scheme from rows such as "10 farmland #cc6600"."""
    split = [(row.partition(" ")[0], *row.partition(" ")[2].rsplit(" ", 1)) for row in rows]
    return ClassScheme(name, tuple(LandClass(int(number), title, color) for number, title, color in split), ignore_ids)


# Schemes of published data sets keep the colours of their authors, because colour-coded labels are read by them.
WHU_OPT_SAR = _build(
    "whu-opt-sar", (0,),
    "10 farmland #cc6600", "20 city #ff0000", "30 village #ffff00", "40 water #0000ff", "50 forest #55a700",
    "60 road #00ffff", "70 other land #996699",
)  # fmt: skip

PIE_RGB_SAR = _build(
    "pie-rgb-sar", (),
    "0 background #808080", "1 city #eb3324", "2 road #fffd55", "3 water #42ecf5", "4 forest #38a800",
    "5 farmland #a87000",
)  # fmt: skip

OPENEARTHMAP = _build(
    "openearthmap", (0,),
    "1 bareland #800000", "2 rangeland #00ff24", "3 developed space #949494", "4 road #ffffff", "5 tree #226126",
    "6 water #0045ff", "7 agriculture #4bb549", "8 building #de1f07",
)  # fmt: skip

IGBP = _build(
    "igbp", (0,),
    "1 evergreen needleleaf forest #05450a", "2 evergreen broadleaf forest #086a10",
    "3 deciduous needleleaf forest #54a708", "4 deciduous broadleaf forest #78d203", "5 mixed forest #009900",
    "6 closed shrubland #c6b044", "7 open shrubland #dcd159", "8 woody savanna #dade48", "9 savanna #fbff13",
    "10 grassland #b6ff05", "11 permanent wetland #27ff87", "12 cropland #c24f44", "13 urban #a5a5a5",
    "14 cropland mosaic #ff6d4c", "15 snow or ice #69fff8", "16 barren #f9ffa4", "17 water #1c0dff",
)  # fmt: skip
"""Land cover of MODIS as the International Geosphere-Biosphere Programme divides it."""

DFC2020 = _build(
    "dfc2020", (0, 3, 8),
    "1 forest #009900", "2 shrubland #c6b044", "4 grassland #b6ff05", "5 wetland #27ff87", "6 cropland #c24f44",
    "7 urban #a5a5a5", "9 barren #f9ffa4", "10 water #1c0dff",
)  # fmt: skip
"""IGBP simplified; savanna (3) and snow (8) do not occur and are not scored."""

SURFACE_WATER = _build("surface-water", (), "0 dry ground #d9d2c5", "1 water #0072b2")
"""All water on the surface, permanent or flood."""

CORINE_19 = _build(
    "corine-19", (),
    "1 urban fabric #e6004d", "2 industrial or commercial units #cc4df2", "3 arable land #ffffa8",
    "4 permanent crops #e68000", "5 pastures #e6e64d", "6 complex cultivation patterns #ffe64d",
    "7 agriculture with natural vegetation #e6cc4d", "8 agro-forestry areas #f2cca6",
    "9 broad-leaved forest #80ff00", "10 coniferous forest #00a600", "11 mixed forest #4dff00",
    "12 natural grassland and sparse vegetation #ccf24d", "13 moors, heathland and sclerophyllous #a6ff80",
    "14 transitional woodland, shrub #a6f200", "15 beaches, dunes, sands #e6e6e6", "16 inland wetlands #a6a6ff",
    "17 coastal wetlands #ccccff", "18 inland waters #80f2e6", "19 marine waters #e6f2ff",
)  # fmt: skip
"""The 19 classes of BigEarthNet, numbered in the order of its authors."""

SCHEMES = {
    scheme.name: scheme
    for scheme in (
        FLOOD, GLOBAL_10M, WHU_OPT_SAR, PIE_RGB_SAR, OPENEARTHMAP, IGBP, DFC2020, SURFACE_WATER, CORINE_19,
    )
}  # fmt: skip


def find_scheme(name: str) -> ClassScheme:
    """The class scheme of that name.

    Raises:
        UnknownNameError: No such scheme; lists the right names.
    """
    if name not in SCHEMES:
        raise UnknownNameError.among("class scheme", name, SCHEMES)
    return SCHEMES[name]


OWN_SCHEME = "own"
"""Name of a class scheme that a user wrote down."""

OWN_COLORS = (
    "#0072b2", "#e69f00", "#1b5e3a", "#cc79a7", "#f0e442", "#882255", "#56b4e9", "#d55e00", "#009e73", "#332288",
    "#c8bfae", "#c9d46a",
)  # fmt: skip
"""Colours of classes that were given none, in this order and then again."""

LONGEST_CLASS_NAME = 40


def read_scheme(
    rows: Sequence[Mapping[str, Any]], ignore_ids: Sequence[int] = (), name: str = OWN_SCHEME
) -> ClassScheme:
    """A class scheme that somebody wrote down, believing nothing.

    Args:
        rows: `id`, `name` and, if there is one, `color` of every class, in index order.
        ignore_ids: File ids that mean "not labelled".
        name: Of the scheme.

    Raises:
        LabelError: An id or a name that is used twice, or an id outside 0..254.
        TypeError, KeyError, ValueError: Something else than ids, names and colours of the form `#rrggbb`.

    Example:
        >>> read_scheme([{"id": 3, "name": "reed"}, {"id": 5, "name": "water", "color": "#0000ff"}]).names
        ('reed', 'water')
    """
    classes = []
    for number, row in enumerate(rows):
        color = row.get("color", OWN_COLORS[number % len(OWN_COLORS)])
        if not isinstance(row["name"], str) or not isinstance(color, str):
            raise TypeError("a name and a colour are texts")
        title = row["name"].strip()
        if not title.isprintable() or not 0 < len(title) <= LONGEST_CLASS_NAME:
            raise ValueError("name")
        if not COLOR.fullmatch(color):
            raise ValueError("color")
        classes.append(LandClass(_whole(row["id"]), title, color))
    if len({land_class.name for land_class in classes}) != len(classes):
        raise LabelError(f"The class scheme {name!r} uses a name twice.", "Give every class its own name.")
    return ClassScheme(name, tuple(classes), tuple(_whole(each) for each in ignore_ids))


def _whole(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError("a whole number is wanted")
    return value
