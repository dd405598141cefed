"""Parcels: land cut into turned, irregular strips, as fields, lots and street blocks are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from claire.data.simulator.noise import Field, Mask, build_noise, count_pixels

KEYS = 4096
LAST = KEYS - 1
"""Parcels are told apart by a key below `KEYS`, a power of two; two far apart may share one."""


@dataclass(frozen=True)
class Parcels:
    """A cut of the plane.

    Args:
        key: (H, W) int32 0..KEYS-1, equal within a parcel.
        edge: (H, W) bool, the pixels where the key changes.
        block: (H, W) int32, the group of parcels that share a direction.
        border: (H, W) bool, the pixels where the block changes.
        turn: (blocks,) direction of each block, radians.
    """

    key: NDArray[np.int32]
    edge: Mask
    block: NDArray[np.int32]
    border: Mask
    turn: NDArray[np.float64]


def cut_parcels(
    rng: np.random.Generator,
    side: int,
    *,
    blocks: int,
    width: float,
    length: float,
    irregular: float = 0.5,
    bent: float = 3.0,
    spread: float = np.pi,
) -> Parcels:
    """Cut a square of pixels.

    Args:
        rng: Randomness.
        side: Pixels.
        blocks: Groups with a direction and a size of their own.
        width: Of a parcel, pixels.
        length: Of a parcel, pixels.
        irregular: 0 all alike to 1.
        bent: How far lines depart from straight, pixels.
        spread: Range of the directions, radians.
    """
    rows, columns = count_pixels(side)
    if bent:
        rows = rows + build_noise(rng, side, 1.9, 220) * np.float32(bent)
        columns = columns + build_noise(rng, side, 1.9, 220) * np.float32(bent)
    block = find_nearest(rng, rows, columns, blocks)
    turn = rng.uniform(0, np.pi) + rng.uniform(-0.5, 0.5, blocks) * spread
    size = np.exp(rng.uniform(-0.35, 0.35, (2, blocks)) * irregular * 2)
    wave, lean = np.cos(turn), np.sin(turn)
    u = columns * _per(wave / width / size[0], block) + rows * _per(lean / width / size[0], block)
    v = rows * _per(wave / length / size[1], block) - columns * _per(lean / length / size[1], block)
    table = rng.uniform(-0.5, 0.5, KEYS).astype(np.float32) * np.float32(0.75 * irregular)
    strip = _cut_line(u, block * 613, table)
    hashed = strip * 31 + block * 7
    v = v * (1 + np.float32(0.6) * table)[hashed & LAST] + table[(hashed * 17) & LAST]
    piece = _cut_line(v, block * 211 + strip * 97, table)
    key = (block * 1543 + strip * 389 + piece * 3571) & LAST
    return Parcels(key, find_edges(key), block, find_edges(block), turn)


def _per(values: NDArray[np.float64], block: NDArray[np.int32]) -> Field:
    """A value of each block on every pixel."""
    return np.asarray(values.astype(np.float32)[block])


def find_edges(key: NDArray[np.generic]) -> Mask:
    """(H, W) bool: the key below or to the right is another one."""
    edge = np.zeros(key.shape, bool)
    edge[:-1] |= key[:-1] != key[1:]
    edge[:, :-1] |= key[:, :-1] != key[:, 1:]
    return edge


def find_nearest(rng: np.random.Generator, rows: Field, columns: Field, count: int) -> NDArray[np.int32]:
    """(H, W) which of some random points is nearest; rows and columns may broadcast."""
    shape = np.broadcast_shapes(rows.shape, columns.shape)
    side = max(shape)
    centres = rng.uniform(-0.05 * side, 1.05 * side, (count, 2)).astype(np.float32)
    best, block = np.full(shape, np.inf, np.float32), np.zeros(shape, np.int32)
    for number, (row, column) in enumerate(centres):
        away = (rows - row) ** 2 + (columns - column) ** 2
        nearer = away < best
        np.copyto(best, away, where=nearer)
        np.copyto(block, np.int32(number), where=nearer)
    return block


def _cut_line(position: Field, row: NDArray[np.int32], table: Field) -> NDArray[np.int32]:
    """Whole numbers of the intervals that positions fall in; cuts lie near every half, moved by the table."""
    whole = np.floor(position)
    number = whole.astype(np.int32)
    cut = np.float32(0.5) + table[(number * 53 + row) & LAST]
    return np.asarray(number + (position - whole > cut), np.int32)
