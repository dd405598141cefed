"""Packages that must not be older than this: earlier ones have known holes or other behaviour. Nothing is imported."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from importlib import metadata

FLOORS: Mapping[str, tuple[int, ...]] = {
    "numpy": (2, 1),
    "pillow": (12,),
    "rasterio": (1, 4, 4),
    "safetensors": (0, 6),
    "streamlit": (1, 67),
    "torch": (2, 10),
}
"""The lower bounds of pyproject.toml, because an installation can be changed after it was resolved."""


def find_outdated(packages: Iterable[str] = FLOORS) -> dict[str, str]:
    """Package -> its version, or "absent", for each that is below its floor.

    Args:
        packages: Keys of `FLOORS`.

    Example:
        >>> find_outdated(["numpy"])
        {}
    """
    found = {}
    for package in packages:
        try:
            version = metadata.version(package)
        except metadata.PackageNotFoundError:
            version = "absent"
        if parse_version(version) < FLOORS[package]:
            found[package] = version
    return found


def parse_version(version: str) -> tuple[int, ...]:
    """The numbers of a release, without what follows them; a version without numbers is below all others.

    Example:
        >>> parse_version("2.13.0+cpu"), parse_version("3.0.0rc1"), parse_version("absent")
        ((2, 13, 0), (3, 0, 0), ())
    """
    numbers = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(int(part) for part in numbers[0].split(".")) if numbers else ()
