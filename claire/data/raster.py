"""The one door for rasters: every file a user gives is opened here and nowhere else.

Nothing about a file is believed. Its first bytes choose one of four GDAL drivers, all other drivers are switched off
for the whole process before GDAL starts, sidecar files and overviews are ignored, and limits are checked before a
pixel is read. This is the only module that imports rasterio, and it does so at the first use, not at import.
"""

from __future__ import annotations

import logging
import math
import os
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from claire.core.bands import Role
from claire.core.errors import (
    BudgetError,
    EnvironmentUnsafeError,
    FormatError,
    GridError,
    InputError,
    MissingFileError,
)
from claire.core.provenance import compute_sha256
from claire.core.settings import Settings
from claire.core.types import GeoReference, Notice
from claire.core.versions import FLOORS, parse_version
from claire.data import decoding
from claire.data.decoding import Announce, HandOver
from claire.data.headers import MAGIC_BYTES, Header, check_header, check_limits, check_size, find_driver, read_header
from claire.data.headers import printable as printable
from claire.data.headers import quoted_name as quoted_name
from claire.data.isolation import Answer, ask

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

ALLOWED_DRIVERS = frozenset({*MAGIC_BYTES.values(), "MEM"})
"""MEM holds arrays in memory; warping needs it. It opens no file."""

OTHER_DRIVERS = (
    "AAIGrid,ACE2,ADBC,ADRG,AIG,AIVector,AVCBin,AVCE00,AVIF,AirSAR,AmigoCloud,Arrow,BAG,BIGGIF,BLX,"
    "BMP,BSB,BT,BYN,CAD,CALS,CEOS,COASP,COG,COSAR,CPG,CSV,CSW,CTG,CTable2,Carto,DAAS,DERIVED,DGN,"
    "DIMAP,DIPEx,DOQ1,DOQ2,DTED,DWG,DXF,ECRGTOC,ECW,EDIGEO,EEDA,EEDAI,EHdr,EIR,ELAS,ENVI,ERS,ESAT,"
    "ESRIC,ESRIJSON,EXR,Elasticsearch,FAST,FIT,FlatGeobuf,GDALG,GFF,GIF,GML,GMLAS,GNMDatabase,GNMFile,"
    "GPKG,GPSBabel,GPX,GRASS,GRASSASCIIGrid,GRIB,GS7BG,GSAG,GSBG,GSC,GTA,GTI,GTX,GXF,GenBin,GeoJSON,"
    "GeoJSONSeq,GeoRSS,GeoRaster,HANA,HDF4,HDF4Image,HDF5,HDF5Image,HEIF,HF2,HFA,HTTP,IDB,ILWIS,INGR,"
    "IRIS,ISCE,ISG,ISIS2,ISIS3,Idrisi,JAXAPALSAR,JDEM,JIPIPE,JP2ECW,JP2KAK,JP2LURA,JP2MrSID,JPEGLS,"
    "JPEGXL,JPIPKAK,JSONFG,KEA,KML,KMLSUPEROVERLAY,KRO,L1B,LAN,LCP,LIBERTIFF,LIBKML,LOSLAS,LVBAG,"
    "Leveller,MAP,MBTiles,MFF,MFF2,MRF,MSG,MSGN,MSSQLSpatial,MVT,Memory,MiraMonVector,MongoDBv3,MrSID,"
    "MySQL,NDF,NGSGEOID,NGW,NITF,NOAA_B,NSIDCbin,NTv2,NWT_GRC,NWT_GRD,OAPIF,OCI,ODBC,ODS,OGCAPI,"
    "OGR_GMT,OGR_VRT,OSM,OZI,OpenFileGDB,PAux,PCIDSK,PCRaster,PDF,PDS,PDS4,PGeo,PGDUMP,PLMOSAIC,"
    "PLSCENES,PMTiles,PNM,PRF,Parquet,PostGISRaster,PostgreSQL,R,RCM,RDB,RIK,RMF,ROI_PAC,RPFTOC,"
    "RRASTER,RS2,RST,Rasterlite,S102,S104,S111,S57,SAFE,SAGA,SAR_CEOS,SDTS,SENTINEL2,SGI,SIGDEM,"
    "SNAP_TIFF,SNODAS,SOSI,SQLite,SRP,SRTMHGT,STACIT,STACTA,SVG,Selafin,TGA,TIL,TSX,Terragen,TileDB,"
    "TopoJSON,USGSDEM,VDV,VFK,VICAR,VRT,WAsP,WCS,WEBP,WFS,WMS,WMTS,XLS,XLSX,XODR,XPM,XYZ,ZMap,"
    "Zarr,netCDF,ESRI Shapefile,Interlis 1,Interlis 2,MapInfo File,UK .NTF"
)
"""Every other driver of GDAL 3.10 (150 in the wheels of rasterio 1.4.4) and those known of other builds.

A name that GDAL lacks does no harm; a driver that is missing here makes `check_environment` refuse to run."""

