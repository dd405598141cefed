"""OMBRIA: Sentinel-1 and Sentinel-2 chips before and after a flood, with the Copernicus EMS flood mask.

Layout: `OmbriaS1|OmbriaS2/{train,test}/{BEFORE,AFTER,MASK}/S1_before_0001.png` and
`2021/EVENT/{Sentinel1,Sentinel2}/{BEFORE,AFTER,MASK}/{imbefore,imafter,gt}_N.png`. 256 x 256 pixels of 10 m, 8-bit.
Sentinel-2 is B11, B8, B3 as R, G, B; Sentinel-1 is VV, min-max scaled per file. Permanent water is not flood.
Source: github.com/geodrak/OMBRIA (Drakonakis et al. 2022, doi:10.1109/JSTARS.2022.3155559).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from claire.core.errors import DatasetError, UnknownNameError
from claire.core.settings import Settings
from claire.core.types import Tile
from claire.data.pairing import read_tile
from claire.data.splits import DuplicateReport, find_near_duplicates, split_groups

OPTICAL_BANDS = ("B11_before", "B8_before", "B3_before", "B11_after", "B8_after", "B3_after")
SAR_BANDS = ("VV_before", "VV_after")
VALIDATION_LIST = Path(__file__).with_name("ombria_val.txt")
"""Chips of the official train folder that `carve` put aside for validation; listed, because carving takes seconds."""

PLACES_HELD_OUT = (range(32), range(342, 405), range(751, 788))
"""Chip numbers of the split `places_val`: consecutive chips look alike and come from one event, and these three runs
end where the look of the chips changes, so that hardly any place is on both sides."""

SPLIT_SEED = 20
VALIDATION_SHARE = 0.15


@dataclass(frozen=True)
class _Chip:
    optical: tuple[Path, Path]
    sar: tuple[Path, Path]
    mask: Path


class OmbriaDataset:
    """OMBRIA in its original layout.

    Splits: `train` and `val` are carved from the official train folder, near-duplicates kept on one side; `official`
    is that folder whole; `places_train` and `places_val` divide it so that whole events are held out; `test` and `2021`
    appear where their folders exist.

    Args:
        root: Folder that holds `OmbriaS1` and `OmbriaS2` (or `2021`).
        settings: Limits for reading.

    Raises:
        DatasetError: Not the expected layout; says what was looked for.
    """

    name = "ombria"
    title = "OMBRIA floods (Sentinel-1 and Sentinel-2, before and after)"

    def __init__(self, root: Path, settings: Settings | None = None) -> None:
        self.root = root
        self._settings = settings
        self._chips = {**_list_official(root), **_list_events(root)}
        if not self._chips:
            raise DatasetError(
                f"No OMBRIA chips were found in {root.name!r}.",
                "Give the folder that holds OmbriaS1 and OmbriaS2 (train|test/BEFORE|AFTER|MASK), or 2021/EVENT.",
            )

    @staticmethod
    def is_ombria(root: Path) -> bool:
        """True when the folder looks like OMBRIA's root."""
        return (root / "OmbriaS1").is_dir() and (root / "OmbriaS2").is_dir()

    @property
    def splits(self) -> tuple[str, ...]:
        """Names of the splits that are there."""
        folders = {tile_id.split("/")[0] for tile_id in self._chips}
        carved = ("train", "val", "official", "places_train", "places_val") if "train" in folders else ()
        return carved + tuple(sorted(folders - {"train"}))

    def ids(self, split: str | None = None) -> tuple[str, ...]:
        """Identifiers such as `train/0001` of one split, or of all chips."""
        if split is None:
            return tuple(self._chips)
        if split not in self.splits:
            raise UnknownNameError.among("split of OMBRIA", split, self.splits)
        if split in {"train", "val"}:
            return self._carved[split == "val"]
        if split in {"places_train", "places_val"}:
            return tuple(i for i in self.ids("official") if _is_held_out(i) == (split == "places_val"))
        folder = "train" if split == "official" else split
        return tuple(i for i in self._chips if i.startswith(f"{folder}/"))

    def read(self, tile_id: str) -> Tile:
        """Read one chip as a tile of six optical and two SAR bands, 8-bit, with label ids 0 and 1."""
        if tile_id not in self._chips:
            raise UnknownNameError(f"OMBRIA has no chip {tile_id!r} here.", "Use an identifier such as train/0001.")
        chip = self._chips[tile_id]
        tile = read_tile(
            chip.optical,
            chip.sar,
            chip.mask,
            optical_bands=OPTICAL_BANDS,
            sar_bands=SAR_BANDS,
            optical_units="uint8",
            sar_units="uint8",
            name=f"OMBRIA {tile_id}",
            settings=self._settings,
        )
        kept = tuple(notice for notice in tile.notices if notice.code != "label_mask")
        return replace(tile, notices=kept)

    @cached_property
    def duplicates(self) -> DuplicateReport:
        """Near-duplicates inside the official train folder."""
        official = self.ids("official")
        return find_near_duplicates(official, (self._thumbnail_source(i) for i in official))

    def carve(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """(train, validation) drawn anew from the official train folder, near-duplicates on one side."""
        return split_groups(self.duplicates.groups, VALIDATION_SHARE, SPLIT_SEED)

    @cached_property
    def _carved(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        official, listed = self.ids("official"), set(VALIDATION_LIST.read_text(encoding="utf-8").split())
        if not listed <= set(official):
            return self.carve()
        return tuple(i for i in official if i not in listed), tuple(sorted(listed))

    def _thumbnail_source(self, tile_id: str) -> tuple[Path, ...]:
        chip = self._chips[tile_id]
        return (*chip.optical, *chip.sar)


def _is_held_out(tile_id: str) -> bool:
    number = tile_id.removeprefix("train/")
    return number.isdecimal() and any(int(number) in places for places in PLACES_HELD_OUT)


def _list_official(root: Path) -> Mapping[str, _Chip]:
    chips = {}
    for split in ("train", "test"):
        optical, sar = root / "OmbriaS2" / split, root / "OmbriaS1" / split
        for path in sorted((optical / "AFTER").glob("S2_after_*.png")):
            number = path.stem.removeprefix("S2_after_")
            chips[f"{split}/{number}"] = _checked(
                f"{split}/{number}",
                _Chip(
                    (optical / "BEFORE" / f"S2_before_{number}.png", path),
                    (sar / "BEFORE" / f"S1_before_{number}.png", sar / "AFTER" / f"S1_after_{number}.png"),
                    optical / "MASK" / f"S2_mask_{number}.png",
                ),
            )
    return chips


def _list_events(root: Path) -> Mapping[str, _Chip]:
    chips = {}
    for event in sorted(p for p in (root / "2021").glob("*") if p.is_dir()):
        optical, sar = event / "Sentinel2", event / "Sentinel1"
        for path in sorted((optical / "AFTER").glob("imafter_*.png"), key=_number):
            number = path.stem.removeprefix("imafter_")
            chips[f"2021/{event.name}/{number}"] = _checked(
                f"2021/{event.name}/{number}",
                _Chip(
                    (optical / "BEFORE" / f"imbefore_{number}.png", path),
                    (sar / "BEFORE" / f"imbefore_{number}.png", sar / "AFTER" / f"imafter_{number}.png"),
                    optical / "MASK" / f"gt_{number}.png",
                ),
            )
    return chips


def _number(path: Path) -> tuple[int, str]:
    digits = re.sub(r"\D", "", path.stem)
    return (int(digits) if digits else 0, path.stem)


def _checked(tile_id: str, chip: _Chip) -> _Chip:
    for path in (*chip.optical, *chip.sar, chip.mask):
        if not path.is_file():
            raise DatasetError(
                f"The OMBRIA chip {tile_id} has no file {path.parent.name}/{path.name}.",
                "Complete the chip or remove its other files.",
            )
    return chip
