"""Tile + manifest -> Prepared: the bands a checkpoint wants, in its units, normalised, with masks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from claire.core.bands import MODALITIES, OFFSETS, SENTINEL2_L2A, Modality, Unit, normalise_band_name
from claire.core.errors import BandError, EmptyTileError, SwapError
from claire.core.manifest import InputSpec, Manifest
from claire.core.types import Layer, Notice, Prepared, Tile, layer_of
from claire.data.faults import remove_offset
from claire.data.screening import leave_clouds_out, leave_noise_out

ZERO_IS_NODATA: frozenset[Unit] = frozenset({"uint8", "reflectance", "reflectance_x1e4"})
"""Units in which a pixel whose bands of one date are all exactly 0 was not observed; 0 dB is a measurement."""

WEAKER_CROSS = 1.5
"""Factor by which cross-polarised backscatter (VH, HV) must exceed the co-polarised for the two to seem changed: in
amplitude 1.5 is 3.5 dB, while nature has the cross-polarised several dB below."""

FAR_FROM_TRAINING = 6.0
"""Standard deviations of the training split between its mean and the middle of a tile; then the unit may be wrong."""

UNUSABLE: Mapping[str, str] = {"clouds": "looks like cloud", "noise": "is noise"}
"""Code of a notice -> what is said of the part of a picture that is left out."""

LEAST_UNUSABLE = 0.005
"""Share of a picture from which on it is said."""

MOST_NAMED = 60
"""Characters of a sentence that may go to the band names of a file."""


def prepare(tile: Tile, manifest: Manifest) -> tuple[Prepared, tuple[Notice, ...]]:
    """Bring a tile to what a checkpoint reads.

    Args:
        tile: The pair; a missing sensor becomes an all-invalid array.
        manifest: Of the checkpoint.

    Returns:
        The prepared pair, and what the user should know.

    Raises:
        BandError: Bands or units that the checkpoint wants are not there.
        LabelError: Label ids outside the class scheme.
        EmptyTileError: No valid pixel in either sensor.
    """
    chosen, found = select_bands(tile, manifest)
    notices = list(found)
    height, width = tile.shape
    arrays = {}
    for modality in MODALITIES:
        spec = getattr(manifest, modality)
        layer = layer_of(chosen, modality)
        if layer is None:
            empty = np.zeros((len(spec.bands), height, width), np.float32)
            arrays[modality] = empty, empty.astype(bool)
        else:
            observed = compute_valid(layer.values, layer.valid, spec)
            clean = leave_noise_out(layer.values, observed, spec)
            seen = leave_clouds_out(layer.values, clean, spec)
            notices += _count_unusable(observed, clean, "noise", chosen.sar is not None)
            notices += _count_unusable(clean, seen, "clouds", chosen.sar is not None)
            arrays[modality] = normalise(layer.values, seen, spec)
            notices += _compare_statistics(*arrays[modality], modality)
    if not any(valid.any() for _, valid in arrays.values()):
        what = " and ".join(notice.code for notice in notices if notice.code in UNUSABLE) or "nodata"
        raise EmptyTileError(f"The tile {tile.name!r} holds nothing but {what}.", "Choose a tile with valid pixels.")
    label = None if tile.label is None else manifest.class_scheme.to_index(tile.label)
    (optical, optical_valid), (sar, sar_valid) = arrays["optical"], arrays["sar"]
    return Prepared(tile.name, optical, sar, optical_valid, sar_valid, label, tile.georeference), tuple(notices)


def select_bands(tile: Tile, manifest: Manifest) -> tuple[Tile, tuple[Notice, ...]]:
    """The tile with the checkpoint's bands only, in its order and units, not yet normalised.

    Raises:
        BandError: Bands or units that the checkpoint wants are not there.
    """
    notices: list[Notice] = []
    layers = {}
    _refuse_swapped(tile, manifest)
    for modality in MODALITIES:
        layer = layer_of(tile, modality)
        spec: InputSpec = getattr(manifest, modality)
        layers[modality] = None if layer is None else _select(layer, spec, modality, notices)
        if layer is None:
            notices.append(
                Notice("missing_sensor", f"There is no {_title(modality)}: the maps rest on the other sensor.")
            )
    return replace(tile, optical=layers["optical"], sar=layers["sar"]), tuple(notices)


def compute_valid(values: NDArray[Any], valid: NDArray[np.bool_], spec: InputSpec) -> NDArray[np.bool_]:
    """Mask of the observed values: the file's own mask, less the dates on which all bands of a pixel are 0.

    Args:
        values: (..., C, H, W) in the unit of `spec`.
        valid: The same shape, or one that broadcasts to it.
        spec: Which channels were acquired together.

    Returns:
        (..., C, H, W) bool.
    """
    observed: NDArray[np.bool_] = np.broadcast_to(valid, values.shape) & np.isfinite(values)
    if spec.unit not in ZERO_IS_NODATA:
        return observed
    observed = observed.copy()
    for date in spec.dates:
        channels = list(date)
        blank = (values[..., channels, :, :] == 0).all(axis=-3, keepdims=True)
        observed[..., channels, :, :] &= ~blank
    return observed


def normalise(
    values: NDArray[Any], valid: NDArray[np.bool_], spec: InputSpec
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Zero mean and unit spread per band over the training split; 0 where invalid.

    Args:
        values: (..., C, H, W) in the unit of `spec`.
        valid: Same shape, bool.
        spec: Means and spreads.

    Returns:
        (..., C, H, W) float32 and the mask.
    """
    mean = np.array(spec.mean, np.float32)[:, None, None]
    std = np.array(spec.std, np.float32)[:, None, None]
    finite = np.where(valid, values, 0).astype(np.float32)
    return np.where(valid, (finite - mean) / std, np.float32(0)), valid


