"""Numbers of one analysis: which sensor won, areas of the classes, scores and confusion matrix."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from claire.core.analysis import Analysis
from claire.core.bands import Mode
from claire.core.types import Scores
from claire.ui.tables import build_swatch, show_table
from claire.ui.text import as_html, as_text
from claire.viz.charts import build_areas_figure, build_confusion_figure
from claire.viz.words import MODE_TITLES, format_area, format_score, format_share

PLOTLY_CONFIG = {"displayModeBar": False}
UNUSABLE_ICONS = {"clouds": "cloud", "noise": "grain"}
"""Code of a notice that something of the optical picture was left out -> its icon."""


def show_comparison(analysis: Analysis) -> None:
    """The one sentence that says which sensor won where, and what of the optical picture was left out, and why."""
    if analysis.comparison:
        st.success(f"**{as_text(analysis.comparison, 400)}**", icon=":material/compare_arrows:")
    for notice in analysis.notices:
        if notice.code in UNUSABLE_ICONS:
            st.caption(f":material/{UNUSABLE_ICONS[notice.code]}: {as_text(notice.message)}")


def show_legend(analysis: Analysis) -> None:
    """Classes with their colours and the area of each in every map."""
    modes = _modes_of(analysis)
    rows = []
    for index, land_class in enumerate(analysis.scheme.classes):
        cells = [f"{build_swatch(land_class.color)}{as_html(land_class.name)}"]
        for mode in modes:
            area = analysis.areas[mode][index]
            cells.append(f"{format_share(area.area_share)}<br><small>{format_area(area.area_m2, area.pixels)}</small>")
        rows.append(cells)
    share = analysis.disagreement_share
    differ = f" The two sensors differ on {format_share(share)} of the pixels." if share is not None else ""
    show_table(
        ("Class", *(MODE_TITLES[mode] for mode in modes)), rows, f"Share and area of each class in each map.{differ}"
    )
    figure = build_areas_figure(analysis.areas, analysis.scheme)
    st.plotly_chart(figure, key="claire.areas", config=PLOTLY_CONFIG, alt="Shares of the table above as stacked bars.")


def show_scores(analysis: Analysis) -> None:
    """Scores of every map against the label, the best of each column in bold; a word when there is no label."""
    if not analysis.scores:
        st.info("This pair has no label, so the maps cannot be scored.", icon=":material/info:")
        return
    modes = [mode for mode in _modes_of(analysis) if mode in analysis.scores]
    names = analysis.scheme.names[1:] if len(analysis.scheme) == 2 else analysis.scheme.names
    columns = {f"{name} IoU": [_find_iou(analysis.scores[mode], name) for mode in modes] for name in names}
    for title, field in (("mean IoU", "miou"), ("F1", "f1"), ("accuracy", "oa"), ("kappa", "kappa"), ("ECE", "ece")):
        columns[title] = [float(getattr(analysis.scores[mode], field)) for mode in modes]
    cells = {title: _mark_best(values, lowest=title == "ECE") for title, values in columns.items()}
    rows = [(MODE_TITLES[mode], *(column[i] for column in cells.values())) for i, mode in enumerate(modes)]
    caption = "On this pair alone. Best of each column in bold; ECE, the calibration error, is best when low."
    show_table(("Map", *columns), rows, caption)


@st.fragment
def show_confusion(analysis: Analysis) -> None:
    """Confusion matrix of the map that is picked."""
    modes = [mode for mode in _modes_of(analysis) if mode in analysis.scores]
    if not modes:
        return
    mode = st.segmented_control(
        "Confusion matrix of",
        modes,
        default=modes[-1],
        required=True,
        wrap=True,
        format_func=lambda mode: MODE_TITLES[mode],
        key="claire.confusion",
    )
    scores = analysis.scores[mode if mode in modes else modes[-1]]
    figure = build_confusion_figure(scores, analysis.scheme)
    st.plotly_chart(figure, key="claire.confusion.figure", config=PLOTLY_CONFIG, alt=_describe(scores, mode))


def _describe(scores: Scores, mode: Mode) -> str:
    recalls = ", ".join(f"{c.name} {format_score(c.recall)}" for c in scores.per_class)
    return f"Confusion matrix of the {MODE_TITLES[mode]} map; share of each class found: {recalls}."


def _find_iou(scores: Scores, name: str) -> float:
    return next((c.iou for c in scores.per_class if c.name == name), float("nan"))


def _mark_best(values: Sequence[float], *, lowest: bool) -> list[str]:
    known = [value for value in values if np.isfinite(value)]
    best = (min(known) if lowest else max(known)) if known else None
    return [
        f"<strong>{format_score(value)}</strong>" if best is not None and value == best else format_score(value)
        for value in values
    ]


def _modes_of(analysis: Analysis) -> list[Mode]:
    return [mode for mode in MODE_TITLES if mode in analysis.predictions]
