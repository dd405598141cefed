"""Which model draws the maps: the picked one, or the last that worked while the picked one cannot be used."""

from __future__ import annotations

import streamlit as st

from claire.core.errors import ClaireError
from claire.ui.cache import ReadyModel, load_model
from claire.ui.faults import show_error
from claire.ui.shell import find_model
from claire.ui.state import find_working, remember_working
from claire.ui.text import as_text


def find_working_model() -> ReadyModel | None:
    """The picked model, loaded; else the last one that worked in this session; None after saying what is in the way.

    A model that worked is served from memory: what has happened to its file since does not matter.
    """
    picked, last = find_model(), find_working()
    if picked is not None:
        try:
            load_model(picked)
        except ClaireError as error:
            show_error(error)
        else:
            remember_working(picked)
            return picked
    if last is not None and last != picked and _is_loadable(last):
        st.info(f"The last model that worked, **{as_text(last.name)}**, stays in use.", icon=":material/history:")
        return last
    if picked is None:
        st.error(
            "**No model is ready.**\n\nPut a checkpoint with its manifest into the folder `checkpoints`, or train one "
            "with `claire train`.",
            icon=":material/block:",
        )
    return None


def _is_loadable(model: ReadyModel) -> bool:
    try:
        load_model(model)
    except ClaireError:
        return False
    return True
