"""The two steps of the app as pages call them: choose a pair, compare its maps."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import streamlit as st

from claire.core.analysis import Analysis
from claire.core.manifest import Manifest
from claire.core.types import Tile
from claire.ui.bands import SENSOR_TITLES, find_missing, offer_fitting, show_misfit
from claire.ui.cache import ReadyModel, analyse, find_dataset, list_ids, list_ready_models
from claire.ui.gallery import show_gallery
from claire.ui.pair import show_facts, show_notices, show_pair
from claire.ui.serving import find_working_model
from claire.ui.shell import find_model
from claire.ui.state import SOURCE_KEY, Choice, find_choice
from claire.ui.text import as_text
from claire.ui.upload import show_uploader

BROWSE, UPLOAD = "Browse data sets", "Upload a pair"


def show_source() -> None:
    """Pick a pair from a gallery, or upload one."""
    source = st.segmented_control(
        "Where the pair comes from",
        [BROWSE, UPLOAD],
        default=BROWSE,
        required=True,
        wrap=True,
        key=SOURCE_KEY,
        persist_state="session",
        label_visibility="collapsed",
    )
    if source == UPLOAD:
        show_uploader()
    else:
        show_gallery()


def show_chosen() -> None:
    """The chosen pair, what its files are, and the way to its maps."""
    choice = find_choice()
    if choice is None or (st.session_state.get(SOURCE_KEY) == UPLOAD and choice.dataset):
        return
    entry = find_model()
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.subheader(as_text(choice.tile.name, 60), anchor=False)
        if st.button("Compare the maps", type="primary", icon=":material/compare:", disabled=not list_ready_models()):
            st.switch_page("pages/compare.py", query_params=choice.link or None)
    if entry and (missing := find_missing(choice.tile, entry.manifest)):
        sensors = " and ".join(SENSOR_TITLES[modality] for modality in missing)
        st.caption(f":material/warning: The model {as_text(entry.name)} wants other bands ({sensors}).")
        offer_fitting(find_fitting(choice.tile))
    show_notices(choice.tile.notices)
    show_pair(entry.manifest.class_scheme if entry else None)
    st.markdown("**What the files are**")
    show_facts(choice.tile)


@dataclass(frozen=True)
class Subject:
    """What a page is about.

    Args:
        choice: The chosen pair.
        model: Under which it is looked at.
        analysis: Of that pair under that model.
    """

    choice: Choice
    model: ReadyModel
    analysis: Analysis

    @property
    def key(self) -> str:
        """Changes with the pair and the model."""
        return hashlib.sha256(repr((self.choice.digest, self.model.sha256)).encode()).hexdigest()


def find_analysis() -> Analysis | None:
    """The analysis of the chosen pair under the picked model; None after saying what is in the way."""
    subject = find_subject()
    return None if subject is None else subject.analysis


def find_subject() -> Subject | None:
    """The chosen pair, the picked model and their analysis; None after saying what is in the way."""
    choice = find_choice()
    if choice is None:
        st.info("**No pair is chosen yet.** Pick or upload one on the Explore page.", icon=":material/grid_view:")
        st.page_link("pages/explore.py", label="Go to Explore", icon=":material/grid_view:")
        return None
    entry = find_working_model()
    if entry is None:
        return None
    if find_missing(choice.tile, entry.manifest):
        show_misfit(choice.tile, entry.manifest, find_fitting(choice.tile))
        return None
    st.caption(f"Pair **{as_text(choice.tile.name, 60)}** · model **{as_text(entry.name)}**")
    if is_learnt(choice, entry.manifest):
        st.caption(":material/school: The model learnt from this pair, so its scores here are better than elsewhere.")
    return Subject(choice, entry, analyse(choice, entry))


def find_fitting(tile: Tile) -> tuple[str, ...]:
    """Names of the models that are ready and have all their bands in a tile."""
    return tuple(name for name, model in list_ready_models().items() if not find_missing(tile, model.manifest))


def is_learnt(choice: Choice, manifest: Manifest) -> bool:
    """Whether the pair belongs to the split that the model was trained on; an upload is never known to."""
    recipe = manifest.training.get("recipe", {})
    if not choice.dataset or find_dataset(choice.dataset).name != recipe.get("data"):
        return False
    tiles = manifest.training.get("tiles")
    if isinstance(tiles, list):
        same = find_dataset(choice.dataset).root.absolute().name == recipe.get("root")
        return same and choice.tile_id in tiles
    split = recipe.get("train_split", "train")
    return split in find_dataset(choice.dataset).splits and choice.tile_id in list_ids(choice.dataset, split)
