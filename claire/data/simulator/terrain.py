"""Terrain: ridges and valleys cut by the water that drains them, rivers in their beds, standing water.

Heights are drawn as noise, then drained: each cell of a 20 m grid is joined to its outlet by the path whose highest
point is lowest (the minimum spanning tree of the grid; Barnes et al. 2014, doi 10.1016/j.cageo.2013.04.024, fill
depressions to the same level). Water is counted down the tree, and slopes are limited above every channel, which is
what rivers do to mountains: passes are cut through, and valleys deepen until their sides are as steep as rock stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import breadth_first_order, minimum_spanning_tree

from claire.data.simulator.noise import Field, Mask, build_noise, double, draw
from claire.data.simulator.parameters import PIXEL, Setting

Float = TypeVar("Float", np.float32, np.float64)

STEP = 2
"""Pixels of the scene per cell of the drainage grid."""

CUT = 0.75
"""How far rivers cut through passes instead of filling the basins behind them: 0 lakes and flats, 1 gorges."""

CHANNEL_CELLS = 24
"""Cells (of 20 m) that must drain to a cell for it to be the bottom of a valley."""


NARROWEST = 9.0
"""Metres of width from which a stream is water on a map of 10 m."""


@dataclass(frozen=True)
class River:
    """One river from its source to its mouth.

    Args:
        points: (n, 2) row and column, in pixels of the scene.
        bed: (n,) height of its surface in metres, never rising.
        width: (n,) metres.
    """

    points: NDArray[np.float64]
    bed: NDArray[np.float64]
    width: NDArray[np.float64]


@dataclass(frozen=True)
class Terrain:
    """The bare ground.

    Args:
        height: (H, W) float32 metres; the surface where there is water.
        slope: (H, W) float32, tangent of the slope.
        above_water: (H, W) float32 metres above the nearest channel.
        standing: (2H, 2W) bool: sea or lake.
        flowing: (2H, 2W) bool: river, wide enough for a map of 10 m.
        brooks: (2H, 2W) bool: narrower streams.
        rivers: As lines.
        sea_level: Metres, where there is standing water.
    """

    height: Field
    slope: Field
    above_water: Field
    standing: Mask
    flowing: Mask
    brooks: Mask
    rivers: tuple[River, ...]
    sea_level: float


@dataclass(frozen=True)
class _Drainage:
    """Of each cell: the cell that receives its water, its level, which never rises downstream, cells upstream."""

    receiver: list[int]
    level: NDArray[np.float64]
    upstream: NDArray[np.float64]


def build_terrain(rng: np.random.Generator, size: int, setting: Setting) -> Terrain:
    """Terrain of (size, size) pixels of 10 m."""
    cells = (size - 1) // STEP + 2
    relief = draw(rng, setting.relief) * min(1.0, (size / 256) ** 0.5)
    raw = _raise(rng, cells, relief)
    standing_share = draw(rng, setting.standing)
    sea_level = float(np.quantile(raw, standing_share)) if standing_share > 0.01 else -np.inf
    width = draw(rng, setting.river)
    drainage = _drain(rng, np.maximum(raw, sea_level), raw <= sea_level, width > 8)
    bed = _find_valleys(drainage, cells)
    steepest = float(np.clip(relief / 420 * rng.uniform(0.7, 1.1), 0.03, 0.75))
    carved = _limit_slopes(drainage.level.reshape(cells, cells), steepest * PIXEL * STEP)
    carved = np.where(raw <= sea_level, sea_level, ndimage.gaussian_filter(carved, 0.8))
    scale = np.arange(size) / STEP
    place = np.meshgrid(scale, scale, indexing="ij")
    height = ndimage.map_coordinates(carved, place, order=1).astype(np.float32)
    above = height - ndimage.map_coordinates(ndimage.gaussian_filter(bed, 1.5), place, order=1).astype(np.float32)
    height += build_noise(rng, size, 1.3, 24) * np.float32(0.006 * relief + 0.05) * np.minimum(above / 4, 1).clip(0)
    rivers = _trace_rivers(rng, drainage, raw <= sea_level, cells, width, relief)
    flowing, brooks = _paint(rivers, 2 * size)
    standing = _find_standing(rng, raw, sea_level, place, size)
    if np.isfinite(sea_level):
        height = np.where(standing[::2, ::2], np.float32(sea_level), np.maximum(height, np.float32(sea_level + 0.05)))
    height = _lower_into(rivers, height, 1.1 * steepest * PIXEL)
    rows, columns = np.gradient(height, PIXEL)
    return Terrain(
        height,
        np.hypot(rows, columns).astype(np.float32),
        above.clip(0),
        standing,
        flowing & ~standing,
        brooks & ~standing & ~flowing,
        rivers,
        sea_level if np.isfinite(sea_level) else 0.0,
    )


def _raise(rng: np.random.Generator, cells: int, relief: float) -> NDArray[np.float64]:
    """(cells, cells) heights above 0 before any water flowed: noise, in mountains with ridges, and a tilt."""
    smooth = build_noise(rng, cells, 2.1, cells * 1.2)
    ridged = 1 - np.abs(build_noise(rng, cells, 1.9, cells * 0.9))
    share = np.clip(relief / 500, 0, 1) * rng.uniform(0.4, 0.9)
    mixed = (1 - share) * smooth + share * (ridged - ridged.mean()) / max(float(ridged.std()), 1e-6)
    rows, columns = np.mgrid[0:cells, 0:cells] / cells
    turn = rng.uniform(0, 2 * np.pi)
    tilted = mixed + rng.uniform(0.3, 1.6) * (np.cos(turn) * rows + np.sin(turn) * columns) * 2
    low, high = np.quantile(tilted, [0.01, 0.99])
    return np.asarray(relief * np.clip((tilted - low) / max(high - low, 1e-6), -0.05, 1.2), np.float64)


def _drain(rng: np.random.Generator, height: NDArray[np.float64], sea: Mask, passing: bool) -> _Drainage:
    """The drainage tree; `passing` brings in a river from the side opposite to the lowest edge."""
    cells = len(height)
    count = cells * cells
    index = np.arange(count).reshape(cells, cells)
    flat = height.ravel()
    pairs = [
        (index[:, :-1], index[:, 1:]),
        (index[:-1], index[1:]),
        (index[:-1, :-1], index[1:, 1:]),
        (index[:-1, 1:], index[1:, :-1]),
    ]
    first = np.concatenate([a.ravel() for a, _ in pairs])
    second = np.concatenate([b.ravel() for _, b in pairs])
    lowest = flat.min() - 1
    higher, lower = np.maximum(flat[first], flat[second]), np.minimum(flat[first], flat[second])
    weight = higher - lowest + 1e-3 * (lower - lowest)  # among the lower neighbours the lowest one is taken
    edge = np.unique(np.concatenate([index[0], index[-1], index[:, 0], index[:, -1]]))
    outlets = np.flatnonzero(sea.ravel()) if sea.any() else edge
    if passing and not sea.any():
        outlets = edge[[int(np.argmin(flat[edge]))]]
    weight = np.concatenate([weight, np.full(len(outlets), 1e-6)])
    first, second = np.concatenate([first, outlets]), np.concatenate([second, np.full(len(outlets), count)])
    tree = minimum_spanning_tree(coo_array((weight, (first, second)), shape=(count + 1, count + 1)).tocsr())
    order, before = breadth_first_order(tree, count, directed=False)
    receiver: list[int] = before.tolist()
    level = [*flat.tolist(), -np.inf]
    upstream = [1.0] * (count + 1)
    if passing:
        upstream[_choose_inflow(rng, flat, edge, outlets, cells)] += 8.0 * count
    cut = list(level)
    for cell in order[1:].tolist():
        below = level[receiver[cell]]
        if level[cell] < below:
            level[cell] = below
    for cell in order[:0:-1].tolist():
        upstream[receiver[cell]] += upstream[cell]
        if cut[cell] < cut[receiver[cell]]:
            cut[receiver[cell]] = cut[cell]
    mixed = (1 - CUT) * np.array(level[:count]) + CUT * np.array(cut[:count])
    return _Drainage(receiver, mixed, np.array(upstream[:count]))


def _choose_inflow(
    rng: np.random.Generator,
    flat: NDArray[np.float64],
    edge: NDArray[np.int64],
    outlets: NDArray[np.int64],
    cells: int,
) -> int:
    """A low cell of the edge, far from the outlet."""
    middle = outlets.mean()
    away = np.hypot(edge // cells - middle // cells, edge % cells - middle % cells) / cells
    height = (flat[edge] - flat.min()) / max(float(np.ptp(flat)), 1e-6)
    return int(edge[int(np.argmax(away - 0.6 * height + rng.uniform(0, 0.1, len(edge))))])


def _find_valleys(drainage: _Drainage, cells: int) -> NDArray[np.float64]:
    """Height of the nearest channel (cells, cells)."""
    channel = (drainage.upstream >= CHANNEL_CELLS).reshape(cells, cells)
    if not channel.any():
        channel = (drainage.upstream == drainage.upstream.max()).reshape(cells, cells)
    _, (rows, columns) = ndimage.distance_transform_edt(~channel, return_indices=True)
    nearest: NDArray[np.float64] = drainage.level.reshape(cells, cells)[rows, columns]
    return nearest


def _limit_slopes(height: NDArray[Float], rise: float) -> NDArray[Float]:
    """The highest terrain below the given one on which no two neighbours differ by more than `rise` per cell."""
    limited: NDArray[Float] = height.copy()
    for step in (32, 16, 8, 4, 2, 1, 1):
        if step >= len(height):
            continue
        for down, right in ((step, 0), (0, step), (step, step), (step, -step)):
            climb = height.dtype.type(rise * np.hypot(down, right))
            here = limited[down:, max(right, 0) : len(height) + min(right, 0)]
            there = limited[: len(height) - down, max(-right, 0) : len(height) - max(right, 0)]
            np.minimum(here, there + climb, out=here)
            np.minimum(there, here + climb, out=there)
    return limited


def _trace_rivers(
    rng: np.random.Generator, drainage: _Drainage, sea: Mask, cells: int, width: float, relief: float
) -> tuple[River, ...]:
    """Lines from every source down to the sea, the edge or a larger river; plains let them wind."""
    count = cells * cells
    least = max(0.06 * count, 60.0)
    wet = np.append(drainage.upstream >= least, False)
    has_source = np.zeros(count + 1, bool)
    receiver = np.array(drainage.receiver[:count])
    has_source[receiver[wet[:count]]] = True
    heads = np.flatnonzero(wet[:count] & ~has_source[:count] & ~sea.ravel())
    heads = heads[np.argsort(-drainage.upstream[heads], kind="stable")]
    winding = np.clip(6 - relief / 25, 0.6, 5.0)
    bend = [build_noise(rng, cells, 1.8, 30) * np.float32(winding) for _ in range(2)]
    largest = float(drainage.upstream.max())
    brook = rng.uniform(2, 14)
    seen, rivers = set[int](), []
    for head in heads.tolist():
        path, cell = [head], head
        while cell not in seen and drainage.receiver[cell] < count and not sea.ravel()[cell]:
            seen.add(cell)
            cell = drainage.receiver[cell]
            path.append(cell)
        if len(path) >= 4:
            wide = np.where(
                drainage.upstream[path] > 4 * count,
                max(width, brook),
                brook * np.sqrt(drainage.upstream[path] / min(largest, count)),
            )
            rivers.append(_as_river(np.array(path), wide, drainage.level[path], bend, cells))
    return tuple(rivers)


def _as_river(
    path: NDArray[np.int64],
    width: NDArray[np.float64],
    level: NDArray[np.float64],
    bend: list[Field],
    cells: int,
) -> River:
    rows, columns = path // cells, path % cells
    inside = np.minimum(np.minimum(rows, cells - 1 - rows), np.minimum(columns, cells - 1 - columns))
    free = np.clip(inside / 10, 0, 1)  # a river that comes in or leaves does so at the edge
    line = np.stack([rows + free * bend[0][rows, columns], columns + free * bend[1][rows, columns]], 1).astype(float)
    line = ndimage.gaussian_filter1d(line, 2.2, axis=0, mode="nearest") * STEP
    steps = np.arange(len(path))
    dense = np.linspace(0, len(path) - 1, 10 * len(path))
    points = np.stack([np.interp(dense, steps, line[:, axis]) for axis in (0, 1)], 1)
    smooth_width = ndimage.gaussian_filter1d(width, 4, mode="nearest")
    return River(points, np.interp(dense, steps, level), np.interp(dense, steps, smooth_width))


def _paint(rivers: tuple[River, ...], side: int) -> tuple[Mask, Mask]:
    """Two masks (side, side) of 5 m pixels within half a width of a river, and of a brook."""
    masks = np.zeros((2, side, side), bool)
    for river in rivers:
        wide = river.width >= NARROWEST
        stamp(masks[0], river.points[wide] * 2, river.width[wide] / PIXEL)
        stamp(masks[1], river.points[~wide] * 2, 0.4)
    return masks[0], masks[1]


def stamp(mask: Mask, points: NDArray[np.float64], radius: NDArray[np.float64] | float) -> None:
    """Set the pixels within a radius of points, in place.

    Args:
        mask: (H, W) bool.
        points: (n, 2) row and column.
        radius: Pixels, one or one for each point; less than 0.5 is one pixel.
    """
    height, width = mask.shape
    reach = np.broadcast_to(radius, len(points))
    far = int(np.ceil(reach.max(initial=0)))
    nearest = np.rint(points).astype(int)
    for down in range(-far, far + 1):
        for right in range(-far, far + 1):
            near = (down**2 + right**2) <= np.maximum(reach, 0.4) ** 2
            rows, columns = nearest[near, 0] + down, nearest[near, 1] + right
            inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
            mask[rows[inside], columns[inside]] = True


def _lower_into(rivers: tuple[River, ...], height: Field, rise: float) -> Field:
    """The terrain with every river in its bed, and slopes that rise from it by at most `rise` per pixel."""
    bed = np.full(height.shape, np.inf, np.float32)
    for river in rivers:
        nearest = np.rint(river.points).astype(int)
        inside = ((nearest >= 0) & (nearest < len(height))).all(axis=1)
        np.minimum.at(bed, tuple(nearest[inside].T), river.bed[inside].astype(np.float32))
    lowered = _limit_slopes(np.minimum(height, bed), rise)
    return np.asarray(np.where(np.isfinite(bed), np.minimum(bed, lowered), lowered), np.float32)


def _find_standing(
    rng: np.random.Generator,
    raw: NDArray[np.float64],
    sea_level: float,
    place: Sequence[NDArray[np.float64]],
    size: int,
) -> Mask:
    """(2 size, 2 size) bool under sea or lake, with a shore that is finer than the drainage grid."""
    if not np.isfinite(sea_level):
        return np.zeros((2 * size, 2 * size), bool)
    fine = ndimage.map_coordinates(raw, place, order=1).astype(np.float32)
    shore = double(fine, 2 * size) + build_noise(rng, 2 * size, 1.2, 60) * np.float32(0.03 * np.ptp(raw))
    under: Mask = shore <= sea_level
    return np.asarray(ndimage.binary_opening(under, iterations=1))
