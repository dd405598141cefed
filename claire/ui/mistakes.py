"""Errors explained: wrong regions outlined; one is clicked, or picked from a list, and read about."""

from __future__ import annotations

import numpy as np
import streamlit as st

from claire.core.analysis import Analysis
from claire.core.bands import Mode
from claire.core.mistakes import Mistakes, WrongRegion
from claire.core.text import as_line
from claire.ui.cache import find_mistakes
from claire.ui.faults import error_boundary
from claire.ui.pair import show_picture
from claire.ui.scores import PLOTLY_CONFIG
from claire.ui.state import find_choice, find_working
from claire.ui.tables import show_key, show_table
from claire.ui.text import as_html, as_text
from claire.viz.colors import CHOSEN_COLOR, WRONG_COLOR
from claire.viz.encoding import thin_map
from claire.viz.ground import render_ground
from claire.viz.mistakes import (
    build_regions_figure,
    describe_calibration,
    describe_confusion,
    describe_mistakes,
    describe_region,
    describe_trust_share,
    render_close,
    title_region,
)
from claire.viz.pictures import render_label
from claire.viz.words import MODE_TITLES, format_score

PICK_KEY, CHART_KEY = "claire.errors.region", "claire.errors.chart"


@st.fragment
def show_mistakes(analysis: Analysis) -> None:
    """Wrong regions of a map, and the one that is picked in words and numbers; a word where there is no label."""
    choice, model = find_choice(), find_working()
    if choice is None or model is None:
        return
    if analysis.tile.label is None:
        st.info(
            "**This pair has no label, so nobody can say where the map is wrong.** Choose a pair with a label on the "
            "Explore page; Compare shows where the two sensors differ.",
            icon=":material/info:",
        )
        return
    with error_boundary():
        mode = _pick_mode(analysis)
        mistakes = find_mistakes(choice, model, mode, analysis)
        summary = as_text(describe_mistakes(mistakes))
        if not mistakes.regions:
            st.success(f"**{summary}**", icon=":material/check_circle:")
            return
        st.warning(f"**{summary}**", icon=":material/troubleshoot:")
        about = f"{choice.digest[:12]}.{model.sha256[:12]}.{mode}"
        left, right = st.columns([3, 2], gap="large")
        with right:
            region = _pick_region(mistakes, about)
            _show_region(region, mistakes)
        with left:
            _show_picture(analysis, mistakes, region, about)
        _show_close(analysis, mistakes, region)


def _pick_mode(analysis: Analysis) -> Mode:
    modes: list[Mode] = [mode for mode in reversed(MODE_TITLES) if mode in analysis.predictions]
    return st.segmented_control(
        "Map",
        modes,
        default=modes[0],
        required=True,
        wrap=True,
        key="claire.errors.mode",
        format_func=lambda mode: MODE_TITLES[mode],
    )


def _pick_region(mistakes: Mistakes, about: str) -> WrongRegion:
    """The region from the list, which a click on the picture also sets."""
    titles = {region.number: title_region(region) for region in mistakes.regions}
    number = st.selectbox(
        "Wrong region, the largest first",
        list(titles),
        key=f"{PICK_KEY}.{about}",
        format_func=lambda number: as_line(titles.get(number, "")),
        help="Or click a region on the picture.",
    )
    return mistakes.regions[number - 1]


def _show_picture(analysis: Analysis, mistakes: Mistakes, region: WrongRegion, about: str) -> None:
    st.plotly_chart(
        build_regions_figure(render_ground(analysis, mistakes.mode), mistakes, region.number),
        key=f"{CHART_KEY}.{about}",
        config={**PLOTLY_CONFIG, "scrollZoom": False},
        on_select=lambda: _follow_click(about),
        selection_mode="points",
        alt=f"{describe_mistakes(mistakes)} Outlined; chosen: {title_region(region)}.",
    )
    show_key([(WRONG_COLOR, "wrong"), (CHOSEN_COLOR, "the chosen region")])
    st.caption("Click a region, or pick one from the list.")


def _follow_click(about: str) -> None:
    """Make the region that was clicked the picked one."""
    points = st.session_state[f"{CHART_KEY}.{about}"].selection.points
    if points:
        number = points[0]["customdata"]
        st.session_state[f"{PICK_KEY}.{about}"] = int(number[0] if isinstance(number, (list, tuple)) else number)


def _show_region(region: WrongRegion, mistakes: Mistakes) -> None:
    st.info(f"**{as_text(describe_region(region, mistakes), 400)}**", icon=":material/forum:")
    names = list(dict.fromkeys((region.labelled, region.predicted, region.nearest)))
    rows = []
    for mode, title in MODE_TITLES.items():
        if mode not in region.probabilities:
            rows.append([title, *("nothing seen" for _ in names)])
            continue
        values = [region.probabilities[mode][mistakes.classes.index(name)] for name in names]
        rows.append([title, *(_mark(value, value == max(values)) for value in values)])
    heads = [f"{name} (label)" if name == region.labelled else name for name in names]
    show_table(("Map", *heads), rows, "Mean probability of each class over the region; the highest in bold.")
    facts = [describe_trust_share(region), describe_calibration(region), describe_confusion(region)]
    st.markdown("\n".join(f"- {as_text(fact, 400)}" for fact in facts))


def _show_close(analysis: Analysis, mistakes: Mistakes, region: WrongRegion) -> None:
    """The region alone, as each sensor saw it and as the label has it."""
    st.markdown(f"**Region {region.number} from near**")
    label = np.zeros((1, 1), np.uint8) if analysis.tile.label is None else analysis.tile.label
    bases = {
        "Optical": render_ground(analysis, "optical") if analysis.tile.optical is not None else None,
        "SAR": render_ground(analysis, "sar") if analysis.tile.sar is not None else None,
        "Label": render_label(thin_map(label), analysis.scheme),
    }
    for column, (title, base) in zip(st.columns(3, gap="medium"), bases.items(), strict=True):
        with column:
            if base is None:
                st.caption(f"{title}: this pair has none.")
                continue
            words = f"{title} around region {region.number}, outlined: {title_region(region).partition(' ')[2]}."
            show_picture(render_close(base, mistakes.ids, region), words, quick=True)
            st.caption(title)


def _mark(value: float, best: bool) -> str:
    shown = as_html(format_score(value))
    return f"<strong>{shown}</strong>" if best else shown
