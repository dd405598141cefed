"""Grounding: planted errors are found, right sentences pass, a stream is checked as it comes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest

from claire.core.classes import FLOOD
from claire.core.facts import Fact, Sentence, Token
from claire.reasoning.facts import build_facts
from claire.reasoning.grounding import REFUSALS, Grounder, ground
from claire.reasoning.template import TemplateNarrator
from tests.reasoning.independent_checker import Checker
from tests.reasoning.mutations import KINDS, mutate
from tests.reasoning.simulated import as_raw, simulate

QUESTIONS = ("What would happen without the optical?", "What would happen without SAR?", "Is it calibrated?")
WANTED = 250
"""Planted errors of each kind; eight kinds make 2,000."""


def narrated(seed: int) -> tuple[Grounder, Checker, tuple[str, ...], list[Sentence]]:
    analysis = simulate(seed)
    facts = build_facts(analysis)
    sentences = {}
    for question in (None, *QUESTIONS):
        for sentence in ground(TemplateNarrator(seed).narrate(facts, question), facts):
            sentences[sentence.text] = sentence
    return Grounder(facts), Checker(*as_raw(analysis)), analysis.scheme.names, list(sentences.values())


def plant(count: int) -> Iterator[tuple[str, str, str, bool]]:
    """(kind, right sentence, wrong sentence, whether grounding found it), `count` of every kind."""
    planted: Counter[str] = Counter()
    for seed in range(5000, 5400):
        if min((planted[kind] for kind in KINDS), default=0) >= count:
            return
        rng = np.random.default_rng(seed)
        grounder, checker, names, sentences = narrated(seed)
        for kind in KINDS:
            for sentence in sentences if planted[kind] < count else ():
                mutation = mutate(sentence.text, kind, names, rng)
                if mutation is None or not checker.problems(mutation.after):
                    continue  # what was planted happens to be true
                planted[kind] += 1
                yield kind, sentence.text, mutation.after, not grounder.check(mutation.after, sentence.facts).grounded


def test_planted_errors_of_every_kind_are_found_in_at_least_99_of_100() -> None:
    planted: Counter[str] = Counter()
    found: Counter[str] = Counter()
    missed = []
    for kind, _, after, caught in plant(WANTED):
        planted[kind] += 1
        found[kind] += caught
        if not caught:
            missed.append((kind, after))
    rates = {kind: found[kind] / planted[kind] for kind in KINDS}
    assert sum(planted.values()) >= 2000
    assert min(planted.values()) >= WANTED
    assert min(rates.values()) >= 0.99, (rates, missed)


@pytest.fixture
def grounder() -> Grounder:
    """Facts with round numbers."""
    mode = {"modes": ("fused",)}
    return Grounder(
        [
            Fact("a.flood", "area_share", "flood", 0.253, "share", "", "", "a minor part", "", **mode),
            Fact("a.ground", "area_share", "dry ground", 0.747, "share", "", "", "the larger part", "", **mode),
            Fact("sar.flood", "area_share", "flood", 0.34, "share", "", "", "a minor part", "", ("sar",)),
            Fact("m2.flood", "area", "flood", 1_234_567.0, "m2", "", "", **mode),
            Fact("iou.flood", "iou", "flood", 0.66, "score", "", "", "fair", "", **mode),
            Fact("p.flood", "precision", "flood", 0.71, "score", "", "", "good", "", **mode),
            Fact("r.flood", "recall", "flood", 0.9, "score", "", "", "excellent", "", **mode),
            Fact("differ", "disagreement", "tile", 0.12, "share", "", "", "partly at odds", "", ("optical", "sar")),
            Fact("sensor", "sensor", "tile", "GF-3, HH", "text", "", "", "", "", ("sar",)),
            Fact(
                "where",
                "location",
                "flood",
                0.62,
                "share",
                "",
                "",
                "concentrated",
                "",
                ("fused",),
                "upper left quarter",
            ),
        ]
    )


RIGHT = (
    ("Flood covers 25.3 % of the mapped ground, a minor part.", "a.flood"),
    ("Flood covers 25 percent of the mapped ground.", "a.flood"),
    ("Flood covers more than 25 % of the mapped ground.", "a.flood"),
    ("The area of the flood is 1.23 km2.", "m2.flood"),
    ("The area of the flood is 123.5 hectares.", "m2.flood"),
    ("The area of the flood is 1,234,567 m².", "m2.flood"),
    ("Dry ground covers more of the mapped ground than flood.", "a.ground a.flood"),
    ("Flood covers less of the mapped ground on the fused map than on the SAR map.", "a.flood sar.flood"),
    ("The precision of the flood is lower than its recall.", "p.flood r.flood"),
    ("Its IoU is fair for flood.", "iou.flood"),
    ("Optical and SAR disagree on 12 % of the pixels.", "differ"),
    ('SAR comes from "GF-3, HH".', "sensor"),
    ("SAR comes from GF-3.", "sensor"),
    ("Flood lies in the upper left quarter.", "where"),
    ("Flood covers 25.3 % and dry ground 74.7 % of the mapped ground.", "a.flood a.ground"),
)


@pytest.mark.parametrize(("text", "cited"), RIGHT)
def test_right_sentences_pass(grounder: Grounder, text: str, cited: str) -> None:
    sentence = grounder.check(text, cited.split())
    assert (sentence.grounded, sentence.reason) == (True, "")


WRONG = (
    ("Flood covers 25.4 % of the mapped ground.", "a.flood"),
    ("Flood covers 25.30 hectares.", "a.flood"),
    ("Flood covers 25.3 of the mapped ground.", "a.flood"),
    ("Flood covers less than 25 % of the mapped ground.", "a.flood"),
    ("Flood covers a quarter of the mapped ground.", "a.flood"),
    ("Flood covers one in four pixels of the mapped ground.", "a.flood"),
    ("Flood covers twenty percent of the mapped ground.", "a.flood"),
    ("Flood covers ½ of the mapped ground.", "a.flood"),
    ("Flood covers 2.53e2 % of the mapped ground.", "a.flood"),
    ("Flood covers 25,3 % of the mapped ground.", "a.flood"),
    ("Flood covers 25.3 % of the mapped ground.", "a.ground"),
    ("Flood covers 25.3 % of the mapped ground.", ""),
    ("Flood covers 25.3 % of the mapped ground.", "nowhere"),
    ("Flood covers 25.3 % of the mapped ground.", "a.flood iou.flood"),
    ("Water covers 25.3 % of the mapped ground.", "a.flood"),
    ("Flood covers 25.3 % of the mapped ground and trees grow there.", "a.flood"),
    ("Dry ground covers 25.3 % and flood 74.7 % of the mapped ground.", "a.flood a.ground"),
    ("Flood does not cover 25.3 % of the mapped ground.", "a.flood"),
    ("Flood covers 25.3 % of the mapped ground on the SAR map.", "a.flood sar.flood"),
    ("Flood covers most of the mapped ground.", "a.flood"),
    ("Flood covers nearly all of the mapped ground.", "a.flood"),
    ("Flood covers more of the mapped ground than dry ground.", "a.ground a.flood"),
    ("Flood covers more of the mapped ground on the fused map than on the SAR map.", "a.flood sar.flood"),
    ("Dry ground covers more of the mapped ground.", "a.ground a.flood"),
    ("The precision of the flood exceeds its recall.", "p.flood r.flood"),
    ("The precision of the flood is 0.90.", "p.flood r.flood"),
    ("The IoU of the flood is excellent.", "iou.flood r.flood"),
    ("The flood is the weakest class.", "iou.flood"),
    ("Optical and optical disagree on 12 % of the pixels.", "differ"),
    ("Optical disagrees, SAR and fused disagree on 12 % of the pixels.", "differ"),
    ("SAR comes from Sentinel-1 VH.", "sensor"),
    ("Optical comes from GF-3.", "sensor"),
    ('SAR comes from "GF-3, VH".', "sensor"),
    ("Flood lies in the upper right quarter.", "where"),
    ("The area of the flood is 1.23 ha.", "m2.flood"),
    ("The area of the flood is 1,234,568 m2.", "m2.flood"),
    ("Everything is under water.", "a.flood"),
)


@pytest.mark.parametrize(("text", "cited"), WRONG)
def test_wrong_sentences_are_found_with_a_short_reason(grounder: Grounder, text: str, cited: str) -> None:
    sentence = grounder.check(text, cited.split())
    assert not sentence.grounded
    assert 0 < len(sentence.reason) <= 200
    assert sentence.reason.endswith(".")


def test_a_sentence_is_judged_with_its_last_token_and_none_is_dropped(grounder: Grounder) -> None:
    words = ["Flood", "covers", "99", "%", "of", "the", "mapped", "ground."]
    tokens = [Token(f"{word} ", ("a.flood",), end=word == words[-1]) for word in words]
    seen = [grounder.feed(token) for token in tokens]
    assert seen[:-1] == [None] * (len(words) - 1)
    assert seen[-1] is not None
    assert (seen[-1].grounded, seen[-1].facts) == (False, ("a.flood",))
    cut = [Token("Flood covers 25.3 % of the mapped", ("a.flood",))]
    assert [each.grounded for each in ground([*tokens, *cut], grounder.facts)] == [False, True]
    assert grounder.finish() is None


@pytest.mark.parametrize("text", REFUSALS)
def test_a_refusal_needs_no_fact(grounder: Grounder, text: str) -> None:
    assert grounder.check(text, ()).grounded
    assert not grounder.check(text[:-1] + ", yet 12 %.", ()).grounded


def test_every_fact_is_a_sentence_that_follows_from_itself() -> None:
    for seed in range(30):
        facts = build_facts(simulate(seed))
        grounder = Grounder(facts)
        wrong = [fact.text for fact in facts if not grounder.check(fact.text, (fact.id,)).grounded]
        assert wrong == []


def test_no_fact_holds_the_claims_of_another_class() -> None:
    facts = build_facts(simulate(1, scheme=FLOOD, size=(20, 20), label=1.0))
    grounder, by_id = Grounder(facts), {fact.id: fact for fact in facts}
    for fact in facts:
        twin = by_id.get(fact.id[:-1] + ("1" if fact.id.endswith("0") else "0"))
        if fact.class_name and twin and fact.kind != "confusion" and fact.text.casefold() != twin.text.casefold():
            assert not grounder.check(fact.text, (twin.id,)).grounded, fact.text
