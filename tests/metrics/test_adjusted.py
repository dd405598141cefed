"""Adjusted areas: the published example, planted errors, and intervals that hold the truth as often as they claim."""

from __future__ import annotations

import numpy as np
import pytest

from claire.core.errors import GridError
from claire.core.measured import Agreement
from claire.metrics.adjusted import compute_adjusted_areas, compute_agreement

NAMES = ("deforestation", "gain", "forest", "other")
PUBLISHED = ((66, 0, 1, 2), (0, 55, 0, 1), (5, 8, 153, 9), (4, 12, 11, 313))
"""Rows label, columns map: the sample counts of Olofsson et al. 2014, table 8, turned."""


def test_the_example_of_the_paper_comes_out() -> None:
    mapped = (200_000, 150_000, 3_200_000, 6_450_000)
    found = compute_adjusted_areas(mapped, Agreement(PUBLISHED, 1), NAMES, 900.0)
    hectares = [round(area.area_m2 / 1e4) for area in found if area.area_m2 is not None]
    margins = [round(area.margin_m2 / 1e4) for area in found if area.margin_m2 is not None]
    assert hectares == pytest.approx([21_158, 11_686, 285_770, 581_386], abs=1)
    assert margins == pytest.approx([6_158, 3_756, 15_510, 16_282], abs=2)
    assert sum(area.share for area in found) == pytest.approx(1)


def test_a_perfect_map_is_left_as_it_is_without_a_margin() -> None:
    found = compute_adjusted_areas((30, 70), Agreement(((50, 0), (0, 90)), 1), ("a", "b"))
    assert [area.share for area in found] == pytest.approx([0.3, 0.7])
    assert [area.margin for area in found] == [0, 0]
    assert found[0].area_m2 is None


def test_the_variance_of_clusters_equals_a_loop_over_them() -> None:
    rng = np.random.default_rng(0)
    tiles = rng.integers(1, 50, (12, 3, 3))
    agreement = compute_agreement(list(tiles))
    weights = np.array([0.2, 0.3, 0.5])
    found = compute_adjusted_areas((20, 30, 50), agreement, ("a", "b", "c"))
    pooled = tiles.sum(axis=0)
    for label in range(3):
        residuals = []
        for tile in tiles:
            total = 0.0
            for shown in range(3):
                rate = pooled[label, shown] / pooled[:, shown].sum()
                total += weights[shown] * (tile[label, shown] - rate * tile[:, shown].sum()) / pooled[:, shown].sum()
            residuals.append(total**2)
        assert found[label].margin == pytest.approx(1.96 * np.sqrt(12 / 11 * sum(residuals)))
    assert agreement.confusion == tuple(tuple(row) for row in pooled.tolist())


def test_nineteen_of_twenty_intervals_hold_the_truth_where_tiles_differ() -> None:
    rng = np.random.default_rng(1)
    held, narrow = 0, 0
    for _ in range(400):
        found_right = rng.beta(8, 2, 60), rng.beta(9, 1, 60)
        tiles = [
            np.array([[round(100 * right), round(100 * (1 - calm))], [100 - round(100 * right), round(100 * calm)]])
            for right, calm in zip(*found_right, strict=True)
        ]
        agreement = compute_agreement(tiles)
        truth = 0.4 * 0.8 + 0.6 * 0.1
        clustered = compute_adjusted_areas((40, 60), agreement, ("a", "b"))[0]
        as_pixels = compute_adjusted_areas((40, 60), Agreement(agreement.confusion, 1), ("a", "b"))[0]
        held += abs(clustered.share - truth) <= clustered.margin
        narrow += abs(as_pixels.share - truth) <= as_pixels.margin
    assert 0.91 < held / 400 < 0.98
    assert narrow / 400 < 0.75


def test_a_class_that_was_never_mapped_before_has_no_estimate() -> None:
    assert compute_adjusted_areas((10, 90), Agreement(((0, 5), (0, 95)), 1), ("a", "b")) == ()
    assert compute_adjusted_areas((0, 0), Agreement(((5, 0), (0, 5)), 1), ("a", "b")) == ()


def test_another_number_of_classes_is_refused() -> None:
    with pytest.raises(GridError):
        compute_adjusted_areas((1, 2, 3), Agreement(((5, 0), (0, 5)), 1), ("a", "b", "c"))
