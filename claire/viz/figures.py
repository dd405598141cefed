"""Figures for a notebook or a report: matplotlib, never pyplot, which keeps global state."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from claire.core.analysis import Analysis
from claire.core.bands import Modality
from claire.core.evidence import Explained
from claire.core.types import layer_of
from claire.viz.colors import RGBA
from claire.viz.composites import build_composites
from claire.viz.encoding import compute_step, thin_layer, thin_map
from claire.viz.evidence import EVIDENCE_TITLES, SENSOR_WORDS, compute_scale, render_look, render_signed_veil
from claire.viz.pictures import (
    render_classes,
    render_composite,
    render_hatched,
    render_label,
    render_overlay,
    render_sar,
)
from claire.viz.words import MODE_TITLES, format_score


def build_comparison_figure(analysis: Analysis) -> Figure:
    """What went in, the three maps and the label in one row of panels, with the scores under the maps."""
    panels: list[tuple[str, str, RGBA]] = []
    if analysis.tile.optical is not None:
        panels.append(("Optical", "", _render_sensor(analysis, "optical")))
    if analysis.tile.sar is not None:
        panels.append(("SAR", "", _render_sensor(analysis, "sar")))
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


def build_look_figure(
    analysis: Analysis, looks: Mapping[Modality, NDArray[np.floating]], at: tuple[int, int]
) -> Figure:
    """Where one pixel of each sensor looked in the other.

    Args:
        analysis: Of a pair with both sensors.
        looks: Sensor that asks -> (H, W) attention over the tile.
        at: (row, column) of the pixel, marked by a cross.
    """
    figure = Figure(figsize=(4.2 * len(looks), 4.4), layout="constrained")
    axes = figure.subplots(1, len(looks), squeeze=False)[0]
    for axis, (asking, look) in zip(axes, looks.items(), strict=True):
        seen: Modality = "sar" if asking == "optical" else "optical"
        picture = render_overlay(_render_sensor(analysis, seen), render_look(thin_map(look)), 0.8)
        _draw_panel(axis, f"{SENSOR_WORDS[asking]} looks in {SENSOR_WORDS[seen]}", "", picture)
        step = compute_step(look.shape)
        axis.plot(at[1] / step, at[0] / step, "+", color="white", markersize=14, markeredgewidth=4)
        axis.plot(at[1] / step, at[0] / step, "+", color="black", markersize=13, markeredgewidth=1.5)
    return figure


def build_explained_figure(analysis: Analysis, explained: Explained) -> Figure:
    """Signed maps of an attribution over what each sensor saw: red speaks for the class, blue against it."""
    found = explained.attribution
    scale = compute_scale(found)
    figure = Figure(figsize=(4.2 * len(found.maps), 4.4), layout="constrained")
    axes = figure.subplots(1, len(found.maps), squeeze=False)[0]
    for axis, evidence in zip(axes, found.maps, strict=True):
        base = _render_sensor(analysis, "sar" if evidence == "sar" else "optical")
        veil = render_signed_veil(thin_map(found.place(evidence)), scale)
        _draw_panel(axis, f"{found.method}: {EVIDENCE_TITLES[evidence]}", "", render_overlay(base, veil, 0.8))
    return figure


def _render_sensor(analysis: Analysis, modality: Modality) -> RGBA:
    layer = layer_of(analysis.tile, modality)
    if layer is None:
        return np.zeros((*thin_map(np.zeros(analysis.tile.shape)).shape, 4), np.uint8)
    shown = thin_layer(layer)
    bands = build_composites(shown.bands)[0].bands
    return render_sar(shown, bands[0]) if modality == "sar" else render_composite(shown, bands)


def _draw_panel(axis: Axes, title: str, words: str, picture: RGBA) -> None:
    axis.imshow(render_hatched(picture), interpolation="nearest")
    axis.set_title(title)
    axis.set_xlabel(words)
    axis.set_xticks([])
    axis.set_yticks([])
