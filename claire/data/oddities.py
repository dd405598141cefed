"""What is unusual about a file that could be read, as notices. Knows arrays and plain values, not rasterio.

`claire.data.headers` notes what the bytes of the file say; this module what its content says. Nothing here changes a
number: what does is said by `claire.data.raster` itself.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from claire.core.types import Affine, Notice

HUGE = 1e30
"""No sensor measures more; such numbers are mostly missing pixels that nobody declared."""

NOT_SQUARE = 1.01
"""Ratio of the sides of a pixel from which on it counts as not square."""

ENDINGS: dict[str, frozenset[str]] = {
    "GTiff": frozenset({".tif", ".tiff", ".gtiff", ".btf", ".tf8"}),
    "PNG": frozenset({".png"}),
    "JPEG": frozenset({".jpg", ".jpeg", ".jpe", ".jfif"}),
    "JP2OpenJPEG": frozenset({".jp2", ".j2k", ".jpc", ".j2c", ".jpx", ".jpf", ".jpf2"}),
}
"""Driver -> usual endings of its files."""

WORLD_FILES = frozenset({".tfw", ".tifw", ".wld", ".pgw", ".pngw", ".jgw", ".jpgw", ".j2w", ".jp2w"})
SIDECARS = frozenset({".aux.xml", ".ovr", ".msk", ".aux", ".rrd", ".imd", ".rpb"})


@dataclass(frozen=True)
class Content:
    """What was found in a file.

    Args:
        path: Of the file.
        driver: GDAL driver.
        shape: (bands, height, width), transparency included.
        dtype: Name in the file.
        transform: Affine, or None.
        crs: "EPSG:n", WKT or None.
        gcps: Number of ground control points.
        rpcs: True when the file holds a sensor model.
        nodata: Distinct values that mark missing pixels, over all bands.
        names: Descriptions of the bands, "" where there is none.
        meanings: Colour meaning of each band.
        tags: Metadata of the file and its bands.
        stats: `{band, min, max, mean, std}` of each band of data.
        valid: Share of valid pixels, 0..1.
        missing: Count of NaN.
        infinite: Count of inf.
    """

    path: Path
    driver: str
    shape: tuple[int, int, int]
    dtype: str
    transform: Affine | None
    crs: str | None
    gcps: int
    rpcs: bool
    nodata: Sequence[float]
    names: Sequence[str]
    meanings: Sequence[str]
    tags: Mapping[str, str]
    stats: Sequence[Mapping[str, Any]]
    valid: float
    missing: int
    infinite: int


def find_oddities(content: Content) -> list[Notice]:
    """What is unusual, most important first; empty for a plain file."""
    found = [*_judge_values(content), *_judge_place(content), *_judge_form(content), *_judge_neighbours(content)]
    return [Notice(code, message) for code, message in found]


def _judge_values(content: Content) -> list[tuple[str, str]]:
    found = []
    if content.valid == 0:
        found.append(("all_nodata", "No pixel is valid: there is nothing to map."))
    constant = [s["band"] for s in content.stats if s["min"] is not None and s["min"] == s["max"]]
    if constant:
        which = "Every band holds" if len(constant) == len(content.stats) else f"{len(constant)} bands hold"
        found.append(("constant", f"{which} one single value."))
    if content.nodata:
        marks = ", ".join(f"{value:g}" for value in content.nodata[:3])
        found.append(("nodata", f"Missing pixels are marked by {marks}; {100 * content.valid:.4g} % are valid."))
    if len(content.nodata) > 1:
        found.append(("nodata_differs", "The bands mark missing pixels by different values."))
    if content.missing:
        found.append(("nan", f"{content.missing:,} numbers are NaN; they are masked."))
    if content.infinite:
        found.append(("inf", f"{content.infinite:,} numbers are infinite; they are masked."))
    if any(s["min"] is not None and max(abs(s["min"]), abs(s["max"])) > HUGE for s in content.stats):
        found.append(("huge_values", "Some valid numbers are beyond anything that a sensor measures."))
    if content.dtype.startswith("complex"):
        found.append(("complex", "The numbers are complex; the statistics are those of their magnitude."))
    if content.dtype in {"int64", "uint64", "float64"}:
        found.append(("wide_numbers", "The numbers have 64 bits."))
    if content.dtype == "int8":
        found.append(("signed_bytes", "The numbers are bytes with a sign."))
    return found


def _judge_place(content: Content) -> list[tuple[str, str]]:
    if content.transform is None:
        return _judge_without_transform(content)
    a, b, _, d, e, _ = content.transform
    across, down = math.hypot(a, d), math.hypot(b, e)
    found = []
    if content.crs is None:
        found.append(("no_crs", "The pixels have coordinates, but the file does not say in which coordinate system."))
    elif not content.crs.startswith("EPSG:"):
        found.append(("custom_crs", "The coordinate system is one without an EPSG number."))
    if b or d:
        straight = abs(a * b + d * e) <= 1e-6 * across * down
        found.append(("rotated", f"The pixels lie {'rotated' if straight else 'sheared'} to the coordinate axes."))
    elif e > 0:
        found.append(("south_up", "The first row is the southernmost: the picture is upside down."))
    if a < 0:
        found.append(("mirrored", "The columns run from east to west."))
    if max(across, down) > NOT_SQUARE * min(across, down):
        found.append(("not_square", "The pixels are not square."))
    if content.tags.get("AREA_OR_POINT") == "Point":
        found.append(("pixel_is_point", "The coordinates are those of the pixel centres."))
    return found


def _judge_without_transform(content: Content) -> list[tuple[str, str]]:
    if content.gcps:
        return [("gcps_only", f"The place is given by {content.gcps:,} ground control points only.")]
    if content.rpcs:
        return [("rpcs_only", "The place is given by a sensor model (RPC) only.")]
    if content.crs is not None:
        return [("no_transform", "The file names a coordinate system, but not where the pixels lie.")]
    return [("no_georeference", "The file does not say where it lies: areas can be given in pixels only.")]


def _judge_form(content: Content) -> list[tuple[str, str]]:
    bands, height, width = content.shape
    found = []
    if min(height, width) == 1:
        found.append(("one_pixel", f"The picture is {width} x {height} pixels."))
    names = [name for name in content.names if name]
    if len(set(names)) < len(names):
        found.append(("band_names_repeat", "Two bands have the same name."))
    if names and len(names) < len(content.names):
        found.append(("band_names_missing", f"{len(content.names) - len(names)} of {bands} bands have no name."))
    if "palette" in content.meanings:
        found.append(("palette", "The numbers are indices of a palette."))
    if {"cyan", "magenta", "yellow"} & set(content.meanings) or "CMYK" in content.tags.get("SOURCE_COLOR_SPACE", ""):
        found.append(("cmyk", "The bands are print colours (CMYK), which measure nothing."))
    if content.meanings.count("alpha") > 1:
        found.append(("several_alphas", "Several bands are marked as transparency."))
    if any(key.startswith("STATISTICS_") for key in content.tags):
        found.append(("statistics", "The file holds statistics of its own, which are ignored."))
    if "NODATA_VALUES" in content.tags:
        found.append(("nodata_values", "The file marks a pixel as missing by the values of all bands together."))
    if content.path.suffix.lower() not in ENDINGS[content.driver]:
        found.append(("ending", "The ending of the name is not that of the format."))
    return found


def _judge_neighbours(content: Content) -> list[tuple[str, str]]:
    """Files beside it that other programs would read; one look at each name, none inside."""
    found = []
    path = content.path
    try:
        if any(path.with_suffix(ending).is_file() for ending in WORLD_FILES):
            found.append(("world_file", "A world file lies beside it and is ignored."))
        if any(path.with_name(path.name + e).is_file() or path.with_suffix(e).is_file() for e in SIDECARS):
            found.append(("sidecar", "Files of other programs (as .aux.xml or .ovr) lie beside it and are ignored."))
    except (OSError, ValueError):
        return found
    return found
