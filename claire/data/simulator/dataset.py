"""Simulated scenes as data sets: as many as training wants, made when they are read, and a small gallery."""

from __future__ import annotations

import zipfile
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from claire.core.classes import FLOOD, GLOBAL_10M, ClassScheme
from claire.core.errors import UnknownNameError
from claire.core.files import appearing
from claire.core.settings import Settings
from claire.core.types import Layer, Tile
from claire.data.simulator.floods import simulate_flood
from claire.data.simulator.parameters import BANDS, SAR_BANDS
from claire.data.simulator.scene import NOTICE, Options, place_scene, simulate_scene

FIRST_SEEDS = {"train": 1_000_000, "val": 2_000_000, "test": 3_000_000}
"""Split -> seed of its first scene; splits share no seed as long as none has a million scenes."""

FIRST_FLOOD = 10_000_000
"""Added to the seeds of floods, so that no flood lies in a landscape of `simulated`."""

LABELS = tuple(land_class.id for land_class in GLOBAL_10M.classes)

SMALL_SHARE = 8
"""Training scenes per validation scene and per test scene."""

GALLERY_SIDE = 192
"""Pixels of a scene of the gallery."""

GALLERY_FORMAT = 3
"""Raised when scenes of the gallery look different, so that those kept by an older program are made anew."""

GALLERY: dict[str, tuple[str, int]] = {
    f"{setting.replace(' ', '-')}-{number}": (setting, seed)
    for setting, seeds in {
        "town": (5, 3),
        "coast": (107, 10),
        "small farms": (22, 27),
        "mountains": (105, 7),
        "wetland": (109, 31),
        "city": (21, 102),
        "lakes": (108, 0),
        "open fields": (100, 33),
        "forest hills": (8, 104),
        "desert": (110, 9),
        "high mountains": (4, 106),
        "oasis": (111,),
        "steppe": (112,),
    }.items()
    for number, seed in enumerate(seeds, 1)
}
"""Name of a tile -> kind of landscape, seed."""


