"""Arrays to RGBA pictures. Every function is pure; the same arrays give the same pixels.

Legend of shapes: C bands, H height, W width, K classes.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray

from claire.core.classes import IGNORE_INDEX, ClassScheme
from claire.core.errors import BandError
from claire.core.types import Layer, Prediction
from claire.viz.colors import (
    BOTH_WRONG_COLOR,
    CONFIDENCE_COLORMAP,
    OPTICAL_COLOR,
    RGBA,
    SAR_COLOR,
    TRUST_COLORMAP,
    parse_rgb,
)

HATCH_PERIOD = 8
"""Pixels from one stripe of the hatch to the next."""
SAR_STEPS = {"power": 10.0, "amplitude": 20.0}
"""Factor before the logarithm that turns each unit into decibel."""
ENTROPY_COLORMAP = "magma"


@dataclass(frozen=True)
class Stretch:
    """Percentiles of the valid pixels that become black and white; 0 and 100 are the extremes."""

    low: float = 2.0
    high: float = 98.0


def compute_stretched(values: NDArray[np.generic], valid: NDArray[np.bool_], stretch: Stretch) -> NDArray[np.float32]:
    """Scale numbers to 0..1 between two percentiles of the valid ones.

    Args:
        values: Any shape, any real type; bands that are given together keep their proportions, and so their colour.
        valid: Same shape, bool.
        stretch: Percentiles, 0 <= low < high <= 100.

    Returns:
        Same shape, float32 in 0..1; 0 where invalid. Constant numbers are 0.5 everywhere.
    """
    numbers = np.asarray(values, np.float32)
    usable = valid & np.isfinite(numbers)
    if not usable.any():
        return np.zeros(numbers.shape, np.float32)
    low, high = np.percentile(numbers[usable], [stretch.low, stretch.high])
    if high <= low:
        return np.where(usable, np.float32(0.5), np.float32(0))
    return np.where(usable, np.clip((numbers - low) / (high - low), 0, 1), 0).astype(np.float32)


def compute_decibel(values: NDArray[np.generic], unit: str) -> NDArray[np.float32]:
    """Backscatter in decibel; values that have no logarithm become NaN.

    Args:
        values: Any shape, power or amplitude.
        unit: "power" or "amplitude"; anything else is returned unchanged.

    Example:
        >>> compute_decibel(np.array([0.01, 1.0]), "power").round(3).tolist()
        [-20.0, 0.0]
    """
    numbers = np.asarray(values, np.float32)
    if unit not in SAR_STEPS:
        return numbers
    with np.errstate(divide="ignore", invalid="ignore"):
        decibel = SAR_STEPS[unit] * np.log10(numbers)
    return np.where(np.isfinite(decibel), decibel, np.nan).astype(np.float32)


def render_composite(layer: Layer, bands: Sequence[str], stretch: Stretch | None = None) -> RGBA:
    """Three bands as red, green and blue, stretched together, so that a colour means the same on the whole picture.

    Args:
        layer: Optical or SAR.
        bands: Three names; the same name three times gives grey.
        stretch: Percentiles; 2 and 98 by default.

    Returns:
        (H, W, 4) uint8, transparent where any of the bands is invalid.

    Raises:
        BandError: The layer has no such band, or not three were named.
    """
    if len(bands) != 3:
        raise BandError(f"{len(bands)} bands were named for a composite.", "Name three bands.")
    rows = [_find_band(layer, band) for band in bands]
    channels = compute_stretched(layer.values[rows], layer.valid[rows], stretch or Stretch())
    opaque = np.asarray(layer.valid[rows].all(axis=0))
    return _to_rgba(np.moveaxis(channels, 0, -1), opaque)


def render_sar(layer: Layer, band: str, *, decibel: bool = True, stretch: Stretch | None = None) -> RGBA:
    """One SAR band in grey.

    Args:
        layer: SAR.
        band: Its name.
        decibel: Show power and amplitude in decibel; other units are shown as given anyway.
        stretch: Percentiles; 2 and 98 by default.

    Returns:
        (H, W, 4) uint8, transparent where invalid.

    Raises:
        BandError: The layer has no such band.
    """
    row = _find_band(layer, band)
    values = compute_decibel(layer.values[row], layer.unit) if decibel else np.asarray(layer.values[row], np.float32)
    valid = layer.valid[row] & np.isfinite(values)
    grey = compute_stretched(values, valid, stretch or Stretch())
    return _to_rgba(np.repeat(grey[..., None], 3, axis=-1), valid)


def render_classes(classes: NDArray[np.uint8], scheme: ClassScheme, *, hidden: Collection[str] = ()) -> RGBA:
    """Class indices in the colours of their scheme.

    Args:
        classes: (H, W) indices 0..K-1, `IGNORE_INDEX` where not mapped.
        scheme: What the indices mean.
        hidden: Names of classes that are left transparent, so that an overlay shows what lies below.

    Returns:
        (H, W, 4) uint8, transparent where not mapped or hidden.
    """
    palette = np.zeros((256, 4), np.uint8)
    for index, land_class in enumerate(scheme.classes):
        palette[index] = (*land_class.rgb, 0 if land_class.name in hidden else 255)
    palette[IGNORE_INDEX] = 0
    return palette[classes]


def render_label(label: NDArray[np.integer], scheme: ClassScheme) -> RGBA:
    """A label of file ids (H, W) in the colours of its scheme; transparent where not labelled."""
    return render_classes(scheme.to_index(label), scheme)


def render_confidence(prediction: Prediction) -> RGBA:
    """Probability of the class shown, from chance (dark) to certain (bright), perceptually uniform."""
    chance = 1.0 / max(len(prediction.scheme), 2)
    return render_scalar((prediction.confidence - chance) / (1 - chance), prediction.valid, CONFIDENCE_COLORMAP)


def render_entropy(entropy: NDArray[np.float32], valid: NDArray[np.bool_]) -> RGBA:
    """Entropy (H, W) 0..1: dark where a map is certain, bright where all classes are equally likely."""
    return render_scalar(entropy, valid, ENTROPY_COLORMAP)


def render_trust(trust: NDArray[np.float32], valid: NDArray[np.bool_]) -> RGBA:
    """Share of trust (H, W) 0..1 that the gate gave to the optical sensor: purple is SAR, orange is optical."""
    return render_scalar(trust, valid, TRUST_COLORMAP)


def render_scalar(values: NDArray[np.floating], valid: NDArray[np.bool_], colormap: str) -> RGBA:
    """Numbers (H, W) 0..1 through a colour map of matplotlib; transparent where invalid."""
    colors = mpl.colormaps[colormap](np.clip(np.nan_to_num(values), 0, 1), bytes=True)
    picture = np.array(colors, np.uint8)
    picture[..., 3] = np.where(valid, 255, 0)
    return picture


def render_disagreement(
    optical: Prediction,
    sar: Prediction,
    label_index: NDArray[np.uint8] | None = None,
    background: RGBA | None = None,
) -> RGBA:
    """Where the optical and the SAR map differ and, with a label, which of the two is right there.

    Args:
        optical: Map from the optical sensor.
        sar: Map from the SAR sensor, on the same pixels.
        label_index: (H, W) class indices, `IGNORE_INDEX` where not labelled; None without a label.
        background: Picture to show, washed out, where both agree; light grey without.

    Returns:
        (H, W, 4) uint8. Without a label all differences have the colour of "differs"; with one, orange means that
        optical is right, purple that SAR is right, black that neither is. Transparent where a sensor is missing.
    """
    differs, seen = np.asarray(optical.classes != sar.classes), optical.valid & sar.valid
    picture = render_washed(background) if background is not None else np.full((*differs.shape, 4), 225, np.uint8)
    colors: dict[str, NDArray[np.bool_]] = {BOTH_WRONG_COLOR: differs}
    if label_index is not None:
        labelled = label_index != IGNORE_INDEX
        colors[OPTICAL_COLOR] = np.logical_and(differs & labelled, optical.classes == label_index)
        colors[SAR_COLOR] = np.logical_and(differs & labelled, sar.classes == label_index)
    for color, here in colors.items():
        picture[here, :3] = parse_rgb(color)
    picture[..., 3] = np.where(seen, 255, 0)
    return picture


def render_overlay(base: RGBA, top: RGBA, opacity: float) -> RGBA:
    """The top picture over the base; opacity 0 is the base alone, 1 the top alone wherever it is opaque.

    Args:
        base: (H, W, 4) uint8.
        top: (H, W, 4) uint8.
        opacity: 0..1, multiplies the opacity of the top picture.
    """
    share = (top[..., 3:].astype(np.float32) / 255) * opacity
    under = base[..., 3:].astype(np.float32) / 255 * (1 - share)
    total = share + under
    mixed = (top[..., :3] * share + base[..., :3] * under) / np.maximum(total, 1e-6)
    return np.concatenate([np.rint(mixed), np.rint(total * 255)], axis=-1).astype(np.uint8)


def render_hatched(picture: RGBA) -> RGBA:
    """Grey stripes where the picture is transparent, so that "nothing known" cannot be taken for a class."""
    rows, columns = np.indices(picture.shape[:2])
    stripe = np.asarray((rows + columns) % HATCH_PERIOD < HATCH_PERIOD // 2)
    hatch = np.full(picture.shape, 255, np.uint8)
    hatch[..., :3] = np.where(stripe, 150, 200)[..., None]
    return render_overlay(hatch, picture, 1.0)


def render_icon(side: int = 64) -> RGBA:
    """The sign of CLAIRE: a disc, half optical, half SAR."""
    rows, columns = (np.indices((side, side)) + 0.5) / side - 0.5
    picture = np.zeros((side, side, 4), np.uint8)
    picture[..., :3] = np.where((columns < 0)[..., None], parse_rgb(OPTICAL_COLOR), parse_rgb(SAR_COLOR))
    picture[..., 3] = np.clip((0.48 - np.hypot(rows, columns)) * side * 255, 0, 255)
    return picture


def _find_band(layer: Layer, band: str) -> int:
    if band not in layer.bands:
        raise BandError(f"There is no band {band!r} to show.", f"Choose one of: {', '.join(layer.bands)}.")
    return layer.bands.index(band)


def _to_rgba(channels: NDArray[np.float32], opaque: NDArray[np.bool_]) -> RGBA:
    alpha = np.where(opaque, np.float32(1), np.float32(0))[..., None]
    return np.asarray(np.rint(np.concatenate([channels, alpha], axis=-1) * 255), np.uint8)


def render_washed(picture: RGBA) -> RGBA:
    """A picture in pale grey, as a ground for lines and colours."""
    grey = picture[..., :3].mean(axis=-1, keepdims=True)
    pale = np.repeat(255 - (255 - grey) * 0.45, 3, axis=-1)
    return np.concatenate([pale, picture[..., 3:]], axis=-1).astype(np.uint8)
