"""Charts for a page: plotly figures of scores and areas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from claire.core.bands import Mode
from claire.core.classes import ClassScheme
from claire.core.types import ClassArea, Scores
from claire.viz.words import MODE_TITLES, format_area


def build_confusion_figure(scores: Scores, scheme: ClassScheme) -> go.Figure:
    """Confusion matrix: rows are the label, columns the map; colour is the share of the row, text adds the count."""
    counts = scores.confusion
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, totals, out=np.zeros(counts.shape), where=totals > 0)
    text = [
        [f"{share:.0%}<br>{count:,} px" for share, count in zip(*row, strict=True)]
        for row in zip(shares, counts, strict=True)
    ]
    figure = go.Figure(
        go.Heatmap(
            z=shares,
            x=list(scheme.names),
            y=list(scheme.names),
            text=text,
            texttemplate="%{text}",
            colorscale="Blues",
            zmin=0,
            zmax=1,
            showscale=False,
            hovertemplate="label %{y}, map %{x}<br>%{text}<extra></extra>",
        )
    )
    figure.update_layout(
        xaxis={"title": "map", "type": "category", "showgrid": False},
        yaxis={"title": "label", "type": "category", "autorange": "reversed", "showgrid": False},
        margin={"l": 10, "r": 10, "t": 10, "b": 10},
        height=90 + 90 * min(len(scheme), 5),
    )
    return figure


def build_areas_figure(areas: Mapping[Mode, Sequence[ClassArea]], scheme: ClassScheme) -> go.Figure:
    """Share of each class in each map as stacked bars in the colours of the scheme."""
    modes = [mode for mode in MODE_TITLES if mode in areas]
    figure = go.Figure()
    for index, land_class in enumerate(scheme.classes):
        of_class = [areas[mode][index] for mode in modes]
        figure.add_bar(
            name=land_class.name,
            y=[MODE_TITLES[mode] for mode in modes],
            x=[area.area_share for area in of_class],
            orientation="h",
            marker={"color": land_class.color, "line": {"color": "#777777", "width": 0.5}},
            customdata=[format_area(area.area_m2, area.pixels) for area in of_class],
            hovertemplate="%{y}, " + land_class.name + ": %{x:.1%}, %{customdata}<extra></extra>",
        )
    figure.update_layout(
        barmode="stack",
        xaxis={"tickformat": ".0%", "range": [0, 1], "title": "share of the mapped pixels"},
        yaxis={"autorange": "reversed"},
        showlegend=False,
        margin={"l": 10, "r": 10, "t": 10, "b": 10},
        height=90 + 40 * len(modes),
    )
    return figure