SAFETY_OPTIONS: dict[str, str] = {
    "GDAL_SKIP": OTHER_DRIVERS,
    "GDAL_DRIVER_PATH": "disable",
    "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": ".none",
    "GDAL_PAM_ENABLED": "NO",
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "PROJ_NETWORK": "OFF",
    "GDAL_CACHEMAX": str(Settings().gdal_cache_mb),
}
"""Options of GDAL and PROJ that close its other doors; in force for the whole process from the import of this module,
because GDAL reads `GDAL_SKIP` only once, when it starts."""

HEADER_OPTIONS: dict[str, dict[str, str]] = {
    "GTiff": {"GEOREF_SOURCES": "INTERNAL"},
    "JP2OpenJPEG": {"GEOREF_SOURCES": "INTERNAL"},
}
"""Coordinates come from the file itself, never from a world file beside it."""

PIXEL_OPTIONS: dict[str, dict[str, str]] = {"GTiff": {"OVERVIEW_LEVEL": "NONE"}}
"""A GeoTIFF may name *another file* as its overview, and GDAL would read it: no overviews."""

LEAST_RASTERIO = FLOORS["rasterio"]
LEAST_GDAL = (3, 10, 0)
"""Older versions are not known to honour the safety options."""

_UNLIMITED = Settings.from_environment({f"CLAIRE_{name.upper()}": str(2**62) for name in Settings().limits})
"""For files that CLAIRE has written itself and reads back."""

Resampling = Literal["nearest", "bilinear"]

ControlPoint: TypeAlias = tuple[float, float, float, float, float]
"""(row, col, x, y, z): a position in the file, first corner at (0, 0), and where it lies."""

FEWEST_POINTS = 3
"""Ground control points; fewer locate nothing."""

MOST_SPLINE_POINTS = 500
"""Ground control points that a thin-plate spline goes through; more are fitted by a polynomial of order 3."""

POINTS_TOLERANCE = 0.05
"""Pixels by which a position computed from control points may be off, for speed."""

os.environ.update(SAFETY_OPTIONS)


