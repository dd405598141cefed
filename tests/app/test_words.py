"""In words: a narrative without and with a language model, facts on the map, questions, stopping."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from claire import pipeline
from claire.core.errors import CancelledError, EngineError
from claire.core.facts import Token
from claire.ui.words import EXAMPLES
from tests.app.test_pages import words_of

Open = Callable[..., AppTest]
PAGE = "pages/reasoning.py"
SECONDS = 60.0


@pytest.fixture(autouse=True)
def no_llama(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a machine where llama-cpp-python is not installed."""
    monkeypatch.setattr("claire.reasoning.gguf.has_llama", lambda: False)


@pytest.fixture
def app(open_page: Open) -> AppTest:
    return wait(open_page(PAGE, dataset="examples", tile="cloudy-2"))


def wait(app: AppTest) -> AppTest:
    """Run until the narrator is done."""
    end = time.monotonic() + SECONDS
    while app.session_state["claire.words.talk"] is not None and time.monotonic() < end:
        time.sleep(0.05)
        app.run()
    assert app.session_state["claire.words.talk"] is None
    assert not app.exception
    return app


def story_of(app: AppTest) -> Any:
    return list(app.session_state["claire.words.stories"].values())[-1]


def text_of(app: AppTest) -> str:
    return " ".join(sentence.text for sentence in story_of(app).sentences)


def test_without_llama_the_template_writes_and_the_page_says_what_would_be_better(app: AppTest) -> None:
    assert not app.error
    assert story_of(app).engine == "template"
    assert text_of(app) == app.code[0].value
    assert "make reasoning" in words_of(app)
    assert "claire models download phi-3-mini" in words_of(app)
    count = len(story_of(app).sentences)
    assert f"{count} of {count} sentences follow" in words_of(app)


def test_it_can_be_said_otherwise_and_only_the_wording_changes(app: AppTest) -> None:
    before = story_of(app)
    wait(app.button(key="claire.words.again").click().run())
    assert story_of(app).facts == before.facts
    assert [each.facts for each in story_of(app).sentences] == [each.facts for each in before.sentences]
    assert story_of(app).sentences != before.sentences


def test_every_fact_can_be_shown_on_the_map(app: AppTest) -> None:
    facts = story_of(app).facts
    for kind in ("area_share", "low_confidence", "trust", "disagreement", "labelled", "observed"):
        fact = next(fact for fact in facts if fact.kind == kind)
        app.selectbox(key="claire.words.fact").select(fact.id).run()
        assert not app.exception
        assert not app.error
        assert fact.source in words_of(app).replace("\\", "")


def test_questions_are_answered_from_facts_and_kept_for_the_pair(app: AppTest) -> None:
    for number, question in enumerate(("How much flood is there?", "What is the weather?")):
        wait(app.chat_input[0].set_value(question).run())
        exchanges = next(iter(app.session_state["claire.words.chat"].values()))
        assert len(exchanges) == number + 1
        assert exchanges[-1][0] == question
        assert all(sentence.grounded for sentence in exchanges[-1][1].sentences)
    assert "does not tell" in exchanges[-1][1].sentences[0].text
    shown = [message.markdown[0].value for message in app.chat_message if message.name == "user"]
    assert len(shown) == 2


def test_an_example_question_is_asked_by_a_press(app: AppTest) -> None:
    app.pills[0].set_value(EXAMPLES[0]).run()
    wait(app)
    assert next(iter(app.session_state["claire.words.chat"].values()))[0][0] == EXAMPLES[0]


def test_a_narrative_can_be_stopped_and_what_was_said_stays(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    real, begun = pipeline.reason, threading.Event()

    def endless(*given: Any, listen: Any, hear: Any, should_stop: Any, **more: Any) -> Any:
        told = real(*given, **more)
        hear(told.sentences[0])
        listen(Token("And then", ()))
        begun.set()
        while not should_stop():
            time.sleep(0.01)
        raise CancelledError("The narrative was stopped.")

    monkeypatch.setattr(pipeline, "reason", endless)
    app = open_page(PAGE, dataset="examples", tile="cloudy-2")
    begun.wait(SECONDS)
    app.run()
    assert app.session_state["claire.words.talk"].job.running
    assert app.chat_input[0].disabled
    wait(app.button(key="claire.words.stop").click().run())
    assert len(story_of(app).sentences) == 1
    assert "Stopped before the end" in words_of(app)


def test_a_narrator_that_fails_is_a_sentence_and_is_not_asked_again_and_again(
    open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[object] = []

    def fail(*given: Any, **_: Any) -> Any:
        calls.append(given)
        raise EngineError("The language model stopped working.", "Ask again.")

    monkeypatch.setattr(pipeline, "reason", fail)
    app = wait(open_page(PAGE, dataset="examples", tile="cloudy-2"))
    app.run()
    assert "stopped working" in words_of(app)
    assert len(calls) == 1
    app.button(key="claire.words.again").click().run()
    wait(app)
    assert len(calls) == 2


def test_a_fault_in_the_thread_is_a_card(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "reason", lambda *_, **__: 1 / 0)
    app = open_page(PAGE, dataset="examples", tile="cloudy-2")
    end = time.monotonic() + SECONDS
    while not app.error and time.monotonic() < end:
        time.sleep(0.05)
        app.run()
    assert "Something went wrong inside CLAIRE" in app.error[0].value


def test_another_pair_gets_its_own_text_and_its_own_questions(app: AppTest) -> None:
    wait(app.chat_input[0].set_value("How much flood is there?").run())
    first = text_of(app)
    app.query_params["tile"] = "valley-1"
    wait(app.run())
    assert text_of(app) != first
    assert not app.chat_message


def test_what_is_saved_holds_the_sentences_and_the_facts(app: AppTest) -> None:
    from claire.ui.words import build_copy

    content = json.loads(build_copy(story_of(app)))
    assert [each["text"] for each in content["sentences"]] == [each.text for each in story_of(app).sentences]
    assert {name for each in content["sentences"] for name in each["facts"]} <= {f["id"] for f in content["facts"]}


def test_without_a_pair_the_page_points_to_explore(open_page: Open) -> None:
    app = open_page(PAGE)
    assert not app.exception
    assert "No pair is chosen" in words_of(app)
