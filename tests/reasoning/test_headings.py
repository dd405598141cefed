"""Every fact has a heading and a name of its own."""

from __future__ import annotations

import pytest

from claire.core.facts import FACT_KINDS, Sentence
from claire.reasoning.facts import build_facts
from claire.reasoning.headings import SECTIONS, find_section, name_facts
from tests.reasoning.simulated import simulate


def test_every_kind_of_fact_has_a_heading() -> None:
    assert sorted(kind for kinds in SECTIONS.values() for kind in kinds) == sorted(FACT_KINDS)


@pytest.mark.parametrize("seed", range(6))
def test_a_sentence_belongs_where_its_first_fact_does(seed: int) -> None:
    facts = {fact.id: fact for fact in build_facts(simulate(seed))}
    for fact in facts.values():
        place = find_section(Sentence("x", (fact.id, *facts), True), facts)
        assert fact.kind in list(SECTIONS.values())[place]
    assert find_section(Sentence("x", ("nowhere",), True), facts) == -1


def test_facts_of_one_kind_beside_each_other_are_told_apart() -> None:
    facts = build_facts(simulate(2, label=1.0, modes=("fused", "optical", "sar"), gone=""))
    means = [fact for fact in facts if fact.kind == "mean_iou"]
    assert len(means) == 3
    assert len(set(name_facts(means))) == 3
    assert name_facts(means[:1]) == ("mean IoU",)
