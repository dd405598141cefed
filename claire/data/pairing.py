"""Bringing the files of one place together: optical, SAR and label on the pixels of the optical file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from claire.core.bands import OFFSETS, STANDARD_ORDER, UNITS, Modality, Unit, normalise_band_name
from claire.core.classes import IGNORE_INDEX
from claire.core.errors import BandError, EmptyTileError, GridError, LabelError, SwapError, UnknownNameError
from claire.core.settings import Settings
from claire.core.types import GeoReference, Layer, Notice, Tile
from claire.data.faults import describe_swap, mask_fill, remove_offset
from claire.data.guessing import guess_bands, guess_unit, read_offset
from claire.data.raster import (
    ControlPoint,
    Raster,
    Resampling,
    hash_file,
    printable,
    quoted_name,
    read_raster,
    warp_gcps_to_grid,
    warp_to_grid,
)

Files = Path | Sequence[Path] | None
"""One file, several whose bands are stacked in this order, or none."""

SMALLEST_OVERLAP = 0.10
"""Share of the optical grid that another file must cover; with less, the two are of different places."""

SAME_GRID_TOLERANCE = 0.01
"""Pixels by which the corners of two grids may differ and still be the same grid."""


@dataclass(frozen=True)
class Label:
    """A label file, read.

    Args:
        name: File name.
        ids: (H, W) integers, ids of a class scheme; `IGNORE_INDEX` (255) where not labelled.
        georeference: Where the pixels lie.
        notices: What the user should know.
    """

    name: str
    ids: NDArray[np.integer]
    georeference: GeoReference
    notices: tuple[Notice, ...] = ()


def read_tile(
    optical: Files,
    sar: Files,
    label: Path | None = None,
    *,
    optical_bands: Sequence[str] | None = None,
    sar_bands: Sequence[str] | None = None,
    optical_units: Unit | None = None,
    sar_units: Unit | None = None,
    name: str | None = None,
    settings: Settings | None = None,
    transparency: bool = True,
) -> Tile:
    """Read the files of one place onto one grid, that of the first optical file (of the first SAR file without one).

    Args:
        optical: Optical file or files.
        sar: SAR file or files; resampled (bilinear) where they lie on another grid.
        label: File of class ids; resampled (nearest) where it lies on another grid.
        optical_bands: Names of all optical bands in order; else the files' own, else standard Sentinel-2 order for
            12 or 13 bands, else `band1`, `band2`, ...
        sar_bands: Names of all SAR bands in order.
        optical_units: What the optical numbers measure; guessed, with a notice, when not given.
        sar_units: What the SAR numbers measure; likewise.
        name: What to call the tile; the first file's name without its ending when not given.
        settings: Limits for reading.
        transparency: Whether a band that calls itself transparency is a mask; near infrared often calls itself so.

    Returns:
        The tile; its notices say what was guessed, warped and masked.

    Raises:
        InputError: A file cannot be read (see `read_raster`).
        GridError: The files cannot be brought onto one grid, or no file was given.
        BandError: Band names that do not fit, palettes, complex optical numbers.
        SwapError: A file of unstated unit holds what the other sensor measures.
        EmptyTileError: A sensor has no valid pixel.
        LabelError: The label is not a map of class ids.

    Example:
        >>> read_tile(Path("s2.tif"), Path("s1.tif"), sar_units="db")  # doctest: +SKIP
    """
    given: dict[Modality, tuple[Path, ...]] = {"optical": _as_paths(optical), "sar": _as_paths(sar)}
    rasters = {
        modality: [_as_measurements(read_raster(p, settings, transparency=transparency), modality) for p in files]
        for modality, files in given.items()
    }
    if sar_units not in (None, "amplitude") and any("complex" in _codes(raster) for raster in rasters["sar"]):
        raise BandError(
            f"The SAR file holds complex numbers, whose magnitude is an amplitude, not {sar_units}.",
            "Leave --sar-units out for this file.",
        )
    if not any(rasters.values()):
        raise GridError("Neither an optical nor a SAR file was given.", "Give at least one of the two.")
    grid = _choose_grid(rasters)
    found = None if label is None else read_label(label, settings)
    notices = [notice for files in rasters.values() for raster in files for notice in raster.notices]
    notices += found.notices if found else ()
    layers: dict[Modality, Layer] = {}
    wishes = (("optical", optical_bands, optical_units), ("sar", sar_bands, sar_units))
    for modality, bands, units in cast(Iterable[tuple[Modality, Sequence[str] | None, Unit | None]], wishes):
        if rasters[modality]:
            aligned = [_align(raster, modality, grid, notices) for raster in rasters[modality]]
            layers[modality] = _stack(aligned, modality, bands, units, notices, name or "")
    if swap := describe_swap({m: layer for m, layer in layers.items() if wishes[m == "sar"][2] is None}):
        raise SwapError(f"{swap}.", "Swap the two files; if they are right, state --optical-units and --sar-units.")
    ids = None if found is None else _align_label(found, grid, notices)
    files = {"optical": given["optical"], "sar": given["sar"], "label": _as_paths(label)}
    sources, reading = _record_sources(files)
    first = next(path for paths in files.values() for path in paths)
    choices = {"bands": optical_bands, "sar_bands": sar_bands, "optical_units": optical_units, "sar_units": sar_units}
    for choice, chosen in choices.items():
        if chosen:
            reading[choice] = (chosen,) if isinstance(chosen, str) else tuple(chosen)
    return Tile(
        name=printable(name or first.stem, 120),
        optical=layers.get("optical"),
        sar=layers.get("sar"),
        label=ids,
        georeference=_find_coordinates(grid, rasters["sar"], notices),
        notices=tuple(dict.fromkeys(notices)),
        sources=sources,
        reading=reading,
    )


def read_label(path: Path, settings: Settings | None = None) -> Label:
    """Read a file of class ids.

    Negative ids, masked pixels and a nodata other than 0 become 255, "not labelled". A nodata of 0 stays 0, because
    many files declare it although 0 is a class; the class scheme decides. A picture that holds nothing but 0 and 255
    is a mask, read as 0 and 1.

    Args:
        path: One band of whole numbers; a palette is welcome.
        settings: Limits for reading.

    Raises:
        InputError: The file cannot be read (see `read_raster`).
        LabelError: Several bands, or numbers that are not whole.
    """
    raster = read_raster(path, settings)
    called = quoted_name(path)
    if raster.values.shape[0] != 1:
        raise LabelError(
            f"The label {called} has {raster.values.shape[0]} bands, but one band of class ids is wanted.",
            "Give class ids, not a coloured picture of them.",
        )
    values, valid = raster.values[0], raster.valid[0]
    if values.dtype.kind == "c" or (values.dtype.kind == "f" and (values[valid] != np.rint(values[valid])).any()):
        raise LabelError(
            f"The label {called} holds numbers that are not whole, but class ids are wanted.",
            "Give a map of class ids.",
        )
    ids = np.where(valid, values, 0).astype(np.int64)
    notices = list(raster.notices)
    missing = ids < 0 if raster.nodata == 0 else (ids < 0) | ~valid
    if not missing.any() and raster.nodata != IGNORE_INDEX and set(np.unique(ids)) <= {0, 255} and ids.any():
        notices.append(Notice("label_mask", f"The label {called} holds 0 and 255 only: read as classes 0 and 1."))
        ids = ids // IGNORE_INDEX
    if missing.any():
        share = 100 * float(missing.mean())
        notices.append(Notice("label_missing", f"{share:.3g} % of the label {called} count as not labelled."))
    ids[missing] = IGNORE_INDEX
    kind = np.uint8 if ids.max() <= IGNORE_INDEX else np.int32
    return Label(raster.name, ids.astype(kind), raster.georeference, tuple(notices))


@dataclass(frozen=True)
class _Grid:
    """The pixels that everything is brought onto, and whose they are."""

    owner: str
    role: str
    georeference: GeoReference
    shape: tuple[int, int]


@dataclass(frozen=True)
class _Points:
    """What a file without a transform says of its place (see `Raster`)."""

    gcps: tuple[ControlPoint, ...] = ()
    crs: str | None = None
    rpcs: Mapping[str, str] | None = None

    @property
    def how(self) -> str:
        """The method, as a clause of the notice; empty when there are no points."""
        if self.gcps:
            return f", {len(self.gcps)} control points"
        return ", RPC model" if self.rpcs else ""

    @property
    def bounds(self) -> str:
        """The extent of the points, or of the validity of the model."""
        if self.gcps:
            return _extent(np.array([(x, y) for _, _, x, y, _ in self.gcps]), self.crs)
        middle, half = (
            [float((self.rpcs or {})[f"{axis}_{kind}"]) for axis in ("LONG", "LAT")] for kind in ("OFF", "SCALE")
        )
        return _extent(np.array([np.subtract(middle, half), np.add(middle, half)]), "EPSG:4326")


@dataclass(frozen=True)
class _Source:
    """What is brought onto the grid: its name, what it is used as, where it lies."""

    name: str
    role: str
    georeference: GeoReference
    points: _Points


def _as_paths(files: Files) -> tuple[Path, ...]:
    if files is None:
        return ()
    return (files,) if isinstance(files, Path) else tuple(files)


def _choose_grid(rasters: Mapping[Modality, Sequence[Raster]]) -> _Grid:
    role: Modality = "optical" if rasters["optical"] else "sar"
    first = rasters[role][0]
    return _Grid(first.name, role, first.georeference, first.shape)


def _record_sources(files: Mapping[str, Sequence[Path]]) -> tuple[dict[str, str], dict[str, tuple[str, ...]]]:
    """File name -> sha256, and role -> file names; files of one name from two folders are told apart by a number."""
    sources: dict[str, str] = {}
    reading: dict[str, tuple[str, ...]] = {}
    for role, paths in files.items():
        for path in paths:
            name, digest = printable(path.name, 120), hash_file(path)
            key, count = name, 1
            while sources.get(key, digest) != digest:
                count += 1
                key = f"{name} ({count})"
            sources[key] = digest
            reading[role] = (*reading.get(role, ()), key)
    return sources, reading


def _as_measurements(raster: Raster, modality: Modality) -> Raster:
    called = quoted_name(Path(raster.name))
    if raster.palette:
        raise BandError(
            f"{called} is a palette picture: its numbers are colour indices, not measurements.",
            "Convert it to RGB, or give the original bands.",
        )
    if raster.values.dtype.kind != "c":
        valid, found = mask_fill(raster.values, raster.valid, modality, called)
        tags = {**raster.tags, "file": raster.name}
        return replace(raster, valid=valid, notices=(*raster.notices, *found), tags=tags)
    if modality == "optical":
        raise SwapError(f"The optical file {called} holds complex numbers, as SAR does.", "Swap the two files.")
    magnitude = np.abs(raster.values).astype(np.float32)
    notice = Notice("complex", f"{called} holds complex numbers: their magnitude is used, as amplitude.")
    units = ("amplitude",) * len(magnitude)
    return replace(raster, values=magnitude, units=units, notices=(*raster.notices, notice))


def _codes(raster: Raster) -> set[str]:
    return {notice.code for notice in raster.notices}


def _stack(
    rasters: Sequence[Raster],
    modality: Modality,
    names: Sequence[str] | None,
    unit: Unit | None,
    notices: list[Notice],
    product: str,
) -> Layer:
    """The bands of all files of one sensor as one layer, named and with a unit."""
    if unit is None and modality == "optical" and len(rasters) > 1:
        rasters, product = _level_offsets(rasters, product, notices)
    values = np.concatenate([raster.values for raster in rasters])
    valid = np.concatenate([raster.valid for raster in rasters])
    title = "SAR" if modality == "sar" else "optical"
    if not valid.any():
        raise EmptyTileError(
            f"The {title} file {quoted_name(Path(rasters[0].name))} has no valid pixel, only nodata: nothing to map.",
            "Give a file with data, or leave this sensor out.",
        )
    if not valid.all():
        share = 100 * float((~valid).any(axis=0).mean())
        notices.append(Notice("masked", f"{share:.3g} % of the {title} pixels hold no data and are masked."))
    if names is not None:
        bands = tuple(normalise_band_name(text) for text in names)
        if len(bands) != len(values):
            raise BandError(
                f"{len(bands)} {title} band names were given for {len(values)} bands.", "Name every band, in order."
            )
    else:
        bands, naming = _name_bands(rasters, modality)
        notices += [naming] if naming else []
    if unit is None:
        unit, guess = guess_unit(modality, values, valid, rasters[0].units, {**rasters[0].tags, "name": product})
        notices += [guess] if guess else []
    elif unit not in UNITS:
        raise UnknownNameError.among("unit", unit, UNITS)
    return Layer(values, valid, bands, unit)


def _level_offsets(rasters: Sequence[Raster], product: str, notices: list[Notice]) -> tuple[Sequence[Raster], str]:
    """Files of two dates of which one carries the Sentinel-2 offset: without it, so that both mean the same.

    Few bands without metadata cannot tell an offset from a cloud; then nothing is changed, but it is said.

    Returns:
        The files, and the name of the product that they still are; "" where that name no longer tells the offset.
    """
    units = [guess_unit("optical", r.values, r.valid, r.units, r.tags)[0] for r in rasters]
    if len(set(units)) == 1 or not set(units) & set(OFFSETS):
        return rasters, product
    levelled, changed = [], False
    for raster, unit in zip(rasters, units, strict=True):
        called = quoted_name(Path(raster.name))
        if unit not in OFFSETS:
            levelled.append(raster)
        elif read_offset(raster.tags) or len(raster.bands) in STANDARD_ORDER:
            values, valid, _ = remove_offset(raster.values, raster.valid, unit)
            levelled.append(replace(raster, values=values, valid=valid))
            notices.append(Notice("offset", f"{called} alone carries the Sentinel-2 offset, which was removed."))
            changed = True
        else:
            levelled.append(raster)
            notices.append(Notice("offset_unsure", f"{called} alone has no dark pixel: it may carry an offset."))
    if not changed:
        return rasters, product
    return [replace(raster, tags={}) for raster in levelled], ""


def _name_bands(rasters: Sequence[Raster], modality: Modality) -> tuple[tuple[str, ...], Notice | None]:
    if len(rasters) == 1:
        return guess_bands(rasters[0].bands, rasters[0].named, modality, rasters[0].values, rasters[0].valid)
    names = tuple(band for raster in rasters for band in raster.bands)
    if all(raster.named for raster in rasters) and len(set(names)) == len(names):
        return names, None
    return tuple(f"band{number}" for number in range(1, len(names) + 1)), None


def _is_placed(georeference: GeoReference) -> bool:
    return georeference.crs is not None and georeference.transform is not None


def _find_coordinates(grid: _Grid, sar: Sequence[Raster], notices: list[Notice]) -> GeoReference:
    """The grid's coordinates; without any, those of a SAR file, which was then laid on it pixel by pixel."""
    placed = [raster for raster in sar if _is_placed(raster.georeference)]
    place = grid.georeference
    if placed and not _is_placed(place):
        owner = quoted_name(Path(grid.owner))
        notices.append(Notice("coordinates", f"{owner} has no coordinates; those of the SAR file are used."))
        place = placed[0].georeference
    if place.pixel_area_m2 is None:
        why = "are not in metres" if _is_placed(place) else "are missing"
        notices.append(Notice("no_area", f"The coordinates {why}: areas are given in pixels."))
    return place


