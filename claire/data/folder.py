"""The `folder` data set: anybody's own tiles.

my_floods/
    optical/  a.tif  b.tif      any raster that CLAIRE reads
    sar/      a.tif  b.tif      equal names
    label/    a.tif  b.tif      optional: class ids
    dataset.toml                optional: what the numbers are (see `claire.data.description`)
"""

from __future__ import annotations

from pathlib import Path

from claire.core.classes import ClassScheme
from claire.core.errors import DatasetError, UnknownNameError
from claire.core.types import Tile
from claire.data.description import TOML_NAME, Description
from claire.data.listing import index_by_stem
from claire.data.pairing import read_tile
from claire.data.raster import printable

ROLES = ("optical", "sar", "label")
EVERYTHING = "all"
"""Name of the only split where `dataset.toml` names none."""


class FolderDataset:
    """Tiles in `optical/`, `sar/` and `label/` with equal names (see the module).

    Args:
        root: The folder that holds these.
        description: What the numbers are; that of `dataset.toml` in the folder when not given.

    Raises:
        DatasetError: The layout or `dataset.toml` is not as expected; says what was looked for.
    """

    name = "folder"

    def __init__(self, root: Path, description: Description | None = None) -> None:
        self.root = root = root.absolute()
        self.description = Description.read(root / TOML_NAME) if description is None else description
        self._files: dict[str, dict[str, Path]] = {role: {} for role in ROLES}
        for folder in dict.fromkeys(self.description.folders.values() or ("",)):
            for role, files in _index_files(root / folder).items():
                self._files[role] |= {f"{folder}/{stem}".lstrip("/"): path for stem, path in files.items()}
        self._ids = tuple(sorted({*self._files["optical"], *self._files["sar"]}))
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
        return tuple(self.description.splits) or tuple(self.description.folders) or (EVERYTHING,)

    def ids(self, split: str | None = None) -> tuple[str, ...]:
        """Names of the tiles, sorted."""
        if split is None or self.splits == (split,) == (EVERYTHING,):
            return self._ids
        if split not in self.splits:
            raise UnknownNameError.among("split", split, self.splits)
        if folder := self.description.folders.get(split):
            return tuple(tile_id for tile_id in self._ids if tile_id.startswith(f"{folder}/"))
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


def _index_files(root: Path) -> dict[str, dict[str, Path]]:
    """Role -> name -> file of one folder that holds `optical/` and `sar/`."""
    files = {role: index_by_stem(root / role) for role in ROLES}
    optical, sar = set(files["optical"]), set(files["sar"])
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
    return files
