"""Clouds and noise in an optical picture, told from ground, so that they are left out instead of mapped.

Clouds are told by their spectrum: the spectral tests for potential cloud pixels of Fmask (Zhu and Woodcock 2012, Remote
Sensing of Environment 118, equations 1 to 4), which need no thermal band; then only what is bright and not snow, and
only where most pixels around are the same, for these tests alone take bright towns and fields for cloud: Fmask asks a
whole scene next.

Noise is told by its neighbours, which know nothing of each other (Moran 1950, Biometrika 37, doi
10.1093/biomet/37.1-2.17): ground, sharp or not, is alike from one pixel to the next in at least one band. In 24 real
pictures and in scenes no window of more than faint contrast has a correlation below 0.34.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from claire.core.bands import CLOUD_BANDS, normalise_band_name
from claire.core.manifest import InputSpec

NUMBERS_PER_REFLECTANCE = {"reflectance": 1.0, "reflectance_x1e4": 1e4}

BRIGHT = 0.24
"""Reflectance of blue above which a pixel may be cloud. At 0.20 maps of real cloudy pictures are as good, but clear
towns lose three times as many pixels."""

SNOW = 0.4
"""Normalised difference of green and shortwave infrared above which it is snow (Hall et al. 1995)."""

WINDOW = 7
"""Side, pixels, of the surroundings of which more than half must look like cloud."""

MARGIN = 4
"""Pixels by which clouds are widened, for their edges are thin."""

GRAIN = 15
"""Side, pixels, of the windows over which noise is told."""

ALIKE, CONTRAST = 0.3, 0.02
"""Correlation of neighbours below which a window may be noise, and the spread of reflectance below which that says
nothing: still water has no contrast but that of the instrument."""

DARKEST = 1e-4
STRIP = 256
"""Rows looked at together, so that a large picture is not held six times more."""

Reflectance = NDArray[np.floating]


def screen(values: NDArray[np.generic], observed: NDArray[np.bool_], spec: InputSpec) -> NDArray[np.bool_]:
    """What was observed, less what looks like cloud or noise where the checkpoint wants that.

    Args:
        values: (C, H, W) in the unit of `spec`.
        observed: (C, H, W) bool, of `claire.data.preparing.compute_valid`.
        spec: What is left out, and which bands were acquired together.

    Returns:
        (C, H, W) bool.
    """
    return leave_clouds_out(values, leave_noise_out(values, observed, spec), spec)


def leave_clouds_out(values: NDArray[np.generic], observed: NDArray[np.bool_], spec: InputSpec) -> NDArray[np.bool_]:
    """What was observed, less what looks like cloud where the checkpoint wants that; arguments as for `screen`.

    Doing it twice changes nothing.
    """
    return observed & ~find_clouds(values, observed, spec) if spec.screen_clouds else observed


def leave_noise_out(values: NDArray[np.generic], observed: NDArray[np.bool_], spec: InputSpec) -> NDArray[np.bool_]:
    """What was observed, less what is noise where the checkpoint wants that; arguments as for `screen`."""
    return observed & ~find_noise(values, observed, spec) if spec.screen_noise else observed


def find_clouds(values: NDArray[np.generic], valid: NDArray[np.bool_], spec: InputSpec) -> NDArray[np.bool_]:
    """Which values lie under cloud.

    Args:
        values: (C, H, W) in the unit of `spec`.
        valid: (C, H, W) bool; what was not observed is no cloud.
        spec: With `CLOUD_BANDS` on every date.

    Returns:
        (C, H, W) bool, the same for all bands of a date.
    """
    clouds = np.zeros(values.shape, bool)
    for date in spec.dates:
        channels = list(date)
        bands = {normalise_band_name(spec.bands[channel]).partition("_")[0]: channel for channel in channels}
        rows = [bands[name] for name in CLOUD_BANDS]
        looks = np.zeros(values.shape[1:], np.float32)
        for start in range(0, len(looks), STRIP):
            strip = slice(start, start + STRIP)
            known = valid[rows, strip].all(axis=0)
            reflectance = np.where(known, values[rows, strip], 0) / NUMBERS_PER_REFLECTANCE[spec.unit]
            looks[strip] = known & _looks_like_cloud(*np.maximum(reflectance, DARKEST))
        around = ndimage.uniform_filter(looks, WINDOW, mode="nearest")
        clouds[channels] = ndimage.binary_dilation(around > 0.5, iterations=MARGIN)
    return clouds


def find_noise(values: NDArray[np.generic], valid: NDArray[np.bool_], spec: InputSpec) -> NDArray[np.bool_]:
    """Which values lie where no band of a date shows anything but noise.

    Args:
        values: (C, H, W) in the unit of `spec`, a reflectance.
        valid: (C, H, W) bool.
        spec: Which bands were acquired together.

    Returns:
        (C, H, W) bool, the same for all bands of a date.
    """
    noise = np.zeros(values.shape, bool)
    faint = CONTRAST * NUMBERS_PER_REFLECTANCE[spec.unit]
    for date in spec.dates:
        channels = list(date)
        looks = np.ones(values.shape[1:], bool)
        for start in range(0, len(looks), STRIP):
            around = slice(max(start - GRAIN, 0), start + STRIP + GRAIN)
            strip = slice(start - around.start, start - around.start + STRIP)
            for channel in channels:
                if not looks[start : start + STRIP].any():
                    break  # one band that shows ground is enough, and most pictures need no second look
                found = _looks_like_noise(values[channel, around], valid[channel, around], faint)
                looks[start : start + STRIP] &= found[strip]
        noise[channels] = ndimage.binary_dilation(looks, np.ones((3, 3), bool), iterations=GRAIN // 2)
    return noise


def _looks_like_noise(band: NDArray[np.generic], valid: NDArray[np.bool_], faint: float) -> NDArray[np.bool_]:
    """(H, W) where neighbours differ as much as any two pixels of the window around, and by more than `faint`.

    The mean of (x - y)² over neighbours is 2 σ² (1 - ρ), with σ² the variance and ρ the correlation.
    """
    known = valid.astype(np.float32)
    kept = np.where(valid, band, 0).astype(np.float64)
    centred = kept - kept.sum() / max(known.sum(), 1)  # large means would cost digits
    centred *= known
    share = np.maximum(_average(known), DARKEST)
    mean = _average(centred) / share
    variance = np.maximum(_average(centred * centred) / share - mean * mean, 0)
    differences, pairs = np.zeros_like(centred), np.zeros_like(known)
    for axis in (0, 1):
        here = (slice(None),) * axis + (slice(1, None),)
        there = (slice(None),) * axis + (slice(None, -1),)
        both = known[here] * known[there]
        differences[here] += both * (centred[here] - centred[there]) ** 2
        pairs[here] += both
    squared = _average(differences) / np.maximum(_average(pairs), DARKEST)
    looks: NDArray[np.bool_] = (variance > faint**2) & (squared > 2 * (1 - ALIKE) * variance) & valid
    return looks


def _average(values: NDArray[np.floating]) -> NDArray[np.floating]:
    averaged: NDArray[np.floating] = ndimage.uniform_filter(values, GRAIN, mode="constant")
    return averaged


def _looks_like_cloud(
    b2: Reflectance, b3: Reflectance, b4: Reflectance, b8: Reflectance, b11: Reflectance, b12: Reflectance
) -> NDArray[np.bool_]:
    """Pixel by pixel: the tests of Fmask, and bright, and no snow."""
    mean = (b2 + b3 + b4) / 3
    whiteness = (np.abs(b2 - mean) + np.abs(b3 - mean) + np.abs(b4 - mean)) / mean
    plants, snow, haze = (b8 - b4) / (b8 + b4), (b3 - b11) / (b3 + b11), b2 - 0.5 * b4 - 0.08
    fmask = (b12 > 0.03) & (plants < 0.8) & (whiteness < 0.7) & (haze > 0) & (b8 / b11 > 0.75)
    looks: NDArray[np.bool_] = fmask & (b2 > BRIGHT) & (snow < SNOW)
    return looks
