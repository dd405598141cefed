"""Finding data sets: which layout a folder has, and which folders below it have one."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path

from claire.core.dataset import Dataset
from claire.core.errors import DatasetError, UnknownNameError
from claire.data.folder import FolderDataset
from claire.data.landcover import LandCoverDataset
from claire.data.ombria import OmbriaDataset
from claire.data.pairs import PairsDataset
from claire.data.sets.catalogue import ADAPTERS, ALIASES
from claire.data.simulator.dataset import GalleryDataset, SimulatedDataset, SimulatedFloodsDataset

MOST_CHILDREN = 1_000

LAYOUTS: dict[str, tuple[Callable[[Path], bool], Callable[[Path], Dataset]]] = {
    "ombria": (OmbriaDataset.is_ombria, OmbriaDataset),
    **{name: (adapter.recognises, adapter) for name, adapter in ADAPTERS.items()},
    "folder": (FolderDataset.recognises, FolderDataset),
    "pairs": (PairsDataset.recognises, PairsDataset),
}
"""Name of a layout -> how to recognise it, how to open it; tried in this order."""

LEARNT_FROM: dict[str, Callable[[Path], Dataset]] = {"landcover": LandCoverDataset}
"""Name of a data set that training puts together -> how to open it; no page lists it."""

GENERATED: dict[str, Callable[[], Dataset]] = {
    "simulated": SimulatedDataset,
    "simulated-floods": SimulatedFloodsDataset,
    "gallery": GalleryDataset,
}
"""Name of a data set that is made, not read -> how to open it."""


def open_dataset(layout: str, root: Path) -> Dataset:
    """Open a folder as a data set of one layout; a generated data set needs no folder.

    Raises:
        UnknownNameError: No such layout; lists the right names.
        DatasetError: There is no such folder, or it is laid out otherwise.
    """
    layout = ALIASES.get(layout, layout)
    if layout in GENERATED:
        return GENERATED[layout]()
    if layout in LEARNT_FROM:
        return LEARNT_FROM[layout](root)
    if layout not in LAYOUTS:
        raise UnknownNameError.among("data set", layout, [*LAYOUTS, *LEARNT_FROM, *GENERATED])
    if not root.is_dir():
        raise DatasetError(f"There is no folder {root.name!r}.", "Check the spelling of the folder.")
    return LAYOUTS[layout][1](root)


def find_datasets(folders: Sequence[Path]) -> list[Dataset]:
    """Data sets in the folders given and one level below; never deeper. Folders that are absent hold none.

    A folder that looks like a data set but cannot be opened as one is left out; `open_dataset` says why.

    Args:
        folders: For example `Settings.data`.
    """
    found: list[Dataset] = []
    for folder in dict.fromkeys(folder.absolute() for folder in folders):
        here = _open_if_any(folder)
        candidates = [here] if here else [_open_if_any(child) for child in _children(folder)]
        found += [dataset for dataset in candidates if dataset is not None]
    return found


def _open_if_any(folder: Path) -> Dataset | None:
    for recognises, build in LAYOUTS.values():
        if recognises(folder):
            try:
                return build(folder)
            except DatasetError:
                return None
    return None


def _children(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            some = list(islice(entries, MOST_CHILDREN))
            return sorted(folder / e.name for e in some if e.is_dir() and not e.name.startswith("."))
    except OSError:
        return []
