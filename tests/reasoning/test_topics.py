"""What a narrative can be made of, and the order in which it may be said."""

from __future__ import annotations

import dataclasses
import random

import pytest

from claire.core.classes import FLOOD
from claire.reasoning.facts import build_facts, rank_facts
from claire.reasoning.topics import AHEAD, FEW, Plan, Topic, build_plan, drop, offer
from tests.reasoning.simulated import simulate


def walk(plan: Plan, rng: random.Random) -> list[Topic]:
    """Any way through a plan."""
    left, said = plan.topics, []
    while left:
        said.append(rng.choice(offer(plan, left)))
        left = drop(plan, left, said[-1])
    return said


@pytest.mark.parametrize("seed", range(20))
def test_every_way_through_a_plan_says_what_is_needed_once_and_the_rest_in_order(seed: int) -> None:
    facts = build_facts(simulate(seed))
    plan = build_plan(facts)
    said = walk(plan, random.Random(seed))
    assert len(set(said)) == len(said)
    assert {topic for topic in plan.topics if topic.needed} <= set(said)
    extra = [topic.number for topic in said[1:] if not topic.needed]
    assert len(plan.topics) <= FEW or extra == sorted(extra)
    cited = {fact.id for topic in said for fact in topic.facts}
    assert {fact.id for fact in rank_facts(facts)} <= cited


def test_the_classes_the_sensors_and_a_known_failure_are_always_told() -> None:
    analysis = simulate(8, scheme=FLOOD, label=1.0, gone="", modes=("fused", "optical", "sar"), size=(24, 24))
    needed = {fact.kind for topic in build_plan(build_facts(analysis)).topics if topic.needed for fact in topic.facts}
    assert {"area_share", "observed", "failure"} <= needed


def test_bad_news_may_open_a_narrative_and_only_open_it() -> None:
    plan = build_plan(build_facts(simulate(8, scheme=FLOOD, gone="sar", modes=("fused", "optical", "sar"))))
    news = [topic for topic in plan.topics[AHEAD:] if topic.opens]
    assert any(fact.judgement == "missing" for topic in news for fact in topic.facts)
    assert offer(plan, plan.topics) == (*plan.topics[:AHEAD], *news)
    left = drop(plan, plan.topics, news[0])
    assert left == tuple(topic for topic in plan.topics if topic is not news[0])
    assert offer(plan, left) == left[:AHEAD]


def test_an_answer_keeps_its_order() -> None:
    plan = build_plan(build_facts(simulate(8)), "How much is there, and how sure?")
    assert walk(plan, random.Random(0)) == list(plan.topics)


def test_nothing_is_left_out_of_a_short_text() -> None:
    plan = build_plan(build_facts(simulate(1)))
    short = dataclasses.replace(plan, topics=plan.topics[:FEW])
    assert set(walk(short, random.Random(0))) == set(short.topics)
