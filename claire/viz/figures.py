"""Figures for a notebook or a report: matplotlib, never pyplot, which keeps global state."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from claire.core.analysis import Analysis
from claire.viz.colors import RGBA
from claire.viz.composites import build_composites
from claire.viz.encoding import thin_layer, thin_map
from claire.viz.pictures import render_classes, render_composite, render_hatched, render_label, render_sar
from claire.viz.words import MODE_TITLES, format_score


def build_comparison_figure(analysis: Analysis) -> Figure:
    """What went in, the three maps and the label in one row of panels, with the scores under the maps."""
    panels: list[tuple[str, str, RGBA]] = []
    if analysis.tile.optical is not None:
        layer = thin_layer(analysis.tile.optical)
        panels.append(("Optical", "", render_composite(layer, build_composites(layer.bands)[0].bands)))
    if analysis.tile.sar is not None:
        layer = thin_layer(analysis.tile.sar)
        panels.append(("SAR", "", render_sar(layer, build_composites(layer.bands)[0].bands[0])))
    for mode, title in MODE_TITLES.items():
        if mode in analysis.predictions:
            picture = render_classes(thin_map(analysis.predictions[mode].classes), analysis.scheme)
            score = f"mean IoU {format_score(analysis.scores[mode].miou)}" if mode in analysis.scores else ""
            panels.append((title, score, picture))
    if analysis.tile.label is not None:
        panels.append(("Label", "", render_label(thin_map(analysis.tile.label), analysis.scheme)))
    figure = Figure(figsize=(3 * len(panels), 3.6), layout="constrained")
    axes = figure.subplots(1, len(panels), squeeze=False)[0]
    for axis, (title, words, picture) in zip(axes, panels, strict=True):
        _draw_panel(axis, title, words, picture)
    return figure


def _draw_panel(axis: Axes, title: str, words: str, picture: RGBA) -> None:
    axis.imshow(render_hatched(picture), interpolation="nearest")
    axis.set_title(title)
    axis.set_xlabel(words)
    axis.set_xticks([])
    axis.set_yticks([])
