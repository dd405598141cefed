"""The frame of every page: page settings, sidebar, model picker, a little style. Calling it twice changes nothing."""

from __future__ import annotations

import streamlit as st

from claire.ui.cache import ReadyModel, list_ready_models, read_tile
from claire.ui.faults import error_boundary
from claire.ui.state import MODEL_KEY, choose, find_choice, find_linked
from claire.ui.text import as_text
from claire.viz.encoding import build_image
from claire.viz.pictures import render_icon

PAGES = (
    ("app.py", "Home", ":material/home:"),
    ("pages/explore.py", "Explore", ":material/grid_view:"),
    ("pages/compare.py", "Compare", ":material/compare:"),
    ("pages/attention.py", "Attention", ":material/visibility:"),
    ("pages/why.py", "Why", ":material/help:"),
    ("pages/what_if.py", "What if", ":material/tune:"),
    ("pages/errors.py", "Errors", ":material/troubleshoot:"),
    ("pages/reasoning.py", "In words", ":material/notes:"),
    ("pages/models.py", "Models", ":material/badge:"),
)
STYLE = """
<style>
[data-testid="stMainBlockContainer"] {padding: 2.5rem clamp(1rem, 4vw, 3.5rem) 3rem; max-width: 1500px;}
[data-testid="stImage"] img {border-radius: 4px; image-rendering: auto;}
.claire-table {border-collapse: collapse; width: 100%; font-size: 0.92rem; font-variant-numeric: tabular-nums;}
.claire-table caption {text-align: left; caption-side: bottom; opacity: 0.7; padding-top: 0.4rem; font-size: 0.82rem;}
.claire-table th, .claire-table td {padding: 0.3rem 0.6rem 0.3rem 0; text-align: right;
  border-bottom: 1px solid rgba(128, 128, 128, 0.3);}
.claire-table th:first-child, .claire-table td:first-child {text-align: left;}
.claire-table th {font-weight: 600;}
.claire-words td, .claire-words th {text-align: left; vertical-align: top;}
.claire-words td:not(:first-child) {overflow-wrap: anywhere;}
.claire-scroll {overflow-x: auto;}
.claire-key {display: flex; flex-wrap: wrap; gap: 0.15rem 0.9rem; font-size: 0.86rem; align-items: center;}
.claire-swatch {display: inline-block; width: 0.85em; height: 0.85em; border-radius: 2px; margin-right: 0.4em;
  border: 1px solid rgba(128, 128, 128, 0.7); vertical-align: -0.08em;}
@media (min-width: 700px) {.st-key-claire-words-focus {position: sticky; top: 4.5rem;}}
.claire-ramp {height: 0.75em; flex: 1; min-width: 5rem; border-radius: 2px; border: 1px solid rgba(128, 128, 128, 0.7);}
</style>
"""


def shell(title: str) -> None:
    """Draw the frame and follow a link that names a pair.

    Args:
        title: Of the page, shown in the tab of the browser.
    """
    st.set_page_config(page_title=f"{title} · CLAIRE", page_icon=build_image(render_icon()), layout="wide")
    st.html(STYLE)
    with error_boundary():
        _follow_link()
    with st.sidebar, error_boundary():
        _show_sidebar()


def find_model() -> ReadyModel | None:
    """The model that is picked in the sidebar; None when none is ready."""
    ready = list_ready_models()
    return ready.get(st.session_state.get(MODEL_KEY, ""), next(iter(ready.values()), None))


def _follow_link() -> None:
    linked, choice = find_linked(), find_choice()
    if linked is not None and (choice is None or linked != (choice.dataset, choice.tile_id)):
        choose(read_tile(*linked), *linked)


def _show_sidebar() -> None:
    choice = find_choice()
    st.markdown("### CLAIRE")
    for path, label, icon in PAGES:
        st.page_link(path, label=label, icon=icon, query_params=choice.link if choice and path != "app.py" else None)
    ready = list_ready_models()
    if ready:
        st.selectbox(
            "Model",
            list(ready),
            key=MODEL_KEY,
            persist_state="session",
            help="The network that draws the maps. It is loaded once and shared by all pages.",
        )
        st.caption(as_text(ready[st.session_state[MODEL_KEY]].manifest.title))
    else:
        st.warning("No model is ready. Pairs can be explored, but not compared.", icon=":material/block:")
    if choice is not None:
        st.caption(f"Pair chosen: **{as_text(choice.tile.name, 60)}**")
