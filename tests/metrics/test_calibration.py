"""ECE against loops and torchmetrics, pooling, and the temperature that was planted."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torchmetrics.functional.classification import multiclass_calibration_error

from claire.core.classes import IGNORE_INDEX
from claire.core.errors import EmptyTileError
from claire.metrics.calibration import BINS, compute_calibration, fit_temperature


def random_probabilities(seed: int, shape: tuple[int, int] = (30, 40)) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (3, *shape)).astype(np.float32)
    powers = np.exp(logits)
    return powers / powers.sum(axis=0), rng.integers(0, 3, shape).astype(np.uint8)


def test_ece_equals_a_loop_over_the_bins_and_torchmetrics() -> None:
    probabilities, label = random_probabilities(0)
    confidence, right = probabilities.max(axis=0), probabilities.argmax(axis=0) == label
    expected = 0.0
    for low in np.arange(BINS) / BINS:
        inside = (confidence > low) & (confidence <= low + 1 / BINS)
        if inside.any():
            expected += inside.mean() * abs(confidence[inside].mean() - right[inside].mean())
    ece = compute_calibration(probabilities, label).ece
    flat = torch.from_numpy(probabilities.reshape(3, -1).T.copy())
    reference = multiclass_calibration_error(flat, torch.from_numpy(label.ravel().astype(int)), 3, n_bins=BINS)
    assert ece == pytest.approx(expected, abs=1e-6)
    assert ece == pytest.approx(reference.item(), abs=1e-5)


def test_pooling_two_tiles_equals_one_large_tile() -> None:
    (one, label_one), (two, label_two) = random_probabilities(1), random_probabilities(2)
    pooled = compute_calibration(one, label_one) + compute_calibration(two, label_two)
    whole = compute_calibration(np.concatenate([one, two], axis=1), np.concatenate([label_one, label_two]))
    assert pooled.ece == pytest.approx(whole.ece)


def test_ignored_pixels_do_not_count() -> None:
    probabilities, label = random_probabilities(3)
    label[:10] = IGNORE_INDEX
    expected = compute_calibration(probabilities[:, 10:], label[10:]).ece
    assert compute_calibration(probabilities, label).ece == pytest.approx(expected)
    assert np.isnan(compute_calibration(probabilities, np.full_like(label, IGNORE_INDEX)).ece)


@pytest.mark.parametrize("planted", [0.5, 1.0, 3.0])
def test_the_planted_temperature_is_found(planted: float) -> None:
    rng = np.random.default_rng(4)
    true_logits = rng.normal(0, 2, (40_000, 3))
    powers = np.exp(true_logits)
    cumulative = np.cumsum(powers / powers.sum(axis=1, keepdims=True), axis=1)
    label = (rng.random((40_000, 1)) > cumulative).sum(axis=1).astype(np.uint8)
    assert fit_temperature((true_logits * planted).astype(np.float32), label) == pytest.approx(planted, rel=0.05)


def test_nothing_to_fit_on_is_said() -> None:
    with pytest.raises(EmptyTileError):
        fit_temperature(np.zeros((0, 2), np.float32), np.zeros(0, np.uint8))
