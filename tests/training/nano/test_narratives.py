"""The texts that nano learns from: random, the same for the same seed, and complete."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest

from claire.core.facts import FACT_KINDS
from claire.reasoning.prompt import DONE
from claire.reasoning.topics import build_plan
from claire.training.nano.narratives import draw_facts, draw_text, draw_texts, tell


def test_the_same_seed_gives_the_same_texts_and_a_run_can_go_on_where_it_stopped() -> None:
    first = list(itertools.islice(draw_texts(3), 6))
    assert first == list(itertools.islice(draw_texts(3), 6))
    assert first[4:] == list(itertools.islice(draw_texts(3, start=4), 2))
    assert len(set(first)) == 6
    assert first != list(itertools.islice(draw_texts(4), 6))


@pytest.mark.parametrize("seed", range(10))
def test_a_narrative_tells_every_needed_topic_once_in_one_of_its_wordings(seed: int) -> None:
    rng = np.random.default_rng(seed)
    plan = build_plan(draw_facts(rng))
    *lines, end = tell(plan, rng).split("\n")
    assert end == DONE
    topics = {topic.mark: topic for topic in plan.topics}
    marks = [line[: line.index(">") + 1] for line in lines]
    assert len(set(marks)) == len(marks)
    assert {topic.mark for topic in plan.topics if topic.needed} <= set(marks)
    assert all(line[len(mark) :] in topics[mark].wordings for mark, line in zip(marks, lines, strict=True))


def test_an_answer_tells_its_topics_in_their_order() -> None:
    rng = np.random.default_rng(0)
    plan = build_plan(draw_facts(rng), "how much is there?")
    marks = re.findall(r"^<\d+>", tell(plan, rng), re.MULTILINE)
    assert marks == [topic.mark for topic in plan.topics] + [DONE]


def test_the_facts_have_nearly_every_kind_and_no_text_has_a_number() -> None:
    kinds = {fact.kind for seed in range(60) for fact in draw_facts(np.random.default_rng(seed))}
    assert set(FACT_KINDS) - kinds <= {"notice"}
    for seed in range(20):
        text = draw_text(np.random.default_rng(seed))
        assert not re.search(r"\d", re.sub(r"<[^>]*>", "", text.answer).replace("F1", ""))
