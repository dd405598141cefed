"""Tile + manifest -> Prepared: the bands a checkpoint wants, in its units, normalised, with masks."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from claire.core.bands import MODALITIES, Modality, Unit, normalise_band_name
from claire.core.errors import BandError, EmptyTileError
from claire.core.manifest import InputSpec, Manifest
from claire.core.types import Layer, Notice, Prepared, Tile, layer_of

ZERO_IS_NODATA: frozenset[Unit] = frozenset({"uint8", "reflectance", "reflectance_x1e4"})
"""Units in which a pixel whose bands of one date are all exactly 0 was not observed; 0 dB is a measurement."""

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
    chosen, notices = select_bands(tile, manifest)
    height, width = tile.shape
    arrays = {}
    for modality in MODALITIES:
        spec = getattr(manifest, modality)
        layer = layer_of(chosen, modality)
        if layer is None:
            empty = np.zeros((len(spec.bands), height, width), np.float32)
            arrays[modality] = empty, empty.astype(bool)
        else:
            arrays[modality] = normalise(layer.values, compute_valid(layer.values, layer.valid, spec), spec)
    if not any(valid.any() for _, valid in arrays.values()):
        raise EmptyTileError(f"The tile {tile.name!r} holds nothing but nodata.", "Choose a tile with valid pixels.")
    label = None if tile.label is None else manifest.class_scheme.to_index(tile.label)
    (optical, optical_valid), (sar, sar_valid) = arrays["optical"], arrays["sar"]
    return Prepared(tile.name, optical, sar, optical_valid, sar_valid, label, tile.georeference), notices


def select_bands(tile: Tile, manifest: Manifest) -> tuple[Tile, tuple[Notice, ...]]:
    """The tile with the checkpoint's bands only, in its order and units, not yet normalised.

    Raises:
        BandError: Bands or units that the checkpoint wants are not there.
    """
    notices: list[Notice] = []
    layers = {}
    for modality in MODALITIES:
        layer = layer_of(tile, modality)
        spec: InputSpec = getattr(manifest, modality)
        layers[modality] = None if layer is None else _select(layer, spec, modality, notices)
        if layer is None:
            notices.append(
                Notice("missing_sensor", f"There is no {_title(modality)}: the maps rest on the other sensor.")
            )
    return Tile(
        tile.name, layers["optical"], layers["sar"], tile.label, tile.georeference, tile.notices, tile.sources
    ), tuple(notices)


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


def _select(layer: Layer, spec: InputSpec, modality: Modality, notices: list[Notice]) -> Layer:
    names = tuple(normalise_band_name(band) for band in layer.bands)
    wanted = tuple(normalise_band_name(band) for band in spec.bands)
    if not set(wanted) <= set(names) and _is_unnamed(names) and modality == "sar" and len(names) == len(wanted):
        notices.append(
            Notice("sar_order", f"The SAR bands have no names: taken as {', '.join(wanted)}, in this order.")
        )
        names = wanted
    missing = [band for band in wanted if band not in names]
    if missing:
        option = "--bands" if modality == "optical" else "--sar-bands"
        raise BandError(
            f"The model wants {len(wanted)} {_title(modality)} bands ({', '.join(wanted)}), "
            f"but the file has {len(names)}: {_shorten(', '.join(names))}.",
            f"Give a file with these bands, or name its bands in order with {option}.",
        )
    order = [names.index(band) for band in wanted]
    values = _convert(layer.values[order], layer.unit, spec.unit, modality)
    return Layer(values, layer.valid[order], spec.bands, spec.unit)


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


def _shorten(text: str) -> str:
    return text if len(text) <= MOST_NAMED else text[: MOST_NAMED - 3] + "..."


def _is_unnamed(names: tuple[str, ...]) -> bool:
    return names == tuple(f"band{i + 1}" for i in range(len(names)))


def _title(modality: Modality) -> str:
    return "optical" if modality == "optical" else "SAR"
