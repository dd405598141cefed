"""Baselines: what a value is compared with when its attribution is asked for. Legend: C bands, H height, W width.

SAR: the mean of every band over the scene, in the unit of the model (dB, or counts that follow dB). 0 dB is a strong
echo, not the absence of one, and the mean of the training split may be far from this scene.
Optical: the mean of every band over the scene, too. Black is offered, but dark is what water looks like: against black,
the flood itself would count for little.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from claire.core.errors import UnknownNameError
from claire.core.manifest import Manifest
from claire.core.types import Prepared

Values = NDArray[np.float32]


def compute_scene_mean(values: Values, valid: NDArray[np.bool_]) -> Values:
    """Every band at its mean over the valid pixels; 0 where invalid, and for a band without valid pixels.

    Args:
        values: (C, H, W).
        valid: (C, H, W).
    """
    return np.where(valid, _band_means(values, valid)[:, None, None], 0).astype(np.float32)


def build_mean_baseline(prepared: Prepared, manifest: Manifest) -> tuple[Values, Values]:
    """The scene's mean for both sensors."""
    return (
        compute_scene_mean(prepared.optical, prepared.optical_valid),
        compute_scene_mean(prepared.sar, prepared.sar_valid),
    )


def build_black_baseline(prepared: Prepared, manifest: Manifest) -> tuple[Values, Values]:
    """No light for the optical sensor, the scene's mean for SAR."""
    spec = manifest.optical
    black = -np.array(spec.mean, np.float32)[:, None, None] / np.array(spec.std, np.float32)[:, None, None]
    optical = np.where(prepared.optical_valid, black, np.float32(0))
    return optical, compute_scene_mean(prepared.sar, prepared.sar_valid)


BASELINES: dict[str, Callable[[Prepared, Manifest], tuple[Values, Values]]] = {
    "mean": build_mean_baseline,
    "black": build_black_baseline,
}


def build_baseline(name: str, prepared: Prepared, manifest: Manifest) -> tuple[Values, Values]:
    """Optical and SAR of a baseline, shaped like the pair.

    Raises:
        UnknownNameError: No such baseline; lists the right names.
    """
    if name not in BASELINES:
        raise UnknownNameError.among("baseline", name, BASELINES)
    return BASELINES[name](prepared, manifest)


def draw_scene_baselines(prepared: Prepared, count: int, rng: np.random.Generator) -> tuple[Values, Values]:
    """Flat pairs, each with the bands of one pixel of the scene everywhere: what this place might have been instead.

    Returns:
        (count, C_opt, H, W) and (count, C_sar, H, W); 0 where invalid. A band that the drawn pixel lacks has the
        scene's mean.
    """
    pixels = np.flatnonzero(prepared.valid("fused"))
    rows, columns = np.unravel_index(rng.choice(pixels, count), prepared.shape)
    flat = []
    for values, valid in ((prepared.optical, prepared.optical_valid), (prepared.sar, prepared.sar_valid)):
        level = np.where(valid[:, rows, columns], values[:, rows, columns], _band_means(values, valid)[:, None])
        flat.append(np.where(valid[None], level.T[:, :, None, None], 0).astype(np.float32))
    return flat[0], flat[1]


def _band_means(values: Values, valid: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(C,) mean over the valid pixels, 0 without any."""
    sums = np.where(valid, values, 0).sum(axis=(1, 2), dtype=np.float64)
    means: NDArray[np.float64] = sums / np.maximum(valid.sum(axis=(1, 2)), 1)
    return means
