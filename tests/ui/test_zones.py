"""Corners as typed, and strokes that become the numbers in the boxes."""

from __future__ import annotations

import numpy as np
import pytest

from claire.core.errors import ZoneError
from claire.explain.targets import build_polygon_zone
from claire.ui.zones import KEPT_CORNERS, parse_corners, thin_corners
from tests.sentences import check_sentences


def test_corners_may_stand_between_blanks_or_semicolons() -> None:
    wanted = ((1.0, 2.0), (30.5, 4.0), (-5.0, 6.0))
    for text in ("1,2 30.5,4 -5,6", " 1 , 2;30.5,4 ;  -5,6 ", "1,2\n30.5,4\n-5,6"):
        assert parse_corners(text) == wanted
    assert parse_corners("") == ()


@pytest.mark.parametrize("text", ["here", "1,2,3", "1 2", "1,2 x,4", "1e9,2", "0,0 " * 3000, "nan,1", "1," * 50_000])
def test_anything_else_is_a_sentence(text: str) -> None:
    with pytest.raises(ZoneError) as caught:
        parse_corners(text)
    check_sentences(caught.value.message, caught.value.hint)


def test_a_long_stroke_keeps_its_shape() -> None:
    angles = np.linspace(0, 2 * np.pi, 1500, endpoint=False)
    stroke = tuple((50 + 30 * float(np.cos(a)), 50 + 30 * float(np.sin(a))) for a in angles)
    kept = thin_corners(stroke)
    assert len(kept) <= KEPT_CORNERS
    full, thin = (build_polygon_zone((100, 100), corners) for corners in (stroke, kept))
    assert (full ^ thin).sum() < 0.01 * full.sum()
    assert thin_corners(stroke[:5]) == stroke[:5]
