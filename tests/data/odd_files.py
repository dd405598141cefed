"""Files that are right but unusual, and what `claire inspect` must say of each. Written as others write them."""

from __future__ import annotations

import io
import struct
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from claire.data import raster as door  # before rasterio: it locks GDAL down
from tests.data.attacks import chunk
from tests.data.bombs import build_tiff, plain_tags

UTM = {"crs": "EPSG:32633", "transform": (10.0, 0.0, 500_000.0, 0.0, -10.0, 5_000_000.0)}
RNG_SEED = 12


@dataclass(frozen=True)
class Odd:
    """One file for rasterio to write.

    Args:
        codes: Notices that it must get.
        shape: (bands, height, width).
        dtype: Of the numbers.
        profile: How it is written.
        finish: What is done to the open file.
        values: The numbers; random ones when not given.
    """

    codes: frozenset[str]
    shape: tuple[int, int, int] = (2, 20, 30)
    dtype: str = "uint16"
    profile: dict[str, Any] = field(default_factory=dict)
    finish: Callable[[Any], None] | None = None
    values: Any = None


def _says(*codes: str, **given: Any) -> Odd:
    profile = {key: value for key, value in given.items() if key not in {"shape", "dtype", "finish", "values"}}
    rest = {key: value for key, value in given.items() if key in {"shape", "dtype", "finish", "values"}}
    return Odd(frozenset(codes), profile=profile, **rest)


def _turned(*numbers: float) -> dict[str, Any]:
    return {"crs": "EPSG:32633", "transform": numbers}


def _name(*names: str) -> Callable[[Any], None]:
    def finish(target: Any) -> None:
        for number, name in enumerate(names, start=1):
            if name:
                target.set_band_description(number, name)

    return finish


def _set_gcps(target: Any) -> None:
    from rasterio.control import GroundControlPoint
    from rasterio.crs import CRS

    points = [GroundControlPoint(r, c, 10 + c / 10, 50 - r / 10, 0) for r in (0, 10, 20) for c in (0, 15, 30)]
    target.gcps = (points, CRS.from_epsg(4326))


def _set_palette(target: Any) -> None:
    target.write_colormap(1, {1: (1, 2, 3)})


def _hold(value: float, dtype: str = "float32") -> Any:
    values = np.random.default_rng(RNG_SEED).random((1, 20, 30)).astype(dtype)
    values[0, 3, 4] = value
    return values


