"""Light and seasons: the sun, shadows, what is green when, and the layer that the sensor makes of it."""

from __future__ import annotations

import numpy as np
import pytest

from claire.data.simulator.landscape import Circumstances
from claire.data.simulator.optical import Air, Sun, _grow, cast_shadow, find_sun, observe
from claire.data.simulator.parameters import ANNUAL, MATERIALS, RANDOM
from claire.data.simulator.parcels import KEYS

TOWER_ROW, TOWER_COLUMN = 32, 32


def tower() -> np.ndarray:
    surface = np.zeros((64, 64), np.float32)
    surface[30:35, 30:35] = 80
    return surface


@pytest.mark.parametrize("azimuth", [20, 75, 135, 160, 225, 300])
def test_shadows_fall_away_from_the_sun(azimuth: int) -> None:
    sun = Sun(np.radians(azimuth), np.radians(40))
    shade = cast_shadow(tower(), 10.0, sun, 80.0)
    rows, columns = np.nonzero(shade > 0.5)
    away = np.array([rows.mean() - TOWER_ROW, columns.mean() - TOWER_COLUMN])
    toward = np.array(sun.towards)
    assert away @ toward / np.linalg.norm(away) < -0.95


def test_the_length_of_a_shadow_is_height_over_tangent() -> None:
    for elevation in (25, 40, 60):
        sun = Sun(np.radians(180), np.radians(elevation))
        shade = cast_shadow(tower(), 10.0, sun, 80.0)
        length = (shade[:30, 32] > 0.5).sum() * 10
        assert abs(length - 80 / np.tan(np.radians(elevation))) <= 25, "the edge is soft over a pixel on both sides"


def test_flat_ground_has_no_shadow() -> None:
    assert cast_shadow(np.full((20, 20), 3.0, np.float32), 10.0, Sun(2.0, 0.5), 0.0).max() == 0


@pytest.mark.parametrize(
    ("day", "latitude", "half"), [(172, 50.0, "south"), (355, 50.0, "south"), (172, -40.0, "north")]
)
def test_the_sun_stands_where_it_should(day: int, latitude: float, half: str) -> None:
    sun = find_sun(day, latitude)
    assert bool(np.cos(sun.azimuth) < 0) == (half == "south")
    assert np.sin(sun.azimuth) > 0, "in the morning it is in the east"
    noon = 90 - abs(
        latitude - np.degrees(np.arcsin(np.sin(np.radians(23.44)) * np.sin(2 * np.pi * (day - 80.5) / 365.25)))
    )
    assert max(noon, 12) - 12 < np.degrees(sun.elevation) <= max(noon, 12) + 0.1


def grow(name: str, day: int, latitude: float = 50.0) -> tuple[float, float]:
    where = Circumstances("open fields", day, latitude, 0.2, 0.3, (1.0, 0, 0, 0, 0), 0.0)
    green, dry = _grow(name, where, np.zeros(KEYS))
    return float(green.mean()), float(dry.mean())


@pytest.mark.parametrize("name", ANNUAL)
def test_fields_are_green_at_their_peak_then_dry_then_bare(name: str) -> None:
    peak = round(MATERIALS[name].peak)
    green, _ = grow(name, peak)
    later_green, later_dry = grow(name, peak + round(1.25 * MATERIALS[name].width))
    winter_green, winter_dry = grow(name, (peak + 182) % 365)
    assert green > 0.7
    assert later_dry > 0.4 > winter_dry
    assert winter_green < 0.15 < green
    assert later_green < green


def test_seasons_are_turned_round_in_the_south() -> None:
    assert grow("maize", 205)[0] == pytest.approx(grow("maize", 205 - 182, -50.0)[0], abs=1e-6)


def test_covers_are_shares() -> None:
    for name in MATERIALS:
        for day in range(1, 366, 30):
            green, dry = grow(name, day)
            assert 0 <= green <= 1
            assert 0 <= dry <= 1


def test_without_air_a_plain_surface_keeps_its_reflectance() -> None:
    rng = np.random.default_rng(0)
    flat = np.full((6, 64, 64), 0.2, np.float32)
    light = np.ones((64, 64), np.float32), np.ones((64, 64), np.float32)
    seen = observe(rng, flat, light, Air(0.0, 0.0, 0.05))
    assert seen.shape == (6, 32, 32)
    assert np.allclose(seen.mean(axis=(1, 2)), 0.2, atol=1e-3)
    assert seen.std() < 0.004


def test_shaded_ground_keeps_the_light_of_the_sky() -> None:
    flat = np.full((6, 32, 32), 0.2, np.float32)
    light = np.zeros((32, 32), np.float32), np.ones((32, 32), np.float32)
    seen = observe(np.random.default_rng(0), flat, light, Air(0.0, 0.0, 0.0)).mean(axis=(1, 2))
    assert np.allclose(seen, 0.2 * np.array(RANDOM.diffuse), atol=1.5e-3)
