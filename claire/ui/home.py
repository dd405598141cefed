"""What the home page shows: the idea in one picture, what is ready, where to start."""

from __future__ import annotations

import streamlit as st

from claire.core.classes import FLOOD
from claire.core.types import Tile
from claire.pipeline import find_headline
from claire.ui.cache import EXAMPLES, KnownModel, list_datasets, list_ids, list_models, list_ready_models, read_tile
from claire.ui.pair import show_picture
from claire.ui.state import choose, find_choice
from claire.ui.tables import show_table
from claire.ui.text import as_html
from claire.viz.composites import build_composites
from claire.viz.pictures import render_composite, render_label, render_sar
from claire.viz.words import MODE_TITLES, describe_label, describe_layer, format_score

HERO_TILE = "cloudy-2"
STATUS_WORDS = {
    "ready": "✓ ready",
    "missing weights": "weights are missing",
    "altered": "weights were altered: not used",
    "unreadable manifest": "manifest cannot be read",
}
MEAN = ("miou", "mean IoU")
"""Key and title of the score that every model has."""


def show_idea() -> None:
    """Two sensors and what is to be found, on a generated pair."""
    tile = read_tile(EXAMPLES, HERO_TILE)
    if tile.optical is None or tile.sar is None:
        return
    optical, sar, label = st.columns(3, gap="medium")
    with optical:
        bands = build_composites(tile.optical.bands)[0].bands
        show_picture(render_composite(tile.optical, bands), describe_layer(tile.optical, "Optical", bands))
        st.caption("**Optical** shows what the ground is made of, but not through clouds.")
    with sar:
        band = build_composites(tile.sar.bands)[0].bands[0]
        show_picture(render_sar(tile.sar, band), describe_layer(tile.sar, "SAR", [band]))
        st.caption("**SAR** sees through clouds, but takes any smooth ground for water.")
    with label:
        _show_answer(tile)


def show_start() -> None:
    """Where to go next."""
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Start: explore pairs", type="primary", icon=":material/grid_view:"):
            st.switch_page("pages/explore.py")
        if st.button("Compare this example", icon=":material/compare:", disabled=not list_ready_models()):
            choose(read_tile(EXAMPLES, HERO_TILE), EXAMPLES, HERO_TILE)
            choice = find_choice()
            st.switch_page("pages/compare.py", query_params=choice.link if choice else None)


def show_models() -> None:
    """Which models are ready, what they map and how well."""
    entries = list_models()
    if not entries:
        st.warning(
            "No model is installed. Put a checkpoint with its manifest into the folder `checkpoints`, or train one "
            "with `claire train`.",
            icon=":material/block:",
        )
        return
    rows = [
        (
            f"<strong>{as_html(entry.name)}</strong><br>{STATUS_WORDS.get(entry.status, as_html(entry.status))}",
            _describe(entry),
            _list_scores(entry),
        )
        for entry in entries
    ]
    show_table(("Model", "What it maps", "Validation, clear sky"), rows, words=True)


def show_data() -> None:
    """Which data sets the Explore page lists."""
    rows = [
        (as_html(dataset.title), as_html(", ".join(dataset.splits)), f"{len(list_ids(key)):,}")
        for key, dataset in list_datasets().items()
    ]
    show_table(("Data set", "Splits", "Pairs"), rows, words=True)
    if set(list_datasets()) == {EXAMPLES}:
        st.caption("Set `CLAIRE_DATA` to a folder of data before the start to browse it, or upload a pair on Explore.")


def _show_answer(tile: Tile) -> None:
    if tile.label is None:
        return
    show_picture(render_label(tile.label, FLOOD), describe_label(FLOOD.to_index(tile.label), FLOOD))
    st.caption("**Together** they tell the flood (blue) from the river. All three are generated examples.")


def _describe(entry: KnownModel) -> str:
    if entry.manifest is None:
        return "not known: its manifest cannot be read"
    names = ", ".join(entry.manifest.class_scheme.names)
    return f"{as_html(entry.manifest.title)}<br><small>{as_html(names)}</small>"


def _list_scores(entry: KnownModel) -> str:
    if entry.manifest is None:
        return "no scores in its card"
    headline, parts = find_headline(entry.manifest), []
    for mode, mode_title in MODE_TITLES.items():
        clear = entry.manifest.scores.get(mode, {}).get("clear", {})
        key, title = headline if headline[0] in clear else MEAN
        if key in clear:
            parts.append(f"{mode_title}: {as_html(title)} {format_score(clear[key])}")
    return "<br>".join(parts) or "no scores in its card"
