"""What clouds, gaps and noise do to a pair: one module for training, evaluation and what-if.

Every function takes and returns values in 0..1 and its randomness as an argument; nothing is changed in place.
The OMBRIA conditions follow a public audit of that data set: optical values of the *after* date are damaged.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from claire.core.errors import UnknownNameError

Pixels = NDArray[np.float32]
Damage = Callable[[Pixels, tuple[tuple[int, ...], ...], np.random.Generator], Pixels]

PATCHES = 8
"""Square patches of `patch_after`."""

PATCH_SHARE = 0.2
"""Side of a patch as a share of the tile's shorter side."""


def blank_patches(shape: tuple[int, int], rng: np.random.Generator, patches: int = PATCHES) -> NDArray[np.bool_]:
    """Mask (H, W), True inside square patches at random places."""
    height, width = shape
    side = max(1, round(PATCH_SHARE * min(shape)))
    mask = np.zeros(shape, bool)
    for _ in range(patches):
        top, left = rng.integers(0, max(1, height - side + 1)), rng.integers(0, max(1, width - side + 1))
        mask[top : top + side, left : left + side] = True
    return mask


def cover_with_ellipses(shape: tuple[int, int], share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Mask (H, W), True under opaque ellipses added until at least `share` of the pixels is covered.

    Args:
        shape: (H, W).
        share: 0..1.
        rng: Randomness.
    """
    height, width = shape
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    mask = np.zeros(shape, bool)
    while mask.mean() < share:
        row, column = rng.uniform(0, height), rng.uniform(0, width)
        tall, wide = rng.uniform(0.06, 0.25, 2) * (height, width) + 1
        angle = rng.uniform(0, np.pi)
        along = (columns - column) * np.cos(angle) + (rows - row) * np.sin(angle)
        across = (rows - row) * np.cos(angle) - (columns - column) * np.sin(angle)
        mask |= (along / wide) ** 2 + (across / tall) ** 2 <= 1
    return mask


def simulate_clouds(
    pixels: Pixels, share: float, thickness: float, rng: np.random.Generator, shadow: float = 0.5
) -> Pixels:
    """Bright clouds with displaced shadows over an optical picture.

    Args:
        pixels: (C, H, W) in 0..1.
        share: Share of the pixels under cloud, 0..1.
        thickness: 0 clear to 1 opaque.
        rng: Randomness.
        shadow: 0 no shadow to 1 black.

    Returns:
        (C, H, W) in 0..1.
    """
    _, height, width = pixels.shape
    field = smooth_noise((height, width), rng)
    edge = np.quantile(field, 1 - share)
    opacity = np.clip((field - edge) / (field.std() * 0.35 + 1e-6), 0, 1).astype(np.float32) * thickness
    rows, columns = rng.integers(-height // 8, height // 8 + 1), rng.integers(-width // 8, width // 8 + 1)
    shade = 1 - shadow * np.roll(opacity, (int(rows), int(columns)), axis=(0, 1)) * (1 - opacity)
    white = np.float32(rng.uniform(0.75, 1.0)) + 0.05 * smooth_noise((height, width), rng)
    covered = pixels * shade * (1 - opacity) + white * opacity
    clipped: Pixels = np.clip(covered, 0, 1).astype(np.float32)
    return clipped


def smooth_noise(shape: tuple[int, int], rng: np.random.Generator, octaves: int = 5) -> Pixels:
    """(H, W) float32 noise of zero mean whose large structures are the strongest, like cloud fields."""
    height, width = shape
    total: Pixels = np.zeros(shape, np.float32)
    for octave in range(octaves):
        cells = 2 ** (octave + 1) + 1
        coarse = rng.standard_normal((cells, cells)).astype(np.float32)
        total += _resize(coarse, height, width) * np.float32(0.5**octave)
    centred: Pixels = total - total.mean()
    return centred


def speckle(pixels: Pixels, looks: float, rng: np.random.Generator) -> Pixels:
    """Multiplicative speckle: gamma of mean 1 and variance 1 / looks; result clipped to 0..1."""
    noise = rng.gamma(looks, 1 / looks, pixels.shape).astype(np.float32)
    clipped: Pixels = np.clip(pixels * noise, 0, 1)
    return clipped


def _last_date(pixels: Pixels, dates: tuple[tuple[int, ...], ...], after: Pixels) -> Pixels:
    changed = pixels.copy()
    changed[list(dates[-1])] = after
    return changed


def _clear(pixels: Pixels, dates: tuple[tuple[int, ...], ...], rng: np.random.Generator) -> Pixels:
    return pixels


def _patch_after(pixels: Pixels, dates: tuple[tuple[int, ...], ...], rng: np.random.Generator) -> Pixels:
    return _last_date(pixels, dates, pixels[list(dates[-1])] * ~blank_patches(pixels.shape[1:], rng))


def _cloud_after(share: float) -> Damage:
    def damage(pixels: Pixels, dates: tuple[tuple[int, ...], ...], rng: np.random.Generator) -> Pixels:
        return _last_date(pixels, dates, pixels[list(dates[-1])] * ~cover_with_ellipses(pixels.shape[1:], share, rng))

    return damage


def _noise_after(pixels: Pixels, dates: tuple[tuple[int, ...], ...], rng: np.random.Generator) -> Pixels:
    return _last_date(pixels, dates, rng.random((len(dates[-1]), *pixels.shape[1:]), np.float32))


def _zero_after(pixels: Pixels, dates: tuple[tuple[int, ...], ...], rng: np.random.Generator) -> Pixels:
    return _last_date(pixels, dates, np.zeros_like(pixels[list(dates[-1])]))


def _zero_all(pixels: Pixels, dates: tuple[tuple[int, ...], ...], rng: np.random.Generator) -> Pixels:
    return np.zeros_like(pixels)


OPTICAL_CONDITIONS: dict[str, Damage] = {
    "clear": _clear,
    "patch_after": _patch_after,
    "cloud_after_30": _cloud_after(0.3),
    "cloud_after_50": _cloud_after(0.5),
    "cloud_after_70": _cloud_after(0.7),
    "noise_after": _noise_after,
    "zero_after": _zero_after,
    "zero_all": _zero_all,
}
"""Name -> what happens to the optical picture; with a single date, "after" is that date."""


def degrade_optical(
    pixels: Pixels, condition: str, dates: tuple[tuple[int, ...], ...], rng: np.random.Generator
) -> Pixels:
    """Apply a named condition to an optical picture.

    Args:
        pixels: (C, H, W) in 0..1.
        condition: Key of `OPTICAL_CONDITIONS`.
        dates: Channel indices of each date, oldest first.
        rng: Randomness.

    Returns:
        (C, H, W) in 0..1; exact zeros mean "not observed".

    Raises:
        UnknownNameError: No such condition; lists the right names.
    """
    if condition not in OPTICAL_CONDITIONS:
        raise UnknownNameError.among("condition", condition, OPTICAL_CONDITIONS)
    return OPTICAL_CONDITIONS[condition](pixels, dates, rng).astype(np.float32)


def _resize(coarse: Pixels, height: int, width: int) -> Pixels:
    """Bilinear resize of a small array, corners aligned."""
    rows = np.linspace(0, coarse.shape[0] - 1, height, dtype=np.float32)
    columns = np.linspace(0, coarse.shape[1] - 1, width, dtype=np.float32)
    top = np.minimum(rows.astype(int), coarse.shape[0] - 2)
    left = np.minimum(columns.astype(int), coarse.shape[1] - 2)
    down, right = (rows - top)[:, None], (columns - left)[None, :]
    upper = coarse[top][:, left] * (1 - right) + coarse[top][:, left + 1] * right
    lower = coarse[top + 1][:, left] * (1 - right) + coarse[top + 1][:, left + 1] * right
    resized: Pixels = upper * (1 - down) + lower * down
    return resized
