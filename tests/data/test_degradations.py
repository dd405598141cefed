"""Damage: seeded, in range, on the later date only, and as much as was asked for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from claire.core.bands import Unit
from claire.core.errors import BandError, UnknownNameError
from claire.data.degradations import (
    NOMINAL_SPAN_DB,
    OPTICAL_CONDITIONS,
    add_noise,
    blank_patches,
    blur,
    cover_with_ellipses,
    degrade_optical,
    draw_speckle,
    scale_backscatter,
    shift,
    simulate_clouds,
    smooth_noise,
    speckle,
)

DATES = ((0, 1, 2), (3, 4, 5))
SEEDS = st.integers(0, 2**32 - 1)
CONDITIONS = sorted(OPTICAL_CONDITIONS)


def make_pixels(seed: int = 0, shape: tuple[int, int, int] = (6, 40, 48)) -> NDArray[np.float32]:
    """Values in 0.05..1, so that every 0 in a result was put there by the damage."""
    return np.random.default_rng(seed).uniform(0.05, 1, shape).astype(np.float32)


@pytest.mark.parametrize("condition", CONDITIONS)
@settings(max_examples=10, deadline=None)
@given(seed=SEEDS, height=st.integers(1, 40), width=st.integers(1, 40))
def test_the_same_seed_gives_the_same_damage_in_range_and_the_input_stays(
    condition: str, seed: int, height: int, width: int
) -> None:
    pixels = make_pixels(1, (6, height, width))
    before = pixels.copy()
    first = degrade_optical(pixels, condition, DATES, np.random.default_rng(seed))
    second = degrade_optical(pixels, condition, DATES, np.random.default_rng(seed))
    np.testing.assert_array_equal(pixels, before)
    np.testing.assert_array_equal(first, second)
    assert first.dtype == np.float32
    assert first.shape == pixels.shape
    assert first.min() >= 0
    assert first.max() <= 1
    assert not np.shares_memory(first, pixels)


@pytest.mark.parametrize("condition", sorted(set(CONDITIONS) - {"clear", "zero_all", "zero_after"}))
def test_another_seed_gives_other_damage(condition: str) -> None:
    one, other = (degrade_optical(make_pixels(), condition, DATES, np.random.default_rng(seed)) for seed in (0, 1))
    assert (one != other).any()


@pytest.mark.parametrize("condition", sorted(set(CONDITIONS) - {"clear", "zero_all"}))
@pytest.mark.parametrize("dates", [DATES, ((3, 4, 5), (0, 1, 2)), ((0, 1, 2, 3, 4, 5),)])
def test_only_the_last_date_changes(condition: str, dates: tuple[tuple[int, ...], ...]) -> None:
    pixels = make_pixels()
    damaged = degrade_optical(pixels, condition, dates, np.random.default_rng(0))
    later = list(dates[-1])
    earlier = [channel for channel in range(6) if channel not in later]
    np.testing.assert_array_equal(damaged[earlier], pixels[earlier])
    assert (damaged[later] != pixels[later]).any()


def test_clear_changes_nothing_and_zero_all_leaves_nothing() -> None:
    pixels, rng = make_pixels(), np.random.default_rng(0)
    np.testing.assert_array_equal(degrade_optical(pixels, "clear", DATES, rng), pixels)
    assert not degrade_optical(pixels, "zero_all", DATES, rng).any()
    assert not degrade_optical(pixels, "zero_after", DATES, rng)[3:].any()


@pytest.mark.parametrize("condition", ["patch_after", "cloud_after_30", "cloud_after_50", "cloud_after_70"])
def test_what_is_hidden_is_hidden_in_every_band_and_the_rest_is_untouched(condition: str) -> None:
    pixels = make_pixels()
    after = degrade_optical(pixels, condition, DATES, np.random.default_rng(5))[3:]
    hidden = (after == 0).all(axis=0)
    np.testing.assert_array_equal(after, np.where(hidden, 0, pixels[3:]))
    assert 0 < hidden.mean() < 1


@pytest.mark.parametrize("share", [0.3, 0.5, 0.7])
@pytest.mark.parametrize("seed", range(8))
def test_cloud_conditions_hide_at_least_their_share_and_at_most_one_ellipse_more(share: float, seed: int) -> None:
    pixels = make_pixels(0, (6, 64, 64))
    after = degrade_optical(pixels, f"cloud_after_{100 * share:.0f}", DATES, np.random.default_rng(seed))[3:]
    assert share <= (after == 0).all(axis=0).mean() <= share + 0.23  # the largest ellipse: pi (0.25 + 1 / 64) ** 2


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, share=st.floats(0, 0.95), height=st.integers(1, 64), width=st.integers(1, 64))
def test_ellipses_cover_the_share_on_any_shape(seed: int, share: float, height: int, width: int) -> None:
    mask = cover_with_ellipses((height, width), share, np.random.default_rng(seed))
    assert mask.shape == (height, width)
    assert mask.mean() >= share
    largest = np.pi * (0.25 * height + 1) * (0.25 * width + 1) + 4 * (height + width)
    assert mask.sum() <= share * mask.size + largest


def test_nothing_is_covered_when_nothing_is_asked_for() -> None:
    assert not cover_with_ellipses((20, 30), 0.0, np.random.default_rng(0)).any()


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, patches=st.integers(0, 9), height=st.integers(1, 50), width=st.integers(1, 50))
def test_patches_are_squares_inside_the_tile(seed: int, patches: int, height: int, width: int) -> None:
    mask = blank_patches((height, width), np.random.default_rng(seed), patches)
    side = max(1, round(0.2 * min(height, width)))
    assert mask.sum() <= patches * side**2
    assert mask.sum() >= (side**2 if patches else 0)
    if patches == 1:
        rows, columns = np.nonzero(mask)
        assert np.ptp(rows) + 1 == np.ptp(columns) + 1 == side
        assert mask.sum() == side**2


def test_noise_replaces_the_later_date_by_uniform_noise() -> None:
    after = degrade_optical(make_pixels(0, (6, 128, 128)), "noise_after", DATES, np.random.default_rng(0))[3:]
    assert after.mean() == pytest.approx(0.5, abs=0.01)
    assert after.std() == pytest.approx(12**-0.5, abs=0.01)


@pytest.mark.parametrize("looks", [1.0, 4.0, 20.0])
def test_speckle_has_mean_one_and_variance_one_over_looks(looks: float) -> None:
    flat = np.full((1, 300, 300), 0.02, np.float32)  # dark, so that nothing is clipped
    noise = speckle(flat, looks, np.random.default_rng(0)) / 0.02
    assert noise.mean() == pytest.approx(1, abs=0.02)
    assert noise.var() == pytest.approx(1 / looks, rel=0.05)


def test_speckle_stays_in_range_and_leaves_its_input() -> None:
    pixels = np.ones((2, 20, 20), np.float32)
    noisy = speckle(pixels, 1.0, np.random.default_rng(0))
    assert noisy.max() == 1
    assert noisy.min() >= 0
    assert (pixels == 1).all()


@pytest.mark.parametrize("share", [0.2, 0.6])
def test_clouds_lie_over_their_share_and_brighten_it(share: float) -> None:
    pixels = np.full((3, 96, 96), 0.3, np.float32)
    cloudy = simulate_clouds(pixels, share, 1.0, np.random.default_rng(2), shadow=0.0)
    assert (cloudy != pixels).any(axis=0).mean() == pytest.approx(share, abs=0.02)
    assert cloudy.min() >= 0.3 - 1e-6
    assert cloudy.max() <= 1
    assert (pixels == np.float32(0.3)).all()


def test_clouds_of_no_thickness_change_nothing() -> None:
    pixels = make_pixels(0, (3, 32, 32))
    np.testing.assert_allclose(simulate_clouds(pixels, 0.5, 0.0, np.random.default_rng(0)), pixels, atol=1e-6)


def test_shadows_darken_only_outside_the_opaque_cloud() -> None:
    pixels = np.full((3, 96, 96), 0.5, np.float32)
    bare, shaded = (simulate_clouds(pixels, 0.3, 1.0, np.random.default_rng(4), shadow) for shadow in (0.0, 0.8))
    assert (shaded <= bare + 1e-6).all()
    assert (shaded < 0.4).any()


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS, height=st.integers(1, 40), width=st.integers(1, 40))
def test_smooth_noise_is_finite_and_has_no_mean(seed: int, height: int, width: int) -> None:
    noise = smooth_noise((height, width), np.random.default_rng(seed))
    assert noise.shape == (height, width)
    assert np.isfinite(noise).all()
    assert noise.mean() == pytest.approx(0, abs=1e-4)


def test_an_unknown_condition_lists_the_right_names() -> None:
    with pytest.raises(UnknownNameError) as caught:
        degrade_optical(make_pixels(), "fog", DATES, np.random.default_rng(0))
    assert "'fog'" in caught.value.message
    assert all(name in caught.value.hint for name in OPTICAL_CONDITIONS)


@pytest.mark.parametrize("decibel", [-6.0, 0.0, 3.0])
def test_scaled_backscatter_is_the_same_power_in_every_unit(decibel: float) -> None:
    power = np.random.default_rng(0).uniform(0.01, 0.5, (2, 5, 6)).astype(np.float32)
    factor = 10 ** (decibel / 10)
    wanted = power * factor
    np.testing.assert_allclose(scale_backscatter(power, "power", factor), wanted, rtol=1e-5)
    np.testing.assert_allclose(scale_backscatter(np.sqrt(power), "amplitude", factor) ** 2, wanted, rtol=1e-5)
    in_db = scale_backscatter(10 * np.log10(power), "db", factor)
    np.testing.assert_allclose(10 ** (in_db / 10), wanted, rtol=1e-4)


def test_counts_move_by_their_nominal_span_and_a_gap_stays_a_gap() -> None:
    counts = np.array([[[0, 1, 100, 250]]], np.uint8)
    step = 255 / NOMINAL_SPAN_DB
    np.testing.assert_allclose(scale_backscatter(counts, "uint8", 10**0.1), [[[0, 1 + step, 100 + step, 255]]])
    np.testing.assert_allclose(scale_backscatter(counts, "uint8", 1e-9), [[[0, 1, 1, 1]]])


@pytest.mark.parametrize("unit", ["as_given", "reflectance"])
def test_numbers_of_unknown_meaning_have_no_decibel(unit: Unit) -> None:
    with pytest.raises(BandError, match="no decibel"):
        scale_backscatter(np.ones((1, 2, 2)), unit, 2.0)


@pytest.mark.parametrize("looks", [1.0, 5.0])
def test_speckle_factors_are_positive_with_mean_one_and_variance_one_over_looks(looks: float) -> None:
    noise = draw_speckle((300, 300), looks, np.random.default_rng(3))
    assert noise.min() > 0
    assert noise.mean() == pytest.approx(1, abs=0.02)
    assert noise.var() == pytest.approx(1 / looks, rel=0.05)


def test_a_shift_of_whole_pixels_moves_them_and_leaves_gaps_behind() -> None:
    values = make_pixels(0, (2, 7, 9))
    valid = np.ones(values.shape, bool)
    moved, seen = shift(values, valid, 2, -3)
    np.testing.assert_array_equal(moved[:, 2:, :-3], values[:, :-2, 3:])
    wanted = np.zeros(values.shape, bool)
    wanted[:, 2:, :-3] = True
    np.testing.assert_array_equal(seen, wanted)


@pytest.mark.parametrize(("down", "right"), [(0.5, 0.25), (-1.75, 0.5), (0.0, -0.5), (3.25, -2.0)])
def test_a_shift_of_parts_of_pixels_equals_a_loop(down: float, right: float) -> None:
    values, rng = make_pixels(1, (1, 6, 7)), np.random.default_rng(1)
    valid = rng.random(values.shape) > 0.15
    moved, seen = shift(values, valid, down, right)
    for row, column in np.ndindex(6, 7):
        total, known = 0.0, True
        for r in range(-8, 14):
            for c in range(-8, 15):
                weight = max(0.0, 1 - abs(row - down - r)) * max(0.0, 1 - abs(column - right - c))
                if weight == 0:
                    continue
                known = known and 0 <= r < 6 and 0 <= c < 7 and bool(valid[0, r, c])
                total += weight * float(values[0, r, c]) if known else 0
        assert seen[0, row, column] == known
        assert not known or moved[0, row, column] == pytest.approx(total, abs=1e-5)


def test_a_shift_there_and_back_gives_the_middle_again() -> None:
    values = make_pixels(2, (2, 12, 12))
    there, seen = shift(values, np.ones(values.shape, bool), 3, -2)
    back, seen = shift(there, seen, -3, 2)
    np.testing.assert_array_equal(back[seen], values[seen])
    assert seen[:, 0:9, 2:].all()


def test_a_blur_equals_a_weighted_mean_over_what_is_seen() -> None:
    values, rng = make_pixels(3, (2, 9, 8)), np.random.default_rng(4)
    valid = rng.random(values.shape) > 0.2
    smooth = blur(values, valid, 1.0)
    for band, row, column in np.ndindex(values.shape):
        if not valid[band, row, column]:
            assert smooth[band, row, column] == values[band, row, column]
            continue
        rows, columns = np.mgrid[0:9, 0:8]
        near = (abs(rows - row) <= 3) & (abs(columns - column) <= 3) & valid[band]
        weight = np.where(near, np.exp(-0.5 * ((rows - row) ** 2 + (columns - column) ** 2)), 0)
        assert smooth[band, row, column] == pytest.approx((weight * values[band]).sum() / weight.sum(), abs=1e-5)


def test_a_blur_keeps_flat_ground_up_to_the_edge_and_beside_gaps() -> None:
    valid = np.ones((1, 20, 20), bool)
    valid[:, 5:8] = False
    np.testing.assert_allclose(blur(np.full((1, 20, 20), 0.4), valid, 2.5)[valid], 0.4, atol=1e-6)


@pytest.mark.parametrize("share", [0.0, 0.2, 1.0])
def test_salt_and_pepper_are_half_each_and_the_rest_has_the_spread(share: float) -> None:
    values = np.full((2, 200, 200), 0.5, np.float32)
    noisy = add_noise(values, share, 0.05, np.random.default_rng(0))
    assert (noisy == 0).mean() == pytest.approx(share / 2, abs=0.01)
    assert (noisy == 1).mean() == pytest.approx(share / 2, abs=0.01)
    rest = noisy[(noisy > 0) & (noisy < 1)]
    if rest.size:
        assert rest.std() == pytest.approx(0.05, rel=0.05)
    np.testing.assert_array_equal(values, 0.5)
