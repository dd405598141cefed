"""Missing sensors against the weights written out, and the curve over clouds."""

from __future__ import annotations

import pytest

from claire.metrics.robustness import collect_cloud_curve, compute_emm

SCORES = {"clear": 0.9, "no_optical": 0.5, "no_sar": 0.7}


def test_the_average_and_the_expectation_are_the_weights_written_out() -> None:
    found = compute_emm(SCORES)
    assert found["emm_average"] == pytest.approx(0.7)
    for name, p in (("emm_p20", 0.2), ("emm_p10", 0.1), ("emm_p05", 0.05)):
        both, one = (1 - p) ** 2, p * (1 - p)
        assert found[name] == pytest.approx((both * 0.9 + one * 0.5 + one * 0.7) / (both + 2 * one))


def test_sensors_that_rarely_fail_give_nearly_the_clear_score() -> None:
    found = compute_emm(SCORES)
    assert found["emm_average"] < found["emm_p20"] < found["emm_p10"] < found["emm_p05"] < 0.9


def test_without_all_conditions_there_is_no_average() -> None:
    assert compute_emm({"clear": 0.9, "no_sar": 0.5}) == {}


def test_the_curve_runs_from_no_cloud_to_all_of_it() -> None:
    scores = {"cloud_after_70": 0.5, "clear": 0.9, "zero_after": 0.4, "cloud_after_30": 0.7, "noise_after": 0.1}
    entries = {name: {"miou": score} for name, score in scores.items()}
    assert collect_cloud_curve(entries, "miou") == ((0.0, 0.9), (0.3, 0.7), (0.7, 0.5), (1.0, 0.4))
    thick = entries | {"cloud_thick_50": {"miou": 0.6}, "cloud_thick_90": {"miou": None}}
    assert collect_cloud_curve(thick, "miou", "thick") == ((0.0, 0.9), (0.5, 0.6))
    assert collect_cloud_curve({"clear": {}}, "miou") == ()
