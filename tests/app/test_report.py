"""A report to download on the page In words: made of what the session knows, when it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from claire import pipeline
from claire.core.errors import EngineError
from claire.core.evidence import Explained
from claire.report.content import Badge
from claire.report.page import LONGEST_TEXT
from claire.ui import report as offered
from claire.ui.report import Known, make_report, name_report
from tests.app.test_pages import words_of
from tests.app.test_words import PAGE, story_of, wait
from tests.evidence import explained
from tests.reasoning.simulated import simulate
from tests.report.reading import Page, build_whole

Open = Callable[..., AppTest]


@pytest.fixture(autouse=True)
def no_llama(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine where llama-cpp-python is not installed."""
    monkeypatch.setattr("claire.reasoning.gguf.has_llama", lambda: False)


@pytest.fixture
def promised(monkeypatch: pytest.MonkeyPatch) -> list[Known]:
    """What the buttons would make a report of."""
    found: list[Known] = []
    real = offered._promise

    def promise(known: Known, kind: Any) -> Callable[[], bytes]:
        found.append(known)
        return real(known, kind)

    monkeypatch.setattr(offered, "_promise", promise)
    return found


def test_a_report_holds_the_text_that_is_shown_and_the_questions(open_page: Open, promised: list[Known]) -> None:
    app = wait(open_page(PAGE, dataset="examples", tile="cloudy-2"))
    wait(app.chat_input[0].set_value("How much flood is there?").run())
    known = promised[-1]
    assert known.story == story_of(app)
    assert "the text above, the questions" in words_of(app)
    page = Page(make_report(known, "html"))
    for sentence in (*known.story.sentences, *known.exchanges[0][1].sentences):
        assert " ".join(sentence.text.split())[:LONGEST_TEXT] in page.text
    assert "How much flood is there?" in page.text
    assert make_report(known, "pdf").startswith(b"%PDF")
    assert make_report(known, "html") == make_report(promised[-2], "html")


def test_without_a_narrative_the_template_tells_the_report(
    open_page: Open, promised: list[Known], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise EngineError("The language model stopped working.", "Ask again.")

    with monkeypatch.context() as broken:
        broken.setattr(pipeline, "reason", fail)
        wait(open_page(PAGE, dataset="examples", tile="cloudy-2"))
    assert promised[-1].story is None
    assert "written by template" in Page(make_report(promised[-1], "html")).text


def test_answers_of_the_why_page_are_in_the_report(
    open_page: Open, promised: list[Known], monkeypatch: pytest.MonkeyPatch
) -> None:
    keys: list[str] = []

    def find(about: str) -> tuple[Explained, ...]:
        keys.append(about)
        return (explained(0, np.ones((256, 256), bool)),)

    monkeypatch.setattr("claire.ui.words.find_answers", find)
    app = wait(open_page(PAGE, dataset="examples", tile="cloudy-2"))
    assert [answer.attribution.method for answer in promised[-1].analysis.explained] == ["ablation"]
    assert "1 answer from the page Why" in words_of(app)
    assert len(set(keys)) == 1


def test_a_report_shows_the_badge_of_an_answer() -> None:
    known = Known(build_whole(), None, (), "template", 0)
    text = Page(make_report(known, "html")).text
    for answer in known.analysis.explained:
        assert Badge(answer.faithfulness.badge, "").word in text


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("OMBRIA train/0053", "OMBRIA-train-0053-report.pdf"), ("../../etc/passwd", "etc-passwd-report.pdf"),
        ('a"b\r\n<x>', "a-b---x-report.pdf"), ("洪水", "pair-report.pdf"), ("x" * 500, "x" * 60 + "-report.pdf"),
    ],
)  # fmt: skip
def test_a_file_is_named_after_the_pair_in_plain_letters(name: str, file: str) -> None:
    made = simulate(1, size=(5, 5))
    assert name_report(replace(made, tile=replace(made.tile, name=name)), "pdf") == file
