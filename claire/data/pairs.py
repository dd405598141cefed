"""The `pairs` data set: one flat folder, in which the ending of a name says what a file is.

place_s1.tif            SAR; two unnamed bands are VV and VH
place_s2.tif            optical
place_s2cloudy.tif      another optical file of the same place, as many as there are: each makes a tile of its own
place_label.tif         optional: class ids
place_cloud.tif         optional: where `place_s2cloudy.tif` is under cloud
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from claire.core.errors import DatasetError, UnknownNameError
from claire.core.types import Notice, Tile
from claire.data.description import Description
from claire.data.listing import index_by_stem
from claire.data.pairing import read_label, read_tile
from claire.data.raster import printable

OPTICAL_NAME = re.compile(r"(?P<place>.+)_s2(?P<variant>[^/]*)")
SAR_ENDING = "_s1"
UNNAMED_PAIR = ("band1", "band2")
SAR_PAIR = ("VV", "VH")


@dataclass(frozen=True)
class _Member:
    place: str
    optical: Path | None


class PairsDataset:
    """Tiles of one flat folder (see the module).

    Args:
        root: The folder.
        description: What the numbers are; the files say so themselves when not given.

    Raises:
        DatasetError: No place has both files; says what was looked for.
    """

    name = "pairs"
    splits = ("all",)

    def __init__(self, root: Path, description: Description | None = None) -> None:
        self.root = root = root.absolute()
        self.description = description or Description()
        self._files = index_by_stem(root)
        self._members = _find_members(self._files)
        if not _has_pair(self._files):
            raise DatasetError(
                f"No pair was found in {root.name!r}: looked for files that end in _s1 and, of the same place, _s2.",
                "Name the files of a place place_s1.tif, place_s2.tif and, if there is one, place_label.tif.",
            )

    @classmethod
    def recognises(cls, root: Path) -> bool:
        """Whether a folder looks like this layout."""
        return _has_pair({path.stem: path for path in root.glob("*_s[12]*.*")}) if root.is_dir() else False

    @property
    def title(self) -> str:
        """One line for people."""
        return f"{self.root.name}: {len(self._members)} pairs"

    def ids(self, split: str | None = None) -> tuple[str, ...]:
        """Names of the tiles, sorted: the place, or the optical file's name where its ending is more than `_s2`."""
        if split not in (None, *self.splits):
            raise UnknownNameError.among("split", str(split), self.splits)
        return tuple(self._members)

    def read(self, tile_id: str, /) -> Tile:
        """Read one tile; a place with one sensor gives a tile with one sensor."""
        member = self._find(tile_id)
        tile = read_tile(
            member.optical,
            self._files.get(member.place + SAR_ENDING),
            self._files.get(f"{member.place}_label"),
            optical_bands=self.description.bands.get("optical"),
            sar_bands=self.description.bands.get("sar"),
            optical_units=self.description.units.get("optical"),
            sar_units=self.description.units.get("sar"),
            name=tile_id,
        )
        if tile.sar is None or tile.sar.bands != UNNAMED_PAIR:
            return tile
        notice = Notice("bands", "The two SAR bands have no names: taken as VV and VH.")
        return replace(tile, sar=replace(tile.sar, bands=SAR_PAIR), notices=(*tile.notices, notice))

    def is_complete(self, tile_id: str, /) -> bool:
        """Whether a tile has both sensors and a label, by its files.

        Raises:
            UnknownNameError: No such tile.
        """
        member = self._find(tile_id)
        return member.optical is not None and all(
            member.place + ending in self._files for ending in (SAR_ENDING, "_label")
        )

    def read_cloud(self, tile_id: str, /) -> NDArray[np.bool_] | None:
        """Where the cloudy picture of a place is under cloud: (H, W) bool, or None without a cloud mask."""
        path = self._files.get(f"{self._find(tile_id).place}_cloud")
        if path is None:
            return None
        cloud: NDArray[np.bool_] = read_label(path).ids == 1
        return cloud

    def _find(self, tile_id: str) -> _Member:
        if tile_id not in self._members:
            raise UnknownNameError(f"There is no tile called {printable(tile_id, 60)!r}.", "Choose one of the list.")
        return self._members[tile_id]


def _find_members(files: dict[str, Path]) -> dict[str, _Member]:
    members = {}
    for stem, path in files.items():
        if found := OPTICAL_NAME.fullmatch(stem):
            place, variant = found["place"], found["variant"]
            members[stem if variant else place] = _Member(place, path)
    seen = {member.place for member in members.values()}
    for stem in files:
        place = stem.removesuffix(SAR_ENDING)
        if place not in {stem, "", *seen}:
            members[place] = _Member(place, None)
    return dict(sorted(members.items()))


def _has_pair(files: dict[str, Path]) -> bool:
    return any(
        found and found["place"] + SAR_ENDING in files for found in (OPTICAL_NAME.fullmatch(stem) for stem in files)
    )
