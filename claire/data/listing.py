"""Listing the raster files of one folder: never deeper, never without end, in one order on every machine."""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path

from claire.core.errors import DatasetError

RASTER_ENDINGS = frozenset({".tif", ".tiff", ".png", ".jpg", ".jpeg", ".jp2"})
MOST_FILES = 200_000


def list_rasters(folder: Path) -> tuple[Path, ...]:
    """Files of a folder that end like a raster, sorted by name; hidden files are left out. Empty without the folder.

    Raises:
        DatasetError: The folder holds more than `MOST_FILES` entries or may not be read.
    """
    if not folder.is_dir():
        return ()
    try:
        with os.scandir(folder) as entries:
            seen = list(islice(entries, MOST_FILES + 1))
            names = [e.name for e in seen if not e.name.startswith(".") and e.is_file()]
    except OSError as error:
        raise DatasetError(f"The folder {folder.name!r} may not be read.", "Check its permissions.") from error
    if len(seen) > MOST_FILES:
        raise DatasetError(
            f"The folder {folder.name!r} holds more than {MOST_FILES:,} files.", "Spread them over several data sets."
        )
    return tuple(folder / name for name in sorted(names) if Path(name).suffix.lower() in RASTER_ENDINGS)


def index_by_stem(folder: Path) -> dict[str, Path]:
    """Name without ending -> file.

    Raises:
        DatasetError: Two files differ in their ending only.
    """
    found: dict[str, Path] = {}
    for path in list_rasters(folder):
        if path.stem in found:
            raise DatasetError(
                f"{folder.name!r} holds both {found[path.stem].name!r} and {path.name!r}.",
                "Keep one file for each name.",
            )
        found[path.stem] = path
    return found


def list_folders(folder: Path, start: str = "") -> tuple[Path, ...]:
    """Folders in a folder whose names begin in one way, sorted by name; hidden ones are left out.

    Raises:
        DatasetError: It may not be read.
    """
    if not folder.is_dir():
        return ()
    try:
        with os.scandir(folder) as entries:
            names = [e.name for e in entries if e.name.startswith(start) and not e.name.startswith(".") and e.is_dir()]
    except OSError as error:
        raise DatasetError(f"The folder {folder.name!r} may not be read.", "Check its permissions.") from error
    return tuple(folder / name for name in sorted(names))
