"""A stranger's folder: GeoTIFFs in another band order, 16 bit, five classes, and what goes wrong in such folders."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from claire.core.types import GeoReference
from claire.data.raster import write_geotiff

SIDE = 64
PAIRS = 12
CLASSES = {10: "lake", 20: "wood", 30: "maize", 40: "village", 50: "quarry"}
IGNORED = 99

OPTICAL = ("nir", "red", "green", "blue")
"""Order of the bands in the files; no program's own."""

SPECTRA = np.array(
    [
        (300, 400, 600, 800),
        (3500, 400, 700, 400),
        (4200, 900, 1000, 600),
        (2600, 2200, 2000, 1800),
        (3300, 3100, 2700, 2200),
    ]
)
BACKSCATTER = np.array([(-21, -28), (-9, -14), (-11, -18), (-3, -9), (-14, -21)])

CORRUPT, SHIFTED = "place-03", "place-05"

TOML = """
name = "my-valley"
title = "Land cover of a valley"
optical = { bands = ["nir", "red", "green", "blue"], unit = "reflectance_x1e4" }
sar = { bands = ["VV", "VH"], unit = "db" }
ignore = [99]
classes = [
  { id = 10, name = "lake", color = "#0072b2" }, { id = 20, name = "wood" }, { id = 30, name = "maize" },
  { id = 40, name = "village" }, { id = 50, name = "quarry" },
]
"""

TINY = """
epochs = 16
validate_every = 8
learning_rate = 0.02
ema = 0.7
crop = 64
threads = 1
[network]
encoder = "resnet"
widths = [8, 8, 8, 8]
depths = [1, 1, 1, 1]
stem = 4
decoder = 8
auxiliary = 8
head_width = 8
"""


def write_folder(root: Path) -> Path:
    """Twelve pairs 5 km apart, one of them cut off in the middle of the file, one whose SAR lies on another grid.

    Returns:
        The `dataset.toml`.
    """
    rng = np.random.default_rng(0)
    for number in range(PAIRS):
        name = f"place-{number:02d}"
        index = _draw_fields(rng)
        place = GeoReference("EPSG:32633", (10.0, 0.0, 500_000.0 + 5000 * number, 0.0, -10.0, 5_000_000.0), metres=True)
        write_pair(root, name, index, place, rng)
    broken = root / "optical" / f"{CORRUPT}.tif"
    broken.write_bytes(broken.read_bytes()[:2000])
    a, b, left, d, e, top = (10.0, 0.0, 500_000.0 + 5000 * int(SHIFTED[-2:]), 0.0, -10.0, 5_000_000.0)
    other = GeoReference("EPSG:32633", (2 * a, b, left - 37, d, 2 * e, top + 41), metres=True)
    write_geotiff(root / "sar" / f"{SHIFTED}.tif", rng.normal(-12, 3, (2, SIDE, SIDE)).astype(np.float32), other)
    (root / "dataset.toml").write_text(TOML + TINY, encoding="utf-8")
    return root / "dataset.toml"


def write_pair(
    root: Path, name: str, index: NDArray[np.integer], place: GeoReference, rng: np.random.Generator
) -> None:
    """One place from its class indices (H, W)."""
    for folder in ("optical", "sar", "label"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    light = rng.uniform(0.8, 1.2)
    optical = SPECTRA[index].transpose(2, 0, 1) * light + rng.normal(0, 60, (4, *index.shape))
    sar = BACKSCATTER[index].transpose(2, 0, 1) + rng.normal(0, 1.5, (2, *index.shape))
    ids = np.array(list(CLASSES))[index]
    ids[:3] = IGNORED
    write_geotiff(root / "optical" / f"{name}.tif", np.clip(optical, 1, None).astype(np.uint16), place)
    write_geotiff(root / "sar" / f"{name}.tif", sar.astype(np.float32), place)
    write_geotiff(root / "label" / f"{name}.tif", ids.astype(np.uint8), place)


def _draw_fields(rng: np.random.Generator) -> NDArray[np.integer]:
    """(SIDE, SIDE) class indices in blocks, each class in every place."""
    cells = SIDE // 16
    grid = rng.permutation(np.arange(cells * cells) % len(CLASSES)).reshape(cells, cells)
    return np.kron(grid, np.ones((16, 16), int)).astype(int)
