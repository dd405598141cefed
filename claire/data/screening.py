"""Clouds in an optical picture, told by their spectrum, so that they are left out instead of mapped.

Source: the spectral tests for potential cloud pixels of Fmask (Zhu and Woodcock 2012, Remote Sensing of Environment
118, equations 1 to 4), which need no thermal band; then only what is bright and not snow, and only where most pixels
around are the same, for these tests alone take bright towns and fields for cloud: Fmask asks a whole scene next.
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

DARKEST = 1e-4


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
        known = valid[[bands[name] for name in sorted(CLOUD_BANDS)]].all(axis=0)
        scale = NUMBERS_PER_REFLECTANCE[spec.unit]
        reflectance = {name: np.where(known, values[bands[name]] / scale, 0.0) for name in CLOUD_BANDS}
        looks = (known & _looks_like_cloud({k: np.maximum(v, DARKEST) for k, v in reflectance.items()})).astype(float)
        around = ndimage.uniform_filter(looks, WINDOW, mode="nearest")
        clouds[channels] = ndimage.binary_dilation(around > 0.5, iterations=MARGIN)
    return clouds


def _looks_like_cloud(of: dict[str, NDArray[np.floating]]) -> NDArray[np.bool_]:
    """Pixel by pixel, from reflectance per band: the tests of Fmask, and bright, and no snow."""
    snow = (of["B3"] - of["B11"]) / (of["B3"] + of["B11"])
    green = (of["B8"] - of["B4"]) / (of["B8"] + of["B4"])
    visible = [of[name] for name in ("B2", "B3", "B4")]
    mean = sum(visible) / 3
    whiteness = sum(np.abs(band - mean) / mean for band in visible)
    haze = of["B2"] - 0.5 * of["B4"] - 0.08
    fmask = (of["B12"] > 0.03) & (green < 0.8) & (whiteness < 0.7) & (haze > 0) & (of["B8"] / of["B11"] > 0.75)
    looks: NDArray[np.bool_] = fmask & (of["B2"] > BRIGHT) & (snow < SNOW)
    return looks
