"""The `folder` data set: anybody's own tiles.

    my_floods/
        optical/  a.tif  b.tif      any raster that CLAIRE reads
        sar/      a.tif  b.tif      equal names
        label/    a.tif  b.tif      optional: class ids
        dataset.toml                optional: what the numbers are

`dataset.toml`, every line optional:

    title = "Floods of our valley"
    optical = { bands = ["B4", "B3", "B2"], unit = "reflectance_x1e4" }
    sar = { bands = ["VV", "VH"], unit = "db" }
    scheme = "flood"                # a class scheme of CLAIRE, or:
    classes = [{ id = 0, name = "dry", color = "#d9d2c5" }, { id = 1, name = "flood", color = "#0072b2" }]
    ignore = [255]
    splits = { train = ["a"], test = ["b"] }
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from claire.core.bands import MODALITIES, UNITS, Modality, Unit
from claire.core.classes import ClassScheme, LandClass, find_scheme
from claire.core.errors import DatasetError, UnknownNameError
from claire.core.types import Tile
from claire.data.listing import index_by_stem
from claire.data.pairing import read_tile
from claire.data.raster import printable

TOML_NAME = "dataset.toml"
MOST_TOML_BYTES = 1_000_000
EVERYTHING = "all"
"""Name of the only split where `dataset.toml` names none."""


@dataclass(frozen=True)
class Description:
    """What `dataset.toml` says, checked.

    Args:
        title: One line for people; empty when not given.
        bands: Modality -> band names in order.
        units: Modality -> unit.
        scheme: What the label ids mean; None when not given.
        splits: Name of the split -> tile names.
    """

    title: str = ""
    bands: Mapping[Modality, tuple[str, ...]] = field(default_factory=dict)
    units: Mapping[Modality, Unit] = field(default_factory=dict)
    scheme: ClassScheme | None = None
    splits: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Description:
        """Read `dataset.toml`; an absent file says nothing.

        Raises:
            DatasetError: Not TOML, or a value of the wrong kind; says which.
        """
        if not path.is_file():
            return cls()
        try:
            if path.stat().st_size > MOST_TOML_BYTES:
                raise DatasetError(f"{path.name} is larger than 1 MB.", "Keep the description short.")
            content = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise DatasetError(
                f"{path.name} cannot be read as TOML.", "See `claire.data.folder` for the form."
            ) from error
        return cls(
            printable(str(content.get("title", "")), 80),
            {m: _words(content[m]["bands"], f"{m}.bands") for m in MODALITIES if "bands" in _table(content, m)},
            {m: _unit(content[m]["unit"], m) for m in MODALITIES if "unit" in _table(content, m)},
            _scheme(content),
            {printable(name, 40): _words(ids, f"splits.{name}") for name, ids in _table(content, "splits").items()},
        )


class FolderDataset:
    """Tiles in `optical/`, `sar/` and `label/` with equal names (see the module).

    Args:
        root: The folder that holds these.

    Raises:
        DatasetError: The layout or `dataset.toml` is not as expected; says what was looked for.
    """

    name = "folder"

    def __init__(self, root: Path) -> None:
        self.root = root = root.absolute()
        self.description = Description.read(root / TOML_NAME)
        self._files = {role: index_by_stem(root / role) for role in ("optical", "sar", "label")}
        optical, sar = set(self._files["optical"]), set(self._files["sar"])
        if not optical and not sar:
            raise DatasetError(
                f"No rasters were found in {root.name}/optical or {root.name}/sar.",
                "Put the files of one place under the same name into optical/, sar/ and, if there is one, label/.",
            )
        if optical and sar and not optical & sar:
            raise DatasetError(
                f"No file of {root.name}/optical has the name of one in {root.name}/sar, "
                f"such as {printable(min(optical), 30)!r} and {printable(min(sar), 30)!r}.",
                "Give the two files of one place the same name.",
            )
        self._ids = tuple(sorted(optical | sar))
        for split, ids in self.description.splits.items():
            if strange := sorted(set(ids) - set(self._ids)):
                raise DatasetError(
                    f"{TOML_NAME} names {printable(strange[0], 40)!r} in the split {split!r}, but there is none.",
                    "Name tiles as their files, without the ending.",
                )

    @classmethod
    def recognises(cls, root: Path) -> bool:
        """Whether a folder looks like this layout."""
        return (root / TOML_NAME).is_file() or ((root / "optical").is_dir() and (root / "sar").is_dir())

    @property
    def title(self) -> str:
        """One line for people."""
        return self.description.title or f"{self.root.name}: {len(self._ids)} tiles"

    @property
    def scheme(self) -> ClassScheme | None:
        """What the label ids mean, if `dataset.toml` says so."""
        return self.description.scheme

    @property
    def splits(self) -> tuple[str, ...]:
        """Names of the splits; `("all",)` where none are named."""
        return tuple(self.description.splits) or (EVERYTHING,)

    def ids(self, split: str | None = None) -> tuple[str, ...]:
        """Names of the tiles, sorted."""
        if split is None or (split == EVERYTHING and not self.description.splits):
            return self._ids
        if split not in self.description.splits:
            raise UnknownNameError.among("split", split, self.splits)
        return tuple(sorted(self.description.splits[split]))

    def read(self, tile_id: str, /) -> Tile:
        """Read one tile; a sensor without a file of that name is missing from it."""
        if tile_id not in self._ids:
            raise UnknownNameError(f"There is no tile called {printable(tile_id, 60)!r}.", "Choose one of the list.")
        return read_tile(
            self._files["optical"].get(tile_id),
            self._files["sar"].get(tile_id),
            self._files["label"].get(tile_id),
            optical_bands=self.description.bands.get("optical"),
            sar_bands=self.description.bands.get("sar"),
            optical_units=self.description.units.get("optical"),
            sar_units=self.description.units.get("sar"),
            name=tile_id,
        )


def _wrong(what: str, wanted: str) -> DatasetError:
    return DatasetError(
        f"In {TOML_NAME}, {printable(what, 60)} is not {wanted}.", "See `claire.data.folder` for the form."
    )


def _table(content: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    table = content.get(key, {})
    if not isinstance(table, dict):
        raise _wrong(key, "a table")
    return table


def _words(value: object, what: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise _wrong(what, "a list of names")
    return tuple(value)


def _unit(value: object, modality: Modality) -> Unit:
    if value not in UNITS:
        raise _wrong(f"{modality}.unit", f"one of {', '.join(UNITS)}")
    return value


def _scheme(content: Mapping[str, Any]) -> ClassScheme | None:
    if "scheme" in content:
        return find_scheme(str(content["scheme"]))
    if "classes" not in content:
        return None
    try:
        classes = tuple(LandClass(int(c["id"]), str(c["name"]), str(c["color"])) for c in content["classes"])
        ignored = tuple(int(i) for i in content.get("ignore", ()))
    except (TypeError, KeyError, ValueError) as error:
        raise _wrong("classes", "a list of { id, name, color }") from error
    if not all(re.fullmatch(r"#[0-9a-fA-F]{6}", c.color) for c in classes):
        raise _wrong("a color of classes", "of the form #rrggbb")
    return ClassScheme("folder", classes, ignored)
