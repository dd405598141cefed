"""Slots of shared memory: pieces cover an array once, hold whole blocks and fit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claire.data import ring
from claire.data.ring import SLOT_BYTES, SLOTS, Shape, cut, fit_steps, make_ring, map_ring, view_slot

lengths = st.integers(1, 5000)
shapes = st.tuples(st.integers(1, 20), lengths, lengths)


@given(st.tuples(*[st.integers(1, 9)] * 3), st.tuples(*[st.integers(1, 12)] * 3))
def test_pieces_cover_every_number_once(shape: Shape, steps: Shape) -> None:
    seen = np.zeros(shape, int)
    for piece in cut(shape, steps):
        assert all(part.stop - part.start <= step for part, step in zip(piece, steps, strict=True))
        seen[piece] += 1
    assert (seen == 1).all()


@settings(deadline=None)
@given(
    shapes,
    st.tuples(st.integers(1, 20), lengths, lengths),
    st.lists(st.sampled_from(["uint8", "float64", "bool"]), min_size=1, max_size=2),
)
def test_steps_are_whole_blocks_and_fit_a_slot(shape: Shape, block: Shape, kinds: list[str]) -> None:
    steps = fit_steps(shape, kinds, block)
    least = [min(part, whole) for part, whole in zip(block, shape, strict=True)]
    needed = sum(np.dtype(kind).itemsize * int(np.prod(least)) for kind in kinds)
    if steps is None:
        assert needed > SLOT_BYTES - ring.ALIGNMENT * len(kinds) - sum(np.dtype(kind).itemsize for kind in kinds)
        return
    for step, part, whole in zip(steps, least, shape, strict=True):
        assert step == whole or step % part == 0
    memory = map_ring(make_ring(), write=True)
    piece = (slice(0, steps[0]), slice(0, steps[1]), slice(0, steps[2]))
    assert [array.shape for array in view_slot(memory, 0, piece, kinds)] == [steps] * len(kinds)


def test_small_arrays_are_one_piece_and_large_ones_few() -> None:
    assert fit_steps((13, 256, 256), ["uint16", "bool"], (1, 256, 256)) == (13, 256, 256)
    assert fit_steps((13, 256, 256), ["uint16", "bool"], (13, 8, 256)) == (13, 256, 256)
    assert fit_steps((1, 10_000, 10_000), ["uint8"], (1, 256, 256)) == (1, 256, 10_000)
    assert fit_steps((1, 10_000, 10_000), ["float64"], (1, 256, 256)) == (1, 256, 1792)
    assert fit_steps((1, 10_000, 10_000), ["float64"], (1, 10_000, 10_000)) is None


def test_arrays_of_a_piece_lie_apart_and_aligned_and_slots_take_turns() -> None:
    memory = map_ring(make_ring(), write=True)
    piece = (slice(0, 1), slice(3, 6), slice(0, 5))
    base = np.frombuffer(memory, np.uint8).ctypes.data
    for number in range(2 * SLOTS):
        places = [array.ctypes.data - base for array in view_slot(memory, number, piece, ["uint8", "float64", "bool"])]
        assert places == [number % SLOTS * SLOT_BYTES + offset for offset in (0, 64, 64 + 128)]


def test_what_does_not_fit_a_slot_or_is_no_number_is_refused() -> None:
    memory = map_ring(make_ring(), write=False)
    piece = (slice(0, 1), slice(0, 1), slice(0, SLOT_BYTES))
    assert not view_slot(memory, SLOTS - 1, piece, ["uint8"])[0].flags.writeable
    with pytest.raises(ValueError, match="slot"):
        view_slot(memory, SLOTS - 1, piece, ["uint8", "bool"])
    with pytest.raises(ValueError, match="dtype"):
        view_slot(memory, 0, piece, ["object"])
