"""Segments: pieces of ground that are removed together, because single pixels say little and cost much.

Legend: C bands, H height, W width.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from claire.core.types import Prepared

SegmentKind = Literal["grid", "clusters"]

ROUNDS = 5
COMPACTNESS = 1.0
"""Distance of one cell in space that counts as much as one spread per band in value."""


def build_grid(shape: tuple[int, int], cells: int) -> NDArray[np.int64]:
    """(H, W) ids 0..n-1 of a grid with `cells` cells along the longer side, square as far as possible.

    Example:
        >>> build_grid((2, 4), 2).tolist()
        [[0, 0, 1, 1], [0, 0, 1, 1]]
    """
    side = max(1, -(-max(shape) // cells))
    rows, columns = np.arange(shape[0]) // side, np.arange(shape[1]) // side
    ids: NDArray[np.int64] = rows[:, None] * (columns[-1] + 1) + columns[None, :]
    return ids


def build_clusters(prepared: Prepared, cells: int) -> NDArray[np.int64]:
    """Superpixels that follow the borders of both sensors: k-means over values and place, as SLIC does it.

    Every pixel belongs to one of the nine cluster centres around its grid cell (Achanta et al. 2012,
    doi 10.1109/TPAMI.2012.120); a segment may have several parts.

    Args:
        prepared: Both sensors count alike.
        cells: Along the longer side.

    Returns:
        (H, W) ids 0..n-1.
    """
    grid = build_grid(prepared.shape, cells)
    side = max(1, -(-max(prepared.shape) // cells))
    parts = [values / max(1, len(values)) ** 0.5 for values in (prepared.optical, prepared.sar)]
    rows, columns = np.indices(prepared.shape) / side * COMPACTNESS
    features = np.concatenate([*parts, rows[None], columns[None]]).reshape(-1, grid.size).astype(np.float64)
    neighbours = _neighbours(grid)[grid.ravel()]
    ids = grid.ravel()
    for _ in range(ROUNDS):
        centres = _means(features, ids, int(grid.max()) + 1)
        distances = np.stack(
            [((features - centres[:, candidate]) ** 2).sum(axis=0) for candidate in neighbours.T], axis=1
        )
        ids = np.take_along_axis(neighbours, distances.argmin(axis=1)[:, None], axis=1)[:, 0]
    return np.unique(ids, return_inverse=True)[1].reshape(prepared.shape)


def build_segments(prepared: Prepared, kind: SegmentKind, cells: int) -> NDArray[np.int64]:
    """(H, W) ids 0..n-1."""
    return build_grid(prepared.shape, cells) if kind == "grid" else build_clusters(prepared, cells)


def _neighbours(grid: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n, 9): the cells around each cell, itself where the grid ends."""
    wide = int(grid[0, -1]) + 1
    high = (int(grid.max()) + 1) // wide
    rows, columns = np.divmod(np.arange(high * wide), wide)
    around = [
        np.clip(rows + down, 0, high - 1) * wide + np.clip(columns + right, 0, wide - 1)
        for down in (-1, 0, 1)
        for right in (-1, 0, 1)
    ]
    return np.stack(around, axis=1)


def _means(features: NDArray[np.float64], ids: NDArray[np.int64], count: int) -> NDArray[np.float64]:
    """(F, count) mean of each feature over each cluster; one that lost its pixels lies infinitely far."""
    sizes = np.bincount(ids, minlength=count)
    sums = np.stack([np.bincount(ids, weights=feature, minlength=count) for feature in features])
    return np.asarray(np.divide(sums, sizes, out=np.full(sums.shape, 1e9), where=sizes > 0))
