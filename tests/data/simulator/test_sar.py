"""Radar: looks, correlation, layover, shadow, energy, direction."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claire.data.simulator.sar import Radar, build_speckle, look_sideways

RADAR = Radar(np.radians(38), True, 1000.0, 0.0, -60.0, 0.0)


def power_of(decibel: np.ndarray) -> np.ndarray:
    return 10 ** (decibel.astype(float) / 10)


@given(st.floats(2, 30), st.floats(0, 1.2))
@settings(max_examples=10, deadline=None)
def test_speckle_has_the_looks_that_were_asked_for(looks: float, width: float) -> None:
    speckle = build_speckle(np.random.default_rng(1), (400, 400), looks, width).astype(float)
    assert speckle.mean() == pytest.approx(1, abs=0.02)
    assert speckle.mean() ** 2 / speckle.var() == pytest.approx(looks, rel=0.1)


def test_speckle_is_correlated_as_a_point_response_is() -> None:
    speckle = build_speckle(np.random.default_rng(2), (500, 500), 5.0, 0.95)
    centred = speckle - speckle.mean()
    for lag in (1, 2, 4):
        found = float((centred[:, lag:] * centred[:, :-lag]).mean() / centred.var())
        assert found == pytest.approx(np.exp(-(lag**2) / (4 * 0.95**2)), abs=0.06)


def test_a_homogeneous_plain_shows_its_level_and_its_looks() -> None:
    power = np.stack([np.full((300, 300), 0.1), np.full((300, 300), 0.02)]).astype(np.float32)
    radar = replace(RADAR, looks=5.0, width=0.9)
    seen = power_of(look_sideways(np.random.default_rng(3), power, np.zeros((300, 300), np.float32), radar))
    assert seen[0].mean() == pytest.approx(0.1, rel=0.03)
    assert seen[1].mean() == pytest.approx(0.02, rel=0.03)
    assert seen[0].mean() ** 2 / seen[0].var() == pytest.approx(5, rel=0.12)


def hill(height: float) -> np.ndarray:
    columns = np.arange(120)
    return np.tile(np.maximum(0, height - np.abs(columns - 60) * height / 25), (40, 1)).astype(np.float32)


@pytest.mark.parametrize("rightwards", [True, False])
def test_slopes_that_face_the_radar_are_bright_and_those_behind_dark(rightwards: bool) -> None:
    power = np.full((2, 40, 120), 0.1, np.float32)
    seen = look_sideways(np.random.default_rng(4), power, hill(100), replace(RADAR, rightwards=rightwards))[0]
    left, right = seen[:, 40:55].mean(), seen[:, 65:80].mean()
    facing, behind = (left, right) if rightwards else (right, left)
    assert facing > -10 + 1.5
    assert behind < -10 - 1


def test_behind_a_cliff_is_a_shadow_as_long_as_the_ray_is_flat_that_holds_noise_only() -> None:
    power = np.full((2, 40, 120), 0.1, np.float32)
    cliff = np.tile(np.where(np.arange(120) <= 60, np.arange(120) * 2.5, 0), (40, 1)).astype(np.float32)
    seen = look_sideways(np.random.default_rng(5), power, cliff, replace(RADAR, floor_db=-26.0))[0]
    length = round(150 * float(np.tan(RADAR.incidence)) / 10)
    assert np.median(seen[:, 62 : 60 + length - 1]) == pytest.approx(-26, abs=0.5)
    assert np.median(seen[:, 60 + length + 3 :]) == pytest.approx(-10, abs=0.5)


def test_layover_puts_the_energy_of_a_peak_towards_the_radar() -> None:
    power = np.full((1, 40, 160), 1e-4, np.float32)
    surface = np.zeros((40, 160), np.float32)
    surface[:, 100:102] = 100
    power[:, :, 100:102] = 10
    seen = look_sideways(np.random.default_rng(6), power, surface, RADAR)[0]
    shift = 100 / np.tan(RADAR.incidence) / 10
    before = round(100.5 - shift)
    assert seen[:, before - 1 : before + 2].max() > 5


def test_looking_the_other_way_is_the_mirror_image() -> None:
    rng = np.random.default_rng(7)
    power, surface = rng.uniform(0.01, 1, (2, 32, 32)).astype(np.float32), hill(80)[:32, 44:76]
    one = look_sideways(np.random.default_rng(8), power, surface, replace(RADAR, rightwards=False))
    other = look_sideways(np.random.default_rng(8), power[:, :, ::-1], surface[:, ::-1], RADAR)
    assert np.array_equal(one, other[:, :, ::-1])
