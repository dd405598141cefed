"""From an open file to numbers, masks and words. Runs in the child process of `claire.data.reader`.

Datasets come in open: `header` knows names, masks and coordinates, `pixels` is the same file without overviews. This
module imports no rasterio; it names colours and masks by the names of rasterio's enumerations.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from claire.core.bands import Role, normalise_band_name
from claire.core.errors import BandError, FormatError
from claire.core.types import Affine, GeoReference, Notice
from claire.data.faults import mask_fill
from claire.data.guessing import guess_bands, guess_unit
from claire.data.headers import printable, quoted_name
from claire.data.oddities import Content, find_oddities
from claire.data.ring import Piece, Shape, fit_steps

Announce: TypeAlias = Callable[[int, int], None]
"""Told before pixels are read: bytes of the decoded array, and bytes that working on it takes beside."""

HandOver: TypeAlias = Callable[[Shape, list[str], Shape], Iterator[tuple[Piece, list[NDArray[Any]]]]]
"""Takes arrays of one shape and these dtype names in pieces of such steps: gives each piece and the memory to fill."""

MOST_GCPS = 10_000
"""More ground control points than this are not read."""

SAMPLE = 4_000_000
"""Numbers that a unit is guessed from; of larger files every n-th row and column."""

CHUNK = 4_000_000
"""Pixels that are worked on at once."""

PRODUCT_TAG = re.compile(r"BASELINE|ADD_OFFSET|PRODUCT|SCENE|IMAGEDESCRIPTION", re.IGNORECASE)
"""Names of the tags that may tell which Sentinel-2 product a file was made from."""

_INKS = {"cyan", "magenta", "yellow", "black"}


@dataclass
class Plan:
    """Which bands are data, and what has to be done to their numbers.

    Args:
        path: Of the file.
        chosen: Indices of the bands of data, from 0.
        alpha: Indices of the bands of transparency.
        names: Description of every band, cleaned; "" where there is none.
        meanings: Colour meaning of every band.
        kind: dtype of the array that a reader gives.
        scales: Factor of each chosen band.
        offsets: Addend of each chosen band.
        nodata: Value of each chosen band, or None.
        notices: What a user should know.
    """

    path: Path
    chosen: list[int]
    alpha: list[int]
    names: list[str]
    meanings: list[str]
    kind: str
    scales: list[float]
    offsets: list[float]
    nodata: list[float | None]
    notices: list[Notice] = field(default_factory=list)

    @property
    def scaled(self) -> bool:
        """True where the numbers stored are not the quantity."""
        return any(scale != 1 for scale in self.scales) or any(self.offsets)

    @property
    def scaled_kind(self) -> str:
        """Dtype of the numbers after scaling."""
        dtype = np.dtype(self.kind)
        if not self.scaled:
            return self.kind
        if dtype.kind == "c":
            return "complex128"
        return "float32" if dtype.itemsize <= 2 or dtype == np.float32 else "float64"


def read(
    header: Any, pixels: Any, path: Path, announce: Announce, hand_over: HandOver, transparency: bool = True
) -> dict[str, Any]:
    """Hand over arrays for the values and, where not every pixel is valid, the mask; say the rest in a JSON document.

    Without `transparency` a band that calls itself so is data.

    Raises:
        FormatError: Print colours, which measure nothing.
        BandError: No band of data.
    """
    plan = _plan(header, path, transparency)
    if _holds_print_colours(header, plan):
        raise FormatError(
            f"{quoted_name(path)} holds print colours (CMYK), which measure nothing.",
            "Convert it to RGB or give the bands.",
        )
    if not plan.chosen:
        raise BandError(
            f"{quoted_name(path)} has no band but transparency.", "Give a file with at least one band of data."
        )
    shape = (len(plan.chosen), header.height, header.width)
    announce(_count_bytes(header, plan), _count_working_bytes(header, plan))
    masks = _Masks(header, plan)
    kinds = [plan.scaled_kind] if masks.let_all_pass else [plan.scaled_kind, "bool"]
    blocks = _Blocks(header, pixels, plan, shape, kinds)
    masks.in_pieces = blocks.whole is None
    for piece, (values, *valid) in hand_over(shape, kinds, blocks.steps):
        raw = blocks.read(piece, None if plan.scaled else values)
        for place, band in enumerate(range(piece[0].start, piece[0].stop)):
            if valid:
                masks.fill(band, raw[place], valid[0][place], piece[1:])
            if plan.scaled:
                values[place] = _scale(raw[place], plan, band)
    bands, named = _name_bands([plan.names[i] for i in plan.chosen])
    units = _read_units(header, plan)
    georeference = _read_georeference(header, plan)
    gcps, gcps_crs = _read_gcps(header)
    return {
        "bands": bands,
        "named": named,
        "dtype": header.dtypes[plan.chosen[0]],
        "georeference": [georeference.crs, georeference.transform, georeference.metres],
        "nodata": plan.nodata[0],
        "units": units if any(units) else None,
        "driver": header.driver,
        "palette": "palette" in plan.meanings,
        "notices": [[notice.code, notice.message] for notice in plan.notices],
        "gcps": gcps,
        "gcps_crs": gcps_crs,
        "rpcs": _read_rpcs(header),
        "tags": {key: text for key, text in _read_tags(header).items() if PRODUCT_TAG.search(key)},
    }


def describe(
    header: Any, pixels: Any, path: Path, role: Role, declared: Sequence[Notice], announce: Announce, with_hash: bool
) -> dict[str, Any]:
    """What a file is, with statistics and everything unusual, as `claire.data.raster.describe_raster` gives it.

    Args:
        header: The file.
        pixels: The file without overviews.
        path: Of the file.
        role: What it will be used as.
        declared: What is unusual about its first bytes.
        announce: Told the size before pixels are read.
        with_hash: Whether to hash the decoded array.
    """
    plan = _plan(header, path)
    only_alpha = not plan.chosen
    if only_alpha:
        plan = _plan(header, path, transparency=False)
    announce(_count_bytes(header, plan), _count_working_bytes(header, plan))
    whole = pixels.read()
    raw = whole if len(plan.chosen) == header.count else whole[plan.chosen]
    masks, found = _Masks(header, plan), _Counts()
    named_bands, named = _name_bands([plan.names[i] for i in plan.chosen])
    step = max(1, math.isqrt(raw.size // SAMPLE) + 1) if raw.size > SAMPLE else 1
    sampled = []
    for place in range(len(plan.chosen)):
        valid = np.empty(raw.shape[1:], bool)
        masks.fill(place, raw[place], valid)
        found.add(raw[place], valid, plan, place)
        sampled.append((_scale(raw[place, ::step, ::step], plan, place), valid[::step, ::step]))
    units = _read_units(header, plan)
    tags = {**_read_tags(header), "file": path.name}
    bands, unit, guesses = _guess(role, named_bands, named, sampled, units if any(units) else None, tags)
    georeference = _read_georeference(header, plan)
    stats = [{"band": band, **numbers} for band, numbers in zip(bands, found.stats, strict=True)]
    share = found.valid / raw.size
    content = Content(
        path, header.driver, (header.count, header.height, header.width), header.dtypes[0], georeference.transform,
        georeference.crs, len(_read_gcps(header)[0]), _read_rpcs(header) is not None,
        list(dict.fromkeys(value for value in plan.nodata if value is not None)), plan.names, plan.meanings,
        _read_tags(header), stats, share, found.missing, found.infinite,
    )  # fmt: skip
    notices = {notice.code: notice for notice in (*declared, *find_oddities(content), *plan.notices, *guesses)}
    description = {
        "role": role,
        "driver": header.driver,
        "width": header.width,
        "height": header.height,
        "bands": list(bands),
        "named": named,
        "dtype": header.dtypes[plan.chosen[0]],
        "crs": georeference.crs,
        "transform": None if georeference.transform is None else list(georeference.transform),
        "nodata": _as_json(plan.nodata[0]),
        "units": unit,
        "valid": share,
        "stats": stats,
        "notices": [{"code": notice.code, "message": notice.message} for notice in notices.values()],
    }
    if with_hash:
        little = whole.astype(whole.dtype.newbyteorder("<"), copy=False)
        description["pixels_sha256"] = hashlib.sha256(np.ascontiguousarray(little).data).hexdigest()
    return description


def native_kind(name: str) -> str:
    """The dtype of the array that rasterio makes of a GDAL type."""
    return {"complex_int16": "complex64"}.get(name, name)


class _Blocks:
    """The numbers as stored, in pieces.

    A GeoTIFF is decoded piece by piece where its blocks are small enough. Other formats, whose decoders go from the
    first row to the last, and larger blocks are decoded whole.
    """

    def __init__(self, header: Any, pixels: Any, plan: Plan, shape: Shape, kinds: Sequence[str]) -> None:
        self.pixels, self.numbers = pixels, [index + 1 for index in plan.chosen]
        together = pixels.interleaving is None or pixels.interleaving.value == "PIXEL"
        rows, columns = pixels.block_shapes[0]
        in_pieces = header.driver == "GTiff" and len(set(pixels.block_shapes)) == 1
        steps = fit_steps(shape, kinds, (shape[0] if together else 1, rows, columns)) if in_pieces else None
        self.whole = pixels.read(self.numbers) if steps is None else None
        self.steps = steps or fit_steps(shape, kinds, (1, 1, 1)) or (1, 1, 1)

    def read(self, piece: Piece, out: NDArray[Any] | None) -> NDArray[Any]:
        """The numbers (bands, rows, columns) of one piece, written to `out` if there is one."""
        if self.whole is None:
            window = tuple((part.start, part.stop) for part in piece[1:])
            return np.asarray(self.pixels.read(self.numbers[piece[0]], window=window, out=out))
        if out is None:
            return np.asarray(self.whole[piece])
        out[:] = self.whole[piece]
        return out


class _Masks:
    """Which pixels are valid: nodata, masks inside the file, transparency and numbers that are none."""

    def __init__(self, header: Any, plan: Plan) -> None:
        self.header, self.plan = header, plan
        self.opaque = header.read(plan.alpha[0] + 1) > 0 if plan.alpha else None
        self.shared: NDArray[np.bool_] | None = None
        self.latest: tuple[int, NDArray[np.bool_]] | None = None
        self.in_pieces = False

    @property
    def let_all_pass(self) -> bool:
        """True where every pixel is valid whatever it holds."""
        flags = {flag.name for index in self.plan.chosen for flag in self.header.mask_flag_enums[index]}
        return np.dtype(self.plan.kind).kind in "iu" and self.opaque is None and flags <= {"all_valid"}

    def fill(
        self, place: int, raw: NDArray[Any], valid: NDArray[np.bool_], window: tuple[slice, ...] = (slice(None),) * 2
    ) -> None:
        """Set `valid` for the rows and columns `window` of one chosen band with their numbers `raw`."""
        index = self.plan.chosen[place]
        flags = {flag.name for flag in self.header.mask_flag_enums[index]}
        if raw.dtype.kind in "fc":
            np.isfinite(raw, out=valid)
        else:
            valid[:] = True
        if flags == {"nodata"} and raw.dtype.kind != "c" and raw.dtype.itemsize <= 4:
            nodata = self.plan.nodata[place]
            if nodata is not None and math.isfinite(nodata):
                self._mask_value(raw, nodata, valid)
        elif "per_dataset" in flags and not flags & {"alpha", "nodata"}:
            if self.shared is None:
                self.shared = self.header.read_masks(index + 1) > 0
            valid &= self.shared[window]
        elif not flags & {"all_valid", "alpha"}:
            valid &= self._read_own(index, window)
        if self.opaque is not None:
            valid &= self.opaque[window]

    def _read_own(self, index: int, window: tuple[slice, ...]) -> NDArray[np.bool_]:
        """A part of the mask of one band. The whole mask is kept until another one is asked for."""
        if self.in_pieces:
            return np.asarray(self.header.read_masks(index + 1, window=tuple((p.start, p.stop) for p in window)) > 0)
        if self.latest is None or self.latest[0] != index:
            self.latest = None
            self.latest = index, self.header.read_masks(index + 1) > 0
        return self.latest[1][window]

    @staticmethod
    def _mask_value(raw: NDArray[Any], nodata: float, valid: NDArray[np.bool_]) -> None:
        if raw.dtype.kind == "f":
            with np.errstate(over="ignore"):
                valid &= raw != raw.dtype.type(nodata)
        elif nodata == int(nodata) and np.iinfo(raw.dtype).min <= nodata <= np.iinfo(raw.dtype).max:
            valid &= raw != raw.dtype.type(int(nodata))


@dataclass
class _Counts:
    """Statistics of the bands, and what they count together."""

    stats: list[dict[str, float | None]] = field(default_factory=list)
    valid: int = 0
    missing: int = 0
    infinite: int = 0

    def add(self, raw: NDArray[Any], valid: NDArray[np.bool_], plan: Plan, place: int) -> None:
        """Take in one band: (H, W) numbers as stored and their mask."""
        count, mean, spread = 0, 0.0, 0.0
        low, high = math.inf, -math.inf
        with np.errstate(over="ignore", invalid="ignore"):
            for rows in _cut(*raw.shape):
                if raw.dtype.kind in "fc":
                    self.missing += int(np.isnan(raw[rows]).sum())
                    self.infinite += int(np.isinf(raw[rows]).sum())
                numbers = raw[rows].ravel() if valid[rows].all() else raw[rows][valid[rows]]
                numbers = _scale(numbers, plan, place)
                if numbers.size == 0:
                    continue
                numbers = np.abs(numbers) if numbers.dtype.kind == "c" else numbers
                low, high = min(low, float(numbers.min())), max(high, float(numbers.max()))
                here = float(numbers.mean(dtype=np.float64))
                there = float(numbers.std(dtype=np.float64)) ** 2 * numbers.size
                total = count + numbers.size
                spread += there + (here - mean) ** 2 * count * numbers.size / total
                mean += (here - mean) * numbers.size / total
                count = total
        self.valid += count
        found = {"min": low, "max": high, "mean": mean, "std": math.sqrt(spread / count) if count else math.nan}
        self.stats.append({key: n if count and math.isfinite(n) else None for key, n in found.items()})


def _cut(height: int, width: int) -> Iterator[slice]:
    """Slices of rows with about `CHUNK` pixels each."""
    rows = max(1, CHUNK // width)
    return (slice(start, start + rows) for start in range(0, height, rows))


def _plan(header: Any, path: Path, transparency: bool = True) -> Plan:
    """Sort the bands; without `transparency` every band is data."""
    notices: list[Notice] = []
    empty = tuple("" for _ in range(header.count))
    try:
        names = [printable((text or "").strip(), 40) for text in header.descriptions]
    except UnicodeDecodeError:
        names = list(empty)
        notices.append(Notice("names", f"The band names of {quoted_name(path)} are damaged and are ignored."))
    meanings = [meaning.name for meaning in header.colorinterp]
    alpha = [i for i, meaning in enumerate(meanings) if transparency and meaning == "alpha" and not names[i]]
    chosen = [i for i in range(header.count) if i not in alpha]
    if alpha:
        notices.append(
            Notice(
                "alpha",
                f"Band {alpha[0] + 1} of {quoted_name(path)} is transparency: used as a mask, not as data. "
                "Describe the band if it is data.",
            )
        )
    if len(header.subdatasets) > 1:
        notices.append(
            Notice("pages", f"{quoted_name(path)} holds {len(header.subdatasets)} pictures; the first one is read.")
        )
    scales, offsets = _read_scales(header, chosen, path, notices)
    nodata = [None if n is None else float(np.real(n)) for n in (header.nodatavals[i] for i in chosen)]
    kind = native_kind(header.dtypes[0])
    return Plan(path, chosen, alpha, names, meanings, kind, scales, offsets, nodata, notices)


def _holds_print_colours(header: Any, plan: Plan) -> bool:
    # GDAL turns print colours into RGB on its own and leaves this note.
    note = header.tags(ns="IMAGE_STRUCTURE").get("SOURCE_COLOR_SPACE", "")
    return "cyan" in plan.meanings or "CMYK" in note


def _read_scales(
    header: Any, chosen: Sequence[int], path: Path, notices: list[Notice]
) -> tuple[list[float], list[float]]:
    scales, offsets = [header.scales[i] for i in chosen], [header.offsets[i] for i in chosen]
    if all(scale == 1 for scale in scales) and not any(offsets):
        return scales, offsets
    if not all(math.isfinite(n) for n in (*scales, *offsets)) or 0 in scales:
        notices.append(Notice("scale", f"{quoted_name(path)} gives an impossible scale or offset, which is ignored."))
        return [1.0] * len(chosen), [0.0] * len(chosen)
    notices.append(
        Notice("scale", f"Values of {quoted_name(path)} are scaled as the file says: x {scales[0]:g} + {offsets[0]:g}.")
    )
    return scales, offsets


def _scale(raw: NDArray[Any], plan: Plan, place: int) -> NDArray[Any]:
    """Numbers of one band as the quantity that the file means."""
    if not plan.scaled:
        return raw
    with np.errstate(over="ignore", invalid="ignore"):
        scaled = raw * np.float64(plan.scales[place]) + np.float64(plan.offsets[place])
        return np.asarray(scaled).astype(plan.scaled_kind)


def _count_bytes(header: Any, plan: Plan) -> int:
    return int(header.count * header.width * header.height * np.dtype(plan.kind).itemsize)


def _count_working_bytes(header: Any, plan: Plan) -> int:
    """Two arrays of all bands, a few of one band."""
    return 2 * _count_bytes(header, plan) + 20 * int(header.width * header.height)


def _name_bands(own: Sequence[str]) -> tuple[tuple[str, ...], bool]:
    names = tuple(normalise_band_name(text) for text in own)
    if all(names) and len(set(names)) == len(names):
        return names, True
    return tuple(f"band{i + 1}" for i in range(len(own))), False


def _read_units(header: Any, plan: Plan) -> list[str]:
    try:
        return [printable(header.units[i] or "", 40) for i in plan.chosen]
    except UnicodeDecodeError:
        return []


def _read_tags(header: Any) -> dict[str, str]:
    """Metadata of the file, its first band and its structure, keys and short texts."""
    try:
        tags = {**header.tags(), **header.tags(1), **header.tags(ns="IMAGE_STRUCTURE")}
    except UnicodeDecodeError:
        return {}
    return {printable(key, 80): printable(text, 80) for key, text in tags.items()}


def _read_gcps(header: Any) -> tuple[list[tuple[float, ...]], str | None]:
    """The finite ones among the first ground control points (row, col, x, y, z), and their coordinate system."""
    points, crs = header.gcps
    numbers = [tuple(float(n or 0) for n in (p.row, p.col, p.x, p.y, p.z)) for p in points[:MOST_GCPS]]
    return [point for point in numbers if all(math.isfinite(n) for n in point)], _name_crs(crs)


def _read_rpcs(header: Any) -> dict[str, str] | None:
    try:
        tags = header.tags(ns="RPC")
    except UnicodeDecodeError:
        return None
    return {printable(key, 40): printable(text, 1000) for key, text in list(tags.items())[:100]} or None


def _read_georeference(header: Any, plan: Plan) -> GeoReference:
    affine = header.transform
    transform: Affine | None = tuple(float(n) for n in affine[:6])  # type: ignore[assignment]
    called = quoted_name(plan.path)
    if affine.is_identity:
        transform = None
    elif not all(math.isfinite(n) for n in affine[:6]) or affine.determinant == 0:
        plan.notices.append(Notice("transform", f"The coordinates of {called} are impossible and are ignored."))
        transform = None
    if header.gcps[0] and transform is None:
        plan.notices.append(Notice("gcps", f"{called} is located by ground control points only."))
    elif transform is None and _read_rpcs(header) is not None:
        plan.notices.append(Notice("rpcs", f"{called} is located by a sensor model (RPC) only."))
    name = _name_crs(header.crs)
    if name is None:
        return GeoReference(None, transform)
    # Web Mercator calls its unit the metre, but its areas are wrong by up to a factor of four where people live.
    metres = header.crs.is_projected and header.crs.linear_units_factor[1] == 1.0 and name != "EPSG:3857"
    return GeoReference(name, transform, bool(metres) and transform is not None)


def _name_crs(crs: Any) -> str | None:
    """The name of a coordinate system: "EPSG:n" where it has a number, else its WKT; None when there is none."""
    if crs is None or not crs.wkt:
        return None
    code = crs.to_epsg(confidence_threshold=100)
    return str(crs.to_wkt()) if code is None else f"EPSG:{code}"


def _guess(
    role: Role,
    bands: tuple[str, ...],
    named: bool,
    sampled: Sequence[tuple[NDArray[Any], NDArray[np.bool_]]],
    units: Sequence[str] | None,
    tags: Mapping[str, str],
) -> tuple[tuple[str, ...], str, list[Notice]]:
    """Names of the bands and of their unit, with a notice for each guess and for fill that is not declared."""
    if role == "label":
        return bands, "class ids", []
    values, valid = (np.stack(layers) for layers in zip(*sampled, strict=True))
    valid, filled = mask_fill(values, valid, role, quoted_name(Path(tags["file"])))
    bands, naming = guess_bands(bands, named, role, values, valid)
    unit, guess = guess_unit(role, values, valid, units, tags)
    return bands, unit, [notice for notice in (*filled, naming, guess) if notice is not None]


def _as_json(number: float | None) -> float | str | None:
    return number if number is None or math.isfinite(number) else str(number)
