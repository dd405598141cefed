"""Windows: cut a tile of any size into overlapping squares and blend what comes back."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray


def padded_size(size: int, stride: int) -> int:
    """The smallest multiple of `stride` that holds `size`."""
    return -(-size // stride) * stride


def place_windows(size: int, window: int, overlap: int, stride: int) -> list[int]:
    """Offsets of windows along one axis.

    Args:
        size: Length of the axis, a multiple of `stride`.
        window: Length of a window, a multiple of `stride`.
        overlap: Least overlap of neighbours, less than `window`.
        stride: Offsets are multiples of it.

    Returns:
        Increasing offsets; the windows cover the axis and stay inside (one window at 0 when the axis is shorter).

    Example:
        >>> place_windows(512, 256, 64, 32)
        [0, 128, 256]
    """
    if size <= window:
        return [0]
    count = -(-(size - window) // (window - overlap)) + 1
    exact = np.linspace(0, size - window, count)
    return sorted({int(offset) // stride * stride for offset in exact[:-1]} | {size - window})


def iterate_windows(height: int, width: int, window: int, overlap: int, stride: int) -> Iterator[tuple[slice, slice]]:
    """Row and column slices of every window, row by row."""
    for top in place_windows(height, window, overlap, stride):
        for left in place_windows(width, window, overlap, stride):
            yield slice(top, min(top + window, height)), slice(left, min(left + window, width))


def blend_weights(height: int, width: int, ramp: int) -> NDArray[np.float32]:
    """(H, W) weights, 1 inside, falling linearly to the edges over `ramp` pixels, never 0."""

    def along(size: int) -> NDArray[np.float32]:
        distance = np.minimum(np.arange(size), np.arange(size)[::-1]) + 1
        return np.minimum(1.0, distance / (ramp + 1)).astype(np.float32)

    return np.outer(along(height), along(width))
