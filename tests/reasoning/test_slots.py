"""Slots: what a model writes in place of names and numbers, and what is put there."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from claire.core.classes import ClassScheme, LandClass
from claire.reasoning.book import FactBook
from claire.reasoning.facts import build_facts, rank_facts
from claire.reasoning.prompt import build_prompt
from claire.reasoning.slots import SLOT, fill, put_values
from claire.reasoning.template import TemplateNarrator, compose
from claire.reasoning.topics import MOST_TOKENS, build_plan, shorten
from tests.reasoning.simulated import simulate

QUESTIONS = (None, "How much forest, water or flood?", "What if the optical was gone?", "What is the weather?")


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("seed", range(20))
def test_filled_slots_say_what_the_template_says(seed: int, question: str | None) -> None:
    facts = build_facts(simulate(seed))
    plan = build_plan(facts, question)
    told = "".join(token.text for token in TemplateNarrator(seed).narrate(facts, question)).casefold()
    for topic in plan.topics:
        wordings = [put_values(wording, plan.values).casefold() for wording in topic.wordings]
        assert any(wording in told for wording in wordings), wordings


@pytest.mark.parametrize("seed", range(20))
def test_a_narrative_has_the_topics_of_the_template_with_the_same_facts(seed: int) -> None:
    facts = build_facts(simulate(seed))
    statements = list(compose(FactBook(facts, np.random.default_rng(0))))
    plan = build_plan(facts)
    assert [{f.id for f in topic.facts} for topic in plan.topics] == [{f.id for f in s.facts} for s in statements]
    needed = {fact.id for topic in plan.topics if topic.needed for fact in topic.facts}
    assert {fact.id for fact in rank_facts(facts)} <= needed
    assert len({topic.mark for topic in plan.topics}) == len(plan.topics)


@pytest.mark.parametrize("seed", range(20))
def test_neither_prompt_nor_wordings_hold_a_digit_or_a_name_of_the_analysis(seed: int) -> None:
    analysis = simulate(seed)
    plan = build_plan(build_facts(analysis))
    written = [build_prompt(plan).own, *(wording for topic in plan.topics for wording in topic.wordings)]
    plain = SLOT.sub("", re.sub(r"<\d+>", "", "\n".join(written)))
    assert not re.search(r"\d", plain.replace("f1", "").replace("F1", ""))
    for name in analysis.scheme.names:
        assert not re.search(rf"\b{name}\b", plain) or name in ("water", "bare")


@given(st.data())
def test_a_stream_is_filled_alike_however_it_is_cut(data: st.DataObject) -> None:
    text = "<A> has <A.iou>, <S3> < 3 and <X.unknown>; <B"
    values = {"<A>": "flood", "<A.iou>": "0.66", "<S3>": "Yes"}
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=12)))
    pieces = [text[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert "".join(fill(pieces, values)) == "flood has 0.66, Yes < 3 and <X.unknown>; <B"


def test_an_endless_slot_is_not_waited_for() -> None:
    pieces = fill(["<" + "a" * 30] + ["b" * 10] * 10, {})
    assert next(pieces).startswith("<a")


def test_a_value_that_looks_like_a_slot_is_not_filled_again() -> None:
    assert put_values("<A>", {"<A>": "<B>", "<B>": "x"}) == "<B>"


@pytest.mark.parametrize("most", [0, 60, 300, 9999])
def test_a_shorter_plan_keeps_what_is_needed_in_its_order(most: int) -> None:
    topics = build_plan(build_facts(simulate(8))).topics
    short = shorten(topics, most)
    assert [topic.number for topic in short] == sorted(topic.number for topic in short)
    assert sum(topic.size for topic in short) <= most
    left = [topic for topic in topics if topic not in short]
    assert (most == 9999) == (not left)
    if any(not topic.needed for topic in short):
        assert all(topic.size > most - sum(each.size for each in short) for topic in left if topic.needed)


def test_the_topics_of_very_many_classes_still_fit() -> None:
    names = [f"kind {first}{second}" for first in "abcde" for second in "abcdefghijklmnopqrst"]
    scheme = ClassScheme("many", tuple(LandClass(number, name, "#000000") for number, name in enumerate(names)))
    plan = build_plan(build_facts(simulate(1, scheme=scheme, size=(40, 40), modes=("fused", "optical", "sar"))))
    assert len(plan.topics) > 5
    assert sum(topic.size for topic in plan.topics) <= MOST_TOKENS
