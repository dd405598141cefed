"""Wrong regions from near: square, around the whole region, and outlined inside it alone."""

from __future__ import annotations

import numpy as np
import pytest

from claire.core.mistakes import WrongRegion
from claire.viz.colors import CHOSEN_COLOR, parse_rgb
from claire.viz.mistakes import CLOSE_SIDE, render_close

SIDE = 256


def make_region(top: int, bottom: int, left: int, right: int) -> WrongRegion:
    return WrongRegion(
        number=1,
        pixels=(bottom - top) * (right - left),
        area_m2=None,
        box=(top, bottom, left, right),
        spot=((top + bottom) // 2, (left + right) // 2),
        labelled="background",
        predicted="flood",
        probabilities={"fused": (0.25, 0.75)},
        nearest="background",
        usual=0.5,
        confidence=0.75,
        observed=0.5,
        trust=None,
    )


@pytest.mark.parametrize(
    ("box", "wanted"),
    [
        ((0, 150, 100, 130), 225),
        ((200, 210, 250, 256), CLOSE_SIDE),
        ((4, 8, 0, 256), SIDE),
    ],
)
def test_a_close_picture_is_a_square_that_holds_the_whole_region(box: tuple[int, int, int, int], wanted: int) -> None:
    ids = np.zeros((SIDE, SIDE), np.int32)
    ids[box[0] : box[1], box[2] : box[3]] = 1
    ground = np.full((SIDE, SIDE, 4), 255, np.uint8)
    ground[ids == 1, :3] = 9
    close = render_close(ground, ids, make_region(*box))
    times = close.shape[0] // wanted
    assert close.shape == (wanted * times, wanted * times, 4)
    chosen = (close[..., :3] == parse_rgb(CHOSEN_COLOR)).all(axis=-1)
    inside = (close[..., :3] == 9).all(axis=-1) | chosen
    assert inside.sum() == (ids == 1).sum() * times**2
    assert 0 < chosen.sum() < inside.sum()
