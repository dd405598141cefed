"""Random fields and small array steps that the parts of the simulator share."""

from __future__ import annotations

import zlib
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import fft

Field: TypeAlias = NDArray[np.float32]
Mask: TypeAlias = NDArray[np.bool_]


SMOOTH = 1.25
COARSE = 128
"""Noise whose spectrum falls at least this fast, of at least this side, is drawn on pixels of twice the size."""


def start_stream(seed: int, part: str) -> np.random.Generator:
    """Randomness of one part of a scene, so that a change in one part leaves the others as they were."""
    return np.random.default_rng((seed, zlib.crc32(part.encode())))


def draw(rng: np.random.Generator, limits: tuple[float, float]) -> float:
    """A number between two limits."""
    return float(rng.uniform(*limits))


def build_noise(
    rng: np.random.Generator, side: int, slope: float, longest: float = 1e9, *, halved: bool = False
) -> Field:
    """(side, side) noise of zero mean and unit spread with a power-law spectrum.

    Args:
        rng: Randomness.
        side: Pixels.
        slope: Amplitude falls with frequency to this power; 1 is rough, 2 smooth.
        longest: Wavelength in pixels above which the spectrum is flat.
        halved: Whether the pixels are large already.
    """
    if slope >= SMOOTH and side >= COARSE and not halved:
        return double(build_noise(rng, side // 2 + 1, slope, longest / 2, halved=True), side)
    padded = int(fft.next_fast_len(side + side // 6 + 4, real=True))
    squared = _squared_frequency(padded) + np.float32(max(1 / longest, 0.5 / padded) ** 2)
    spectrum = rng.standard_normal((*squared.shape, 2), np.float32).view(np.complex64)[..., 0]
    spectrum *= np.exp(np.log(squared) * np.float32(-slope / 2))
    field = fft.irfft2(spectrum, s=(padded, padded), overwrite_x=True)[:side, :side]
    centred: Field = np.asarray(field - field.mean(), np.float32)
    return centred / np.float32(max(float(centred.std()), 1e-6))


@lru_cache(maxsize=16)
def _squared_frequency(side: int) -> Field:
    rows = np.fft.fftfreq(side).astype(np.float32)[:, None]
    columns = np.fft.rfftfreq(side).astype(np.float32)[None]
    return np.asarray(rows**2 + columns**2, np.float32)


def double(field: Field, side: int) -> Field:
    """A field on pixels of half the size, (side, side), bilinear between the middles of the pixels."""
    return _double_rows(_double_rows(field).T).T[:side, :side]


def _double_rows(field: Field) -> Field:
    near, far = field * np.float32(0.75), field * np.float32(0.25)
    result = np.empty((2 * len(field), field.shape[1]), np.float32)
    result[0], result[-1] = field[0], field[-1]
    np.add(near[1:], far[:-1], out=result[2::2])
    np.add(near[:-1], far[1:], out=result[1:-1:2])
    return result


def halve(field: NDArray[np.float32]) -> Field:
    """Means of blocks of 2 x 2 over the last two axes, whose sides are even."""
    upper, lower = field[..., ::2, :], field[..., 1::2, :]
    rows = upper + lower
    mean: Field = (rows[..., ::2] + rows[..., 1::2]) * np.float32(0.25)
    return mean


def keep_share(suitability: NDArray[np.floating[Any]], allowed: Mask, share: float) -> Mask:
    """The most suitable of the allowed pixels, `share` of them."""
    if share <= 0 or not allowed.any():
        return np.zeros_like(allowed)
    if share >= 1:
        return allowed.copy()
    level = np.quantile(suitability[allowed][::7], 1 - share)
    chosen: Mask = allowed & (suitability >= level)
    return chosen


def from_db(decibel: NDArray[np.float32] | float) -> Field:
    """Power of decibel."""
    power: Field = np.exp(np.asarray(decibel, np.float32) * np.float32(np.log(10) / 10))
    return power


def look_from(field: Field, rows: int, columns: int) -> Field:
    """The field as seen from pixels that look `rows` down and `columns` right of themselves; edges repeat."""
    height, width = field.shape
    down = np.clip(np.arange(height) + rows, 0, height - 1)
    right = np.clip(np.arange(width) + columns, 0, width - 1)
    return field[down][:, right]


def count_pixels(side: int) -> tuple[Field, Field]:
    """Row (side, 1) and column (1, side) of every pixel."""
    along = np.arange(side, dtype=np.float32)
    return along[:, None], along[None]
