"""What all published data sets share: files of a tile, their sizes, splits, labels by id or by colour.

A module of this package says where the files lie and which splits there are; everything else is here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from claire.core.bands import Unit
from claire.core.classes import IGNORE_INDEX, ClassScheme
from claire.core.errors import DatasetError, GridError, LabelError, UnknownNameError
from claire.core.settings import Settings
from claire.core.types import Tile
from claire.data.faults import find_edges
from claire.data.headers import find_driver, read_header
from claire.data.pairing import read_tile
from claire.data.raster import hash_file, printable, read_raster
from claire.data.sets.source import Source

SPACE = 60
"""Characters of a sentence that may go to one name."""

LONGEST_WAY = 72
"""Characters of a sentence that may go to a file and its folders."""

MOST_LIST_BYTES = 50_000_000
"""Longest list of a split; that of the largest data set has 20 MB."""

HELD_BACK = 10
"""One in so many tiles or scenes is put aside for validation where the authors name no validation split."""

TENTH = "_tenth"
"""Ending of splits that are every tenth tile of another one, for data sets that no memory holds."""


@dataclass(frozen=True)
class Files:
    """The files of one tile.

    Args:
        optical: Optical files, stacked in this order on the grid of the first; empty where that sensor is not given.
        sar: SAR files.
        label: Class ids, or None where labels are not given.
    """

    optical: tuple[Path, ...]
    sar: tuple[Path, ...]
    label: Path | None = None

    @property
    def all(self) -> tuple[Path, ...]:
        """Every file, the one that gives the grid first."""
        return (*self.optical, *self.sar, *([] if self.label is None else [self.label]))


class OriginalDataset(ABC):
    """A data set as its authors publish it.

    Args:
        root: Folder that holds what `source.layout` lists.
        settings: Limits for reading.

    Raises:
        DatasetError: Not the layout; says what was looked for.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    source: ClassVar[Source]
    scheme: ClassVar[ClassScheme]
    optical_bands: ClassVar[tuple[str, ...]]
    sar_bands: ClassVar[tuple[str, ...]]
    optical_unit: ClassVar[Unit]
    sar_unit: ClassVar[Unit]
    official: ClassVar[tuple[str, ...]]
    """Splits that a complete copy has."""
    blank_sar: ClassVar[bool] = False
    """Whether zeros that reach the edge of a SAR file were not acquired."""
    transparency: ClassVar[bool] = True
    """Whether a fourth optical band that calls itself transparency is a mask."""
    usual: ClassVar[frozenset[str]] = frozenset({"pixelwise"})
    """Codes of notices that every tile has, so that none needs them."""

    def __init__(self, root: Path, settings: Settings | None = None) -> None:
        self.root = root.absolute()
        self._settings = settings
        if not self._files:
            raise DatasetError(
                f"{printable(self.root.name, SPACE)!r} does not hold {self.title}: looked for {self.source.layout[0]}.",
                f"Give the folder that holds it; `claire data info {self.name}` shows the whole layout.",
            )

    @classmethod
    @abstractmethod
    def recognises(cls, root: Path) -> bool:
        """Whether a folder looks like this layout."""

    @abstractmethod
    def _list(self) -> Mapping[str, Files]:
        """Identifier -> files of every tile, in the order of the identifiers."""

    @abstractmethod
    def _find_split(self, split: str) -> Sequence[str]:
        """Identifiers of one of the `official` splits, none where it is not there; may raise DatasetError."""

    @cached_property
    def _files(self) -> Mapping[str, Files]:
        return self._list()

    @cached_property
    def splits(self) -> tuple[str, ...]:
        """Names of the splits that are there."""
        return tuple(split for split in self.official if self._has(split)) or ("all",)

    def ids(self, split: str | None = None) -> tuple[str, ...]:
        """Identifiers of one split, or of all tiles.

        Raises:
            UnknownNameError: The data set has no such split.
            DatasetError: It has, but this copy lacks it; says what was looked for.
        """
        if split is None or (split == "all" and self.splits == ("all",)):
            return tuple(self._files)
        if split not in self.official:
            raise UnknownNameError.among(f"split of {self.title}", split, self.official)
        found = tuple(self._find(split))
        if not found:
            raise DatasetError(
                f"The split {split!r} of {self.title} is not in {printable(self.root.name, SPACE)!r}: "
                f"looked for {self._describe_split(split)}.",
                f"Splits that are there: {', '.join(self.splits)}.",
            )
        return found

    def read(self, tile_id: str, /) -> Tile:
        """Read one tile; a sensor or a label that the data set does not give for it is missing.

        Raises:
            UnknownNameError: No such tile.
            DatasetError: One of its files is not there.
            GridError: One of its files has another size.
            LabelError: The label holds what the data set does not know.
        """
        return self._read_files(self.find_files(tile_id), tile_id)

    def find_files(self, tile_id: str, /) -> Files:
        """Files of one tile, there or not.

        Raises:
            UnknownNameError: No such tile.
        """
        if tile_id not in self._files:
            raise UnknownNameError(
                f"{self.title} has no tile {printable(tile_id, SPACE)!r} here.",
                f"Use an identifier such as {next(iter(self._files))}.",
            )
        return self._files[tile_id]

    def _read_files(self, files: Files, tile_id: str) -> Tile:
        self._check(files, tile_id)
        tile = read_tile(
            files.optical,
            files.sar,
            optical_bands=self.optical_bands,
            sar_bands=self.sar_bands,
            optical_units=self.optical_unit,
            sar_units=self.sar_unit,
            name=f"{self.title} {tile_id}",
            settings=self._settings,
            transparency=self.transparency,
        )
        if self.blank_sar and tile.sar is not None:
            valid = tile.sar.valid & ~find_edges((tile.sar.values == 0).all(axis=0))
            tile = replace(tile, sar=replace(tile.sar, valid=valid))
        tile = replace(tile, notices=tuple(notice for notice in tile.notices if notice.code not in self.usual))
        if files.label is None:
            return tile
        sources = {**tile.sources, f"label/{printable(files.label.name, 110)}": hash_file(files.label)}
        return replace(tile, label=self._read_label(files.label), sources=sources)

    def _check(self, files: Files, tile_id: str) -> None:
        """Say which file is not there or has another size than the first."""
        for path in files.all:
            if not path.is_file():
                raise DatasetError(
                    f"The tile {printable(tile_id, SPACE)} of {self.title} has no file {self._shown(path)}.",
                    "Complete the copy, or remove the other files of this tile.",
                )
        first = files.all[0]
        wide, high = measure(first)
        for path in files.all[1:]:
            found, factor = measure(path), self._coarseness(path)
            wanted = wide // factor, high // factor
            if 0 not in (*found, wide) and found != wanted:
                raise GridError(
                    f"{self._shown(path)} is {found[0]} x {found[1]} pixels, but {wanted[0]} x {wanted[1]} were looked "
                    f"for, as {printable(first.name, SPACE)} is {wide} x {high}.",
                    "The files of a tile must show the same ground; download or unpack this one again.",
                )

    def _coarseness(self, path: Path) -> int:
        """How many times larger the pixels of a file are than those of the first file of its tile."""
        return 1

    def _read_label(self, path: Path) -> NDArray[np.uint8]:
        """(H, W) ids of `scheme`, 255 where not labelled."""
        raster = read_raster(path, self._settings)
        bands, valid = raster.values, raster.valid
        if bands.shape[0] in (3, 4) and bands.dtype == np.uint8:
            return self._decode_colors(bands, path)
        if raster.nodata == 0:
            valid = np.ones_like(valid)  # 0 may be a class; the scheme decides
        return self._translate(bands[0], valid[0] & (bands[0] != IGNORE_INDEX), path)

    def _translate(self, codes: NDArray[Any], valid: NDArray[np.bool_], path: Path) -> NDArray[np.uint8]:
        """Ids of the numbers in a label file; those that are not labelled become 255."""
        known = self._codes
        ids = np.full(codes.shape, IGNORE_INDEX, np.uint8)
        for code in np.unique(codes[valid]).tolist():
            if code not in known:
                raise self._unknown(path, f"{code:g}", ", ".join(map(str, known)))
            ids[valid & (codes == code)] = known[code]
        return ids

    @property
    def _codes(self) -> Mapping[int, int]:
        """Number in a label file -> id of the scheme, 255 for those that mean "not labelled"."""
        return {land_class.id: land_class.id for land_class in self.scheme.classes} | dict.fromkeys(
            self.scheme.ignore_ids, IGNORE_INDEX
        )

    def _decode_colors(self, bands: NDArray[Any], path: Path) -> NDArray[np.uint8]:
        """Ids of a label that is a picture in the colours of the authors; black is "not labelled" where that exists."""
        known = {_pack(land_class.rgb): land_class.id for land_class in self.scheme.classes}
        if self.scheme.ignore_ids:
            known.setdefault(0, IGNORE_INDEX)
        red, green, blue = bands[:3].astype(np.int32)
        packed = (red << 16) + (green << 8) + blue
        ids = np.full(packed.shape, IGNORE_INDEX, np.uint8)
        for color in np.unique(packed).tolist():
            if color not in known:
                names = ", ".join(f"{c.color} {c.name}" for c in self.scheme.classes)
                raise self._unknown(path, f"the colour #{color:06x}", names)
            ids[packed == color] = known[color]
        return ids

    def _unknown(self, path: Path, found: str, known: str) -> LabelError:
        return LabelError(
            f"The label {self._shown(path)} holds {found}, which {self.title} does not have.",
            f"Looked for {known}.",
        )

    def _shown(self, path: Path) -> str:
        """A file as seen from the folder that was given; of a long way the end, which tells most."""
        way = path.relative_to(self.root).as_posix()
        return printable(way if len(way) <= LONGEST_WAY else f"...{way[-LONGEST_WAY:]}", LONGEST_WAY + 3)

    def _has(self, split: str) -> bool:
        try:
            return bool(self._find(split))
        except DatasetError:
            return False

    def _find(self, split: str) -> Sequence[str]:
        whole = split.removesuffix(TENTH)
        return self._find_split(split) if whole == split else self._find_split(whole)[::HELD_BACK]

    def _describe_split(self, split: str) -> str:
        """What makes a split, as the end of a sentence."""
        return f"tiles of {split}"

    def _read_list(self, path: Path) -> list[str]:
        """Lines of a list of a split, without blanks; none where there is no such file.

        Raises:
            DatasetError: Not a text, or too long for a list.
        """
        if not path.is_file():
            return []
        try:
            if path.stat().st_size > MOST_LIST_BYTES:
                raise DatasetError(f"The list {self._shown(path)} is longer than 50 MB.", "Is it the right file?")
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise DatasetError(f"The list {self._shown(path)} cannot be read as text.", "Get it again.") from error
        return [line.strip() for line in lines if line.strip()]

    def _refer(self, names: Iterable[str], path: Path) -> list[str]:
        """Names of a list, each of a tile that is there.

        Raises:
            DatasetError: A name without a tile.
        """
        kept = list(names)
        for name in kept:
            if name not in self._files:
                raise DatasetError(
                    f"{self._shown(path)} names {printable(name, SPACE)!r}, but there is no such tile in "
                    f"{printable(self.root.name, SPACE)!r}.",
                    "Complete the copy, or take the name out of the list.",
                )
        return kept


def hold_back(names: Sequence[str]) -> frozenset[str]:
    """Every tenth of some names, at least one where there are two: for validation."""
    return frozenset(names[HELD_BACK - 1 :: HELD_BACK] or names[1:][-1:])


def hold_back_end(names: Sequence[str]) -> frozenset[str]:
    """The last tenth of some names, at least one where there are two: where neighbours in the list are neighbours."""
    return frozenset(names[1:][-max(len(names) // HELD_BACK, 1) :])


def measure(path: Path) -> tuple[int, int]:
    """(width, height) that a file declares; zeros where it is damaged, which reading it will say."""
    header = read_header(path, find_driver(path))
    return header.width, header.height


def _pack(rgb: tuple[int, int, int]) -> int:
    return (rgb[0] << 16) + (rgb[1] << 8) + rgb[2]
