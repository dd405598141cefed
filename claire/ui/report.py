"""A report to download: what this session knows about a pair, made when somebody asks for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st

from claire import pipeline
from claire.core.analysis import Analysis
from claire.pipeline import Narrative
from claire.report.building import build_report
from claire.report.writing import FORMATS, ReportFormat, render_report
from claire.ui.flow import Subject
from claire.ui.state import Story

MIME: dict[ReportFormat, str] = {"html": "text/html", "pdf": "application/pdf"}
NAME_SIGNS = "-_."
LONGEST_NAME = 60


@dataclass(frozen=True)
class Known:
    """What a session knows about a pair.

    Args:
        analysis: With the answers of the Why page.
        story: The narrative that is shown; None where there is none, and then the template tells it.
        exchanges: Questions and their answers.
        engine: Name of the narrator.
        seed: Of the wording.
    """

    analysis: Analysis
    story: Story | None
    exchanges: tuple[tuple[str, Story], ...]
    engine: str
    seed: int

    @property
    def words(self) -> str:
        """What a report of it holds."""
        parts = ["maps, areas and facts"]
        if self.analysis.explained:
            count = len(self.analysis.explained)
            parts.append(f"{count} answer{'s' if count > 1 else ''} from the page Why")
        parts.append("the text above" if self.story is not None else "a text by the template")
        if self.exchanges:
            parts.append("the questions")
        return f"One file with {', '.join(parts)}, and where all of it comes from."


def offer_report(
    subject: Subject, story: Story | None, exchanges: Sequence[tuple[str, Story]], engine: str, seed: int
) -> None:
    """Buttons that make and download a report; nothing is made before they are pressed.

    Args:
        subject: The pair, its analysis with the answers of the Why page.
        story: Narrative that is shown, or None.
        exchanges: Questions and answers that are shown.
        engine: Name of the narrator.
        seed: Of the wording.
    """
    told = story if story is not None and story.sentences else None
    analysis = subject.analysis
    known = Known(analysis, told, tuple(each for each in exchanges if each[1].sentences), engine, seed)
    st.subheader("Report", anchor=False)
    st.caption(known.words)
    with st.container(horizontal=True):
        for kind in FORMATS:
            st.download_button(
                f"Report as {kind.upper()}",
                _promise(known, kind),
                name_report(analysis, kind),
                MIME[kind],
                on_click="ignore",
                icon=":material/description:",
                key=f"claire.words.report.{kind}",
            )


def make_report(known: Known, kind: ReportFormat) -> bytes:
    """The bytes of a report."""
    analysis = known.analysis
    narrative = pipeline.reason(analysis, seed=known.seed) if known.story is None else _retell(known.story)
    answers = [(question, _retell(answer)) for question, answer in known.exchanges]
    return render_report(build_report(analysis, narrative, answers, engine=known.engine, seed=known.seed), kind)


def name_report(analysis: Analysis, kind: ReportFormat) -> str:
    """A file name of plain letters, from the name of the pair."""
    plain = "".join(c if c.isascii() and (c.isalnum() or c in NAME_SIGNS) else "-" for c in analysis.tile.name)
    return f"{plain.strip('-.')[:LONGEST_NAME] or 'pair'}-report.{kind}"


def _promise(known: Known, kind: ReportFormat) -> Callable[[], bytes]:
    return lambda: make_report(known, kind)


def _retell(story: Story) -> Narrative:
    return Narrative(story.engine, story.sentences, story.facts, story.speed, story.note)
