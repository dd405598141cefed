"""The owner of a model, with a fake model behind the real protocol, process and queue."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from claire.core.errors import CancelledError, EngineError
from claire.core.facts import Fact
from claire.core.settings import Settings
from claire.reasoning.facts import build_facts
from claire.reasoning.grammar import GrammarError
from claire.reasoning.grounding import ground
from claire.reasoning.language import LanguageNarrator
from claire.reasoning.owner import ModelOwner, Written, close_all, get_owner
from claire.reasoning.prompt import STATIC
from claire.reasoning.worker import Load
from tests.reasoning.independent_checker import Checker
from tests.reasoning.simulated import as_raw, simulate

GATEWAY = "tests.reasoning.fake_llama"
ONE_LINE = 'root ::= "<1>" | t1\nt1 ::= "<1>" w1\nw1 ::= ("One two three four five six seven.") "\\n"\n'
FACTS = build_facts(simulate(8))


def make_owner(how: str = "good", **limits: int) -> ModelOwner:
    return ModelOwner(Load(how, 2048, 1, STATIC), Settings(**limits), GATEWAY)


@pytest.fixture(scope="module")
def good() -> Iterator[ModelOwner]:
    owner = make_owner()
    yield owner
    owner.close()


def narrate(owner: ModelOwner, facts: tuple[Fact, ...] = FACTS, seed: int = 0) -> str:
    return "".join(token.text for token in LanguageNarrator("fake", owner, seed=seed).narrate(facts))


def test_a_narrative_is_grounded_and_right_by_the_independent_checker(good: ModelOwner) -> None:
    for seed in range(8):
        analysis = simulate(seed)
        facts = build_facts(analysis)
        sentences = list(ground(LanguageNarrator("fake", good, seed=seed).narrate(facts), facts))
        checker = Checker(*as_raw(analysis))
        assert [each.reason for each in sentences if not each.grounded] == []
        assert [problem for each in sentences for problem in checker.problems(each.text)] == []
        cited = {fact for each in sentences for fact in each.facts}
        assert {fact.id for fact in facts[:5]} <= cited
        assert len({each.text for each in sentences}) == len(sentences)
    assert good.starts == 1


def test_the_same_seed_gives_the_same_text_and_another_seed_another(good: ModelOwner) -> None:
    assert narrate(good, seed=1) == narrate(good, seed=1)
    assert len({narrate(good, seed=seed) for seed in range(5)}) == 5


def test_an_answer_says_every_topic_of_the_question(good: ModelOwner) -> None:
    tokens = list(LanguageNarrator("fake", good).narrate(FACTS, "How much water, and which sensor?"))
    assert sum(token.end for token in tokens) >= 1
    assert {fact for token in tokens for fact in token.facts}


def test_sessions_that_ask_at_once_are_served_one_after_the_other(good: ModelOwner) -> None:
    alone = [narrate(good, seed=seed) for seed in range(4)]
    together: dict[int, str] = {}
    threads = [
        threading.Thread(target=lambda seed=seed: together.update({seed: narrate(good, seed=seed)}))
        for seed in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [together[seed] for seed in range(4)] == alone


def test_a_worker_that_dies_in_a_sentence_is_replaced_and_the_sentence_is_finished(tmp_path: Path) -> None:
    owner = make_owner(f"dies:{tmp_path / 'dead'}")
    sentences = list(ground(LanguageNarrator("fake", owner).narrate(FACTS), FACTS))
    owner.close()
    assert (tmp_path / "dead").exists()
    assert owner.starts == 2
    assert all(each.grounded for each in sentences)


def test_a_worker_that_is_killed_between_two_narratives_is_replaced(good: ModelOwner) -> None:
    before = narrate(good)
    os.kill(good.pid or 0, signal.SIGKILL)
    start = time.monotonic()
    assert narrate(good) == before
    assert time.monotonic() - start < 10


def test_who_stops_listening_leaves_the_model_to_the_next(good: ModelOwner) -> None:
    slow = make_owner("slow")
    assert narrate(slow, FACTS[:3])
    for place in range(5):
        tokens = LanguageNarrator("fake", slow).narrate(FACTS)
        for _ in range(place + 1):
            next(tokens)
        tokens.close()  # type: ignore[attr-defined]
        start = time.monotonic()
        next(LanguageNarrator("fake", slow).narrate(FACTS))
        assert time.monotonic() - start < 1
    assert slow.starts == 1
    slow.close()


def test_a_stop_is_heard_while_the_model_writes() -> None:
    slow, stop = make_owner("slow"), threading.Event()
    heard = LanguageNarrator("fake", slow, should_stop=stop.is_set).narrate(FACTS)
    next(heard)
    stop.set()
    with pytest.raises(CancelledError):
        list(heard)
    slow.close()


def test_a_worker_that_does_not_stop_is_replaced() -> None:
    stuck = make_owner("stuck", narrate_seconds=1)
    start = time.monotonic()
    with pytest.raises(EngineError, match="in time"):
        narrate(stuck)
    assert time.monotonic() - start < 8
    assert stuck.pid is None


def test_a_deadline_ends_a_narrative() -> None:
    slow = make_owner("slow", narrate_seconds=1)
    with pytest.raises(EngineError, match="in time"):
        narrate(slow)
    assert slow.pid is not None
    slow.close()


def test_more_than_the_queue_holds_are_refused(good: ModelOwner) -> None:
    crowded = make_owner("good", narrate_queue=1)
    with crowded.turn(), pytest.raises(EngineError, match="wait"), crowded.turn():
        pytest.fail("the second should not get in")


def test_a_model_that_cannot_be_opened_is_a_sentence() -> None:
    with pytest.raises(EngineError, match="cannot be opened"):
        narrate(make_owner("broken"))
    with pytest.raises(EngineError, match="cannot be opened"):
        narrate(ModelOwner(Load("x", 1, 1, ""), Settings(), "tests.reasoning.there_is_no_such_module"))


def test_a_grammar_is_checked_before_the_worker_sees_it(good: ModelOwner) -> None:
    with good.turn() as turn, pytest.raises(GrammarError):
        list(turn.complete("x", 'root ::= root "a"', Written()))
    with good.turn() as turn:
        assert "".join(turn.complete("x", ONE_LINE, Written())).startswith("<1>")


def test_tokens_and_seconds_are_counted(good: ModelOwner) -> None:
    written = Written()
    with good.turn() as turn:
        text = "".join(turn.complete("x", ONE_LINE, written))
    assert written.tokens >= len(text.split())
    assert 0 < written.first <= written.seconds < 5


def test_one_model_has_one_owner() -> None:
    load = Load("good", 1, 1, "")
    assert get_owner(load, Settings(), GATEWAY) is get_owner(load, Settings(), GATEWAY)
    close_all()
    other = get_owner(load, Settings(), GATEWAY)
    assert other.pid is None
    close_all()