def _count_unusable(observed: NDArray[np.bool_], seen: NDArray[np.bool_], code: str, has_sar: bool) -> list[Notice]:
    share = float((observed & ~seen).any(axis=0).mean())
    if share < LEAST_UNUSABLE:
        return []
    rest = "the fused map rests on SAR there" if has_sar else "there is no map there"
    return [Notice(code, f"{100 * share:.0f} % of the optical picture {UNUSABLE[code]} and is left out: {rest}.")]


def _select(layer: Layer, spec: InputSpec, modality: Modality, notices: list[Notice]) -> Layer:
    names = tuple(normalise_band_name(band) for band in layer.bands)
    wanted = tuple(normalise_band_name(band) for band in spec.bands)
    if not set(wanted) <= set(names) and _is_unnamed(names) and modality == "sar" and len(names) == len(wanted):
        if reason := _find_reversed(layer, wanted):
            raise BandError(f"The SAR bands have no names, and {reason}.", "Name the bands in order with --sar-bands.")
        notices.append(
            Notice("sar_order", f"The SAR bands have no names: taken as {', '.join(wanted)}, in this order.")
        )
        names = wanted
    elif modality == "sar" and (reason := _find_reversed(layer, names)):
        notices.append(Notice("sar_order", f"The SAR bands may be exchanged: {reason}."))
    missing = [band for band in wanted if band not in names]
    if missing:
        option = "--bands" if modality == "optical" else "--sar-bands"
        raise BandError(
            f"The model wants {len(wanted)} {_title(modality)} bands ({', '.join(wanted)}), "
            f"but the file has {len(names)}: {_shorten(', '.join(names))}.",
            f"Give a file with these bands, or name its bands in order with {option}.",
        )
    order = [names.index(band) for band in wanted]
    notices += _compare_level(names, spec) if modality == "optical" else ()
    picked = Layer(layer.values[order], layer.valid[order], spec.bands, layer.unit)
    if layer.unit == spec.unit:
        return picked
    plain = _without_offset(picked, notices)
    values = _convert(plain.values, plain.unit, spec.unit, modality)
    if spec.unit == "db":
        lost = 100 * float((plain.valid & ~np.isfinite(values)).mean())
        rest = f"; {lost:.3g} % were not above 0 and are masked" if lost else ""
        notices.append(Notice("converted", f"SAR {plain.unit} was converted to dB{rest}."))
    return Layer(values, plain.valid & np.isfinite(values), spec.bands, spec.unit)


def _without_offset(layer: Layer, notices: list[Notice]) -> Layer:
    if layer.unit not in OFFSETS:
        return layer
    values, valid, unit = remove_offset(layer.values, layer.valid, layer.unit)
    notices.append(
        Notice("offset", f"The {OFFSETS[layer.unit][1]:g} that Sentinel-2 adds to reflectance since 2022 was removed.")
    )
    return Layer(values, valid, layer.bands, unit)


