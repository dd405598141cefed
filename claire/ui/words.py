"""The analysis in words: a narrator that can be picked and stopped, facts to press, questions and answers."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import streamlit as st

from claire import pipeline
from claire.core.bands import Mode
from claire.core.errors import CancelledError, ClaireError
from claire.core.evidence import Explained
from claire.core.facts import Fact
from claire.core.settings import Settings
from claire.core.text import as_line
from claire.explain.targets import build_class_zone
from claire.pipeline import Engine
from claire.reasoning.facts import build_facts
from claire.reasoning.headings import title_of
from claire.reasoning.regions import find_map, find_region
from claire.reasoning.wording import show
from claire.ui.answer import show_evidence
from claire.ui.cache import SharedModel, load_model
from claire.ui.faults import error_boundary
from claire.ui.flow import Subject
from claire.ui.jobs import Cancelled, Job, Report
from claire.ui.maps import CLASSES_VIEW, CONFIDENCE_VIEW, TRUST_VIEW, draw_overlay, show_view_key
from claire.ui.pair import show_picture
from claire.ui.report import offer_report
from claire.ui.state import (
    FACT_KEY,
    Story,
    Talk,
    Transcript,
    find_answers,
    find_exchanges,
    find_fact,
    find_story,
    find_talk,
    remember_answer,
    remember_exchange,
    remember_fact,
    remember_story,
    remember_talk,
)
from claire.ui.story import show_story
from claire.ui.text import as_text
from claire.ui.why import DEFAULT_METHOD, Question, explain
from claire.viz.encoding import thin_map
from claire.viz.evidence import render_outlined
from claire.viz.ground import render_ground
from claire.viz.pictures import render_overlay
from claire.viz.words import MODE_TITLES

POLL_SECONDS = 0.25
TABLE_KEY = "claire.words.facts"
OPACITY = 0.65
VIEWS = {
    "confidence": CONFIDENCE_VIEW,
    "low_confidence": CONFIDENCE_VIEW,
    "entropy": CONFIDENCE_VIEW,
    "ece": CONFIDENCE_VIEW,
    "trust": TRUST_VIEW,
}
"""Kind of fact -> what the map shows, where that is not the classes."""
EXAMPLES = (
    "How sure are you?",
    "Which sensor decided?",
    "Which class is weakest?",
    "What would happen without the optical?",
    "What could be wrong?",
)
WHY, BACKGROUND = "Why is there", "background"
STOPPED = "Stopped before the end."
SOURCES: dict[str, tuple[str, str]] = {
    "contribution": ("pages/why.py", "Why"),
    "interaction": ("pages/why.py", "Why"),
    "attribution": ("pages/why.py", "Why"),
    "attention": ("pages/attention.py", "Attention"),
    "confusion": ("pages/errors.py", "Errors"),
    "observed": ("pages/explore.py", "Explore"),
    "observed_date": ("pages/explore.py", "Explore"),
    "bands": ("pages/explore.py", "Explore"),
    "notice": ("pages/explore.py", "Explore"),
    "notices": ("pages/explore.py", "Explore"),
    "failure": ("app.py", "Home"),
    "limit": ("app.py", "Home"),
    "sensor": ("app.py", "Home"),
    "prevalence": ("app.py", "Home"),
}
"""Kind of fact -> page that shows where it came from; the others come from Compare."""


def show_words(subject: Subject) -> None:
    """The whole page."""
    with error_boundary():
        _collect()
    answers = find_answers(subject.key)
    subject = replace(subject, analysis=subject.analysis.with_evidence(*answers))
    facts = build_facts(subject.analysis)
    left, right = st.columns([5, 6], gap="large")
    with right:
        engine = _pick_engine()
        if engine is not None:
            _show_narrative(subject, engine, facts)
            _show_chat(subject, engine)
            with error_boundary():
                seed = _find_seed()
                story = find_story(_make_story_key(subject, engine, seed))
                offer_report(subject, story, find_exchanges(_make_key(subject)), engine.name, seed)
    with left, st.container(key="claire-words-focus"), error_boundary():
        _show_focus(subject, facts)
        _show_evidence(subject, engine, answers)
    with error_boundary(), st.expander(f"All {len(facts)} facts: every number that the text may use"):
        _show_facts(facts)


def _pick_engine() -> Engine | None:
    """The narrator that was picked, with what would make it better."""
    engines = pipeline.list_engines(Settings.from_environment())
    usable = {engine.name: engine for engine in engines if not engine.problem}
    name = st.segmented_control(
        "Written by",
        list(usable),
        default=next(iter(usable)),
        required=True,
        format_func=lambda name: as_line(usable[name].title, 40),
        key="claire.words.engine",
    )
    engine = usable.get(name or "")
    if engine is not None:
        st.caption(engine.about)
    absent = [f"**{as_text(each.title)}**: {each.problem}" for each in engines if each.problem]
    if absent:
        with st.expander("More narrators"):
            st.markdown("\n".join(f"- {line}" for line in absent))
    return engine


def _show_narrative(subject: Subject, engine: Engine, facts: tuple[Fact, ...]) -> None:
    seed = _find_seed()
    key = _make_story_key(subject, engine, seed)
    talk, story = find_talk(), find_story(key)
    if talk is not None and talk.key not in (key, _make_key(subject)):
        remember_talk(None)  # it is about another pair or by another narrator
        talk = None
    if story is None and talk is None:
        talk = _start(subject, engine, key, "", seed)
    if talk is not None and talk.key == key:
        st.fragment(_show_progress, run_every=POLL_SECONDS)(facts)
    elif story is not None:
        if story.sentences:
            show_story("claire.words.story", story.sentences, facts, chosen=find_fact(), on_fact=remember_fact)
            _show_verdict(story)
        if story.note:
            st.info(as_text(story.note), icon=":material/info:")
        _offer_copies(story)


def _show_progress(facts: tuple[Fact, ...]) -> None:
    """What has been written so far, and a button that stops it."""
    talk = find_talk()
    if talk is None or not talk.job.running:
        st.rerun()
    said, measuring = talk.transcript, talk.job.progress
    if measuring.total and not said.sentences and not said.rest:
        words = f"Measuring first what each sensor contributed: pass {measuring.done} of about {measuring.total}"
        st.progress(measuring.share, text=words)
    show_story("claire.words.writing", said.sentences, facts, rest=said.rest, headings=not talk.question)
    if st.button("Stop", icon=":material/stop_circle:", key="claire.words.stop"):
        talk.job.cancel()


def _show_verdict(story: Story) -> None:
    """How many sentences hold, and how fast they came."""
    good = sum(sentence.grounded for sentence in story.sentences)
    words = f"{good} of {len(story.sentences)} sentences follow from the facts that they cite"
    icon = ":material/verified:" if good == len(story.sentences) else ":material/gpp_bad:"
    speed = f" · {story.speed:,.0f} tokens/s" if story.speed else ""
    st.caption(f"{icon} {words}; written by {as_text(story.engine)} on this machine{speed}")


def _offer_copies(story: Story) -> None:
    with st.container(horizontal=True):
        st.button("Say it otherwise", icon=":material/refresh:", key="claire.words.again", on_click=_draw_seed)
        st.download_button(
            "Save", build_copy(story), "narrative.json", "application/json", icon=":material/download:",
            help="The sentences, whether each holds, and all facts.",
        )  # fmt: skip
    with st.expander("Plain text, to copy"):
        st.code(" ".join(sentence.text for sentence in story.sentences), language=None, wrap_lines=True)


def build_copy(story: Story) -> str:
    """A story as JSON: sentences, whether each holds, and all facts."""
    content = {
        "engine": story.engine,
        "sentences": [sentence.as_dict() for sentence in story.sentences],
        "facts": [fact.as_dict() for fact in story.facts],
    }
    return json.dumps(content, indent=2, ensure_ascii=False)


def _find_seed() -> int:
    return int(st.session_state.get("claire.words.seed", 0))


def _draw_seed() -> None:
    st.session_state["claire.words.seed"] = _find_seed() + 1


def _show_chat(subject: Subject, engine: Engine) -> None:
    """Questions and answers about this pair, and a box for the next one."""
    about = _make_key(subject)
    st.subheader("Ask about this pair", anchor=False)
    for number, (question, answer) in enumerate(find_exchanges(about)):
        with st.chat_message("user"):
            st.markdown(as_text(question, 500))
        with st.chat_message("assistant"):
            show_story(
                f"claire.words.answer.{number}", answer.sentences, answer.facts, chosen=find_fact(), headings=False,
                on_fact=remember_fact,
            )  # fmt: skip
            if answer.note:
                st.caption(as_text(answer.note))
    talk = find_talk()
    busy = talk is not None
    if talk is not None and talk.question and talk.key == about:
        with st.chat_message("user"):
            st.markdown(as_text(talk.question, 500))
        with st.chat_message("assistant"):
            st.fragment(_show_progress, run_every=POLL_SECONDS)(())
    asked = st.pills(
        "Such as",
        _list_examples(subject),
        key=f"claire.words.example.{len(find_exchanges(about))}",
        disabled=busy,
        wrap=True,
    )
    most = Settings.from_environment().max_question
    typed = st.chat_input("How much water? Why is this forest and not crops?", max_chars=most, disabled=busy)
    following: str | None = typed or asked
    if following and not busy and following.strip():
        _start(subject, engine, about, following, 0)
        st.rerun()


def _start(subject: Subject, engine: Engine, key: str, question: str, seed: int) -> Talk:
    """Let a narrator begin."""
    transcript, analysis = Transcript(), subject.analysis
    facts = build_facts(analysis)
    wanted = pipeline.find_wanted(analysis, question) if question else ""
    shared = load_model(subject.model) if wanted else None

    def work(report: Report, cancelled: Cancelled) -> Story:
        measured = None
        try:
            if shared is not None:
                measured = _measure(subject, wanted, shared, report, cancelled)
            told = pipeline.reason(
                analysis if measured is None else analysis.with_evidence(measured[1]),
                engine.name,
                question or None,
                seed=seed,
                listen=transcript.listen,
                hear=transcript.hear,
                should_stop=cancelled,
            )
        except CancelledError:
            return Story(engine.title, transcript.sentences, facts, STOPPED, measured=measured)
        return Story(engine.title if not told.notice else told.engine, told.sentences, told.facts, told.notice,
                     told.tokens_per_second, measured)  # fmt: skip

    talk = Talk(key, question, Job(work, Settings.from_environment().patience_seconds), transcript)
    remember_talk(talk)
    return talk


def _measure(
    subject: Subject, class_name: str, shared: SharedModel, report: Report, cancelled: Cancelled
) -> tuple[str, Explained]:
    """What the Why page would find out about a whole class, and the key under which it keeps that."""
    zone = build_class_zone(subject.analysis.predictions["fused"], class_name)
    question = Question(subject, class_name, "fused", DEFAULT_METHOD, zone)
    return question.key, explain(question, shared, report, cancelled)


def _collect() -> None:
    """Keep what a narrator said, or why it said nothing; a fault in its thread is raised here, once."""
    talk = find_talk()
    if talk is None or talk.job.running:
        return
    remember_talk(None)
    story = Story("", (), (), "The narrator failed.")
    try:
        story = talk.job.collect()
    except ClaireError as error:
        story = Story("", (), (), f"{error.message} {error.hint}")
    finally:
        if story.measured is not None:
            remember_answer(*story.measured)
        if talk.question:
            remember_exchange(talk.key, talk.question, story)
        else:
            remember_story(talk.key, story)


def _show_focus(subject: Subject, facts: tuple[Fact, ...]) -> None:
    """The map, with the place of the chosen fact; beside it the number, its rule and the page that it came from."""
    analysis, by_id = subject.analysis, {fact.id: fact for fact in facts}
    if find_fact() not in by_id:
        remember_fact("")
    slot = st.container()
    chosen = st.selectbox(
        "Show a fact on the map",
        ["", *by_id],
        format_func=lambda name: as_line(by_id[name].text, 120) if name else "none",
        key=FACT_KEY,
    )
    fact = by_id.get(chosen)
    first: Mode = next(iter(analysis.predictions))
    mode = first if fact is None else find_map(fact, analysis) or first
    view = CLASSES_VIEW if fact is None else VIEWS.get(fact.kind, CLASSES_VIEW)
    with slot:
        top, words = draw_overlay(analysis, mode, view)
        base = render_ground(analysis, mode)
        picture = base if top is None else render_overlay(base, top, OPACITY)
        region = None if fact is None else find_region(fact, analysis)
        if fact is not None and region is not None and region.any() and not region.all():
            show_picture(render_outlined(picture, thin_map(region)), f"{words} Outlined: {as_line(fact.text)}")
        else:
            show_picture(picture, words)
        show_view_key(analysis, view)
        st.caption(f"{MODE_TITLES[mode]} map, {view.lower()}")
        if fact is None:
            st.caption("Press a chip in the text: the map shows where its number was measured.")
            return
        st.markdown(f"**{as_text(fact.text)}**")
        rule = f" · judged {as_text(fact.threshold)}" if fact.threshold else ""
        st.caption(f"{as_text(title_of(fact))}: {as_text(show(fact))}{rule} · read from {as_text(fact.source)}")
        page, title = SOURCES.get(fact.kind, ("pages/compare.py", "Compare"))
        st.page_link(page, label=f"Where this comes from: {title}", icon=":material/arrow_forward:",
                     query_params=subject.choice.link or None)  # fmt: skip


def _show_evidence(subject: Subject, engine: Engine | None, answers: tuple[Explained, ...]) -> None:
    """The last thing that was found out about the pair, or a button that finds out about its largest class."""
    if answers:
        show_evidence(subject.analysis, answers[-1])
        st.page_link("pages/why.py", label="More on the page Why", icon=":material/arrow_forward:",
                     query_params=subject.choice.link or None)  # fmt: skip
        return
    name = _find_main_class(subject)
    asked = f"{WHY} {name}?"
    if engine is None or not name or not pipeline.find_wanted(subject.analysis, asked):
        return
    label, busy = f"Measure what speaks for {as_line(name, 30)}", find_talk() is not None
    if st.button(label, icon=":material/help:", key="claire.words.measure", disabled=busy):
        _start(subject, engine, _make_key(subject), asked, 0)
        st.rerun()


def _find_main_class(subject: Subject) -> str:
    """The class with the largest area, the background only where there is nothing else; "" for an empty map."""
    mapped = [area for area in next(iter(subject.analysis.areas.values())) if area.pixels]
    return max(mapped, key=lambda area: (area.name != BACKGROUND, area.pixels)).name if mapped else ""


def _list_examples(subject: Subject) -> list[str]:
    name = _find_main_class(subject)
    return [*([f"{WHY} {as_line(name, 40)}?"] if name else []), *EXAMPLES]


def _show_facts(facts: tuple[Fact, ...]) -> None:
    """Every fact in a table; a row that is chosen is shown on the map, with the way to the page that it came from."""
    columns = {
        "Fact": [fact.text for fact in facts],
        "Value": [show(fact) for fact in facts],
        "Judged by": [fact.threshold or "–" for fact in facts],
        "From": [f"{SOURCES.get(fact.kind, ('', 'Compare'))[1]}: {fact.source}" for fact in facts],
    }
    st.caption("The most important first. Choose a row to see on the map where it was measured.")
    st.dataframe(
        columns,
        key=TABLE_KEY,
        on_select=lambda: _choose_row(facts),
        selection_mode="single-row",
        column_config={"Fact": st.column_config.TextColumn(width="large")},
    )


def _choose_row(facts: tuple[Fact, ...]) -> None:
    rows = st.session_state[TABLE_KEY].selection.rows
    remember_fact(facts[rows[0]].id if rows else "")


def _make_story_key(subject: Subject, engine: Engine, seed: int) -> str:
    """Changes with what is known, too: what was found out since belongs into the story."""
    return _make_key(subject, engine.name, str(seed), str(len(subject.analysis.explained)))


def _make_key(subject: Subject, *more: str) -> str:
    return hashlib.sha256(repr((subject.key, *more)).encode()).hexdigest()
