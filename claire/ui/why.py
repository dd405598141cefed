"""Ask why a class is where it is: class, map, method and zone, then a computation that can be watched and cancelled."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from claire import pipeline
from claire.core.bands import MODES, Mode
from claire.core.errors import CancelledError, ClaireError
from claire.core.evidence import Explained
from claire.core.settings import Settings
from claire.explain.attributions import METHODS, Options
from claire.ui.cache import SharedModel, load_model
from claire.ui.faults import error_boundary, show_error
from claire.ui.flow import Subject
from claire.ui.jobs import Cancelled, Job, Report, holding
from claire.ui.state import NamedJob, find_answer, find_job, remember_answer, remember_job
from claire.ui.zones import pick_zone
from claire.viz.words import MODE_TITLES

POLL_SECONDS = 0.5
DEFAULT_METHOD = "integrated_gradients"
Work = Callable[[SharedModel, Report, Cancelled], Explained]


@dataclass(frozen=True)
class Question:
    """What is asked about one pair.

    Args:
        subject: The pair and the model.
        class_name: Which class.
        mode: Which map.
        method: Key of `METHODS`.
        zone: (H, W) bool.
    """

    subject: Subject
    class_name: str
    mode: Mode
    method: str
    zone: NDArray[np.bool_]

    @property
    def key(self) -> str:
        """Changes with anything that the answer depends on; begins with the key of the subject."""
        words = repr((self.class_name, self.mode, self.method)).encode()
        return self.subject.key + hashlib.sha256(words + np.packbits(self.zone).tobytes()).hexdigest()


def ask_question(subject: Subject) -> Question | None:
    """Let the user choose class, map, method and zone; None after saying what is wrong with the choice.

    The zone is drawn on the left; on the right stand the other choices and what `show_run` offers.
    """
    left, right = st.columns([5, 4], gap="large")
    with right:
        name, mode, method = _pick_target(subject)
    question = None
    with left:
        try:
            zone = pick_zone(subject.analysis, name, mode)
            question = Question(subject, name, mode, method, zone)
        except ClaireError as error:
            show_error(error)
    with right:
        show_run(question)
    return question


def _pick_target(subject: Subject) -> tuple[str, Mode, str]:
    analysis = subject.analysis
    names = list(analysis.scheme.names)
    shown = [name for name, area in zip(names, _areas(subject), strict=True) if area > 0]
    start = names.index(shown[-1]) if shown else 0
    name = st.selectbox("Why is there", names, index=start, key="claire.why.class")
    modes = [each for each in MODES if each in analysis.predictions]
    mode = st.segmented_control(
        "on the map",
        modes,
        default=modes[0],
        required=True,
        wrap=True,
        format_func=lambda each: MODE_TITLES[each],
        key="claire.why.mode",
    )
    chosen = mode if mode in modes else modes[0]
    method = st.selectbox(
        "Method",
        list(METHODS),
        index=list(METHODS).index(DEFAULT_METHOD),
        format_func=lambda each: METHODS[each].title,
        key="claire.why.method",
    )
    st.caption(f"{METHODS[method].claim} {_describe_cost(subject, method, chosen)}")
    return name, chosen, method


def show_run(question: Question | None) -> None:
    """A button that starts the computation; while one is under way, how far it is and a button that cancels it."""
    named = find_job()
    if named is not None and named.job.running:
        st.fragment(_show_progress, run_every=POLL_SECONDS)(named)
        return
    if named is not None:
        _collect(named)
    if question is None:
        return
    answered = find_answer(question.key) is not None
    if st.button("Explain", type="primary", icon=":material/help:", disabled=answered, key="claire.why.run"):
        _start(question, "Taking the map apart", lambda *given: explain(question, *given))
        st.rerun()
    if not answered:
        st.caption("Nothing has been computed for this question yet.")


def offer_full(question: Question, answer: Explained) -> None:
    """A button that measures faithfulness in full."""
    if answer.faithfulness.full or find_job() is not None:
        return
    if st.button("Measure in full", icon=":material/verified:", key="claire.why.full"):
        tile = question.subject.choice.tile

        def work(shared: SharedModel, report: Report, cancelled: Cancelled) -> Explained:
            with holding(shared.lock, cancelled):
                return pipeline.remeasure(tile, shared.model, answer, report=report, cancelled=cancelled)

        _start(question, "Measuring in full", work)
        st.rerun()


def offer_bands(question: Question, answer: Explained) -> None:
    """A button that asks what each band contributed."""
    if answer.bands is not None or find_job() is not None:
        return
    if st.button("Ask for every band", icon=":material/stacked_bar_chart:", key="claire.why.bands"):
        tile = question.subject.choice.tile

        def work(shared: SharedModel, report: Report, cancelled: Cancelled) -> Explained:
            with holding(shared.lock, cancelled):
                return pipeline.add_bands(tile, shared.model, answer, report=report, cancelled=cancelled)

        _start(question, "Asking for every band", work)
        st.rerun()


def explain(question: Question, shared: SharedModel, report: Report, cancelled: Cancelled) -> Explained:
    """The answer to a question, its faithfulness measured quickly; for a thread of its own."""
    with holding(shared.lock, cancelled):
        return pipeline.explain(
            question.subject.choice.tile,
            shared.model,
            question.class_name,
            question.method,
            zone=question.zone,
            mode=question.mode,
            options=Options(),
            full=False,
            report=report,
            cancelled=cancelled,
        )


def _start(question: Question, title: str, work: Work) -> None:
    shared = load_model(question.subject.model)
    job = Job(lambda report, cancelled: work(shared, report, cancelled), Settings.from_environment().patience_seconds)
    remember_job(NamedJob(title, question.key, job))


def _collect(named: NamedJob) -> None:
    """Keep what a job found; what went wrong in its thread is shown here."""
    remember_job(None)
    with error_boundary():
        try:
            remember_answer(named.key, named.job.collect())
        except CancelledError:
            st.info("Cancelled. Nothing was kept.", icon=":material/cancel:")


def _show_progress(named: NamedJob) -> None:
    """Ask how far a job is, without drawing the rest of the page."""
    if not named.job.running:
        st.rerun()
    progress = named.job.progress
    words = f"pass {progress.done} of about {progress.total}" if progress.total else "waiting for the model"
    st.progress(progress.share, text=f"{named.title}: {words}")
    if st.button("Cancel", icon=":material/cancel:", key="claire.why.cancel"):
        named.job.cancel()


def _areas(subject: Subject) -> list[int]:
    mode = "fused" if "fused" in subject.analysis.areas else next(iter(subject.analysis.areas))
    return [area.pixels for area in subject.analysis.areas[mode]]


def _describe_cost(subject: Subject, method: str, mode: Mode) -> str:
    model = load_model(subject.model).model
    passes = pipeline.count_explain_passes(model, method, mode=mode, full=False)
    more = ", and more where its sum misses the change" if method == DEFAULT_METHOD else ""
    return f"About {passes} passes through the network, the test of its faithfulness included{more}."
