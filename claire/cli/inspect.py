"""`claire inspect FILE`: open one untrusted raster and say what it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from claire.core.bands import Role
from claire.data.raster import describe_raster


def describe(file: Path, role: Role = "optical", pixels_sha256: bool = False) -> dict[str, Any]:
    """What one raster is, as `claire inspect --json` prints it (see `claire.data.raster.describe_raster`).

    Raises:
        InputError: The file cannot be read.
    """
    return describe_raster(file, role, pixels_sha256=pixels_sha256)


def render_text(description: dict[str, Any]) -> str:
    """The description as lines for a terminal: what it is, one line per band, the notices."""
    transform, crs = description["transform"], description["crs"]
    place = "no coordinates" if crs is None else crs if crs.startswith("EPSG:") else "a coordinate system of its own"
    if transform is not None:
        place += (
            f", first corner {transform[2]:.10g}, {transform[5]:.10g}, pixel {transform[0]:.6g} x {transform[4]:.6g}"
        )
    headline = (
        f"{description['file']}: {description['driver']}, {description['width']} x {description['height']} pixels, "
        f"{len(description['bands'])} x {description['dtype']}, {description['units']}"
    )
    lines = [
        headline,
        place,
        f"valid {100 * description['valid']:.4g} %"
        + ("" if description["nodata"] is None else f", nodata {description['nodata']}"),
        *(_render_band(stats) for stats in description["stats"]),
        *(f"note: {notice['message']}" for notice in description["notices"]),
        *([f"pixels sha256 {description['pixels_sha256']}"] if "pixels_sha256" in description else []),
    ]
    return "\n".join(lines)


def _render_band(stats: dict[str, Any]) -> str:
    if stats["mean"] is None:
        return f"  {stats['band']:<12} no valid pixel"
    spread = f"mean {stats['mean']:.5g}, std {stats['std']:.5g}"
    return f"  {stats['band']:<12} {stats['min']:.5g} .. {stats['max']:.5g}, {spread}"
