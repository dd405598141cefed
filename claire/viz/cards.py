"""Figures of a model card: score against cloud share, reliability, risk against coverage; and the words for each."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from claire.core.bands import Mode
from claire.core.measured import Measured
from claire.viz.colors import FUSED_COLOR, OPTICAL_COLOR, SAR_COLOR
from claire.viz.words import MODE_TITLES, format_share

CURVE_STYLES: dict[Mode, tuple[str, str, str]] = {
    "optical": (OPTICAL_COLOR, "o", ":"),
    "sar": (SAR_COLOR, "s", "--"),
    "fused": (FUSED_COLOR, "D", "-"),
}
"""Colour, marker and line of each mode, so that colour is never alone."""

INK = "#333333"
"""Colour of text and axes on a light page."""

PANEL = (4.2, 3.1)
"""Inches of one panel."""

Curve = Sequence[tuple[float, float]]
Draw = Callable[[Axes], None]


def build_cloud_figure(curves: Mapping[Mode, Curve], score: str, ink: str = INK) -> Figure:
    """A score against the share of the optical sensor's last date under cloud, one line per mode.

    Args:
        curves: Mode -> (share 0..1, score) in the order of the share.
        score: Name of the score.
        ink: Colour of text and axes.
    """
    return _build([lambda axes: _draw_clouds(axes, curves, score)], ink)


def build_reliability_figure(measured: Mapping[Mode, Measured], ink: str = INK) -> Figure:
    """Accuracy against confidence; on the diagonal a confidence means what it says. Bins below 0.1 % are left out."""
    return _build([lambda axes: _draw_reliability(axes, measured)], ink)


def build_risk_figure(measured: Mapping[Mode, Measured], ink: str = INK) -> Figure:
    """Share of wrong pixels against the share of pixels kept when the least certain are left out."""
    return _build([lambda axes: _draw_risk(axes, measured)], ink)


def build_card_figure(curves: Mapping[Mode, Curve], score: str, measured: Mapping[Mode, Measured]) -> Figure:
    """All panels that there are numbers for, in one row, on white."""
    draws: list[Draw] = [lambda axes: _draw_clouds(axes, curves, score)] if curves else []
    if measured:
        draws += [lambda axes: _draw_reliability(axes, measured), lambda axes: _draw_risk(axes, measured)]
    figure = _build(draws, INK)
    figure.patch.set_alpha(1)
    return figure


def encode_figure(figure: Figure, kind: Literal["svg", "png"] = "png") -> bytes:
    """Bytes of a figure; the same figure gives the same bytes."""
    stream = io.BytesIO()
    with mpl.rc_context({"svg.hashsalt": "claire", "svg.fonttype": "none"}):
        metadata: dict[str, Any] = {"Date": None, "Creator": None} if kind == "svg" else {"Software": None}
        figure.savefig(stream, format=kind, dpi=160, metadata=metadata)
    return stream.getvalue()


def describe_clouds(curves: Mapping[Mode, Curve], score: str) -> str:
    """What the curves over cloud say: where each begins and ends."""
    parts = [
        f"{MODE_TITLES[mode]} {points[0][1]:.2f} at {format_share(points[0][0])} and {points[-1][1]:.2f} at "
        f"{format_share(points[-1][0])}"
        for mode in CURVE_STYLES
        if (points := curves.get(mode))
    ]
    return f"{score[0].upper()}{score[1:]} against the share under cloud: {'; '.join(parts)}."


def describe_reliability(measured: Mapping[Mode, Measured]) -> str:
    """What the reliability diagram says: how far each mode is from what it claims, and to which side."""
    parts = []
    for mode in CURVE_STYLES:
        if mode in measured:
            bins = measured[mode].reliability
            gaps = np.subtract(bins.confidence, bins.accuracy) * np.asarray(bins.share)
            side = "too sure" if gaps.sum() > 0 else "too careful"
            parts.append(f"{MODE_TITLES[mode]} is off by {np.abs(gaps).sum():.3f} on average, on the whole {side}")
    return f"Reliability: {'; '.join(parts)}."


def describe_risk(measured: Mapping[Mode, Measured]) -> str:
    """What the curve of risk says: the error on all pixels and on the most certain half."""
    parts = [
        f"{MODE_TITLES[mode]} is wrong on {format_share(curve.risk[-1])} of all pixels and on "
        f"{format_share(float(np.interp(0.5, curve.coverage, curve.risk)))} of the most certain half"
        for mode in CURVE_STYLES
        if mode in measured
        for curve in [measured[mode].selection]
    ]
    return f"Risk against coverage: {'; '.join(parts)}."


def _build(draws: Sequence[Draw], ink: str) -> Figure:
    figure = Figure(figsize=(PANEL[0] * max(len(draws), 1), PANEL[1]), layout="constrained")
    figure.patch.set_alpha(0)
    for axes, draw in zip(figure.subplots(1, max(len(draws), 1), squeeze=False)[0], draws, strict=False):
        draw(axes)
        _style(axes, ink)
    return figure


def _style(axes: Axes, ink: str) -> None:
    axes.patch.set_alpha(0)
    axes.tick_params(colors=ink, labelsize=9)
    axes.grid(color=ink, alpha=0.15, linewidth=0.6)
    for side, spine in axes.spines.items():
        spine.set_color(ink)
        spine.set_visible(side in {"left", "bottom"})
    for label in (axes.xaxis.label, axes.yaxis.label, axes.title):
        label.set_color(ink)
        label.set_fontsize(10)
    legend = axes.legend(frameon=False, fontsize=9, labelcolor=ink)
    legend.set_in_layout(True)


def _draw_clouds(axes: Axes, curves: Mapping[Mode, Curve], score: str) -> None:
    for mode, (color, marker, line) in CURVE_STYLES.items():
        if points := curves.get(mode):
            shares, values = zip(*points, strict=True)
            axes.plot(
                [100 * share for share in shares], values, line, color=color, marker=marker, label=MODE_TITLES[mode]
            )
    axes.set_xlabel("optical sensor under cloud (%)")
    axes.set_ylabel(score)
    axes.set_ylim(0, 1)


def _draw_reliability(axes: Axes, measured: Mapping[Mode, Measured]) -> None:
    axes.plot([0, 1], [0, 1], color="#888888", linewidth=1, label="means what it says")
    low = 1.0
    for mode, (color, marker, line) in CURVE_STYLES.items():
        if mode in measured:
            bins = measured[mode].reliability
            used = [i for i, share in enumerate(bins.share) if share >= 0.001]
            confidences = [bins.confidence[i] for i in used]
            low = min([low, *confidences, *(bins.accuracy[i] for i in used)])
            axes.plot(
                confidences,
                [bins.accuracy[i] for i in used],
                line,
                color=color,
                marker=marker,
                markersize=4,
                label=MODE_TITLES[mode],
            )
    axes.set_xlim(low - 0.02, 1.01)
    axes.set_ylim(low - 0.02, 1.01)
    axes.set_xlabel("confidence")
    axes.set_ylabel("share that is right")


def _draw_risk(axes: Axes, measured: Mapping[Mode, Measured]) -> None:
    for mode, (color, _, line) in CURVE_STYLES.items():
        if mode in measured:
            curve = measured[mode].selection
            label = f"{MODE_TITLES[mode]} (area {curve.area:.3f})"
            axes.plot([100 * c for c in curve.coverage], [100 * r for r in curve.risk], line, color=color, label=label)
    axes.set_xlim(0, 101)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("most certain pixels kept (%)")
    axes.set_ylabel("of them wrong (%)")
