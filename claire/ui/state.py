"""What one session remembers: which pair is chosen, and which model. No other module touches these keys."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from claire.core.evidence import Explained
from claire.core.facts import Fact, Sentence, Token
from claire.core.types import Tile
from claire.core.whatif import Curve, WhatIf
from claire.ui.jobs import Job

if TYPE_CHECKING:
    from claire.ui.cache import ReadyModel

CHOICE_KEY, MODEL_KEY, WORKING_KEY, DATASET_KEY, SPLIT_KEY, SOURCE_KEY = (
    "claire.choice",
    "claire.model",
    "claire.working",
    "claire.dataset",
    "claire.split",
    "claire.source",
)
SWAP_KEY = "claire.upload.swapped"
ANSWERS_KEY, JOB_KEY = "claire.why.answers", "claire.why.job"
MOST_ANSWERS = 6
"""Answers to questions that one session keeps; an attribution of a large tile takes megabytes."""
DAMAGE_KEY, CURVE_KEY = "claire.damage", "claire.curve.drawn"
TALK_KEY, STORIES_KEY, CHAT_KEY = "claire.words.talk", "claire.words.stories", "claire.words.chat"
FACT_KEY = "claire.words.fact"
MOST_STORIES, MOST_EXCHANGES = 12, 40
"""Narratives, and questions with their answers about one pair, that one session keeps."""
DATASET_PARAMETER, TILE_PARAMETER = "dataset", "tile"


@dataclass(frozen=True)
class Choice:
    """The pair that the pages are about.

    Args:
        tile: The pair.
        digest: Of everything in it that a result depends on.
        dataset: Key of the data set it came from; "" for an upload.
        tile_id: Identifier in that data set; "" for an upload.
    """

    tile: Tile
    digest: str
    dataset: str = ""
    tile_id: str = ""

    @property
    def link(self) -> dict[str, str]:
        """Query parameters that lead to this pair; empty for an upload, which nobody else can open."""
        return {DATASET_PARAMETER: self.dataset, TILE_PARAMETER: self.tile_id} if self.dataset else {}


def compute_digest(tile: Tile) -> str:
    """sha256 over pixels, masks, band names, units, label and name of a tile."""
    digest = hashlib.sha256(tile.name.encode())
    for layer in (tile.optical, tile.sar):
        digest.update(repr((layer.bands, layer.unit, layer.values.dtype.str, layer.shape) if layer else None).encode())
        if layer is not None:
            digest.update(layer.values.tobytes())
            digest.update(layer.valid.tobytes())
    if tile.label is not None:
        digest.update(tile.label.dtype.str.encode() + tile.label.tobytes())
    return digest.hexdigest()


def choose(tile: Tile, dataset: str = "", tile_id: str = "") -> Choice:
    """Make a pair the one that the pages are about, and put it into the address of the page."""
    choice = Choice(tile, compute_digest(tile), dataset, tile_id)
    st.session_state[CHOICE_KEY] = choice
    st.query_params.from_dict(choice.link)
    return choice


def find_choice() -> Choice | None:
    """The chosen pair, or None before the first choice."""
    choice = st.session_state.get(CHOICE_KEY)
    return choice if isinstance(choice, Choice) else None


def pick_model(name: str) -> None:
    """Make a model the one that is picked in the sidebar; for callbacks, which run before the sidebar is drawn."""
    st.session_state[MODEL_KEY] = name


def remember_working(model: ReadyModel) -> None:
    """Keep the model that has just worked, for when the next one does not."""
    st.session_state[WORKING_KEY] = model


def find_working() -> ReadyModel | None:
    """The last model that worked in this session, or None."""
    model: ReadyModel | None = st.session_state.get(WORKING_KEY)
    return model


@dataclass(frozen=True)
class NamedJob:
    """A computation under way.

    Args:
        title: What it does, for people.
        key: Of the question that it answers.
        job: Gives the answer.
    """

    title: str
    key: str
    job: Job[Explained]


def find_job() -> NamedJob | None:
    """The computation that this session has under way or has not collected, or None."""
    named: NamedJob | None = st.session_state.get(JOB_KEY)
    return named


def remember_job(named: NamedJob | None) -> None:
    """Put a computation under way, or forget it."""
    st.session_state[JOB_KEY] = named


def find_answer(key: str) -> Explained | None:
    """What was found out about a question in this session, or None."""
    answers: dict[str, Explained] = st.session_state.get(ANSWERS_KEY, {})
    return answers.get(key)


def find_answers(about: str) -> tuple[Explained, ...]:
    """What was found out in this session about a pair under a model, the oldest first.

    Args:
        about: Key of the subject, with which the keys of its questions begin.
    """
    answers: dict[str, Explained] = st.session_state.get(ANSWERS_KEY, {})
    return tuple(answer for key, answer in answers.items() if key.startswith(about))


def remember_answer(key: str, answer: Explained) -> None:
    """Keep what was found out, the last few questions at most."""
    _keep_last(st.session_state.setdefault(ANSWERS_KEY, {}), key, answer, MOST_ANSWERS)


@dataclass(frozen=True)
class Story:
    """What was said about a pair, as far as it came.

    Args:
        engine: Who said it.
        sentences: Checked.
        facts: All facts of the analysis.
        note: What else there is to know: another engine than the wanted one, or that it was stopped.
        speed: Tokens per second; 0 where it was stopped.
        measured: What was found out for it, and the key of that question; None where nothing was.
    """

    engine: str
    sentences: tuple[Sentence, ...]
    facts: tuple[Fact, ...]
    note: str = ""
    speed: float = 0.0
    measured: tuple[str, Explained] | None = None


@dataclass
class Transcript:
    """A story while it is told: a job writes it, the page reads it."""

    sentences: tuple[Sentence, ...] = ()
    rest: str = ""

    def listen(self, token: Token) -> None:
        """Take the next piece."""
        self.rest += token.text

    def hear(self, sentence: Sentence) -> None:
        """Take a whole sentence in place of its pieces."""
        self.sentences, self.rest = (*self.sentences, sentence), ""


@dataclass(frozen=True)
class Talk:
    """A story being told.

    Args:
        key: Of the story, or of the pair for an answer.
        question: Which is answered; "" for a narrative.
        job: Gives the story.
        transcript: How far it is.
    """

    key: str
    question: str
    job: Job[Story]
    transcript: Transcript


def find_talk() -> Talk | None:
    """The story that this session has under way or has not collected, or None."""
    talk: Talk | None = st.session_state.get(TALK_KEY)
    return talk


def remember_talk(talk: Talk | None) -> None:
    """Put a story under way, or forget it; one that is under way is stopped."""
    if (old := find_talk()) is not None and old is not talk:
        old.job.cancel()
    st.session_state[TALK_KEY] = talk


def find_story(key: str) -> Story | None:
    """What this session was told before, or None."""
    stories: dict[str, Story] = st.session_state.get(STORIES_KEY, {})
    return stories.get(key)


def remember_story(key: str, story: Story) -> None:
    """Keep a story, the last few at most."""
    _keep_last(st.session_state.setdefault(STORIES_KEY, {}), key, story, MOST_STORIES)


def find_exchanges(about: str) -> tuple[tuple[str, Story], ...]:
    """Questions about a pair in this session and their answers, the oldest first."""
    chats: dict[str, tuple[tuple[str, Story], ...]] = st.session_state.get(CHAT_KEY, {})
    return chats.get(about, ())


def remember_exchange(about: str, question: str, answer: Story) -> None:
    """Add a question and its answer to those about a pair."""
    chats = st.session_state.setdefault(CHAT_KEY, {})
    _keep_last(chats, about, (*find_exchanges(about), (question, answer))[-MOST_EXCHANGES:], MOST_STORIES)


def remember_fact(fact_id: str) -> None:
    """The fact to show; "" for none."""
    st.session_state[FACT_KEY] = fact_id


def find_fact() -> str:
    """Id of the fact to show; "" for none, and it may belong to another analysis."""
    return str(st.session_state.get(FACT_KEY, ""))


def _keep_last(kept: dict[str, Any], key: str, value: Any, most: int) -> None:
    kept.pop(key, None)
    kept[key] = value
    while len(kept) > most:
        del kept[next(iter(kept))]


def remember_damage(what_if: WhatIf) -> None:
    """Keep what the sliders of the What-if page say."""
    st.session_state[DAMAGE_KEY] = what_if


def find_damage() -> WhatIf:
    """What the sliders of the What-if page last said; no damage before."""
    damage = st.session_state.get(DAMAGE_KEY)
    return damage if isinstance(damage, WhatIf) else WhatIf()


def remember_curve(curve: Curve, about: str) -> None:
    """Keep the last curve over a factor, and which pair under which model it is about."""
    st.session_state[CURVE_KEY] = (about, curve)


def find_curve(about: str) -> Curve | None:
    """The last curve over a factor, if it is about this pair and model."""
    kept, curve = st.session_state.get(CURVE_KEY, ("", None))
    return curve if kept == about else None


def forget_upload() -> None:
    """No uploaded pair is chosen any more; one of a data set stays."""
    if (choice := find_choice()) is not None and not choice.dataset:
        del st.session_state[CHOICE_KEY]


def remember_swap(fingerprint: str) -> None:
    """The two sensors of this upload are to be exchanged, or back again."""
    st.session_state[SWAP_KEY] = "" if is_swapped(fingerprint) else fingerprint


def is_swapped(fingerprint: str) -> bool:
    """Whether the user exchanged the two sensors of this upload."""
    return bool(st.session_state.get(SWAP_KEY) == fingerprint)


def find_linked() -> tuple[str, str] | None:
    """Data set and tile that the address of the page names, not yet checked; None when it names none."""
    dataset, tile_id = st.query_params.get(DATASET_PARAMETER, ""), st.query_params.get(TILE_PARAMETER, "")
    return (dataset, tile_id) if dataset and tile_id else None
