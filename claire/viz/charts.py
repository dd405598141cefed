"""Charts for a page: plotly figures of scores and areas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from claire.core.bands import Mode
from claire.core.classes import ClassScheme
from claire.core.evidence import BandContribution, tell_bands
from claire.core.types import ClassArea, Scores, Share
from claire.viz.colors import OPTICAL_COLOR, SAR_COLOR
from claire.viz.words import MODE_TITLES, format_area

BOTH_COLOR = "#8c8c8c"
MARGIN = {"l": 10, "r": 10, "t": 10, "b": 10}


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
        margin=MARGIN,
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
        margin=MARGIN,
        height=90 + 40 * len(modes),
    )
    return figure


def build_share_figure(share: Share) -> go.Figure:
    """What each sensor adds to a class, and how much of that both say only together."""
    bars = (
        ("SAR + optical", share.optical + share.sar, BOTH_COLOR),
        ("Interaction, half in each", share.interaction, BOTH_COLOR),
        ("SAR", share.sar, SAR_COLOR),
        ("Optical", share.optical, OPTICAL_COLOR),
    )
    return _build_signed_bars(bars[::-1], f"added to the logit of {share.class_name}")


def build_bands_figure(bands: BandContribution, class_name: str) -> go.Figure:
    """What each band adds to a class, in the colour of its sensor."""
    bars = [
        (band.partition(" ")[2], value, OPTICAL_COLOR if band.startswith("optical") else SAR_COLOR)
        for band, value in tell_bands(bands, class_name).items()
    ]
    return _build_signed_bars(bars, f"added to the logit of {class_name}")


def build_trust_figure(shares: Mapping[str, float]) -> go.Figure:
    """Mean share of trust per class as stacked bars: optical from the left, SAR from the right.

    Args:
        shares: Class name -> share of the optical sensor, 0..1; classes with NaN are left out.
    """
    known = {name: value for name, value in shares.items() if np.isfinite(value)}
    figure = go.Figure()
    parts = (("optical", OPTICAL_COLOR, list(known.values())), ("SAR", SAR_COLOR, [1 - v for v in known.values()]))
    for title, color, values in parts:
        figure.add_bar(
            name=title,
            y=list(known),
            x=values,
            orientation="h",
            marker={"color": color},
            text=[f"{title} {value:.0%}" for value in values],
            textposition="inside",
            insidetextanchor="middle",
            hovertemplate="%{y}: " + title + " %{x:.1%}<extra></extra>",
        )
    figure.update_layout(
        barmode="stack",
        xaxis={"tickformat": ".0%", "range": [0, 1], "title": "mean share of trust"},
        yaxis={"autorange": "reversed", "type": "category"},
        showlegend=False,
        margin=MARGIN,
        height=100 + 44 * len(known),
    )
    return figure


def _build_signed_bars(bars: Sequence[tuple[str, float, str]], title: str) -> go.Figure:
    names, values, colors = zip(*bars, strict=True)
    figure = go.Figure(
        go.Bar(
            y=names,
            x=values,
            orientation="h",
            marker={"color": colors},
            text=[f"{value:+.2f}" for value in values],
            textposition="auto",
            hovertemplate="%{y}: %{x:+.3f}<extra></extra>",
        )
    )
    figure.update_layout(
        xaxis={"title": title, "zeroline": True, "zerolinewidth": 2},
        yaxis={"autorange": "reversed", "type": "category", "automargin": True},
        margin=MARGIN,
        height=110 + 34 * len(bars),
    )
    return figure
