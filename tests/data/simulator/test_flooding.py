"""Water on land: it rises along what is low, reaches only what it can reach, hides what is lower than it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claire.data.simulator.flooding import Lie, Look, compute_open_water, flood, mix_light, mix_radar
from claire.data.simulator.landscape import INDEX, Landscape
from claire.data.simulator.optical import Cover

SIDE = 32


def lie(rank: np.ndarray, *, hollows: bool = True) -> Lie:
    water = np.zeros(rank.shape, bool)
    water[:, :2] = True
    return Lie(rank.astype(np.float32), ~water, water, 1.0, hollows)


def land(material: str, height: float) -> tuple[Landscape, Cover]:
    shape = (SIDE, SIDE)
    landscape = Landscape(
        np.full(shape, INDEX[material], np.int16), np.full(shape, 5, np.uint8), np.zeros(shape, np.int32),
        np.zeros(shape, bool), np.full(shape, height, np.float32), np.zeros((2, *shape), np.float32),
    )  # fmt: skip
    return landscape, Cover(np.full(shape, 0.6, np.float32), np.zeros(shape, np.float32))


def look() -> Look:
    water = np.full((6, SIDE, SIDE), 0.02, np.float32)
    return Look(water, 0.1, 0.5, 0.5, np.zeros((SIDE, SIDE), np.float32))


@given(st.integers(0, 1000), st.floats(0.05, 0.95))
@settings(max_examples=20, deadline=None)
def test_the_lowest_share_of_the_land_is_flooded(seed: int, share: float) -> None:
    place = lie(np.random.default_rng(seed).normal(size=(64, 64)))
    depth = flood(place, share)
    wet = depth > 0
    assert not wet[place.water].any()
    assert wet[place.open].mean() == pytest.approx(share, abs=0.1)
    assert place.rank[wet].max() < place.rank[place.open & ~wet].min()
    assert np.isfinite(depth).all()


def test_a_hollow_stays_dry_unless_water_may_stand_in_hollows() -> None:
    rank = np.ones((SIDE, SIDE))
    rank[:, 2:8] = 0
    rank[12:20, 16:24] = 0
    rank += np.random.default_rng(0).uniform(0, 1e-3, rank.shape)
    with_hollow, without = flood(lie(rank), 0.25) > 0, flood(lie(rank, hollows=False), 0.25) > 0
    assert with_hollow[12:20, 16:24].mean() > 0.8
    assert not without[12:20, 16:24].any()
    assert without[:, 2:8].mean() > 0.8


def test_no_share_is_no_flood() -> None:
    assert not flood(lie(np.zeros((8, 8))), 0.0).any()


@pytest.mark.parametrize(("material", "height"), [("broadleaf", 16.0), ("tile roof", 7.0)])
def test_trees_and_houses_stand_out_of_the_deepest_flood(material: str, height: float) -> None:
    landscape, cover = land(material, height)
    assert not compute_open_water(np.full((SIDE, SIDE), 6, np.float32), landscape, cover, look()).any()


def test_deeper_water_hides_more_of_a_crop() -> None:
    landscape, cover = land("cereal", 0.8)
    shares = [
        float(compute_open_water(np.full((SIDE, SIDE), depth, np.float32), landscape, cover, look()).mean())
        for depth in (0.0, 0.1, 0.2, 2.0)
    ]
    assert shares == sorted(shares)
    assert shares[0] == 0
    assert shares[-1] == pytest.approx(1)


def test_light_of_a_dry_land_stays_and_of_a_deep_one_is_that_of_water() -> None:
    landscape, cover = land("cereal", 0.8)
    before = np.full((6, SIDE, SIDE), 0.3, np.float32)
    dry = mix_light(before, np.zeros((SIDE, SIDE), np.float32), landscape, cover, look())
    deep = mix_light(before, np.full((SIDE, SIDE), 5, np.float32), landscape, cover, look())
    assert np.array_equal(dry, before)
    assert np.allclose(deep, 0.02, atol=1e-4)


@pytest.mark.parametrize("seed", range(5))
def test_radar_sees_fields_dark_and_woods_no_darker(seed: int) -> None:
    power = np.full((SIDE // 2, SIDE // 2), 0.1, np.float32)
    deep = np.full((SIDE, SIDE), 5, np.float32)
    field, wood = (
        mix_radar(np.random.default_rng(seed), power, deep, *land(material, height), look())
        for material, height in (("cereal", 0.8), ("broadleaf", 16.0))
    )
    assert field.mean() < 0.08
    assert wood.min() >= 0.0999
