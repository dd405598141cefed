"""The maps of one analysis side by side on the same pixels, and where the two sensors differ."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from claire.core.analysis import Analysis
from claire.core.bands import MODALITIES, Mode
from claire.core.classes import IGNORE_INDEX
from claire.metrics.reliability import compute_entropy
from claire.ui.faults import error_boundary
from claire.ui.pair import show_picture
from claire.ui.tables import show_key, show_ramp
from claire.viz.colors import BOTH_WRONG_COLOR, CONFIDENCE_COLORMAP, OPTICAL_COLOR, RGBA, SAR_COLOR, TRUST_COLORMAP
from claire.viz.encoding import thin_map, thin_prediction
from claire.viz.ground import render_ground
from claire.viz.pictures import (
    ENTROPY_COLORMAP,
    render_classes,
    render_confidence,
    render_disagreement,
    render_entropy,
    render_label,
    render_overlay,
    render_trust,
)
from claire.viz.words import (
    MODE_TITLES,
    describe_confidence,
    describe_disagreement,
    describe_entropy,
    describe_label,
    describe_map,
    describe_trust,
    format_score,
    format_share,
)

CLASSES_VIEW, CONFIDENCE_VIEW, TRUST_VIEW = "Classes", "Confidence", "Trust"
ENTROPY_VIEW = "Uncertainty"
COLUMNS = 3
MODALITY_WORDS = {"optical": "optical", "sar": "SAR"}
HIDDEN_CLASSES = ("background",)
"""Classes that mean "nothing of interest": an overlay shows the sensor's picture there."""


@st.fragment
def show_maps(analysis: Analysis) -> None:
    """Three maps over what the sensors saw; moving a slider redraws pictures and nothing else."""
    with error_boundary():
        with st.container(horizontal=True, vertical_alignment="bottom", gap="large"):
            views = [CLASSES_VIEW, CONFIDENCE_VIEW, ENTROPY_VIEW, *([TRUST_VIEW] if analysis.trust is not None else [])]
            view = st.segmented_control(
                "Show", views, default=CLASSES_VIEW, required=True, wrap=True, key="claire.view"
            )
            opacity = st.slider("Opacity of the colours", 0, 100, 65, format="%d %%", key="claire.opacity", width=320)
        show_view_key(analysis, view or CLASSES_VIEW)
        modes = [mode for mode in MODE_TITLES if mode in analysis.predictions]
        for column, mode in zip(st.columns(COLUMNS, gap="medium"), modes, strict=False):
            with column:
                st.markdown(f"**{MODE_TITLES[mode]}**")
                base = render_ground(analysis, mode)
                top, words = draw_overlay(analysis, mode, view or CLASSES_VIEW)
                show_picture(base if top is None else render_overlay(base, top, opacity / 100), words)
                st.caption(_summarise(analysis, mode))


def show_differences(analysis: Analysis) -> None:
    """Where the sensors differ (and who is right), which sensor the fusion trusted, and the label."""
    panels: list[Callable[[Analysis], None]] = []
    if analysis.disagreement is not None:
        panels.append(_show_disagreement)
    if analysis.trust is not None:
        panels.append(_show_trust)
    if analysis.tile.label is not None:
        panels.append(_show_label)
    if not panels:
        return
    for column, show in zip(st.columns(COLUMNS, gap="medium"), panels, strict=False):
        with column:
            show(analysis)


def draw_overlay(analysis: Analysis, mode: Mode, view: str) -> tuple[RGBA | None, str]:
    """What lies over the sensor's picture, and words for it; trust is a matter of the fused map alone."""
    prediction = analysis.predictions[mode]
    shown = thin_prediction(prediction)
    if view == CONFIDENCE_VIEW:
        return render_confidence(shown), describe_confidence(prediction)
    if view == ENTROPY_VIEW:
        words = describe_entropy(compute_entropy(prediction.probabilities), prediction)
        return render_entropy(compute_entropy(shown.probabilities), shown.valid), words
    if view == TRUST_VIEW and analysis.trust is not None:
        if mode != "fused":
            return None, f"What the {MODALITY_WORDS[mode]} sensor saw, {prediction.classes.shape[1]} pixels wide."
        return render_trust(thin_map(analysis.trust), shown.valid), describe_trust(analysis.trust, prediction.valid)
    picture = render_classes(shown.classes, analysis.scheme, hidden=HIDDEN_CLASSES)
    return picture, describe_map(prediction, analysis.areas[mode])


