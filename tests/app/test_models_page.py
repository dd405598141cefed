"""The Models page: how good, under which clouds, how sure, what it gets wrong; or that it was not measured."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from claire.core.classes import GLOBAL_10M
from claire.core.manifest import Manifest
from claire.core.measured import Agreement, Cost, Measured, Reliability, RiskCoverage
from tests.app.test_pages import LINK, alts_of, words_of

PAGE = "pages/models.py"
CLOUDS = {"clear": 0.71, "cloud_after_30": 0.69, "cloud_after_70": 0.6, "cloud_thick_30": 0.5, "cloud_thick_70": 0.3}
MEASURED = Measured(
    Reliability((0.4, 0.6), (0.6, 0.9), (0.5, 0.95)),
    RiskCoverage((0.0, 0.1), 0.04),
    Agreement(((60, 20), (10, 110)), 1),
)


@pytest.fixture
def manifest(fakes: Any) -> Manifest:
    """A model of which everything is known."""
    entry = fakes.entries[0]
    known: Manifest = replace(
        entry.manifest,
        scores={"fused": {name: {"iou flood": score, "oa": 0.9} for name, score in CLOUDS.items()}},
        replicas={"1": {"fused": {"clear": {"iou flood": 0.65}}}},
        measured={"fused": MEASURED, "optical": MEASURED},
        cost=Cost(2_500_000, 3.0, 256, 90.0, 1, "A processor"),
        failures=("Takes <b>ponds</b> for floods.",),
        extent="Two valleys.",
    )
    fakes.entries = [replace(entry, manifest=known)]
    return known


def read(app: AppTest) -> str:
    assert not app.exception
    assert not app.error
    return words_of(app).replace("\\", "")


def test_the_page_says_how_good_how_dear_and_what_goes_wrong(open_page: Any, manifest: Manifest) -> None:
    app = open_page(PAGE)
    words = read(app)
    metrics = {metric.label.replace("\\", ""): metric.value for metric in app.metric}
    assert metrics == {"Fused: flood IoU": "0.710", "Parameters": "2.5 million"}
    assert "0.650 to 0.710 over 2 seeds" in words
    assert "Two valleys" in words
    assert "for floods" in words
    assert "B11_before" in words


def test_every_figure_has_its_numbers_in_words(open_page: Any, manifest: Manifest) -> None:
    app = open_page(PAGE)
    first, reliability, risk = alts_of(app)
    assert "Fused 0.71 at 0 % and 0.60 at 70 %" in first
    assert "off by 0.070 on average" in reliability
    assert "wrong on 10 % of all pixels and on 0 % of the most certain half" in risk


def test_another_kind_of_cloud_is_another_curve(open_page: Any, manifest: Manifest) -> None:
    app = open_page(PAGE)
    app.segmented_control(key="claire.clouds").set_value("thick").run()
    read(app)
    assert "0.30 at 70 %" in alts_of(app)[0]


def test_what_was_not_measured_is_said(open_page: Any, fakes: Any) -> None:
    app = open_page(PAGE)
    words = read(app)
    assert "scores under clouds were not measured" in words
    assert "calibration was not measured" in words
    assert not alts_of(app)


def test_a_model_without_scores_says_so(open_page: Any, fakes: Any) -> None:
    entry = fakes.entries[0]
    fakes.entries = [replace(entry, manifest=replace(entry.manifest, scores={}))]
    assert "was not scored" in "".join(info.value for info in open_page(PAGE).info)


def test_every_class_has_its_score_where_there_are_many(open_page: Any, fakes: Any) -> None:
    entry = fakes.entries[0]
    clear = {"miou": 0.6, **{f"iou {name}": 0.5 for name in GLOBAL_10M.names[1:]}}
    many = replace(entry.manifest, scheme=GLOBAL_10M.name, scores={"fused": {"clear": clear}})
    fakes.entries = [replace(entry, manifest=many)]
    words = read(open_page(PAGE))
    assert all(f"<td>{name}</td>" in words for name in GLOBAL_10M.names)
    assert "<td>n/a</td>" in words


def test_without_a_model_it_is_a_sentence(open_page: Any, fakes: Any) -> None:
    fakes.entries = []
    assert "No model is ready" in read(open_page(PAGE))


def test_compare_corrects_areas_by_the_known_errors_of_the_model(open_page: Any, manifest: Manifest) -> None:
    app = open_page("pages/compare.py", **LINK)
    words = read(app)
    assert "Corrected, 95 %" in words
    assert "Olofsson" in words
    assert "±" in words


def test_areas_are_not_corrected_by_the_errors_of_another_model(open_page: Any, fakes: Any) -> None:
    assert "Corrected, 95 %" not in read(open_page("pages/compare.py", **LINK))


def test_uncertainty_is_a_view_of_the_maps(open_page: Any, fakes: Any) -> None:
    app = open_page("pages/compare.py", **LINK)
    app.segmented_control(key="claire.view").set_value("Uncertainty").run()
    words = read(app)
    assert "all classes equally likely" in words
    assert any("mean entropy" in alt for alt in alts_of(app))
