"""What clouds, gaps and noise do to a pair: one module for training, evaluation and what-if.

Every function takes its randomness as an argument and changes nothing in place. Where nothing else is said, values are
in 0..1 before and after.
The OMBRIA conditions follow a public audit of that data set: optical values of the *after* date are damaged.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from claire.core.bands import Unit
from claire.core.errors import BandError, UnknownNameError

Pixels = NDArray[np.float32]
Damage = Callable[[Pixels, tuple[tuple[int, ...], ...], np.random.Generator], Pixels]

PATCHES = 8
"""Square patches of `patch_after`."""

PATCH_SHARE = 0.2
"""Side of a patch as a share of the tile's shorter side."""

NOMINAL_SPAN_DB = 30.0
"""Decibel that 255 counts of an 8-bit SAR are taken to span; what the file was stretched by is lost."""

KERNEL_SPREADS = 3.0
"""Standard deviations after which a Gaussian is cut off."""


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
    clipped: Pixels = np.clip(pixels * draw_speckle(pixels.shape, looks, rng), 0, 1)
    return clipped


def draw_speckle(shape: tuple[int, ...], looks: float, rng: np.random.Generator) -> Pixels:
    """Factors of speckle on power: gamma of mean 1 and variance 1 / looks, above 0."""
    noise = np.maximum(rng.gamma(looks, 1 / looks, shape), 1e-6)
    return noise.astype(np.float32)


def scale_backscatter(values: NDArray[np.generic], unit: Unit, factor: Pixels | float) -> Pixels:
    """Multiply the power of a SAR, whatever its numbers measure.

    Args:
        values: (C, H, W) in `unit`.
        unit: Counts of 8 bits are taken as decibel stretched over `NOMINAL_SPAN_DB`, and stay in 1..255, because 0
            means "not observed"; a count of 0 stays 0.
        factor: On power, above 0; 10 ** (x / 10) adds x decibel.

    Returns:
        (C, H, W) in `unit`.

    Raises:
        BandError: Nobody knows what the numbers measure.
    """
    numbers = np.asarray(values, np.float32)
    if unit == "power":
        return np.asarray(numbers * factor, np.float32)
    if unit == "amplitude":
        return np.asarray(numbers * np.sqrt(factor), np.float32)
    decibel = 10 * np.log10(factor)
    if unit == "db":
        return np.asarray(numbers + decibel, np.float32)
    if unit == "uint8":
        counts = np.clip(numbers + decibel * (255 / NOMINAL_SPAN_DB), 1, 255)
        return np.where(numbers == 0, 0, counts).astype(np.float32)
    raise BandError(
        "Nobody knows what the numbers of this SAR measure, so they have no decibel.",
        "State the unit of the SAR, such as db, power, amplitude or uint8.",
    )


def blur(values: NDArray[np.generic], valid: NDArray[np.bool_], spread: float) -> Pixels:
    """Gaussian blur that neither lets gaps bleed into values nor fills them; edges are taken as gaps.

    Args:
        values: (C, H, W), any unit.
        valid: (C, H, W) bool.
        spread: Standard deviation in pixels, above 0.

    Returns:
        (C, H, W) in the same unit; unchanged where invalid.
    """
    numbers = np.asarray(values, np.float32)
    same = bool((valid == valid[:1]).all())
    weights = _smooth((valid[:1] if same else valid).astype(np.float32), spread)
    smooth = _smooth(np.where(valid, numbers, 0).astype(np.float32), spread) / np.maximum(weights, 1e-6)
    return np.where(valid, smooth, numbers).astype(np.float32)


def shift(
    values: NDArray[np.generic], valid: NDArray[np.bool_], down: float, right: float
) -> tuple[Pixels, NDArray[np.bool_]]:
    """Move a layer against its grid, bilinear between pixels; what comes from outside or beside a gap is a gap.

    Args:
        values: (C, H, W), any unit.
        valid: (C, H, W) bool.
        down: Pixels, also parts of them; negative is upwards.
        right: Likewise.

    Returns:
        (C, H, W) in the same unit and its mask.
    """
    numbers, seen = np.where(valid, values, 0).astype(np.float32), valid
    for axis, distance in ((1, down), (2, right)):
        size = numbers.shape[axis]
        whole = int(np.floor(distance))
        part = np.float32(distance - whole)
        places = np.arange(size) - whole
        near, inside = _take(numbers, seen, places, axis)
        if part > 0:
            before, inside_before = _take(numbers, seen, places - 1, axis)
            near, inside = (1 - part) * near + part * before, inside & inside_before
        numbers, seen = near, inside
    return np.where(seen, numbers, 0).astype(np.float32), seen


def add_noise(values: Pixels, share: float, spread: float, rng: np.random.Generator) -> Pixels:
    """Salt-and-pepper noise over Gaussian noise, result clipped to 0..1.

    Args:
        values: (C, H, W) in 0..1.
        share: Share of the values that become 0 or 1, half and half.
        spread: Standard deviation of what is added to all of them.
        rng: Randomness.
    """
    noisy = np.clip(values + spread * rng.standard_normal(values.shape, np.float32), 0, 1)
    drawn = rng.random(values.shape, np.float32)
    noisy[drawn < share] = 1
    noisy[drawn < share / 2] = 0
    return np.asarray(noisy, np.float32)


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


def _smooth(values: Pixels, spread: float) -> Pixels:
    """Sum over (C, H, W) under a Gaussian of sum 1, zeros outside."""
    reach = max(1, round(KERNEL_SPREADS * spread))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / spread) ** 2).astype(np.float32)
    for axis in (1, 2):
        size = values.shape[axis]
        room = [(reach, reach) if each == axis else (0, 0) for each in range(3)]
        padded = np.pad(values, room)
        total: Pixels = np.zeros_like(values)
        for place, weight in enumerate(kernel / kernel.sum()):
            total += weight * padded[(slice(None),) * axis + (slice(place, place + size),)]
        values = total
    return values


def _take(
    values: Pixels, valid: NDArray[np.bool_], places: NDArray[np.integer], axis: int
) -> tuple[Pixels, NDArray[np.bool_]]:
    """Rows or columns of (C, H, W) by their number, and a mask that is False where there is no such row or column."""
    size = values.shape[axis]
    inside = ((places >= 0) & (places < size)).reshape([-1 if each == axis else 1 for each in range(3)])
    clipped = np.clip(places, 0, size - 1)
    return values.take(clipped, axis), valid.take(clipped, axis) & inside


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
