"""What was found out about one question: signed maps, how far to believe them, who contributed what."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from claire.core.analysis import Analysis
from claire.core.bands import MODALITIES
from claire.core.evidence import ContributionGrid, Explained, tell_bands
from claire.core.types import Attribution, Evidence
from claire.explain.attributions import METHODS
from claire.ui.faults import error_boundary
from claire.ui.pair import show_picture
from claire.ui.scores import PLOTLY_CONFIG
from claire.ui.state import find_answer
from claire.ui.tables import show_ramp, show_table
from claire.ui.text import as_html, as_text
from claire.ui.why import Question, offer_bands, offer_full
from claire.viz.charts import build_bands_figure, build_share_figure
from claire.viz.colors import RGBA
from claire.viz.encoding import thin_map
from claire.viz.evidence import (
    BASELINE_WORDS,
    SIGNED_COLORMAP,
    compute_shared_scale,
    describe_attribution,
    describe_badge,
    describe_share,
    render_outlined,
    render_signed_veil,
    summarise_share,
    tell_tests,
)
from claire.viz.ground import render_ground
from claire.viz.pictures import render_overlay
from claire.viz.words import format_share

EVIDENCE_HEADINGS: dict[Evidence, str] = {"optical": "Optical", "sar": "SAR", "joint": "Both sensors together"}
BADGE_COLORS = {"faithful": "green", "partly": "orange", "doubtful": "red", "unmeasured": "gray"}
BADGE_ICONS = {"faithful": "verified", "partly": "rule", "doubtful": "gpp_bad", "unmeasured": "help"}
ALL = "all"
GRID_TITLES = {"optical": "Optical", "sar": "SAR", "interaction": "Interaction"}


def show_answer(question: Question | None) -> None:
    """Everything that is known about a question; nothing before it was asked."""
    answer = None if question is None else find_answer(question.key)
    if question is None or answer is None:
        return
    with error_boundary():
        st.subheader("Which values speak for it?", anchor=False)
        _show_badge(answer)
        _show_maps(question, answer.attribution)
        with st.expander("How far can this be believed? The numbers behind the badge"):
            _show_tests(answer)
        offer_full(question, answer)
    with error_boundary():
        _show_contribution(question, answer)


def _show_badge(answer: Explained) -> None:
    badge = answer.faithfulness.badge
    icon = f":material/{BADGE_ICONS[badge]}:"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(badge, color=BADGE_COLORS[badge], icon=icon)  # type: ignore[arg-type]
        st.markdown(describe_badge(answer.faithfulness))


def _show_tests(answer: Explained) -> None:
    rows = [
        (as_html(title), value, as_html(good), {True: "✓ passed", False: "✗ failed", None: "–"}[passed])
        for title, value, good, passed in tell_tests(answer.faithfulness)
    ]
    found, passes = answer.attribution, answer.attribution.passes + answer.faithfulness.passes
    show_table(("Test", "Measured", "Good", ""), rows, f"{passes} passes, seed {found.seed}.", words=True)
    st.caption(
        "A faithful attribution says what this network used, not that it was right to. What is removed is replaced by "
        "the scene's mean, which is a picture that the network has never met."
    )


@st.fragment
def _show_maps(question: Question, found: Attribution) -> None:
    """Signed maps side by side; picking a band or an opacity draws pictures and nothing else."""
    with error_boundary():
        with st.container(horizontal=True, vertical_alignment="bottom", gap="large"):
            picked = {evidence: _pick_band(found, evidence) for evidence in found.maps}
            opacity = st.slider("Opacity of the signs", 0, 100, 80, format="%d %%", key="claire.why.opacity", width=260)
        show_signed(question.subject.analysis, found, picked, opacity / 100, lambda picture: _mark(question, picture))
        name = as_text(found.class_name)
        moved = (
            f" The mean logit of {name} over the zone goes from {found.baseline_value:.2f} to {found.value:.2f}."
            if np.isfinite(found.baseline_value)
            else ""
        )
        st.caption(f"**Baseline.** {BASELINE_WORDS[found.baseline]}{moved}")


def show_evidence(analysis: Analysis, answer: Explained) -> None:
    """The signed maps of an answer beside each other, how far to believe them, and which sensor decided."""
    found = answer.attribution
    st.markdown(f"**What speaks for {as_text(found.class_name)}**")
    _show_badge(answer)
    show_signed(analysis, found, dict.fromkeys(found.maps, ALL), 0.8)
    if answer.share is not None:
        st.markdown(f"**{summarise_share(answer.share)}**")


def show_signed(
    analysis: Analysis,
    found: Attribution,
    picked: Mapping[Evidence, str],
    opacity: float,
    mark: Callable[[RGBA], RGBA] = lambda picture: picture,
) -> None:
    """One signed map for each sensor on one scale, with its words and the colour key.

    Args:
        analysis: Of the pair.
        found: What was found out about it.
        picked: Sensor -> band to show, or `ALL`.
        opacity: 0..1, of the signs.
        mark: Draws what was asked about into a picture.
    """
    title = METHODS[found.method].title
    scale = compute_shared_scale([_values(found, evidence, band) for evidence, band in picked.items()])
    for column, evidence in zip(st.columns(max(2, len(found.maps)), gap="medium"), found.maps, strict=False):
        with column:
            band = picked[evidence]
            st.markdown(f"**{EVIDENCE_HEADINGS[evidence]}**" + ("" if band == ALL else f", {as_text(band)} alone"))
            veil = render_signed_veil(thin_map(_values(found, evidence, band)), scale)
            words = describe_attribution(found, evidence, title)
            show_picture(mark(render_overlay(_ground(analysis, evidence), veil, opacity)), words)
            st.caption(words)
    show_ramp(SIGNED_COLORMAP, f"speaks against {found.class_name}", f"speaks for {found.class_name}")


def _pick_band(found: Attribution, evidence: Evidence) -> str:
    names = found.bands[evidence]
    if len(names) == 1:
        return ALL
    return st.selectbox(
        f"{EVIDENCE_HEADINGS[evidence]} bands",
        [ALL, *names],
        format_func=lambda name: "all bands, summed" if name == ALL else name,
        key=f"claire.why.band.{evidence}.{len(names)}",
        width=200,
    )


def _values(found: Attribution, evidence: Evidence, band: str) -> NDArray[np.float32]:
    names = found.bands[evidence]
    return found.maps[evidence][names.index(band)] if band in names else found.place(evidence)


def _ground(analysis: Analysis, evidence: Evidence) -> RGBA:
    return render_ground(analysis, "sar" if evidence == "sar" else "optical")


def _mark(question: Question, picture: RGBA) -> RGBA:
    """The zone outlined, unless it is the whole class, whose outline would hide what it is about."""
    classes = question.subject.analysis.predictions[question.mode].classes
    index = question.subject.analysis.scheme.names.index(question.class_name)
    whole = np.array_equal(question.zone, classes == index)
    return picture if whole else render_outlined(picture, thin_map(question.zone))


def _show_contribution(question: Question, answer: Explained) -> None:
    st.subheader("Which sensor contributed what?", anchor=False)
    if answer.share is None or answer.grid is None:
        st.info("A map of one sensor owes everything to that sensor. Ask about the fused map.", icon=":material/info:")
        return
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown(f"**{summarise_share(answer.share)}**")
        words = describe_share(answer.share)
        figure = build_share_figure(answer.share)
        st.plotly_chart(figure, key="claire.why.share", config=PLOTLY_CONFIG, alt=f"Contribution to {words}")
        st.caption(
            f"Exact Shapley values: {as_text(words)} Before looking at anything, the network expects what it learnt to "
            "expect. A negative interaction means that both sensors say the same."
        )
    with right:
        _show_grid(question, answer.grid)
    if answer.bands is not None:
        st.markdown("**Every band**")
        told = tell_bands(answer.bands, question.class_name)
        alt = "Contribution of each band: " + ", ".join(f"{band} {value:+.2f}" for band, value in told.items())
        figure = build_bands_figure(answer.bands, question.class_name)
        st.plotly_chart(figure, key="claire.why.band.figure", config=PLOTLY_CONFIG, alt=f"{alt}.")
        how = "Exact" if answer.bands.exact else "Sampled"
        st.caption(
            f"{how} Shapley values of masked bands, {answer.bands.passes} passes. The network was trained with whole "
            "dates and sensors missing; a single missing band is something that it has hardly seen."
        )
    offer_bands(question, answer)


@st.fragment
def _show_grid(question: Question, grid: ContributionGrid) -> None:
    with error_boundary():
        with st.container(horizontal=True, vertical_alignment="bottom"):
            part = st.segmented_control(
                "Contribution per cell, over the whole tile",
                list(GRID_TITLES),
                default="sar",
                required=True,
                wrap=True,
                format_func=lambda name: GRID_TITLES[name],
                key="claire.why.grid",
            )
        part = part if part in GRID_TITLES else "sar"
        sizes = [np.abs(getattr(grid, name)) for name in MODALITIES]
        scale = float(np.nanmax(np.stack(sizes), initial=0)) or 1.0
        values = getattr(grid, part)
        height, width = question.subject.analysis.tile.shape
        fine = values.repeat(grid.cell, axis=0).repeat(grid.cell, axis=1)[:height, :width]
        ground = _ground(question.subject.analysis, "sar" if part == "sar" else "optical")
        picture = render_overlay(ground, render_signed_veil(thin_map(fine), scale), 0.75)
        known = values[np.isfinite(values)]
        words = (
            f"Contribution of {GRID_TITLES[part]} to {grid.class_name} in cells of {grid.cell} pixels: "
            f"for it in {format_share(float((known > 0).mean()) if known.size else float('nan'))} of them, "
            f"strongest {float(np.abs(known).max()) if known.size else 0:.2f}."
        )
        show_picture(picture, words)
        show_ramp(SIGNED_COLORMAP, f"against {grid.class_name}", f"for {grid.class_name}")
        st.caption(words)
