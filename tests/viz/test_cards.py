"""Figures of a card draw the numbers that they were given, and the words say the same."""

from __future__ import annotations

import pytest
from matplotlib.axes import Axes

from claire.core.measured import Agreement, Measured, Reliability, RiskCoverage
from claire.viz.cards import (
    CURVE_STYLES,
    build_card_figure,
    build_cloud_figure,
    build_reliability_figure,
    build_risk_figure,
    describe_clouds,
    describe_reliability,
    describe_risk,
    encode_figure,
)

CURVES = {"fused": ((0.0, 0.7), (0.5, 0.65), (1.0, 0.6)), "optical": ((0.0, 0.6), (0.5, 0.4), (1.0, 0.1))}
BINS = Reliability((0.0, 0.2995, 0.0005, 0.7), (0.0, 0.6, 0.7, 0.9), (0.0, 0.5, 1.0, 0.8))
MEASURED = {"fused": Measured(BINS, RiskCoverage((0.0, 0.05, 0.1, 0.2), 0.09), Agreement(((1, 0), (0, 1)), 1))}


def lines_of(axes: Axes) -> dict[str, list[tuple[float, float]]]:
    return {str(line.get_label()): list(zip(*line.get_data(), strict=True)) for line in axes.get_lines()}


def test_the_curve_over_clouds_has_the_points_of_every_mode() -> None:
    found = lines_of(build_cloud_figure(CURVES, "flood IoU").axes[0])
    assert found == {"Fused": [(0, 0.7), (50, 0.65), (100, 0.6)], "Optical only": [(0, 0.6), (50, 0.4), (100, 0.1)]}


def test_bins_that_hold_hardly_a_pixel_are_not_drawn() -> None:
    found = lines_of(build_reliability_figure(MEASURED).axes[0])
    assert found["Fused"] == [(0.6, 0.5), (0.9, 0.8)]
    assert found["means what it says"] == [(0, 0), (1, 1)]


def test_risk_is_drawn_against_coverage_in_percent() -> None:
    found = lines_of(build_risk_figure(MEASURED).axes[0])
    assert found["Fused (area 0.090)"] == [(25, 0), (50, 5), (75, 10), (100, 20)]


def test_modes_differ_in_more_than_colour() -> None:
    for part in zip(*CURVE_STYLES.values(), strict=True):
        assert len(set(part)) == 3


@pytest.mark.parametrize(("curves", "measured", "panels"), [(CURVES, MEASURED, 3), (CURVES, {}, 1), ({}, MEASURED, 2)])
def test_a_card_shows_what_there_are_numbers_for(curves: dict, measured: dict, panels: int) -> None:
    assert len(build_card_figure(curves, "flood IoU", measured).axes) == panels


def test_the_same_figure_gives_the_same_small_file() -> None:
    first, second = (encode_figure(build_card_figure(CURVES, "flood IoU", MEASURED), "svg") for _ in range(2))
    assert first == second
    assert first.startswith(b"<?xml")
    assert len(first) < 60_000
    assert encode_figure(build_cloud_figure(CURVES, "flood IoU")).startswith(b"\x89PNG")


def test_words_stand_in_for_each_figure() -> None:
    assert "Flood IoU against the share under cloud: Optical only 0.60 at 0 % and 0.10 at 100 %" in describe_clouds(
        CURVES, "flood IoU"
    )
    assert "off by 0.100" in describe_reliability(MEASURED)
    assert "too sure" in describe_reliability(MEASURED)
    assert "wrong on 20 % of all pixels and on 5.0 % of the most certain half" in describe_risk(MEASURED)
