"""Questions are answered from facts, or refused."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from claire.core.classes import FLOOD, GLOBAL_10M
from claire.core.facts import Sentence
from claire.reasoning.facts import build_facts
from claire.reasoning.grounding import REFUSALS, ground
from claire.reasoning.questions import find_unmeasured, lacks_map
from claire.reasoning.template import TemplateNarrator
from tests.reasoning.independent_checker import Checker
from tests.reasoning.simulated import as_raw, simulate

WHOLE = {"scheme": FLOOD, "size": (20, 20), "modes": ("fused", "optical", "sar"), "gone": ""}


def ask(question: str, seed: int = 1, **fixed: object) -> list[Sentence]:
    """The answer, after the independent checker has found nothing wrong in it."""
    analysis = simulate(seed, **{**WHOLE, **fixed})
    facts = build_facts(analysis)
    sentences = list(ground(TemplateNarrator(seed).narrate(facts, question), facts))
    checker = Checker(*as_raw(analysis))
    assert all(sentence.grounded for sentence in sentences), sentences
    assert [problem for sentence in sentences for problem in checker.problems(sentence.text)] == []
    return sentences


def kinds(sentences: list[Sentence]) -> set[str]:
    return {fact.split(".")[0] for sentence in sentences for fact in sentence.facts}


@pytest.mark.parametrize(
    ("question", "wanted"),
    [
        ("How much flood?", {"area_share"}),
        ("how many hectares of flood are there", {"area_share", "area"}),
        ("How sure are you?", {"confidence"}),
        ("Are you certain about the flood?", {"confidence"}),
        ("Which class is weakest?", {"weakest"}),
        ("Which sensor decided?", {"trust", "best_map"}),
        ("Why is this flood and not background?", {"confidence", "entropy", "area_share"}),
        ("What would happen without the optical?", {"area_share", "mean_iou"}),
        ("What if the radar had failed?", {"area_share", "mean_iou"}),
        ("Where is the flood?", {"location"}),
        ("How accurate is it?", {"iou", "accuracy", "best_map"}),
        ("Do the sensors disagree?", {"disagreement"}),
        ("What could be wrong?", {"confusion"}),
        ("What did each sensor see, any clouds?", {"observed"}),
        ("Which bands were used?", {"bands"}),
        ("Is it calibrated?", {"ece", "temperature"}),
        ("flood", {"area_share", "location"}),
        ("Describe the tile", {"area_share", "disagreement"}),
    ],
)
def test_a_question_is_answered_with_the_facts_it_asks_for(question: str, wanted: set[str]) -> None:
    answers = [ask(question, seed, label=1.0) for seed in (1, 2, 3)]
    assert all(wanted & kinds(answer) for answer in answers)
    assert set().union(*(kinds(answer) for answer in answers)) >= wanted
    assert all(answer[0].text not in REFUSALS for answer in answers)


@pytest.mark.parametrize(
    "question",
    ["How much water?", "Who won the election?", "How much snow or ice?", "xyz", "How old is the forest?", "?"],
)
def test_what_the_analysis_does_not_tell_is_said_with_what_it_tells_about(question: str) -> None:
    sentences = ask(question)
    assert sentences[0].text == "The analysis does not tell."
    assert "background" in sentences[1].text
    assert len(sentences) == 2


def test_a_class_is_meant_by_its_everyday_name() -> None:
    for question, name in (
        ("how much forest?", "trees"),
        ("How many buildings?", "built"),
        ("how much tree?", "trees"),
    ):
        sentences = ask(question, scheme=GLOBAL_10M)
        assert name in sentences[0].text.casefold()


def test_without_a_sensor_the_maps_are_compared() -> None:
    for gone, other in (("optical", "the SAR map"), ("SAR", "the optical map")):
        sentences = ask(f"What would happen without the {gone}?", label=0.0)
        assert all(re.search(rf"on {other} alone", sentence.text, re.IGNORECASE) for sentence in sentences)
        assert kinds(sentences) == {"area_share"}


def test_without_a_map_of_the_other_sensor_nothing_is_compared() -> None:
    assert ask("What would happen without the optical?", modes=("fused",))[0].text in REFUSALS
    assert "missing" in ask("What would happen without the optical?", gone="optical")[0].text


def test_why_says_when_no_attribution_is_held() -> None:
    assert REFUSALS[-1] in [sentence.text for sentence in ask("Why is this flood?")]


@pytest.mark.parametrize(
    ("question", "wanted"),
    [
        ("Why is this flood?", "flood"),
        ("Why is this flood and not background?", "flood"),
        ("Why is there background?", "background"),
        ("Did the radar decide the flood?", "flood"),
        ("Why is this forest?", ""),
        ("How much flood?", ""),
        ("What would happen without the optical?", ""),
    ],
)
def test_what_must_be_measured_first_is_the_class_that_is_asked_about(question: str, wanted: str) -> None:
    facts = build_facts(simulate(1, **WHOLE))
    assert find_unmeasured(facts, question) == wanted
    if wanted:
        share = next(fact for fact in facts if fact.kind == "area_share" and fact.subject == wanted)
        assert not find_unmeasured((*facts, replace(share, id="contribution.sar.0", kind="contribution")), question)


def test_a_question_about_a_lost_sensor_needs_the_map_of_the_other() -> None:
    asked = "What would happen without the optical?"
    assert lacks_map(build_facts(simulate(1, **{**WHOLE, "modes": ("fused", "optical")})), asked)
    assert not lacks_map(build_facts(simulate(1, **WHOLE)), asked)
    assert not lacks_map(build_facts(simulate(1, **{**WHOLE, "modes": ("fused",)})), "How much flood?")


def test_a_question_without_a_label_is_not_answered_with_scores() -> None:
    assert kinds(ask("How accurate is it?", label=0.0)) == {"labelled"}


def test_answers_are_right_over_many_analyses() -> None:
    questions = (
        "How sure are you?", "Which sensor decided?", "What would happen without the optical?", "Why water?",
        "What could be wrong?", "How much is there?", "Is it calibrated?", "How rare is it in training?",
    )  # fmt: skip
    for seed in range(24):
        for question in questions:
            ask(question, seed, scheme=None, size=None, modes=None, gone=("", "optical", "sar")[seed % 3])
