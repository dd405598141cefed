"""Writing small rasters as others write them: by rasterio itself, not by CLAIRE."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from claire.data import raster as door  # before rasterio: it locks GDAL down


def write_raster(
    path: Path,
    values: Any,
    *,
    crs: str | None = None,
    transform: tuple[float, ...] | None = None,
    driver: str = "GTiff",
    finish: Callable[[Any], None] | None = None,
    **profile: Any,
) -> Path:
    """Write (C, H, W) or (H, W) values with any driver that GDAL may use here."""
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning

    door.check_environment()
    array = np.asarray(values)
    array = array[None] if array.ndim == 2 else array
    path.parent.mkdir(parents=True, exist_ok=True)
    place: dict[str, Any] = {} if transform is None else {"transform": rasterio.Affine(*transform)}
    place |= {} if crs is None else {"crs": rasterio.CRS.from_string(crs)}
    count, height, width = array.shape
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(
            path, "w", driver=driver, count=count, height=height, width=width, dtype=array.dtype, **place, **profile
        ) as target:
            target.write(array)
            if finish is not None:
                finish(target)
    return path
