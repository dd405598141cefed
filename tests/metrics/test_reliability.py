"""Risk, coverage and entropy against loops over pixels."""

from __future__ import annotations

import numpy as np
import pytest

from claire.core.classes import IGNORE_INDEX
from claire.metrics.calibration import compute_calibration
from claire.metrics.reliability import STEPS, compute_entropy, compute_selection, summarise_reliability


def draw(seed: int, count: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """Two classes; all confidences differ by at least one step."""
    rng = np.random.default_rng(seed)
    sure = (rng.permutation(np.arange(STEPS // 2, STEPS))[:count] + 0.5) / STEPS
    classes = rng.integers(0, 2, count)
    first = np.where(classes == 0, sure, 1 - sure)
    label = np.where(rng.random(count) < sure, classes, 1 - classes)
    return np.stack([first, 1 - first])[:, None].astype(np.float32), label[None].astype(np.uint8)


def test_the_risk_is_that_of_the_most_certain_pixels_counted_one_by_one() -> None:
    probabilities, label = draw(0)
    curve = compute_selection(probabilities, label).curve()
    assert curve is not None
    order = np.argsort(-probabilities.max(axis=0)[0])
    wrong = (probabilities.argmax(axis=0)[0] != label[0])[order]
    for coverage, risk in zip(curve.coverage, curve.risk, strict=True):
        assert risk == pytest.approx(wrong[: round(coverage * len(wrong))].mean())
    by_hand = np.mean([wrong[: n + 1].mean() for n in range(len(wrong))])
    assert curve.area == pytest.approx(by_hand, abs=0.002)


def test_the_area_is_the_integral_of_the_risk() -> None:
    probabilities, label = draw(1, 40)
    curve = compute_selection(probabilities, label).curve()
    assert curve is not None
    order = np.argsort(-probabilities.max(axis=0)[0])
    errors = np.concatenate([[0], np.cumsum((probabilities.argmax(axis=0)[0] != label[0])[order])]) / 40
    fine = (np.arange(400_000) + 0.5) / 400_000
    assert curve.area == pytest.approx(np.mean(np.interp(fine, np.arange(41) / 40, errors) / fine), abs=1e-4)


def test_pooling_equals_one_large_tile_and_ignored_pixels_do_not_count() -> None:
    (one, label_one), (two, label_two) = draw(2), draw(3)
    pooled = compute_selection(one, label_one) + compute_selection(two, label_two)
    whole = compute_selection(np.concatenate([one, two], axis=2), np.concatenate([label_one, label_two], axis=1))
    assert pooled.curve() == whole.curve()
    label_two[:] = IGNORE_INDEX
    assert compute_selection(two, label_two).curve() is None


def test_a_map_without_errors_has_no_risk_and_one_without_rights_has_all() -> None:
    probabilities, _ = draw(4)
    classes = probabilities.argmax(axis=0).astype(np.uint8)
    for label, risk in ((classes, 0.0), (1 - classes, 1.0)):
        curve = compute_selection(probabilities, label).curve()
        assert curve is not None
        assert curve.area == pytest.approx(risk)
        assert curve.risk == pytest.approx([risk] * len(curve.risk))


def test_the_bins_give_back_the_calibration_error() -> None:
    probabilities, label = draw(5)
    counted = compute_calibration(probabilities, label)
    bins = summarise_reliability(counted)
    gaps = [s * abs(c - a) for s, c, a in zip(bins.share, bins.confidence, bins.accuracy, strict=True)]
    assert sum(gaps) == pytest.approx(counted.ece)
    assert sum(bins.share) == pytest.approx(1)


def test_entropy_is_0_for_certainty_and_1_for_none() -> None:
    probabilities = np.array([[1, 1 / 3, 0.5], [0, 1 / 3, 0.5], [0, 1 / 3, 0]], np.float32)[:, None]
    np.testing.assert_allclose(compute_entropy(probabilities)[0], [0, 1, np.log(2) / np.log(3)], atol=1e-5)