ODD: dict[str, Odd] = {
    "big_endian.tif": _says("big_endian", ENDIANNESS="BIG", **UTM),
    "bigtiff.tif": _says("bigtiff", BIGTIFF="YES", **UTM),
    "sparse.tif": _says("sparse", shape=(1, 64, 64), values=np.zeros((1, 64, 64), np.uint16), SPARSE_OK="TRUE",
                        tiled=True, blockxsize=32, blockysize=32, **UTM),
    "one_bit.tif": _says("sub_byte", dtype="uint8", nbits=1, values=np.eye(20, 30, dtype=np.uint8)[None]),
    "twelve_bit.tif": _says("sub_byte", nbits=12, values=np.full((1, 8, 8), 4000, np.uint16)),
    "half.tif": _says("short_floats", dtype="float32", nbits=16),
    "doubles.tif": _says("wide_numbers", dtype="float64"),
    "int64.tif": _says("wide_numbers", dtype="int64"),
    "int8.tif": _says("signed_bytes", dtype="int8"),
    "complex.tif": _says("complex", dtype="complex64"),
    "complex_int16.tif": _says("complex", dtype="complex_int16", values=np.ones((1, 8, 8), np.complex64) * (3 - 4j)),
    "cmyk.tif": _says("cmyk", shape=(4, 20, 30), dtype="uint8", photometric="CMYK"),
    "ycbcr.tif": _says("ycbcr", "compression", shape=(3, 32, 32), dtype="uint8", photometric="YCBCR", compress="jpeg"),
    "white_is_zero.tif": _says("white_is_zero", shape=(1, 20, 30), dtype="uint8", photometric="MINISWHITE"),
    "palette.tif": _says("palette", shape=(1, 20, 30), dtype="uint8", finish=_set_palette),
    "alpha.tif": _says("alpha", shape=(4, 20, 30), dtype="uint8", photometric="RGB", ALPHA="YES"),
    "zstd.tif": _says("compression", compress="zstd"),
    "lerc.tif": _says("compression", dtype="float32", compress="lerc"),
    "packbits.tif": _says("compression", compress="packbits"),
    "tiles.tif": _says("blocks", shape=(1, 64, 64), tiled=True, blockxsize=16, blockysize=48),
    "scaled.tif": _says("scale", finish=lambda t: setattr(t, "scales", (0.1, 0.1))),
    "nodata.tif": _says("nodata", nodata=7),
    "all_nodata.tif": _says("all_nodata", nodata=7, values=np.full((1, 9, 9), 7, np.uint16)),
    "nan.tif": _says("nan", values=_hold(np.nan)),
    "inf.tif": _says("inf", values=_hold(np.inf)),
    "huge.tif": _says("huge_values", values=_hold(-3e38)),
    "constant.tif": _says("constant", values=np.full((2, 9, 9), 3, np.uint16)),
    "one_pixel.tif": _says("one_pixel", shape=(1, 1, 1)),
    "one_row.tif": _says("one_pixel", shape=(1, 1, 40)),
    "nowhere.tif": _says("no_georeference"),
    "no_crs.tif": _says("no_crs", transform=UTM["transform"]),
    "no_transform.tif": _says("no_transform", crs="EPSG:32633"),
    "custom.tif": _says("custom_crs", crs="+proj=laea +lat_0=12.5 +lon_0=3.25", transform=UTM["transform"]),
    "rotated.tif": _says("rotated", **_turned(8.0, 6.0, 5e5, 6.0, -8.0, 5e6)),
    "sheared.tif": _says("rotated", **_turned(10.0, 2.0, 5e5, 0.0, -10.0, 5e6)),
    "south_up.tif": _says("south_up", **_turned(10.0, 0.0, 5e5, 0.0, 10.0, 5e6)),
    "mirrored.tif": _says("mirrored", **_turned(-10.0, 0.0, 5e5, 0.0, -10.0, 5e6)),
    "not_square.tif": _says("not_square", **_turned(10.0, 0.0, 5e5, 0.0, -20.0, 5e6)),
    "point.tif": _says("pixel_is_point", finish=lambda t: t.update_tags(AREA_OR_POINT="Point"), **UTM),
    "gcps.tif": _says("gcps_only", finish=_set_gcps),
    "rpcs.tif": _says("rpcs_only", finish=lambda t: t.update_tags(ns="RPC", **_RPC)),
    "repeated.tif": _says("band_names_repeat", finish=_name("VV", "VV")),
    "half_named.tif": _says("band_names_missing", finish=_name("VV")),
    "statistics.tif": _says("statistics", finish=lambda t: t.update_tags(1, STATISTICS_MEAN="5")),
    "overviews.tif": _says("overviews", shape=(1, 64, 64), finish=lambda t: t.build_overviews([2])),
    "wrong_ending.dat": _says("ending", **UTM),
    "sixteen.png": _says("png_16_bit", driver="PNG", shape=(1, 20, 30)),
    "rgba.png": _says("alpha", driver="PNG", shape=(4, 20, 30), dtype="uint8"),
    "progressive.jpg": _says("progressive", driver="JPEG", shape=(3, 20, 30), dtype="uint8", PROGRESSIVE="YES"),
    "stream.j2k": _says("codestream", driver="JP2OpenJPEG", CODEC="J2K"),
    "lossless.jp2": _says("no_georeference", driver="JP2OpenJPEG", QUALITY="100", REVERSIBLE="YES"),
}  # fmt: skip
"""File name -> what it is."""

