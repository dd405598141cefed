"""Pieces hold the zone they are made for, or say which part of it would fit."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from claire.core.errors import BudgetError
from claire.core.types import Prepared
from claire.explain.pieces import find_piece
from claire.explain.targets import build_rectangle_zone


@given(st.integers(65, 200), st.integers(65, 200), st.data())
def test_a_piece_of_a_large_tile_holds_the_zone_and_is_as_large_as_allowed(
    height: int, width: int, data: st.DataObject
) -> None:
    top, left = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
    high, wide = data.draw(st.integers(1, 64)), data.draw(st.integers(1, 64))
    zone = build_rectangle_zone((height, width), left, top, left + wide, top + high)
    piece = find_piece(zone, 64, 32)
    inside = zone[piece.rows, piece.columns]
    assert inside.sum() == zone.sum()
    assert inside.shape == (64, 64)


def test_a_tile_that_fits_is_taken_whole(prepared: Prepared) -> None:
    zone = np.zeros(prepared.shape, bool)
    zone[3, 4] = True
    piece = find_piece(zone, 64, 32)
    assert piece.origin == (0, 0)
    np.testing.assert_array_equal(piece.cut(prepared).sar, prepared.sar)


def test_a_zone_that_does_not_fit_is_answered_with_one_that_does() -> None:
    zone = np.zeros((300, 400), bool)
    zone[10, 10] = True
    zone[128:192, 256:320] = True
    with pytest.raises(BudgetError, match="at most 64 x 64") as caught:
        find_piece(zone, 64, 32)
    offered = re.search(r"\d+,\d+,\d+,\d+", caught.value.hint)
    assert offered
    assert offered[0] == "256,128,320,192"
    x0, y0, x1, y1 = map(int, offered[0].split(","))
    find_piece(zone & build_rectangle_zone(zone.shape, x0, y0, x1, y1), 64, 32)


def test_a_zone_too_wide_for_the_usual_piece_is_held_by_a_larger_one() -> None:
    zone = build_rectangle_zone((300, 400), 40, 30, 140, 120)
    piece = find_piece(zone, 64, 32, 128)
    assert zone[piece.rows, piece.columns].sum() == zone.sum()
    assert zone[piece.rows, piece.columns].shape == (128, 128)
    small = find_piece(build_rectangle_zone(zone.shape, 40, 30, 50, 40), 64, 32, 128)
    assert zone[small.rows, small.columns].shape == (64, 64)
    with pytest.raises(BudgetError, match="at most 96 x 96"):
        find_piece(zone, 64, 32, 96)
