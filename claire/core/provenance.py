"""Where a result came from: hashes of the inputs and the weights, versions, seed, settings."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import metadata
from pathlib import Path

RECORDED_PACKAGES = ("claire-eo", "numpy", "torch", "transformers", "rasterio")


def compute_sha256(path: Path) -> str:
    """sha256 of a file, hexadecimal, read in blocks of 1 MiB."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def read_versions() -> dict[str, str]:
    """Versions of Python and of the packages that decide the numbers; nothing is imported."""
    return {"python": platform.python_version(), **{name: _read_version(name) for name in RECORDED_PACKAGES}}


@cache
def _read_version(package: str) -> str:
    """Looked up once: no package changes while it is in use, and a look costs milliseconds."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "absent"


@dataclass(frozen=True)
class Provenance:
    """What is needed to run an analysis again.

    Args:
        model: Name of the checkpoint.
        model_sha256: sha256 of its weights file.
        inputs: Role or file name -> sha256.
        versions: Package -> version.
        seed: Seed of everything random; None where nothing is.
        settings: Choices that change the result, such as units and windows.
    """

    model: str
    model_sha256: str
    inputs: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=read_versions)
    seed: int | None = None
    settings: Mapping[str, str | int | float | bool] = field(default_factory=dict)
