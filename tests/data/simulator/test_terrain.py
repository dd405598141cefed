"""Terrain: water runs downhill, lakes are level, slopes stay below their limit."""

from __future__ import annotations

import numpy as np
import pytest

from claire.data.simulator.parameters import PIXEL, SETTINGS
from claire.data.simulator.terrain import Terrain, _limit_slopes, build_terrain, stamp


def terrain(seed: int, setting: str, size: int = 128) -> Terrain:
    return build_terrain(np.random.default_rng(seed), size, SETTINGS[setting])


@pytest.mark.parametrize("setting", ["mountains", "forest hills", "open fields", "desert"])
@pytest.mark.parametrize("seed", [1, 2])
def test_rivers_run_downhill_on_the_terrain_itself(setting: str, seed: int) -> None:
    made = terrain(seed, setting)
    assert made.rivers
    for river in made.rivers:
        assert (np.diff(river.bed) <= 1e-9).all()
        assert (river.width > 0).all()
        nearest = np.rint(river.points).astype(int)
        inside = ((nearest >= 0) & (nearest < 128)).all(axis=1)
        heights = made.height[tuple(nearest[inside].T)]
        climbed = np.maximum(np.diff(heights), 0).sum()
        assert climbed <= 0.25 * max(float(heights.max() - heights.min()), 0.0) + 1.0


def test_rivers_lie_lower_than_the_land_around_them() -> None:
    made = terrain(3, "forest hills")
    river = made.flowing[::2, ::2] | made.brooks[::2, ::2]
    assert river.any()
    assert np.median(made.height[river]) < np.median(made.height[~river])


@pytest.mark.parametrize("setting", ["coast", "lakes"])
def test_standing_water_is_level_and_the_lowest(setting: str) -> None:
    made = terrain(4, setting)
    water = made.standing[::2, ::2]
    assert 0.05 < water.mean() < 0.9
    assert np.ptp(made.height[water]) < 1e-3 + 0.2
    assert made.height[~water].min() >= made.sea_level - 2.5


def test_mountains_are_higher_than_plains() -> None:
    assert np.ptp(terrain(5, "high mountains").height) > 10 * np.ptp(terrain(5, "wetland").height)


def test_limited_slopes_are_the_highest_below_by_brute_force() -> None:
    rng = np.random.default_rng(6)
    height, rise = rng.uniform(0, 10, (9, 9)), 0.7
    limited = _limit_slopes(height, rise)
    assert (limited <= height + 1e-9).all()
    for axis in (0, 1):
        assert np.abs(np.diff(limited, axis=axis)).max() <= rise + 1e-9
    expected = height.copy()
    for _ in range(40):
        for row in range(9):
            for column in range(9):
                for down in (-1, 0, 1):
                    for right in (-1, 0, 1):
                        other = row + down, column + right
                        if 0 <= other[0] < 9 and 0 <= other[1] < 9:
                            reach = expected[other] + rise * np.hypot(down, right)
                            expected[row, column] = min(expected[row, column], reach)
    assert np.allclose(limited, expected, atol=rise)


def test_slope_is_that_of_the_height() -> None:
    made = terrain(7, "mountains", 64)
    rows, columns = np.gradient(made.height.astype(float), PIXEL)
    assert np.allclose(made.slope, np.hypot(rows, columns), atol=1e-3)


def test_a_stamp_is_a_disc_and_stays_inside() -> None:
    mask = np.zeros((11, 11), bool)
    stamp(mask, np.array([[5.0, 5.0], [-3.0, 0.0]]), np.array([2.0, 1.0]))
    rows, columns = np.mgrid[0:11, 0:11]
    assert np.array_equal(mask, (rows - 5) ** 2 + (columns - 5) ** 2 <= 4)
