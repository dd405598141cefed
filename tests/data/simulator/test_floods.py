"""Pairs before and after a flood: repeatable, in the types and ranges of OMBRIA, dark where flooded, dry where not."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claire.core.errors import InputError, UnknownNameError
from claire.data import ombria
from claire.data.simulator.flood_parameters import SETTING_WEIGHTS
from claire.data.simulator.floods import OPTICAL_BANDS, SAR_BANDS, FloodPair, simulate_flood
from tests.sentences import check_sentences

PARTS = ("optical", "sar", "label", "permanent", "flooded", "cloud")


@lru_cache(maxsize=64)
def pair(seed: int, setting: str | None = None, share: float | None = None) -> FloodPair:
    return simulate_flood(seed, 64, setting=setting, share=share)


def test_same_seed_gives_the_same_pair_and_another_seed_another() -> None:
    one, again, other = simulate_flood(5, 48), simulate_flood(5, 48), simulate_flood(6, 48)
    for name in PARTS:
        assert np.array_equal(getattr(one, name), getattr(again, name)), name
    assert not np.array_equal(one.optical, other.optical)


@given(st.integers(32, 75), st.integers(0, 10**9), st.sampled_from(sorted(SETTING_WEIGHTS)))
@settings(max_examples=15, deadline=None)
def test_every_size_seed_and_setting_makes_a_whole_pair(size: int, seed: int, setting: str) -> None:
    made = simulate_flood(seed, size, setting=setting)
    assert made.setting == setting
    assert made.optical.shape == (2, 3, size, size)
    assert made.sar.shape == made.cloud.shape == (2, size, size)
    assert made.label.shape == made.permanent.shape == made.flooded.shape == (size, size)
    assert made.optical.dtype == made.sar.dtype == made.label.dtype == np.uint8
    assert set(np.unique(made.label)) <= {0, 1}
    assert 0 <= made.flooded.min() <= made.flooded.max() <= 1
    assert made.sar.max() > made.sar.min()
    assert not (made.label[made.permanent] == 1).any(), "permanent water is no flood"
    gap = (made.optical == 0).any(axis=(0, 1))
    assert (made.optical[:, :, gap] == 0).all(), "0 is no data, in all bands of both dates"
    assert not made.label[gap].any()


def test_a_tile_has_the_bands_and_units_of_ombria() -> None:
    assert OPTICAL_BANDS == ombria.OPTICAL_BANDS
    assert SAR_BANDS == ombria.SAR_BANDS
    tile = pair(3).as_tile("any")
    assert tile.optical is not None
    assert tile.sar is not None
    assert tile.label is not None
    assert tile.optical.bands == OPTICAL_BANDS
    assert tile.optical.unit == tile.sar.unit == "uint8"
    assert np.array_equal(tile.optical.values[3:], pair(3).optical[1])
    assert [notice.code for notice in tile.notices] == ["generated"]


@pytest.mark.parametrize("seed", range(6))
def test_without_a_flood_the_label_is_dry(seed: int) -> None:
    made = pair(seed, share=0.0)
    assert not made.label.any()
    assert not made.flooded.any()


@given(st.integers(0, 10**6), st.floats(0.2, 0.7))
@settings(max_examples=8, deadline=None)
def test_more_water_floods_more(seed: int, share: float) -> None:
    lower, higher = (simulate_flood(seed, 48, setting="steppe", share=each) for each in (share / 2, share))
    assert (higher.flooded - lower.flooded).min() >= 0
    assert higher.flooded.mean() > 0


def test_open_ground_under_water_is_darker_in_vv_and_in_b11() -> None:
    radar, infrared = [], []
    for seed in range(24):
        made = pair(seed, "open fields", 0.4)
        wet, dry = made.label == 1, (made.flooded == 0) & ~made.permanent
        clear = (made.cloud == 0).all(axis=0) & (made.optical > 0).all(axis=(0, 1))
        if wet.mean() > 0.05 and dry.mean() > 0.05:
            after = made.sar[1].astype(float)
            change = after - made.sar[0]
            assert np.isfinite(after).all()
            radar.append(change[wet].mean() - change[dry].mean())
        if (wet & clear).mean() > 0.05:
            first, second = made.optical[:, 0].astype(float)
            infrared.append((second - first)[wet & clear].mean())
    assert len(radar) > 10
    assert len(infrared) > 10
    assert np.mean(radar) < -15
    assert np.median(infrared) < -20


def test_shares_vary_widely_about_a_third() -> None:
    shares = [float(simulate_flood(seed, 32).label.mean()) for seed in range(60)]
    assert 0.2 < np.mean(shares) < 0.45
    assert np.quantile(shares, 0.1) < 0.1
    assert np.quantile(shares, 0.9) > 0.6


def test_about_a_quarter_of_the_pictures_after_are_cloudy_and_few_before() -> None:
    cloudy = np.mean([simulate_flood(seed, 32).cloud.any(axis=(1, 2)) for seed in range(80)], axis=0)
    assert cloudy[0] < 0.12
    assert 0.12 < cloudy[1] < 0.45


@pytest.mark.parametrize(
    ("wrong", "kind"),
    [
        ({"seed": -1}, InputError),
        ({"seed": 1, "size": 8}, InputError),
        ({"seed": 1, "setting": "moon"}, UnknownNameError),
        ({"seed": 1, "share": 1.5}, InputError),
        ({"seed": 1, "share": float("nan")}, InputError),
    ],
)
def test_wrong_requests_are_sentences(wrong: dict[str, object], kind: type[InputError]) -> None:
    with pytest.raises(kind) as caught:
        simulate_flood(**wrong)
    check_sentences(caught.value.message, caught.value.hint)
