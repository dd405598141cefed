"""Figures and charts show the numbers they were given."""

from __future__ import annotations

import io
import sys
from typing import Any

import numpy as np
import pytest

from claire.core.analysis import Analysis
from claire.core.bands import MODES
from claire.core.classes import FLOOD
from claire.core.provenance import Provenance
from claire.core.types import ClassArea, ClassScore, Prediction, Scores
from claire.data.examples import generate_flood_pair
from claire.viz.charts import build_areas_figure, build_confusion_figure
from claire.viz.figures import build_comparison_figure

AREAS = (ClassArea(0, "background", 60, 0.6, None, 0.9), ClassArea(1, "flood", 40, 0.4, 4000.0, 0.8))


@pytest.fixture
def scores() -> Scores:
    per_class = tuple(ClassScore(name, 0.5, 0.6, 0.7, 0.8) for name in FLOOD.names)
    return Scores(np.array([[6, 2], [0, 0]]), per_class, 0.5, 0.6, 0.7, 0.2, 0.01, 0.02)


def test_a_confusion_matrix_gives_counts_and_shares_of_the_row(scores: Scores) -> None:
    trace = build_confusion_figure(scores, FLOOD).data[0]
    np.testing.assert_allclose(trace.z, [[0.75, 0.25], [0, 0]])
    assert trace.text[0][0] == "75%<br>6 px"
    assert trace.x == trace.y == FLOOD.names


def test_bars_of_one_map_sum_to_1() -> None:
    figure = build_areas_figure(dict.fromkeys(MODES, AREAS), FLOOD)
    totals = np.sum([trace.x for trace in figure.data], axis=0)
    np.testing.assert_allclose(totals, 1)
    assert [trace.marker.color for trace in figure.data] == [c.color for c in FLOOD.classes]


def test_the_comparison_has_a_panel_for_each_input_map_and_the_label(scores: Scores) -> None:
    analysis = build_analysis(scores)
    figure = build_comparison_figure(analysis)
    titles = [axis.get_title() for axis in figure.axes]
    assert titles == ["Optical", "SAR", "Optical only", "SAR only", "Fused", "Label"]
    assert figure.axes[2].get_xlabel() == "mean IoU 0.500"
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=30)
    assert stream.getvalue().startswith(b"\x89PNG")


def test_pyplot_is_never_loaded_by_viz() -> None:
    import subprocess

    code = "import sys, claire.viz.figures, claire.viz.pictures; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def build_analysis(scores: Scores) -> Analysis:
    tile = generate_flood_pair(1, 32)
    shape = tile.shape
    predictions: dict[Any, Prediction] = {}
    for mode in MODES:
        probabilities = np.stack([np.ones(shape), np.zeros(shape)]).astype(np.float32)
        predictions[mode] = Prediction(mode, FLOOD, np.zeros(shape, np.uint8), probabilities, np.ones(shape, bool))
    areas = dict.fromkeys(MODES, AREAS)
    return Analysis(tile, FLOOD, predictions, areas, dict.fromkeys(MODES, scores), None, None, "", Provenance("m", "0"))