@dataclass(frozen=True)
class Raster:
    """One file, read.

    Args:
        name: File name without its folder.
        values: (C, H, W), dtype of the file; scaled to float where the file gives a scale or an offset.
        valid: (C, H, W) bool; False on nodata, NaN, inf, internal masks and transparent pixels. Not to be written to.
        bands: C names: the file's own, normalised, or `band1`, `band2`, ...
        named: True when the names are the file's own.
        dtype: Name of the dtype in the file.
        georeference: Where the pixels lie; all None where the file does not say.
        nodata: The value that marks a missing pixel, NaN included; None without one.
        units: C unit names as the file gives them; None when it gives none.
        driver: GDAL driver that opened it.
        palette: True when the numbers are colour or class indices of a palette.
        notices: What the user should know.
        gcps: Ground control points (row, col, x, y, z); read where the file has no transform.
        gcps_crs: Coordinate system of the points, "EPSG:n" or WKT; None when the file does not say.
        rpcs: Coefficients of a sensor model, GDAL's names -> text; None when the file has none.
        tags: Names and texts of tags that may tell the product that the file was made from.
    """

    name: str
    values: NDArray[np.generic]
    valid: NDArray[np.bool_]
    bands: tuple[str, ...]
    named: bool
    dtype: str
    georeference: GeoReference
    nodata: float | None
    units: tuple[str, ...] | None
    driver: str
    palette: bool = False
    notices: tuple[Notice, ...] = ()
    gcps: tuple[ControlPoint, ...] = ()
    gcps_crs: str | None = None
    rpcs: Mapping[str, str] | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W)."""
        return self.values.shape[1], self.values.shape[2]


@lru_cache(maxsize=1)
def check_environment() -> None:
    """Start GDAL and verify that the safety options are in force. Called before every first read; cheap afterwards.

    Raises:
        EnvironmentUnsafeError: GDAL was started before this module was imported, offers a driver it should not, or is
            older than the versions whose faults are known.
    """
    import rasterio
    from rasterio.env import getenv

    for name, found, least in (
        ("rasterio", rasterio.__version__, LEAST_RASTERIO),
        ("GDAL", rasterio.__gdal_version__, LEAST_GDAL),
    ):
        if parse_version(found) < least:
            raise EnvironmentUnsafeError(
                f"{name} {printable(found, 20)} is older than {'.'.join(map(str, least))}, which is the least that "
                "may read files of strangers.",
                "Install the versions that pyproject.toml names.",
            )

    with rasterio.Env(**_environment_options()) as environment:
        unwanted = sorted(set(environment.drivers()) - ALLOWED_DRIVERS)
        wrong = [name for name, value in _environment_options().items() if str(getenv().get(name)) != str(value)]
    wrong += [name for name, value in SAFETY_OPTIONS.items() if os.environ.get(name) != value]
    if unwanted:
        raise EnvironmentUnsafeError(
            f"GDAL has {len(unwanted)} drivers switched on that CLAIRE does not allow: {', '.join(unwanted[:3])}, ...",
            "Import claire.data.raster before anything else uses rasterio, and start again.",
        )
    if wrong:
        raise EnvironmentUnsafeError(
            f"Safety settings of GDAL are not in force: {', '.join(sorted(set(wrong)))}.",
            "Leave these environment variables unset and start again.",
        )


def read_raster(path: Path, settings: Settings | None = None, *, transparency: bool = True) -> Raster:
    """Read one untrusted raster, all of it.

    Args:
        path: GeoTIFF, PNG, JPEG or JPEG 2000.
        settings: Limits; those of the environment when not given.
        transparency: Whether a band that calls itself transparency is a mask; it is data otherwise.

    Raises:
        MissingFileError: There is no such file.
        FormatError: Another format, a damaged file, or a kind of picture that cannot be measured.
        BudgetError: Larger than a limit.
        BandError: No band of data.
        EnvironmentUnsafeError: GDAL is not locked down.

    Example:
        >>> read_raster(Path("missing.tif"))  # doctest: +IGNORE_EXCEPTION_DETAIL
        Traceback (most recent call last):
        claire.core.errors.MissingFileError: There is no file 'missing.tif'.
    """
    limits = Settings.from_environment() if settings is None else settings
    answer = _ask({"do": "read", "transparency": transparency}, path, limits)
    try:
        return _build_raster(answer, path)
    except (KeyError, TypeError, ValueError) as error:
        raise _distrusted(path) from error


def describe_raster(
    path: Path, role: Role = "optical", settings: Settings | None = None, *, pixels_sha256: bool = False
) -> dict[str, Any]:
    """Say what one file is, ready for strict JSON (no NaN, no path). Pictures that measure nothing are described, too.

    Args:
        path: The file.
        role: What it will be used as; decides which names and units are guessed.
        settings: Limits.
        pixels_sha256: Whether to add `pixels_sha256`, the hash of the decoded (bands, height, width) array: every band
            as it is stored, transparency included, not scaled, in C order and little-endian.

    Returns:
        `file role driver width height bands named dtype crs transform nodata units valid stats sha256 notices`, where
        `stats` has one `{band, min, max, mean, std}` per band over its valid pixels (None when it has none), `units` is
        the name of the unit (guessed, with a notice) and `valid` the share of valid pixels, 0..1.

    Raises:
        InputError: As `read_raster`.
    """
    limits = Settings.from_environment() if settings is None else settings
    answer = _ask({"do": "describe", "role": role, "hash": pixels_sha256}, path, limits)
    if not _is_plain(answer.content):
        raise _distrusted(path)
    return {"file": printable(path.name, 120), **answer.content, "sha256": hash_file(path)}


def hash_file(path: Path) -> str:
    """sha256 of a file that was read, hexadecimal.

    Raises:
        MissingFileError: It is gone, or may not be read.
    """
    try:
        return compute_sha256(path)
    except OSError as error:
        raise MissingFileError(f"{quoted_name(path)} may not be read.", "Check its permissions.") from error


def read_here(
    path: Path, limits: Settings, announce: Announce, hand_over: HandOver, transparency: bool = True
) -> dict[str, Any]:
    """Read a file in this process; for `claire.data.reader` only, everybody else calls `read_raster`.

    Args:
        path: The file.
        limits: Budgets.
        announce: Told the size before pixels are read.
        hand_over: Takes the pixels.
        transparency: As in `read_raster`.

    Returns:
        JSON document with the fields of `Raster` that are no arrays.

    Raises:
        InputError: As `read_raster`.
    """
    with _listening() as heard, _opened(path, limits) as source:
        if source.declared.damaged:
            raise FormatError(
                f"{quoted_name(path)} is damaged: some of its pixels are wrong or missing.",
                "Export or download the file again.",
            )
        content = decoding.read(source.header, source.pixels, path, announce, hand_over, transparency)
    content["notices"] += [[notice.code, notice.message] for notice in heard]
    return content


def describe_here(path: Path, role: Role, limits: Settings, with_hash: bool, announce: Announce) -> dict[str, Any]:
    """Describe a file in this process; for `claire.data.reader` only, everybody else calls `describe_raster`.

    Raises:
        InputError: As `read_raster`.
    """
    with _listening() as heard, _opened(path, limits) as source:
        header, pixels, declared = source.header, source.pixels, source.declared.notices
        content = decoding.describe(header, pixels, path, role, declared, announce, with_hash)
    content["notices"] += [{"code": notice.code, "message": notice.message} for notice in heard]
    return content


def write_geotiff(
    path: Path,
    values: NDArray[Any],
    georeference: GeoReference,
    *,
    nodata: float | None = None,
    descriptions: Sequence[str] = (),
    colormap: Mapping[int, tuple[int, int, int]] | None = None,
) -> None:
    """Write a GeoTIFF that appears under its name only when it is complete and was read back equal.

    Args:
        path: Where to.
        values: (C, H, W) or (H, W), a number type or bool (written as uint8); float16 is written as float32.
        georeference: Of the pixels; written in full, rotation and shear included.
        nodata: Marks missing pixels.
        descriptions: C band names.
        colormap: Value -> (red, green, blue) 0..255, for one band of uint8.

    Raises:
        InputError: The folder cannot be written, is full, or the file read back differs.
    """
    array = values[None] if values.ndim == 2 else values
    array = array.astype({"bool": "uint8", "float16": "float32"}.get(array.dtype.name, array.dtype.name))
    profile: dict[str, Any] = {
        "driver": "GTiff", "count": array.shape[0], "height": array.shape[1], "width": array.shape[2],
        "dtype": array.dtype.name, "nodata": nodata, "tiled": True, "blockxsize": 256, "blockysize": 256,
        "compress": "deflate", "BIGTIFF": "IF_SAFER", "photometric": "MINISBLACK", "ALPHA": "NO",
    }  # fmt: skip
    partial: Path | None = None
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part.tif")
        os.close(handle)
        partial = Path(temporary)
        with _gdal():
            _write(partial, array, georeference, profile, descriptions, colormap)
        with partial.open("rb+") as stream:
            os.fsync(stream.fileno())
        with _opened(partial, _UNLIMITED) as source:
            same = np.array_equal(source.pixels.read(), array, equal_nan=array.dtype.kind in "fc")
        if not same:
            raise InputError(f"{quoted_name(path)} was not written as it should be.", "Check the disk and try again.")
        partial.chmod(0o644)
        partial.replace(path)
    except _gdal_errors() as error:
        raise InputError(
            f"{quoted_name(path)} cannot be written.",
            "Check that the folder exists, may be written and has free space.",
        ) from error
    finally:
        if partial is not None:
            partial.unlink(missing_ok=True)


def warp_to_grid(
    values: NDArray[Any],
    valid: NDArray[np.bool_],
    source: GeoReference,
    target: GeoReference,
    shape: tuple[int, int],
    resampling: Resampling = "bilinear",
) -> tuple[NDArray[Any], NDArray[np.bool_], NDArray[np.bool_]]:
    """Resample layers onto another grid; invalid pixels never bleed into valid ones.

    Args:
        values: (C, h, w), a real number type.
        valid: (C, h, w) bool.
        source: Where they lie; CRS and transform given.
        target: The wanted grid; CRS and transform given.
        shape: (H, W) of the wanted grid.
        resampling: `bilinear` for measurements, `nearest` for class ids.

    Returns:
        (C, H, W) of the same dtype (0 where invalid), (C, H, W) bool mask, and (H, W) bool: inside the source's extent.

    Raises:
        GridError: The two coordinate systems cannot be related.
    """
    try:
        with _gdal():
            place = {"src_crs": _crs(source.crs), "src_transform": _affine(source), "tolerance": 0}
            return _warp_bands(values, valid, place, target, shape, resampling)
    except _gdal_errors() as error:
        raise GridError(
            "The coordinate systems of the two files cannot be related to each other.",
            "Export both files in one coordinate system.",
        ) from error


def warp_gcps_to_grid(
    values: NDArray[Any],
    valid: NDArray[np.bool_],
    gcps: Sequence[ControlPoint],
    gcps_crs: str | None,
    rpcs: Mapping[str, str] | None,
    target: GeoReference,
    shape: tuple[int, int],
    resampling: Resampling = "bilinear",
) -> tuple[NDArray[Any], NDArray[np.bool_], NDArray[np.bool_]]:
    """Resample layers without a transform onto a grid, by what else the file says of its place.

    Ground control points are followed by a thin-plate spline, or by a polynomial of order 3 where they are many; an
    affine through them would be off by kilometres. Rational polynomials are evaluated at the mean height of the scene.

    Args:
        values: (C, h, w), a real number type.
        valid: (C, h, w) bool.
        gcps: Ground control points; they count where there are at least `FEWEST_POINTS`.
        gcps_crs: Their coordinate system.
        rpcs: Rational polynomial coefficients, for a file without control points.
        target: The wanted grid; CRS and transform given.
        shape: (H, W) of the wanted grid.
        resampling: `bilinear` for measurements, `nearest` for class ids.

    Returns:
        As `warp_to_grid`.

    Raises:
        GridError: The points locate nothing, or cannot be related to the grid.
    """
    try:
        with _gdal():
            return _warp_bands(values, valid, _points_place(gcps, gcps_crs, rpcs), target, shape, resampling)
    except _gdal_errors() as error:
        raise GridError(
            "The ground control points of a file cannot be related to the grid of the other.",
            "Geocode the file first, or export both in one coordinate system.",
        ) from error


def _environment_options() -> dict[str, str]:
    # GDAL_SKIP works from the process environment only; PROJ and the cache size are read once, from there too.
    return {k: v for k, v in SAFETY_OPTIONS.items() if k.startswith(("GDAL_PAM", "GDAL_DISABLE", "CPL_"))}


def _gdal_errors() -> tuple[type[Exception], ...]:
    from rasterio._err import CPLE_BaseError
    from rasterio.errors import CRSError, RasterioError

    return OSError, UnicodeDecodeError, RasterioError, CRSError, CPLE_BaseError


@contextmanager
def _gdal() -> Iterator[None]:
    """GDAL with the safety options, checked."""
    check_environment()
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning

    with warnings.catch_warnings(), rasterio.Env(**_environment_options()):
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        yield


@contextmanager
def _listening() -> Iterator[list[Notice]]:
    """One notice when GDAL warns, as it does where it goes on over damage; its words may name folders."""
    heard: list[Notice] = []

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if not heard and "GDAL_SKIP" not in record.getMessage():
                sentence = "The decoder warned of this file: it is damaged in part, or written in an unusual way."
                heard.append(Notice("warnings", sentence))

    logger, ear = logging.getLogger("rasterio"), Ear(logging.WARNING)
    logger.addHandler(ear)
    try:
        yield heard
    finally:
        logger.removeHandler(ear)


@dataclass(frozen=True)
class _Source:
    """One open file, seen twice: GDAL loses names, masks and coordinates of a GeoTIFF opened without overviews."""

    header: DatasetReader
    pixels: DatasetReader
    declared: Header


@contextmanager
def _opened(path: Path, limits: Settings) -> Iterator[_Source]:
    """A file under the one driver its first bytes allow; anything GDAL says against it becomes a `FormatError`.

    Whatever reads through the header must read at full resolution, where overviews play no part.
    """
    driver = find_driver(path)
    declared = read_header(path, driver)
    check_header(declared, path, limits)
    with _gdal():
        from rasterio.io import DatasetReader

        try:
            location = path.absolute()
            with (
                DatasetReader(location, driver=[driver], **HEADER_OPTIONS.get(driver, {})) as header,
                DatasetReader(location, driver=[driver], **PIXEL_OPTIONS.get(driver, {})) as pixels,
            ):
                _check_budget(header, path, limits)
                yield _Source(header, pixels, declared)
        except InputError:
            raise
        except MemoryError as error:
            raise BudgetError(
                f"{quoted_name(path)} needs more memory than reading a file may take.",
                "Cut out a smaller piece, or raise CLAIRE_READ_MEMORY_MB.",
            ) from error
        except _gdal_errors() as error:
            raise FormatError(
                f"{quoted_name(path)} begins like {_format_name(driver)} but cannot be read: it is damaged or cut off.",
                "Export or download the file again.",
            ) from error


def _format_name(driver: str) -> str:
    return {"GTiff": "a GeoTIFF", "PNG": "a PNG", "JPEG": "a JPEG", "JP2OpenJPEG": "a JPEG 2000"}[driver]


def _check_budget(source: DatasetReader, path: Path, limits: Settings) -> None:
    """Refuse by what GDAL makes of the header, before any pixel is decoded."""
    size = max(_item_size(name) for name in source.dtypes)
    check_size(path, limits, source.width, source.height, source.count, source.count * size)
    block = max(high * wide for high, wide in source.block_shapes) * size
    block *= source.count if source.interleaving is None or source.interleaving.value == "PIXEL" else 1
    check_limits(path, ((block, limits.max_block_bytes, "bytes in one block", "max_block_bytes"),))


def _item_size(name: str) -> int:
    return np.dtype(decoding.native_kind(name)).itemsize


def _ask(request: dict[str, Any], path: Path, limits: Settings) -> Answer:
    """What a reading process says about a file."""
    find_driver(path)
    return ask({**request, "path": str(path.absolute())}, quoted_name(path), limits, SAFETY_OPTIONS)


def _build_raster(answer: Answer, path: Path) -> Raster:
    """A raster from the words of a reading process, each made what it should be."""
    said, (values, *masks) = answer.content, answer.arrays
    valid: NDArray[np.bool_] = masks[0] if masks else np.broadcast_to(np.True_, values.shape)
    crs, affine, metres = said["georeference"]
    transform: Any = None if affine is None else tuple(float(n) for n in affine)
    if valid.dtype != bool or values.shape != valid.shape or len(said["bands"]) != len(values):
        raise ValueError("shape")
    return Raster(
        name=printable(path.name, 120),
        values=values,
        valid=valid,
        bands=tuple(printable(str(text), 40) for text in said["bands"]),
        named=bool(said["named"]),
        dtype=printable(str(said["dtype"]), 40),
        georeference=GeoReference(None if crs is None else str(crs), transform, bool(metres)),
        nodata=None if said["nodata"] is None else float(said["nodata"]),
        units=None if said["units"] is None else tuple(printable(str(text), 40) for text in said["units"]),
        driver=printable(str(said["driver"]), 40),
        palette=bool(said["palette"]),
        notices=tuple(Notice(printable(str(c), 40), printable(str(text), 300)) for c, text in said["notices"]),
        gcps=tuple((float(r), float(c), float(x), float(y), float(z)) for r, c, x, y, z in said["gcps"]),
        gcps_crs=None if said["gcps_crs"] is None else str(said["gcps_crs"]),
        rpcs=None if said["rpcs"] is None else {str(key): str(text) for key, text in said["rpcs"].items()},
        tags={printable(str(key), 80): printable(str(text), 80) for key, text in said["tags"].items()},
    )


def _is_plain(value: Any, depth: int = 4) -> bool:
    """Whether a document holds nothing but printable texts and finite numbers."""
    if isinstance(value, dict):
        return depth > 0 and all(_is_plain(item, depth - 1) for pair in value.items() for item in pair)
    if isinstance(value, list):
        return depth > 0 and all(_is_plain(item, depth - 1) for item in value)
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or isinstance(value, int) or (isinstance(value, str) and value.isprintable())


def _distrusted(path: Path) -> FormatError:
    return FormatError(
        f"{quoted_name(path)} cannot be read: what came out of it makes no sense.",
        "The file is damaged or harmful; export or download it again.",
    )


def _crs(text: str | None) -> Any:
    """A CRS from "EPSG:n" or WKT alone: other texts could make PROJ open files or addresses."""
    from rasterio.crs import CRS

    if text is None:
        return None
    code = text.removeprefix("EPSG:")
    if code != text and code.isdecimal():
        return CRS.from_epsg(int(code))
    return CRS.from_wkt(text)


def _affine(georeference: GeoReference) -> Any:
    from rasterio import Affine as RasterioAffine

    return RasterioAffine.identity() if georeference.transform is None else RasterioAffine(*georeference.transform)


def _write(
    path: Path,
    values: NDArray[Any],
    georeference: GeoReference,
    profile: dict[str, Any],
    descriptions: Sequence[str],
    colormap: Mapping[int, tuple[int, int, int]] | None,
) -> None:
    import rasterio

    place = {"crs": _crs(georeference.crs)}
    if georeference.transform is not None:
        place["transform"] = _affine(georeference)
    if colormap:
        profile = {k: v for k, v in profile.items() if k not in {"photometric", "ALPHA"}}
    with rasterio.open(path, "w", **profile, **place) as target:
        target.write(values)
        for number, text in enumerate(descriptions, start=1):
            target.set_band_description(number, text)
        if colormap:
            target.write_colormap(1, {value: (*rgb, 255) for value, rgb in colormap.items()})


def _points_place(gcps: Sequence[ControlPoint], gcps_crs: str | None, rpcs: Mapping[str, str] | None) -> dict[str, Any]:
    """Arguments of `reproject` that say where the pixels lie."""
    from rasterio.control import GroundControlPoint
    from rasterio.rpc import RPC

    if len(gcps) >= FEWEST_POINTS:
        points = [GroundControlPoint(row=row, col=col, x=x, y=y, z=z) for row, col, x, y, z in gcps]
        method = {"SRC_METHOD": "GCP_TPS"} if len(points) <= MOST_SPLINE_POINTS else {"MAX_GCP_ORDER": 3}
        return {"gcps": points, "src_crs": _crs(gcps_crs), "tolerance": POINTS_TOLERANCE, **method}
    if rpcs is None:
        raise GridError("A file has too few ground control points to be located.", "Geocode the file first.")
    try:
        model = RPC.from_gdal(dict(rpcs))
    except (KeyError, ValueError, TypeError) as error:
        raise GridError("The sensor model (RPC) of a file is damaged.", "Geocode the file first.") from error
    return {"rpcs": model, "src_crs": _crs("EPSG:4326"), "RPC_HEIGHT": model.height_off, "tolerance": POINTS_TOLERANCE}


def _warp_bands(
    values: NDArray[Any],
    valid: NDArray[np.bool_],
    place: Mapping[str, Any],
    target: GeoReference,
    shape: tuple[int, int],
    resampling: Resampling,
) -> tuple[NDArray[Any], NDArray[np.bool_], NDArray[np.bool_]]:
    working = np.float64 if values.dtype.itemsize > 4 or values.dtype.kind in "iu" else np.float32
    warped = np.zeros((values.shape[0], *shape), values.dtype)
    mask = np.zeros(warped.shape, bool)
    inside = _warp(np.ones(values.shape[1:], np.float32), place, target, shape, "nearest") > 0.5
    for band in range(values.shape[0]):
        weight = _warp(valid[band].astype(np.float32), place, target, shape, resampling)
        mask[band] = (weight > 0.5) & inside
        masked = np.where(valid[band], values[band], 0).astype(working)
        total = _warp(masked, place, target, shape, resampling)
        mean = np.divide(total, weight, out=np.zeros(shape, np.float64), where=mask[band])
        warped[band] = np.rint(mean) if values.dtype.kind in "iu" else mean
    return warped, mask, inside


def _warp(
    values: NDArray[Any],
    place: Mapping[str, Any],
    target: GeoReference,
    shape: tuple[int, int],
    resampling: Resampling,
) -> NDArray[Any]:
    from rasterio.warp import Resampling as RasterioResampling
    from rasterio.warp import reproject

    result = np.zeros(shape, values.dtype)
    reproject(
        values,
        result,
        dst_crs=_crs(target.crs),
        dst_transform=_affine(target),
        resampling=RasterioResampling[resampling],
        **place,
    )
    return result
