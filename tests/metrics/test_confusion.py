"""Scores against loops, against torchmetrics, and where classes are absent."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torchmetrics.functional.classification as tm
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from claire.core.classes import IGNORE_INDEX
from claire.core.errors import GridError
from claire.metrics.confusion import compute_confusion, compute_scores

K = 3
maps = arrays(np.uint8, (5, 6), elements=st.sampled_from([0, 1, 2, IGNORE_INDEX]))


@given(maps, maps)
def test_the_matrix_counts_pixels_that_have_both(label: np.ndarray, classes: np.ndarray) -> None:
    expected = np.zeros((K, K), int)
    for y, p in zip(label.ravel(), classes.ravel(), strict=True):
        if y != IGNORE_INDEX and p != IGNORE_INDEX:
            expected[y, p] += 1
    assert np.array_equal(compute_confusion(label, classes, K), expected)


@given(maps, maps)
def test_scores_equal_brute_force(label: np.ndarray, classes: np.ndarray) -> None:
    scores = compute_scores(compute_confusion(label, classes, K), ("a", "b", "c"))
    both = (label != IGNORE_INDEX) & (classes != IGNORE_INDEX)
    y, p = label[both], classes[both]
    ious = []
    for k, entry in enumerate(scores.per_class):
        union = ((y == k) | (p == k)).sum()
        if union == 0:
            assert math.isnan(entry.iou)
            assert math.isnan(entry.f1)
            continue
        ious.append(((y == k) & (p == k)).sum() / union)
        assert entry.iou == pytest.approx(ious[-1])
        assert entry.f1 == pytest.approx(2 * ((y == k) & (p == k)).sum() / ((y == k).sum() + (p == k).sum()))
        assert entry.precision == pytest.approx(((y == k) & (p == k)).sum() / max((p == k).sum(), 1))
        assert entry.recall == pytest.approx(((y == k) & (p == k)).sum() / max((y == k).sum(), 1))
    assert scores.miou == pytest.approx(np.mean(ious) if ious else float("nan"), nan_ok=True)
    assert scores.oa == pytest.approx((y == p).mean() if y.size else float("nan"), nan_ok=True)


def test_kappa_accuracy_and_matrix_equal_torchmetrics() -> None:
    rng = np.random.default_rng(0)
    label = rng.integers(0, K, (40, 40)).astype(np.uint8)
    classes = np.where(rng.random((40, 40)) < 0.6, label, rng.integers(0, K, (40, 40))).astype(np.uint8)
    scores = compute_scores(compute_confusion(label, classes, K), ("a", "b", "c"))
    p, y = torch.from_numpy(classes.astype(int)), torch.from_numpy(label.astype(int))
    assert np.array_equal(scores.confusion, tm.multiclass_confusion_matrix(p, y, K).numpy())
    assert scores.kappa == pytest.approx(tm.multiclass_cohen_kappa(p, y, K).item(), abs=1e-6)
    assert scores.miou == pytest.approx(tm.multiclass_jaccard_index(p, y, K).item(), abs=1e-6)


def test_an_absent_class_is_left_out_and_an_invented_one_is_zero() -> None:
    scores = compute_scores(np.array([[8, 2, 0], [0, 0, 0], [0, 0, 0]]), ("a", "b", "c"))
    assert scores.per_class[1].iou == 0
    assert scores.per_class[1].recall == 0
    assert math.isnan(scores.per_class[2].iou)
    assert scores.miou == pytest.approx(0.4)


def test_maps_of_different_size_are_refused() -> None:
    with pytest.raises(GridError):
        compute_confusion(np.zeros((2, 2), np.uint8), np.zeros((2, 3), np.uint8), K)
