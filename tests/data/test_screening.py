"""Clouds are found by how they look in six bands, and bright ground, snow and small bright things are not.

Noise is found by neighbours that know nothing of each other, in all bands at once.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from claire.core.manifest import InputSpec
from claire.data.screening import (
    ALIKE,
    BRIGHT,
    CONTRAST,
    GRAIN,
    MARGIN,
    SNOW,
    WINDOW,
    find_clouds,
    find_noise,
    leave_clouds_out,
    leave_noise_out,
    screen,
)
from claire.data.simulator.scene import Options, simulate_scene

BANDS = ("B2", "B3", "B4", "B8", "B11", "B12")
SPECTRA = {
    "cloud": (0.55, 0.54, 0.55, 0.60, 0.42, 0.32),
    "thin cloud over grass": (0.30, 0.29, 0.28, 0.42, 0.30, 0.22),
    "snow": (0.80, 0.80, 0.78, 0.75, 0.12, 0.09),
    "sand": (0.22, 0.30, 0.40, 0.47, 0.55, 0.50),
    "forest": (0.09, 0.08, 0.05, 0.30, 0.14, 0.07),
    "grass": (0.10, 0.12, 0.10, 0.35, 0.24, 0.15),
    "water": (0.12, 0.10, 0.07, 0.05, 0.02, 0.02),
    "town": (0.17, 0.17, 0.18, 0.22, 0.24, 0.21),
}
"""Reflectance of what fills a picture."""
CLOUDS = {"cloud", "thin cloud over grass"}


def make_spec(unit: str = "reflectance", dates: int = 1) -> InputSpec:
    names = tuple(f"{band}{when}" for when in ("", "_after")[:dates] for band in BANDS)
    groups = tuple(tuple(range(6 * date, 6 * date + 6)) for date in range(dates))
    return InputSpec(names, unit, (0.0,) * len(names), (1.0,) * len(names), groups, "", True)  # type: ignore[arg-type]


def fill(name: str, height: int = 24, width: int = 20) -> NDArray[np.float64]:
    return np.broadcast_to(np.array(SPECTRA[name])[:, None, None], (6, height, width)).copy()


def find(values: NDArray[np.float64], valid: NDArray[np.bool_] | None = None) -> NDArray[np.bool_]:
    return find_clouds(values, np.ones(values.shape, bool) if valid is None else valid, make_spec())


@pytest.mark.parametrize("name", SPECTRA)
def test_a_picture_of_one_thing_is_cloud_or_not(name: str) -> None:
    found = find(fill(name))
    assert found.all() if name in CLOUDS else not found.any()


def test_numbers_times_ten_thousand_are_the_same_picture() -> None:
    picture = fill("grass")
    picture[:, :, :9] = fill("cloud")[:, :, :9]
    numbers = np.round(picture * 1e4).astype(np.uint16)
    whole = find_clouds(numbers, np.ones(numbers.shape, bool), make_spec("reflectance_x1e4"))
    np.testing.assert_array_equal(whole, find(picture))
    assert whole[:, :, :9].all()
    assert not whole[:, :, 9 + MARGIN :].any()


def test_a_tall_picture_is_the_same_in_one_piece_or_in_strips(monkeypatch: pytest.MonkeyPatch) -> None:
    picture = fill("grass", height=700)
    picture[:, 250:262, 4:16] = fill("cloud")[:, :12, :12]
    picture[:, 500:] = fill("cloud", height=200)
    found = find(picture)
    monkeypatch.setattr("claire.data.screening.STRIP", 700)
    np.testing.assert_array_equal(found, find(picture))
    assert found[0, 256, 10]
    assert found[0, 511:513].all()


def test_a_bright_roof_is_no_cloud() -> None:
    picture = fill("town")
    picture[:, 8:12, 8:12] = np.array(SPECTRA["cloud"])[:, None, None]
    assert not find(picture).any()


def test_what_was_not_observed_is_no_cloud_itself() -> None:
    picture, valid = fill("cloud"), np.ones((6, 24, 20), bool)
    valid[3] = False
    assert not find(picture, valid).any()
    assert not find(np.full((6, 24, 20), np.nan), np.zeros((6, 24, 20), bool)).any()


def test_each_date_has_its_own_clouds() -> None:
    values = np.concatenate([fill("grass"), fill("cloud")])
    found = find_clouds(values, np.ones(values.shape, bool), make_spec(dates=2))
    assert not found[:6].any()
    assert found[6:].all()


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10_000), height=st.integers(1, 14), width=st.integers(1, 14))
def test_it_is_what_the_tests_say_pixel_by_pixel(seed: int, height: int, width: int) -> None:
    rng = np.random.default_rng(seed)
    names = rng.choice(list(SPECTRA), (height, width), p=[0.65, *[0.05] * 7])
    noise = rng.uniform(0.9, 1.1, (6, height, width))
    picture = np.array([[SPECTRA[name] for name in row] for row in names]).transpose(2, 0, 1) * noise
    looks = np.zeros((height, width), bool)
    for i, j in product(range(height), range(width)):
        b2, b3, b4, b8, b11, b12 = picture[:, i, j]
        mean = (b2 + b3 + b4) / 3
        white = (abs(b2 - mean) + abs(b3 - mean) + abs(b4 - mean)) / mean < 0.7
        ground = (b8 - b4) / (b8 + b4) >= 0.8 or (b3 - b11) / (b3 + b11) >= SNOW or b8 / b11 <= 0.75
        looks[i, j] = white and not ground and b2 > BRIGHT and b12 > 0.03 and b2 - b4 / 2 > 0.08
    half = WINDOW // 2
    padded = np.pad(looks, half, mode="edge")
    most = np.array(
        [[padded[i : i + WINDOW, j : j + WINDOW].sum() > WINDOW**2 / 2 for j in range(width)] for i in range(height)]
    )
    wide = np.zeros_like(most)
    for i, j in product(range(height), range(width)):
        near = [(k, m) for k, m in product(range(height), range(width)) if abs(k - i) + abs(m - j) <= MARGIN]
        wide[i, j] = any(most[place] for place in near)
    np.testing.assert_array_equal(find(picture), np.broadcast_to(wide, picture.shape))
    left = leave_clouds_out(picture, np.ones(picture.shape, bool), make_spec())
    np.testing.assert_array_equal(left, ~np.broadcast_to(wide, picture.shape))
    np.testing.assert_array_equal(leave_clouds_out(picture, left, make_spec()), left)


def test_simulated_clouds_are_found_and_clear_scenes_stay() -> None:
    thick, hit, clear, wrong = 0, 0, 0, 0
    for seed in range(8):
        scene = simulate_scene(seed, Options(size=128, clouds="thick"))
        valid = np.ones(scene.cloudy.shape, bool)
        found = find_clouds(scene.cloudy, valid, make_spec("reflectance_x1e4"))[0]
        thick, hit = thick + int((scene.cloud == 2).sum()), hit + int(found[scene.cloud == 2].sum())
        clear, wrong = (
            clear + found.size,
            wrong + int(find_clouds(scene.optical, valid, make_spec("reflectance_x1e4"))[0].sum()),
        )
    assert hit / thick > 0.97
    assert wrong / clear < 0.02


def find_all_noise(values: NDArray[np.float64], valid: NDArray[np.bool_] | None = None) -> NDArray[np.bool_]:
    return find_noise(values, np.ones(values.shape, bool) if valid is None else valid, make_spec())


def draw_noise(spread: float, seed: int = 0) -> NDArray[np.float64]:
    return fill("grass", 48, 40) + np.random.default_rng(seed).normal(0, spread, (6, 48, 40))


def test_noise_is_found_and_left_out() -> None:
    noise, everything = draw_noise(0.2), np.ones((6, 48, 40), bool)
    assert find_all_noise(noise).all()
    wanted = replace(make_spec(), screen_clouds=False, screen_noise=True)
    assert not leave_noise_out(noise, everything, wanted).any()
    assert leave_noise_out(noise, everything, make_spec()).all()


def test_the_grain_of_the_instrument_is_no_noise() -> None:
    assert not find_all_noise(draw_noise(CONTRAST / 2)).any()


def test_one_band_that_shows_ground_is_enough() -> None:
    picture = draw_noise(0.2)
    picture[3] = np.linspace(0.1, 0.6, 40)
    assert not find_all_noise(picture).any()


def test_noise_in_a_part_reaches_half_a_window_further() -> None:
    picture = np.broadcast_to(np.linspace(0.1, 0.6, 80), (6, 48, 80)).copy()
    picture[:, :, :40] = draw_noise(0.3)[:, :, :40]
    found = find_all_noise(picture)
    assert found[:, :, :40].all()
    assert not found[:, :, 40 + GRAIN :].any()


def test_noise_in_a_tall_picture_is_the_same_in_one_piece_or_in_strips(monkeypatch: pytest.MonkeyPatch) -> None:
    picture = np.broadcast_to(np.linspace(0.1, 0.6, 40), (6, 700, 40)).copy()
    for rows in (slice(100, 140), slice(247, 260), slice(500, 520)):
        picture[:, rows] += np.random.default_rng(2).normal(0, 0.3, picture[:, rows].shape)
    found = find_all_noise(picture)
    monkeypatch.setattr("claire.data.screening.STRIP", 700)
    np.testing.assert_array_equal(found, find_all_noise(picture))
    assert 0 < found.mean() < 1


def test_a_date_of_noise_leaves_the_other_alone() -> None:
    values = np.concatenate([fill("grass", 48, 40), draw_noise(0.2)])
    found = find_noise(values, np.ones(values.shape, bool), make_spec(dates=2))
    assert not found[:6].any()
    assert found[6:].all()


def test_noise_is_neither_where_nothing_was_observed_nor_made_by_gaps() -> None:
    picture = np.broadcast_to(np.linspace(0.1, 0.6, 40), (6, 48, 40)).copy()
    valid = np.random.default_rng(1).random(picture.shape) < 0.5
    picture[~valid] = np.nan
    assert not find_all_noise(picture, valid).any()
    assert not find_all_noise(np.full((6, 9, 9), np.nan), np.zeros((6, 9, 9), bool)).any()


def test_noise_is_no_cloud_when_both_are_left_out() -> None:
    picture = np.concatenate([draw_noise(0.2), fill("cloud", 48, 40)], axis=2)
    wanted = replace(make_spec(), screen_noise=True)
    assert not screen(picture, np.ones(picture.shape, bool), wanted).any()


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10_000), height=st.integers(1, 24), width=st.integers(1, 24), smooth=st.integers(1, 4))
def test_it_is_noise_where_neighbours_differ_as_any_two_pixels_do(
    seed: int, height: int, width: int, smooth: int
) -> None:
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(0, 0.5, (6, -(-height // smooth), -(-width // smooth)))
    picture = coarse.repeat(smooth, 1).repeat(smooth, 2)[:, :height, :width]
    valid = rng.random(picture.shape) < rng.uniform(0.3, 1)
    half = GRAIN // 2
    looks = np.ones((height, width), bool)
    near = np.zeros((height, width), bool)
    for i, j in product(range(height), range(width)):
        rows, cols = range(max(i - half, 0), i + half + 1), range(max(j - half, 0), j + half + 1)
        for band, known in zip(picture, valid, strict=True):
            inside = known[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1]
            seen = band[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1][inside]
            steps = [
                (band[k, m] - band[k - down, m - right]) ** 2
                for k, m in product(rows, cols)
                for down, right in ((1, 0), (0, 1))
                if down <= k < height and right <= m < width and known[k, m] and known[k - down, m - right]
            ]
            variance = seen.var() if len(seen) else 0.0
            unlike = bool(steps) and np.mean(steps) > 2 * (1 - ALIKE) * variance
            looks[i, j] &= known[i, j] and variance > CONTRAST**2 and unlike
    for i, j in product(range(height), range(width)):
        near[i, j] = looks[max(i - half, 0) : i + half + 1, max(j - half, 0) : j + half + 1].any()
    np.testing.assert_array_equal(find_all_noise(picture, valid)[0], near)


def test_scenes_are_no_noise_and_noise_in_their_place_is() -> None:
    rng = np.random.default_rng(0)
    for seed in range(8):
        scene = simulate_scene(seed, Options(size=128))
        valid = np.ones(scene.optical.shape, bool)
        spec = make_spec("reflectance_x1e4")
        assert not find_noise(scene.optical, valid, spec).any()
        assert find_noise(rng.uniform(0, 1e4, scene.optical.shape), valid, spec).all()
