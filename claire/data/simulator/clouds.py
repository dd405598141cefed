"""Clouds with the shadows that the sun makes them cast: thin, broken, thick."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from claire.data.simulator.noise import Field, build_noise, draw, look_from
from claire.data.simulator.optical import Sun
from claire.data.simulator.parameters import CLOUD_KINDS, LIGHT_ON_CLOUD, PIXEL, RANDOM, THIN_CLOUD

CLEAR, THIN, THICK, SHADOW = 0, 1, 2, 3
"""Values of the cloud mask."""


def cover_with_clouds(
    rng: np.random.Generator, optical: NDArray[np.float32], kind: str, sun: Sun, path: float
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """An optical picture under clouds.

    Args:
        rng: Randomness.
        optical: (6, H, W) reflectance.
        kind: Key of `CLOUD_KINDS`.
        sun: Where shadows point.
        path: Amount of air, which still shines in a shadow.

    Returns:
        (6, H, W) reflectance and the mask (H, W) uint8: 0 clear, 1 thin, 2 thick, 3 shadow.
    """
    shares, opacities, size = CLOUD_KINDS[kind]
    side = optical.shape[1]
    opacity = _draw_opacity(rng, side, draw(rng, shares), draw(rng, opacities), size)
    lift = rng.uniform(500, 2200) / np.tan(sun.elevation) / PIXEL
    row, column = (round(lift * part) for part in sun.towards)
    shade = look_from(opacity, row, column) * np.float32(0.0 if kind == "thin" else 0.75)
    bright = np.float32(rng.uniform(0.7, 1.15)) * (1 + 0.10 * build_noise(rng, side, 1.5, size)).clip(0.6, 1.4)
    covered = np.empty_like(optical)
    for band in range(len(optical)):
        veil = np.float32(RANDOM.path[band] * path)
        shaded = veil + (optical[band] - veil) * (1 - shade)
        own = opacity ** np.float32(1 + (1 - THIN_CLOUD[band]) * 1.5)
        covered[band] = shaded * (1 - own) + own * bright * np.float32(LIGHT_ON_CLOUD[band])
    mask = np.zeros(opacity.shape, np.uint8)
    mask[shade > 0.25] = SHADOW
    mask[opacity > 0.08] = THIN
    mask[opacity > 0.6] = THICK
    return covered, mask


def _draw_opacity(rng: np.random.Generator, side: int, share: float, most: float, size: float) -> Field:
    """(H, W) 0..1: heaps with ragged edges."""
    field = build_noise(rng, side, 1.6, size)
    edge = np.float32(np.quantile(field, 1 - share)) if share < 1 else field.min() - np.float32(1)
    heap = ((field - edge) / np.float32(0.5)).clip(0, 1)
    return np.asarray(heap * np.float32(most), np.float32)
