"""A few slots of shared memory through which a reading process hands over pixels, piece by piece.

Filling fresh shared memory costs more than decoding: the kernel clears every page of it. A ring is made once for each
child and used again, so its pages are warm; while one side empties a slot, the other fills the next. Both sides cut an
array into the same pieces in the same order, so that nothing but their number need be said.
"""

from __future__ import annotations

import fcntl
import mmap
import os
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

SLOTS = 4
SLOT_BYTES = 1 << 22
RING_BYTES = SLOTS * SLOT_BYTES

ALIGNMENT = 64
"""Bytes; each array in a slot begins at a multiple."""

DTYPES = frozenset(
    {
        "bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64",
        "float16", "float32", "float64", "complex64", "complex128",
    }
)  # fmt: skip
"""Numbers that may be handed over."""

Shape: TypeAlias = tuple[int, int, int]
"""(C, H, W)."""

Piece: TypeAlias = tuple[slice, slice, slice]
"""Bands, rows and columns, each with a start and a stop."""


def make_ring() -> int:
    """File descriptor of new memory for a ring. Its size is fixed, so nobody can pull it away under a reader."""
    handle = os.memfd_create("pixels", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(handle, RING_BYTES)
    fcntl.fcntl(handle, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)
    return handle


def map_ring(handle: int, *, write: bool) -> mmap.mmap:
    """The memory of a ring; closes the file descriptor."""
    try:
        return mmap.mmap(handle, RING_BYTES, access=mmap.ACCESS_WRITE if write else mmap.ACCESS_READ)
    finally:
        os.close(handle)


def fit_steps(shape: Shape, kinds: Sequence[str], block: Shape) -> Shape | None:
    """The largest pieces of whole blocks that fit a slot: columns first, then rows, then bands.

    Args:
        shape: (C, H, W) of the arrays.
        kinds: Dtype name of each array.
        block: (bands, rows, columns) that should not be cut.

    Returns:
        (bands, rows, columns) of a piece; None when a block is larger than a slot.
    """
    room = (SLOT_BYTES - ALIGNMENT * len(kinds)) // sum(np.dtype(kind).itemsize for kind in kinds)
    steps = [min(part, whole) for part, whole in zip(block, shape, strict=True)]
    bands, rows, columns = steps
    if bands * rows * columns > room:
        return None
    for axis in (2, 1, 0):
        size = steps[0] * steps[1] * steps[2]
        steps[axis] = min(steps[axis] * (room // size), shape[axis])
        if steps[axis] < shape[axis]:
            break
    return steps[0], steps[1], steps[2]


def cut(shape: Shape, steps: Shape) -> Iterator[Piece]:
    """The pieces of (C, H, W) arrays, bands slowest; the last ones may be smaller than a step."""
    for band in range(0, shape[0], steps[0]):
        for row in range(0, shape[1], steps[1]):
            for column in range(0, shape[2], steps[2]):
                yield (
                    slice(band, min(band + steps[0], shape[0])),
                    slice(row, min(row + steps[1], shape[1])),
                    slice(column, min(column + steps[2], shape[2])),
                )


def view_slot(ring: mmap.mmap, number: int, piece: Piece, kinds: Sequence[str]) -> list[NDArray[Any]]:
    """The arrays of one piece, one after the other in the slot where the piece of that number (from 0) belongs.

    Raises:
        ValueError: They do not fit the slot, or are of another dtype than `DTYPES`.
    """
    shape = tuple(part.stop - part.start for part in piece)
    offset = 0
    arrays = []
    for kind in kinds:
        if kind not in DTYPES:
            raise ValueError("dtype")
        dtype = np.dtype(kind)
        size = shape[0] * shape[1] * shape[2] * dtype.itemsize
        if offset + size > SLOT_BYTES:
            raise ValueError("slot")
        arrays.append(np.ndarray(shape, dtype, ring, number % SLOTS * SLOT_BYTES + offset))
        offset += -(-size // ALIGNMENT) * ALIGNMENT
    return arrays
