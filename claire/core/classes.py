"""Class schemes: which ids a label or a class map may hold, what they mean, how they look.

Colours are chosen so that neighbours differ in lightness as well as hue (Okabe-Ito 2008), because
about one reader in twelve does not see red against green.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from claire.core.errors import LabelError, UnknownNameError

IGNORE_INDEX = 255
"""Index that marks a pixel as not labelled wherever class *indices* (0..K-1) are used."""


@dataclass(frozen=True)
class LandClass:
    """One class: its id in files, its name, its colour as `#rrggbb`."""

    id: int
    name: str
    color: str

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

SCHEMES = {scheme.name: scheme for scheme in (FLOOD, GLOBAL_10M)}


def find_scheme(name: str) -> ClassScheme:
    """The class scheme of that name.

    Raises:
        UnknownNameError: No such scheme; lists the right names.
    """
    if name not in SCHEMES:
        raise UnknownNameError.among("class scheme", name, SCHEMES)
    return SCHEMES[name]