def show_view_key(analysis: Analysis, view: str) -> None:
    """What the colours of a view mean."""
    if view == CONFIDENCE_VIEW:
        show_ramp(CONFIDENCE_COLORMAP, f"confidence: by chance ({1 / len(analysis.scheme):.2f})", "certain (1.00)")
    elif view == ENTROPY_VIEW:
        show_ramp(ENTROPY_COLORMAP, "entropy: certain (0.00)", "all classes equally likely (1.00)")
    elif view == TRUST_VIEW:
        show_ramp(TRUST_COLORMAP, "the fusion trusted SAR", "the optical sensor")
    else:
        show_key((c.color, c.name) for c in analysis.scheme.classes if c.name not in HIDDEN_CLASSES)


def _summarise(analysis: Analysis, mode: Mode) -> str:
    area = analysis.areas[mode][-1] if len(analysis.scheme) == 2 else None
    words = [f"{area.name} {format_share(area.area_share)}"] if area else []
    values = analysis.predictions[mode].confidence[analysis.predictions[mode].valid]
    words.append(f"mean confidence {values.mean():.2f}" if values.size else "nothing mapped")
    if mode in analysis.scores:
        scores = analysis.scores[mode]
        one = scores.per_class[-1] if len(analysis.scheme) == 2 else None
        words.append(
            f"**{one.name} IoU {format_score(one.iou)}**" if one else f"**mean IoU {format_score(scores.miou)}**"
        )
    return " · ".join(words)


def _show_disagreement(analysis: Analysis) -> None:
    label = _label_index(analysis)
    st.markdown("**Where the two sensors differ**")
    optical, sar = (thin_prediction(analysis.predictions[mode]) for mode in MODALITIES)
    index = None if label is None else thin_map(label)
    words = describe_disagreement(analysis.disagreement_share)
    show_picture(render_disagreement(optical, sar, index, render_ground(analysis, "fused")), words)
    if label is None:
        show_key([(BOTH_WRONG_COLOR, "differ")])
    else:
        show_key([(OPTICAL_COLOR, "optical is right"), (SAR_COLOR, "SAR is right"), (BOTH_WRONG_COLOR, "neither")])
    st.caption(_second_half(words))


def _show_trust(analysis: Analysis) -> None:
    if analysis.trust is None:
        return
    st.markdown("**Which sensor the fusion trusted**")
    valid = (
        analysis.predictions["fused"].valid if "fused" in analysis.predictions else np.ones_like(analysis.trust, bool)
    )
    words = describe_trust(analysis.trust, valid)
    show_picture(render_trust(thin_map(analysis.trust), thin_map(valid)), words)
    show_ramp(TRUST_COLORMAP, "SAR", "optical")
    st.caption(_second_half(words))


def _show_label(analysis: Analysis) -> None:
    label = _label_index(analysis)
    if label is None or analysis.tile.label is None:
        return
    st.markdown("**Label**")
    words = describe_label(label, analysis.scheme)
    show_picture(render_label(thin_map(analysis.tile.label), analysis.scheme), words)
    show_key((c.color, c.name) for c in analysis.scheme.classes)
    st.caption(_second_half(words))


def _second_half(words: str) -> str:
    """What follows the colon, as a sentence of its own."""
    rest = words.partition(": ")[2]
    return rest[:1].upper() + rest[1:]


def _label_index(analysis: Analysis) -> NDArray[np.uint8] | None:
    label = analysis.tile.label
    index = None if label is None else analysis.scheme.to_index(label)
    return index if index is not None and (index != IGNORE_INDEX).any() else None