_RPC = {
    **dict.fromkeys(("LINE_OFF", "SAMP_OFF", "LAT_OFF", "LONG_OFF", "HEIGHT_OFF"), "1"),
    **dict.fromkeys(("LINE_SCALE", "SAMP_SCALE", "LAT_SCALE", "LONG_SCALE", "HEIGHT_SCALE"), "1"),
    **dict.fromkeys(("LINE_NUM_COEFF", "LINE_DEN_COEFF", "SAMP_NUM_COEFF", "SAMP_DEN_COEFF"), " ".join(["1"] * 20)),
}


def write_odd_files(folder: Path) -> dict[Path, frozenset[str]]:
    """Write every odd file: path -> notices that it must get."""
    door.check_environment()
    written = {}
    for name, odd in ODD.items():
        values = odd.values
        if values is None:
            values = np.random.default_rng(RNG_SEED).integers(1, 100, odd.shape).astype(odd.dtype)
        _write(folder / name, values, odd)
        written[folder / name] = odd.codes
    for name, (content, codes) in {**_build_pictures(), **_build_tiffs()}.items():
        (folder / name).write_bytes(content)
        written[folder / name] = frozenset(codes)
    beside = folder / "beside.tif"
    beside.write_bytes((folder / "nowhere.tif").read_bytes())
    beside.with_suffix(".tfw").write_text("1\n0\n0\n-1\n5\n5\n")
    beside.with_name("beside.tif.aux.xml").write_text("<PAMDataset/>")
    written[beside] = frozenset({"world_file", "sidecar", "no_georeference"})
    return written


def _write(path: Path, values: Any, odd: Odd) -> None:
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning

    profile = {"driver": "GTiff", "dtype": values.dtype.name, **odd.profile}
    if odd.dtype == "complex_int16":  # no dtype of numpy
        profile["dtype"] = odd.dtype
    if "transform" in profile:
        profile["transform"] = rasterio.Affine(*profile["transform"])
    count, height, width = values.shape
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path, "w", count=count, height=height, width=width, **profile) as target:
            target.write(values)
            if odd.finish is not None:
                odd.finish(target)


def _save(picture: Image.Image, kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def _build_pictures() -> dict[str, tuple[bytes, tuple[str, ...]]]:
    """Pictures as a picture program writes them."""
    rng = np.random.default_rng(RNG_SEED)
    colours = Image.fromarray(rng.integers(0, 255, (24, 32, 3), np.uint8))
    png = _save(colours, "PNG")
    text = chunk(b"tEXt", b"Comment\0hello")
    return {
        "palette.png": (_save(colours.quantize(16), "PNG"), ("palette",)),
        "one_bit.png": (_save(colours.convert("1"), "PNG"), ("sub_byte",)),
        "text.png": (png[:33] + text + png[33:], ("texts",)),
        "damaged.png": (png[:-14] + bytes([png[-14] ^ 1]) + png[-13:], ("damaged",)),
        "cmyk.jpg": (_save(colours.convert("CMYK"), "JPEG"), ("cmyk", "lossy")),
        "exif.jpg": (_save(colours, "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0"), ("exif",)),
        "pages.tif": (_save(colours, "TIFF", save_all=True, append_images=[colours]), ("more_pages",)),
    }


def _build_tiffs() -> dict[str, tuple[bytes, tuple[str, ...]]]:
    """TIFFs with tags that GDAL does not write."""
    pixels = bytes(range(1, 65))
    tags = plain_tags(8, 8) | {273: (4, 1, -1), 279: (4, 1, 64)}
    loop = build_tiff(tags, pixels, following=8)
    return {
        "turned.tif": (build_tiff(tags | {274: (3, 1, 6)}, pixels), ("orientation",)),
        "reversed_bits.tif": (build_tiff(tags | {266: (3, 1, 2)}, pixels), ("fill_order",)),
        "sub_ifds.tif": (build_tiff(tags | {330: (4, 1, 8)}, pixels), ("sub_ifds",)),
        "loop.tif": (loop, ("page_loop",)),
        "deep_text.tif": (
            build_tiff(tags | {42112: (2, 100_000, -1), 273: (4, 1, 8)}, b"<a>" * 33_333 + struct.pack("<B", 0)),
            (),
        ),
    }
