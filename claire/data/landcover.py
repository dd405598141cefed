"""The `landcover` data set: simulated scenes and, where there are any, labelled real places, to learn from together.

The folder holds folders of pairs (see `claire.data.pairs`), or is one. Places are dealt into folds, so that a network
can be judged on places that it did not see:

simulated               simulated training scenes
val                     simulated validation scenes
train                   every fourth simulated training scene and all labelled real tiles, cloudy ones too
real                    the latter alone
clear                   as `train`, without the cloudy ones
places                  all labelled real places under a clear sky
train-1, real-1, clear-1,
places-1 ...            the same without, and with only, the places of one fold
cloudy-1 ...            the places of one fold under clouds
"""

from __future__ import annotations

import re
from functools import cached_property
from itertools import chain
from pathlib import Path

from claire.core.classes import GLOBAL_10M, ClassScheme
from claire.core.errors import DatasetError, UnknownNameError
from claire.core.types import Tile
from claire.data.pairs import PairsDataset
from claire.data.simulator.dataset import SimulatedDataset

FOLDS = 4
"""Into how many parts the real places are dealt."""

SIMULATED, SCENES, SCENE_SIDE = "simulated", 900, 160
"""First part of the names of simulated scenes, how many to train on, their side in pixels."""

VALIDATED = 40
"""Simulated scenes to validate on."""

CLOUDY = "cloudy"
"""First part of the names of real tiles whose optical picture is of another, cloudy day."""

LEARNT = ("train", "real", "clear")
"""Splits that are there without the places of each fold, too."""

RECALL = 4
"""Beside real places, every fourth of the simulated scenes is shown."""


class LandCoverDataset:
    """Simulated scenes and labelled real places (see the module).

    Args:
        root: Folder of pairs, or folder of such folders; one without any pair gives simulated scenes only.
        scenes: Simulated training scenes.
        side: Pixels of a side of them.
    """

    name = "landcover"
    title = "Land cover, simulated scenes and labelled real places"
    splits = (
        SIMULATED,
        "val",
        *LEARNT,
        "places",
        *chain.from_iterable(
            tuple(f"{kind}-{fold}" for kind in (*LEARNT, "places", CLOUDY)) for fold in range(1, FOLDS + 1)
        ),
    )

    def __init__(self, root: Path, *, scenes: int = SCENES, side: int = SCENE_SIDE) -> None:
        self.root = root
        self._simulated = SimulatedDataset(tiles=scenes, size=side)
        self._folders = {folder.name: PairsDataset(folder) for folder in _find_folders(root)}

    @property
    def scheme(self) -> ClassScheme:
        """What the label ids mean."""
        return GLOBAL_10M

    def ids(self, split: str | None = None) -> tuple[str, ...]:
        """Names such as `simulated/train-000001`, `FOLDER/PLACE` or `cloudy/FOLDER/PLACE` of one split, or of all.

        Raises:
            UnknownNameError: No such split.
            DatasetError: The split is of real places, and there is none.
        """
        if split is None:
            return (*self.ids(SIMULATED), *self.ids("val"), *self._real)
        if split not in self.splits:
            raise UnknownNameError.among("split", split, self.splits)
        if split == "val":
            return tuple(f"{SIMULATED}/{scene}" for scene in self._simulated.ids("val")[:VALIDATED])
        simulated = tuple(f"{SIMULATED}/{scene}" for scene in self._simulated.ids("train"))
        if split == SIMULATED:
            return simulated
        kind, _, fold = split.partition("-")
        if kind == CLOUDY:
            return tuple(tile for tile in self._real if tile.startswith(f"{CLOUDY}/") and self._folds[tile] == fold)
        if kind == "places":
            clear = [
                tile
                for tile in self._real
                if not tile.startswith(f"{CLOUDY}/") and (not fold or self._folds[tile] == fold)
            ]
            return _require(clear)
        kept = [tile for tile in self._real if not fold or self._folds[tile] != fold]
        if kind == "real":
            return _require(kept)
        return (*simulated[::RECALL], *(tile for tile in kept if kind == "train" or not tile.startswith(f"{CLOUDY}/")))

    def read(self, tile_id: str, /) -> Tile:
        """Simulate a scene or read a place.

        Raises:
            UnknownNameError: No such tile.
        """
        folder, _, name = tile_id.removeprefix(f"{CLOUDY}/").partition("/")
        if folder == SIMULATED:
            return self._simulated.read(name)
        if folder not in self._folders:
            raise UnknownNameError.among("folder", folder, (SIMULATED, *self._folders))
        return self._folders[folder].read(name)

    @cached_property
    def _real(self) -> tuple[str, ...]:
        """Tiles with both sensors and a label."""
        return tuple(
            f"{CLOUDY}/{folder}/{tile}" if CLOUDY in tile else f"{folder}/{tile}"
            for folder, pairs in sorted(self._folders.items())
            for tile in pairs.ids()
            if pairs.is_complete(tile)
        )

    @cached_property
    def _folds(self) -> dict[str, str]:
        """Tile -> fold; whatever shows the same place is in the same fold."""
        places = sorted({name_place(tile) for tile in self._real})
        return {tile: str(1 + places.index(name_place(tile)) % FOLDS) for tile in self._real}


def name_place(tile_id: str) -> str:
    """The place that a tile shows, by its name: what comes before `_`, less a number that counts neighbours.

    Example:
        >>> [name_place(tile) for tile in ("georef/ben2_s2_l2a", "sen12mscr/581_s2cloudy", "sen12mscr/581")]
        ['ben', '581', '581']
    """
    stem = tile_id.rpartition("/")[2].partition("_")[0]
    return re.sub(r"(?<=[^0-9])[0-9]+$", "", stem)


def _require(tiles: list[str]) -> tuple[str, ...]:
    if not tiles:
        raise DatasetError(
            "There are no labelled real places here.", "Give a folder with place_s1, place_s2 and place_label."
        )
    return tuple(tiles)


def _find_folders(root: Path) -> list[Path]:
    if not root.is_dir():
        return []
    return [folder for folder in (root, *sorted(root.iterdir())) if PairsDataset.recognises(folder)]
