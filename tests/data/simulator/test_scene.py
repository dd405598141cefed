"""Whole scenes: repeatable, in the promised types and ranges, one grid, classes in sensible shares."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.simulate import measure_accuracies
from claire.core.classes import GLOBAL_10M
from claire.core.errors import InputError, UnknownNameError
from claire.data.simulator.parameters import BANDS, CLOUD_KINDS, SETTINGS
from claire.data.simulator.scene import LEVELS, Options, Scene, compute_label, simulate_scene
from tests.sentences import check_sentences

IDS = {land_class.id for land_class in GLOBAL_10M.classes}


@lru_cache(maxsize=64)
def scene(seed: int, size: int = 96, setting: str | None = None) -> Scene:
    return simulate_scene(seed, Options(size, setting=setting))


def test_same_seed_and_options_give_the_same_scene_and_another_seed_another() -> None:
    one, again, other = simulate_scene(5, Options(48)), simulate_scene(5, Options(48)), simulate_scene(6, Options(48))
    for name in ("optical", "cloudy", "cloud", "sar", "label", "height"):
        assert np.array_equal(getattr(one, name), getattr(again, name)), name
    assert not np.array_equal(one.optical, other.optical)


@pytest.mark.parametrize("setting", SETTINGS)
def test_every_kind_of_landscape_holds_what_is_promised(setting: str) -> None:
    made = scene(11, setting=setting)
    assert made.options.setting == setting
    assert made.optical.shape == made.cloudy.shape == (6, 96, 96)
    assert made.optical.dtype == made.cloudy.dtype == np.uint16
    assert made.sar.shape == (2, 96, 96)
    assert made.sar.dtype == np.float32
    assert made.label.shape == made.cloud.shape == made.height.shape == (96, 96)
    assert set(np.unique(made.label)) <= IDS
    assert set(np.unique(made.cloud)) <= {0, 1, 2, 3}
    assert np.isfinite(made.sar).all()
    assert np.isfinite(made.height).all()
    assert made.sar.min() > -45
    assert made.sar.max() < 25
    assert made.optical.min() >= 1, "0 means no data"
    assert made.optical.max() < 28_000, "snow that faces a low sun"


@given(st.integers(32, 75), st.integers(0, 10**9), st.sampled_from(sorted(SETTINGS)))
@settings(max_examples=12, deadline=None)
def test_every_size_and_seed_makes_a_whole_scene(size: int, seed: int, setting: str) -> None:
    made = simulate_scene(seed, Options(size, setting=setting))
    assert made.as_tile("any").shape == (size, size)
    assert set(np.unique(made.label)) <= IDS
    assert np.isfinite(made.sar).all()


def test_optical_sar_and_label_lie_on_one_grid() -> None:
    made = scene(108, 128, "lakes")
    water = made.label == 1
    assert 0.1 < water.mean() < 0.9
    infrared, backscatter = -made.optical[4].astype(float), -made.sar[0]
    for picture in (infrared, backscatter):
        best = max(
            ((down, right) for down in range(-3, 4) for right in range(-3, 4)),
            key=lambda moved: np.corrcoef(np.roll(picture, moved, (0, 1)).ravel(), water.ravel())[0, 1],
        )
        assert max(map(abs, best)) <= 1


def test_copolarised_is_stronger_than_crosspolarised_and_water_darker_than_woods() -> None:
    made = scene(108, 128, "lakes")
    assert (made.sar[0] > made.sar[1]).mean() > 0.95
    assert np.median(made.sar[0][made.label == 1]) < np.median(made.sar[0][made.label == 2]) - 3


def test_towns_are_the_brightest_in_radar_and_snow_in_light() -> None:
    town, alps = scene(21, 128, "city"), scene(4, 128, "high mountains")
    built = town.label == 7
    assert np.quantile(town.sar[0][built], 0.95) > np.quantile(town.sar[0][~built], 0.95) + 2
    assert np.median(alps.optical[0][alps.label == 9]) > 3000


def test_all_classes_occur_over_seeds_and_none_prevails() -> None:
    counts: Counter[int] = Counter()
    for seed in range(60):
        counts.update(scene(seed, 48).label.ravel().tolist())
    total = sum(counts.values())
    shares = {each: counts[each] / total for each in IDS}
    assert min(shares.values()) > 0.01, shares
    assert max(shares.values()) < 0.35, shares


def test_both_sensors_together_beat_each_alone_on_other_seeds() -> None:
    accuracy = measure_accuracies(range(500, 540), range(800, 820), size=64)
    assert accuracy["both"] > accuracy["optical"] + 0.01
    assert accuracy["both"] > accuracy["sar"] + 0.1


def test_the_offset_of_newer_products_adds_one_thousand_and_nothing_else() -> None:
    plain, moved = simulate_scene(9, Options(48)), simulate_scene(9, Options(48, offset=True))
    lit = plain.optical > 1
    assert np.array_equal(moved.optical[lit], plain.optical[lit] + 1000)
    assert np.array_equal(moved.sar, plain.sar)
    assert moved.as_tile("x").optical.unit == "reflectance_x1e4_offset"


def test_air_above_the_ground_brightens_blue_more_than_infrared() -> None:
    below, above = (simulate_scene(9, Options(48, level=level)).optical.mean(axis=(1, 2)) for level in LEVELS)
    added = dict(zip(BANDS, above - below, strict=True))
    assert added["B2"] > 300
    assert added["B2"] > added["B4"] > added["B11"]


def test_label_is_the_id_that_most_of_four_pixels_have() -> None:
    rng = np.random.default_rng(0)
    fine = rng.choice([1, 2, 5, 7], (12, 12)).astype(np.uint8)

    class Covered:
        label = fine

    found = compute_label(Covered())
    for row in range(6):
        for column in range(6):
            counts = Counter(fine[2 * row : 2 * row + 2, 2 * column : 2 * column + 2].ravel().tolist())
            assert counts[int(found[row, column])] == max(counts.values())


@pytest.mark.parametrize(
    ("wrong", "kind"),
    [
        ({"size": 31}, InputError),
        ({"size": 5000}, InputError),
        ({"setting": "moon"}, UnknownNameError),
        ({"level": "l1c"}, UnknownNameError),
        ({"clouds": "fog"}, UnknownNameError),
        ({"looks": 0.5}, InputError),
        ({"looks": float("nan")}, InputError),
    ],
)
def test_wrong_options_are_sentences(wrong: dict[str, object], kind: type[InputError]) -> None:
    with pytest.raises(kind) as caught:
        Options(**wrong)
    check_sentences(caught.value.message, caught.value.hint)


def test_a_negative_seed_is_a_sentence() -> None:
    with pytest.raises(InputError, match="seed"):
        simulate_scene(-1)


@pytest.mark.parametrize("kind", CLOUD_KINDS)
def test_clouds_brighten_what_they_hide_and_leave_the_rest(kind: str) -> None:
    made = simulate_scene(21, Options(96, setting="open fields", clouds=kind))
    blue, hidden = made.optical[0].astype(float), made.cloudy[0].astype(float)
    assert np.array_equal(made.cloudy[:, made.cloud == 0] > 0, made.optical[:, made.cloud == 0] > 0)
    clear = made.cloud == 0
    if clear.any():
        assert np.abs(hidden - blue)[clear].max() < 0.35 * blue[clear].max()
    covered = made.cloud == (1 if kind == "thin" else 2)
    assert covered.mean() > 0.1
    assert np.median((hidden - blue)[covered]) > 100
