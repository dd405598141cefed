"""Tiny seeded rasters, written as others write them: by rasterio itself, not by CLAIRE."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.data.writing import write_raster

UTM = (10.0, 0.0, 600_000.0, 0.0, -10.0, 5_000_000.0)
Writer = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Writer:
    """`write(name, values, crs=..., transform=..., **profile)`: a file of any driver GDAL may write here."""
    return lambda name, values, **options: write_raster(tmp_path / name, values, **options)
