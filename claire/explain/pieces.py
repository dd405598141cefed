"""Pieces: what of a tile goes through the network at once, so that the memory has a bound.

The predictor cuts a large tile into windows; attention and gradients of one pixel belong to one of them. So a tile that
fits into a window is taken whole, and of a larger one the window around what is asked about.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from claire.core.errors import BudgetError
from claire.core.types import Prepared


@dataclass(frozen=True)
class Piece:
    """Row and column slices of a tile."""

    rows: slice
    columns: slice

    @property
    def origin(self) -> tuple[int, int]:
        """(row, column) of its first pixel."""
        return int(self.rows.start), int(self.columns.start)

    def cut(self, prepared: Prepared) -> Prepared:
        """The prepared pair inside the piece."""
        here = (slice(None), self.rows, self.columns)
        label = None if prepared.label is None else prepared.label[here[1:]]
        return replace(
            prepared,
            optical=prepared.optical[here],
            sar=prepared.sar[here],
            optical_valid=prepared.optical_valid[here],
            sar_valid=prepared.sar_valid[here],
            label=label,
        )


def find_piece(zone: NDArray[np.bool_], side: int, stride: int, most: int = 0) -> Piece:
    """The whole tile where it fits, otherwise the square around the zone.

    Args:
        zone: (H, W) bool, what is asked about; at least one pixel.
        side: Longest side of a piece, a multiple of `stride`.
        stride: Pieces of larger tiles start at multiples of it, as windows do.
        most: Side that is taken where the zone does not fit into `side`, if it is longer.

    Raises:
        BudgetError: The zone is larger than a piece; the hint offers the part of it that holds most.
    """
    if max(zone.shape) <= side:
        return Piece(slice(0, zone.shape[0]), slice(0, zone.shape[1]))
    (top, bottom), (left, right) = (_bounds(np.asarray(zone.any(axis=axis))) for axis in (1, 0))
    rows = _place(top, bottom, zone.shape[0], side, stride)
    columns = _place(left, right, zone.shape[1], side, stride)
    if rows is None or columns is None:
        if most > side:
            return find_piece(zone, most, stride)
        raise BudgetError(
            f"The zone spans {right - left} x {bottom - top} pixels, but at most {side} x {side} are taken at once.",
            f"Give a smaller zone, for example the region {_offer(zone, side, stride)}, which holds most of it.",
        )
    return Piece(rows, columns)


def _bounds(any_there: NDArray[np.bool_]) -> tuple[int, int]:
    places = np.flatnonzero(any_there)
    return int(places[0]), int(places[-1]) + 1


def _place(first: int, last: int, size: int, side: int, stride: int) -> slice | None:
    """A part of an axis around [first, last), or None where that is too long."""
    if size <= side:
        return slice(0, size)
    middle = (first + last - side) // 2
    for start in (middle // stride * stride, first // stride * stride, -(-(last - side) // stride) * stride, first):
        begin = min(max(start, 0), size - side)
        if begin <= first and last <= begin + side:
            return slice(begin, begin + side)
    return None


def _offer(zone: NDArray[np.bool_], side: int, stride: int) -> str:
    """`x0,y0,x1,y1` of the square that holds most of the zone."""
    sums = np.zeros((zone.shape[0] + 1, zone.shape[1] + 1), np.int64)
    sums[1:, 1:] = zone.cumsum(axis=0).cumsum(axis=1)
    tops, lefts = (np.arange(0, max(1, size - side + 1), stride) for size in zone.shape)
    bottoms, rights = (np.minimum(starts + side, size) for starts, size in zip((tops, lefts), zone.shape, strict=True))
    held = (
        sums[np.ix_(bottoms, rights)]
        - sums[np.ix_(tops, rights)]
        - sums[np.ix_(bottoms, lefts)]
        + sums[np.ix_(tops, lefts)]
    )
    row, column = np.unravel_index(held.argmax(), held.shape)
    return f"{lefts[column]},{tops[row]},{rights[column]},{bottoms[row]}"