class _SeededDataset:
    """Scenes by seed: nothing is read from disk, splits share no seed.

    Args:
        root: Ignored; there is no folder.
        tiles: Scenes of the training split.
        options: What is asked of every scene.
        first: Added to the seeds of `FIRST_SEEDS`.
    """

    def __init__(self, root: Path, tiles: int, options: Options, first: int = 0) -> None:
        self.root = root
        self._tiles = tiles
        self._options = options
        self._first = first

    @property
    def splits(self) -> tuple[str, ...]:
        """Names of the splits."""
        return tuple(FIRST_SEEDS)

    def ids(self, split: str | None = None) -> tuple[str, ...]:
        """Names of the scenes of a split, or of all.

        Raises:
            UnknownNameError: No such split.
        """
        if split is None:
            return tuple(name for each in FIRST_SEEDS for name in self.ids(each))
        if split not in FIRST_SEEDS:
            raise UnknownNameError.among("split", split, FIRST_SEEDS)
        return tuple(f"{split}-{number:06d}" for number in range(self._count(split)))

    def read(self, tile_id: str, /) -> Tile:
        """Simulate one scene.

        Raises:
            UnknownNameError: No such scene.
        """
        split, _, digits = tile_id.partition("-")
        known = split in FIRST_SEEDS and len(digits) == 6 and digits.isdecimal() and digits.isascii()
        if not known or int(digits) >= self._count(split):
            raise UnknownNameError(f"There is no scene called {tile_id[:40]!r}.", "Choose one such as 'train-000000'.")
        return self._simulate(self._first + FIRST_SEEDS[split] + int(digits), tile_id)

    def _simulate(self, seed: int, tile_id: str) -> Tile:
        """The scene of a seed."""
        return simulate_scene(seed, self._options).as_tile(tile_id)

    def _count(self, split: str) -> int:
        return self._tiles if split == "train" else -(-self._tiles // SMALL_SHARE)


class SimulatedDataset(_SeededDataset):
    """Scenes of land cover by seed.

    Args:
        root: Ignored; there is no folder.
        tiles: Scenes of the training split; by default the setting `simulated_tiles`.
        size: Side in pixels; by default the setting `simulated_side`.
    """

    name = "simulated"

    def __init__(self, root: Path = Path(), *, tiles: int | None = None, size: int | None = None) -> None:
        settings = Settings.from_environment()
        options = Options(size=size or settings.simulated_side)
        super().__init__(root, tiles or settings.simulated_tiles, options)

    @property
    def title(self) -> str:
        """One line for people."""
        return f"Simulated land cover, {self._tiles} training scenes (not real places)"

    @property
    def scheme(self) -> ClassScheme:
        """What the label ids mean."""
        return GLOBAL_10M


class SimulatedFloodsDataset(_SeededDataset):
    """Pairs before and after a flood by seed, with the bands, units and labels of OMBRIA.

    Args:
        root: Ignored; there is no folder.
        tiles: Pairs of the training split; by default the setting `flood_tiles`.
        size: Side in pixels; by default the setting `flood_side`.
    """

    name = "simulated-floods"

    def __init__(self, root: Path = Path(), *, tiles: int | None = None, size: int | None = None) -> None:
        settings = Settings.from_environment()
        options = Options(size=size or settings.flood_side)
        super().__init__(root, tiles or settings.flood_tiles, options, FIRST_FLOOD)

    @property
    def title(self) -> str:
        """One line for people."""
        return f"Simulated floods, {self._tiles} training pairs (not real places)"

    @property
    def scheme(self) -> ClassScheme:
        """What the label ids mean."""
        return FLOOD

    def _simulate(self, seed: int, tile_id: str) -> Tile:
        return simulate_flood(seed, self._options.size).as_tile(tile_id)


class GalleryDataset:
    """24 small scenes for a fresh clone, made when they are first looked at and then kept on disk.

    Args:
        home: Folder of downloads and jobs; by default `Settings.home`.
    """

    name = "gallery"
    title = f"Simulated land cover, {len(GALLERY)} scenes (not real places)"
    splits = ("gallery",)

    def __init__(self, home: Path | None = None) -> None:
        self.root = (home or Settings.from_environment().home) / "gallery"

    @property
    def scheme(self) -> ClassScheme:
        """What the label ids mean."""
        return GLOBAL_10M

    def ids(self, split: str | None = None) -> tuple[str, ...]:
        """Names of the scenes.

        Raises:
            UnknownNameError: No such split.
        """
        if split is not None and split not in self.splits:
            raise UnknownNameError.among("split", split, self.splits)
        return tuple(GALLERY)

    def read(self, tile_id: str, /) -> Tile:
        """One scene, from disk where it was kept; a file that is not what it should be is made anew.

        Raises:
            UnknownNameError: No such scene.
        """
        if tile_id not in GALLERY:
            raise UnknownNameError.among("scene", tile_id, GALLERY)
        path = self.root / f"{tile_id}-{GALLERY_FORMAT}.npz"
        kept = _read_kept(path)
        if kept is None:
            setting, seed = GALLERY[tile_id]
            scene = simulate_scene(seed, Options(GALLERY_SIDE, setting=setting))
            kept = _Kept(scene.optical, scene.sar, scene.label, np.array(scene.where.latitude))
            with suppress(OSError):  # a disk that is full or closed costs time, not the scene
                path.parent.mkdir(parents=True, exist_ok=True)
                with appearing(path) as partial:
                    np.savez(partial, **vars(kept))
        return Tile(
            name=tile_id,
            optical=Layer(kept.optical, np.ones(kept.optical.shape, bool), BANDS, "reflectance_x1e4"),
            sar=Layer(kept.sar, np.ones(kept.sar.shape, bool), SAR_BANDS, "db"),
            label=kept.label,
            georeference=place_scene(GALLERY[tile_id][1], float(kept.latitude)),
            notices=(NOTICE,),
        )


@dataclass(frozen=True)
class _Kept:
    """What is kept of a scene."""

    optical: NDArray[np.uint16]
    sar: NDArray[np.float32]
    label: NDArray[np.uint8]
    latitude: NDArray[np.float64]


def _read_kept(path: Path) -> _Kept | None:
    """A kept scene; None where there is none, or something else."""
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
            kept = _Kept(*(stored[item.name] for item in fields(_Kept)))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    side = (GALLERY_SIDE, GALLERY_SIDE)
    found = [(part.dtype.name, part.shape) for part in vars(kept).values()]
    wanted = [("uint16", (len(BANDS), *side)), ("float32", (len(SAR_BANDS), *side)), ("uint8", side), ("float64", ())]
    sound = found == wanted and np.isfinite(kept.sar).all() and abs(kept.latitude) <= 90
    return kept if sound and np.isin(kept.label, LABELS).all() else None