def _align(raster: Raster, role: str, grid: _Grid, notices: list[Notice]) -> Raster:
    plain = raster.georeference.transform is not None
    points = _Points() if plain else _Points(raster.gcps if raster.gcps_crs else (), raster.gcps_crs, raster.rpcs)
    source = _Source(raster.name, role, raster.georeference, points)
    values, valid = _onto_grid(raster.values, raster.valid, source, grid, "bilinear", notices)
    return replace(raster, values=values, valid=valid, georeference=grid.georeference)


def _align_label(label: Label, grid: _Grid, notices: list[Notice]) -> NDArray[np.integer]:
    everywhere = np.ones((1, *label.ids.shape), bool)
    source = _Source(label.name, "label", label.georeference, _Points())
    ids, valid = _onto_grid(label.ids[None], everywhere, source, grid, "nearest", notices)
    aligned: NDArray[np.integer] = np.where(valid[0], ids[0], IGNORE_INDEX).astype(label.ids.dtype)
    return aligned


def _onto_grid(
    values: NDArray[Any],
    valid: NDArray[np.bool_],
    source: _Source,
    grid: _Grid,
    resampling: Resampling,
    notices: list[Notice],
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Values and mask on the common grid: as they are, pixel by pixel, or warped; the last two with a notice."""
    georeference, points = source.georeference, source.points
    called, title = quoted_name(Path(source.name)), _title(source.role)
    shape = (values.shape[1], values.shape[2])
    placed = _is_placed(georeference) or points.how != "", _is_placed(grid.georeference)
    if not all(placed):
        if shape != grid.shape:
            raise GridError(
                f"The {title} file {called} is {shape[1]} x {shape[0]} pixels, the {_title(grid.role)} file "
                f"{grid.shape[1]} x {grid.shape[0]}, and not both have coordinates.",
                "Give files of the same size, or files with coordinates.",
            )
        if any(placed) and source.name != grid.owner:
            notices.append(
                Notice("pixelwise", f"{called} and the {_title(grid.role)} file are matched pixel by pixel.")
            )
        return values, valid
    if not points.how and shape == grid.shape and _is_same_grid(georeference, grid.georeference, shape):
        return values, valid
    if points.how:
        warped, mask, inside = warp_gcps_to_grid(
            values, valid, points.gcps, points.crs, points.rpcs, grid.georeference, grid.shape, resampling
        )
    else:
        warped, mask, inside = warp_to_grid(values, valid, georeference, grid.georeference, grid.shape, resampling)
    overlap = float(inside.mean())
    if overlap < SMALLEST_OVERLAP:
        raise GridError(
            f"{title} covers {100 * overlap:.2g} % of {_title(grid.role)}: "
            f"{points.bounds if points.how else _bounds(georeference, shape)} against "
            f"{_bounds(grid.georeference, grid.shape)}.",
            "Give two files of the same place.",
        )
    rest = "" if overlap == 1 else " The rest is masked."
    percent = "100" if overlap == 1 else f"{min(100 * overlap, 99.9):.1f}"
    notices.append(
        Notice(
            "warped",
            f"The {title} file {called} was resampled ({resampling}{points.how}) to the {_title(grid.role)} grid and "
            f"covers {percent} % of it.{rest}",
        )
    )
    return warped, mask


def _title(role: str) -> str:
    return "SAR" if role == "sar" else role


def _is_same_grid(one: GeoReference, other: GeoReference, shape: tuple[int, int]) -> bool:
    if one.crs != other.crs:
        return False
    pixel = np.abs(np.array(other.transform)[[0, 1, 3, 4]]).max()
    return bool(np.abs(_corners(one, shape) - _corners(other, shape)).max() <= SAME_GRID_TOLERANCE * pixel)


def _corners(georeference: GeoReference, shape: tuple[int, int]) -> NDArray[np.float64]:
    """(4, 2) x and y of the outer corners."""
    a, b, c, d, e, f = georeference.transform or (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    high, wide = shape
    return np.array(
        [(a * col + b * row + c, d * col + e * row + f) for col in (0, wide) for row in (0, high)], np.float64
    )


def _bounds(georeference: GeoReference, shape: tuple[int, int]) -> str:
    return _extent(_corners(georeference, shape), georeference.crs)


def _extent(points: NDArray[np.float64], crs: str | None) -> str:
    (left, low), (right, high) = points.min(axis=0), points.max(axis=0)
    name = crs if (crs or "").startswith("EPSG:") else "own CRS"
    return f"x {left:.7g}..{right:.7g}, y {low:.7g}..{high:.7g} ({name})"
