"""The template narrator, judged by the independent checker: right, complete, varied, the same for the same seed."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from claire.core.analysis import Analysis
from claire.core.facts import Fact, Sentence
from claire.reasoning.facts import MOST_IMPORTANT, build_facts, rank_facts
from claire.reasoning.grounding import ground
from claire.reasoning.lexicon import RESERVED
from claire.reasoning.template import TemplateNarrator
from tests.reasoning.independent_checker import Checker
from tests.reasoning.simulated import LAND, as_raw, simulate
from tests.reasoning.tally import Tally, read_text


def narrate(facts: tuple[Fact, ...], seed: int = 0, question: str | None = None) -> list[Sentence]:
    return list(ground(TemplateNarrator(seed).narrate(facts, question), facts))


def test_100_analyses_give_100_different_texts_without_a_wrong_claim() -> None:
    tally = Tally()
    for seed in range(100):
        tally.add(simulate(seed), TemplateNarrator(seed % 3))
    tally.judge()


@pytest.mark.slow
def test_1000_analyses_give_1000_different_texts_without_a_wrong_claim() -> None:
    tally = Tally()
    for seed in range(1000, 2000):
        tally.add(simulate(seed, size=(5 + seed % 13, 5 + seed % 11)), TemplateNarrator())
    tally.judge()


def test_real_chips_are_told_without_a_wrong_claim(real_data: Path) -> None:
    from claire.pipeline import analyse, load_model, open_dataset

    if not (real_data / "ombria").is_dir():
        pytest.skip("There is no OMBRIA among the real tiles.")
    dataset, model, tally = open_dataset("ombria", real_data / "ombria"), load_model(), Tally()
    for tile_id in dataset.ids("val")[::40]:
        tally.add(analyse(dataset.read(tile_id), model), TemplateNarrator())
    tally.judge()


def test_what_the_checker_reads_is_what_is_saved(tmp_path: Path) -> None:
    analysis = simulate(3)
    analysis.save(tmp_path)
    content, arrays = as_raw(Analysis.load(tmp_path))
    wanted, held = as_raw(analysis)
    assert content == wanted
    assert arrays.keys() == held.keys()
    for name, values in held.items():
        np.testing.assert_array_equal(arrays[name], values)


@pytest.mark.parametrize(
    "sentence", ["Flood covers 99.0 % of the mapped ground on the fused map.", "It will rain.", ""]
)
def test_the_checker_finds_what_is_wrong(sentence: str) -> None:
    assert Checker(*as_raw(simulate(0))).problems(sentence)


def test_the_same_seed_gives_the_same_text_and_another_seed_another() -> None:
    facts = build_facts(simulate(5))
    assert narrate(facts, 1) == narrate(facts, 1)
    assert len({read_text(narrate(facts, seed)) for seed in range(10)}) == 10


def test_a_narrative_says_what_where_how_sure_why_and_what_could_be_wrong() -> None:
    from claire.core.classes import FLOOD

    analysis = simulate(8, scheme=FLOOD, label=1.0, gone="", modes=("fused", "optical", "sar"), size=(24, 24))
    cited = {fact.split(".")[0] for each in narrate(build_facts(analysis)) for fact in each.facts}
    assert {"area_share", "area", "location", "confidence", "weakest", "disagreement", "observed"} <= cited


def test_tokens_are_words_and_each_carries_the_facts_of_its_sentence() -> None:
    facts = build_facts(simulate(6))
    tokens = list(TemplateNarrator().narrate(facts))
    ends = [place for place, token in enumerate(tokens) if token.end]
    assert ends[-1] == len(tokens) - 1
    assert "".join(token.text for token in tokens) == read_text(narrate(facts))
    assert all(token.facts for token in tokens)
    assert max(len(token.text.split()) for token in tokens) == 1


def test_without_facts_there_is_nothing_to_tell() -> None:
    assert list(TemplateNarrator().narrate(())) == []


def test_a_fact_that_no_phrase_knows_is_told_in_its_own_words_when_it_matters() -> None:
    own = Fact(
        "attention.custom", "attention", "tile", 0.8, "score", "The attention score is 0.80.", "elsewhere",
        importance=1.0,
    )  # fmt: skip
    sentences = narrate(build_facts(simulate(2), [own]))
    told = [each for each in sentences if own.id in each.facts]
    assert [each.text for each in told] == [own.text]
    assert told[0].grounded


def test_no_class_can_be_called_like_a_word_of_the_phrases() -> None:
    words: set[str] = set()
    for seed in range(30):
        analysis = simulate(seed, scheme=LAND)
        facts = build_facts(analysis)
        told = [read_text(narrate(facts, seed, question)) for question in (None, "why forest", "which sensor")]
        text = " ".join([*told, *(fact.text for fact in facts)])
        plain = re.sub(r'"[^"]*"', "", text)
        for name in LAND.names:
            plain = re.sub(name, "", plain, flags=re.IGNORECASE)
        words |= set(re.findall(r"[a-z][a-z-]+", plain.casefold()))
    assert words - RESERVED == set()


def test_five_facts_are_the_most_important() -> None:
    assert MOST_IMPORTANT == 5
    facts = build_facts(simulate(4))
    assert facts == rank_facts(facts, len(facts))
    assert rank_facts(facts) == facts[:5]