def _convert(values: NDArray[Any], given: Unit, wanted: Unit, modality: Modality) -> NDArray[Any]:
    if given == wanted:
        return values
    if (given, wanted) == ("reflectance", "reflectance_x1e4"):
        return values.astype(np.float32) * np.float32(1e4)
    if (given, wanted) == ("reflectance_x1e4", "reflectance"):
        return values.astype(np.float32) / np.float32(1e4)
    if wanted == "db" and given in {"power", "amplitude"}:
        factor = 10.0 if given == "power" else 20.0
        with np.errstate(divide="ignore", invalid="ignore"):
            decibel: NDArray[Any] = (factor * np.log10(values.astype(np.float64))).astype(np.float32)
        return decibel
    raise BandError(
        f"The {_title(modality)} file is in {given}, but the model reads {wanted}.",
        f"Convert the file, or state its real unit with --{modality}-units.",
    )


def _refuse_swapped(tile: Tile, manifest: Manifest) -> None:
    if tile.optical is None or tile.sar is None:
        return
    if manifest.fits_swapped(tile.optical.bands, tile.sar.bands):
        raise SwapError(
            f"The optical file has {len(tile.optical.bands)} bands and the SAR file {len(tile.sar.bands)}, but the "
            f"model wants {len(manifest.optical.bands)} optical and {len(manifest.sar.bands)} SAR bands.",
            "Swap the two files.",
        )


def _find_reversed(layer: Layer, names: tuple[str, ...]) -> str | None:
    """Which cross-polarised band is plainly stronger than its co-polarised one, in words; they may be exchanged."""
    stems = [band.partition("_") for band in names]
    for position, (stem, _, date) in enumerate(stems):
        for other, (cross, _, other_date) in enumerate(stems):
            partners = (stem, cross) in {("VV", "VH"), ("HH", "HV")} and date == other_date
            if partners and _exceeds(layer, other, position):
                return f"band {other + 1} is stronger than band {position + 1}, as {cross} never is than {stem}"
    return None


def _exceeds(layer: Layer, one: int, other: int) -> bool:
    middles = []
    for band in (one, other):
        chosen = layer.values[band][layer.valid[band]]
        if chosen.size == 0 or layer.unit not in {"db", "power", "amplitude"}:
            return False
        middles.append(float(np.median(chosen)))
    if layer.unit == "db":
        return bool(middles[0] - middles[1] > 20 * np.log10(WEAKER_CROSS))
    factor = WEAKER_CROSS**2 if layer.unit == "power" else WEAKER_CROSS
    return bool(middles[0] > factor * middles[1] > 0)


def _compare_level(names: tuple[str, ...], spec: InputSpec) -> tuple[Notice, ...]:
    """Say that a file has another processing level of Sentinel-2 than the model was trained on."""
    level = "L1C" if "B10" in names else "L2A" if set(SENTINEL2_L2A) <= set(names) else ""
    trained = "L1C" if "L1C" in spec.sensor else "L2A" if "L2A" in spec.sensor else ""
    if not level or not trained or level == trained:
        return ()
    return (Notice("level", f"The optical file looks like Sentinel-2 {level}; the model was trained on {trained}."),)


def _compare_statistics(
    values: NDArray[np.float32], valid: NDArray[np.bool_], modality: Modality
) -> tuple[Notice, ...]:
    """Say that normalised numbers are far from all that the model has seen."""
    far = [abs(float(np.median(band[seen]))) for band, seen in zip(values, valid, strict=True) if seen.any()]
    if not far or min(far) < FAR_FROM_TRAINING:
        return ()
    message = (
        f"The {_title(modality)} numbers are far from those that the model was trained on: are unit and bands right?"
    )
    return (Notice("far", message),)


def _shorten(text: str) -> str:
    return text if len(text) <= MOST_NAMED else text[: MOST_NAMED - 3] + "..."


def _is_unnamed(names: tuple[str, ...]) -> bool:
    return names == tuple(f"band{i + 1}" for i in range(len(names)))


def _title(modality: Modality) -> str:
    return "optical" if modality == "optical" else "SAR"
