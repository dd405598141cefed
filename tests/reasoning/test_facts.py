"""Facts from an analysis: complete, with source and threshold, ordered by importance, nothing made up."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from claire.core.analysis import ModelSummary
from claire.core.classes import FLOOD, GLOBAL_10M
from claire.core.errors import AnalysisError
from claire.core.facts import Fact
from claire.reasoning.facts import build_facts, compute_entropy, count_quarters
from claire.reasoning.grounding import Grounder
from claire.reasoning.judgements import SCALES, SINGLE_WORDS
from tests.evidence import attention, explained
from tests.reasoning.simulated import simulate

MEASURED = {"contribution", "interaction", "attribution", "attention"}
WHOLE = {"scheme": FLOOD, "size": (20, 20), "modes": ("fused", "optical", "sar"), "gone": "", "label": 1.0}


def test_a_labelled_pair_has_a_fact_of_every_kind_that_an_analysis_holds() -> None:
    kinds = {fact.kind for seed in range(6) for fact in build_facts(simulate(seed, **WHOLE))}
    others = {
        "area", "largest", "location", "f1", "weakest", "accuracy", "best_map", "right", "followed", "labelled",
        "notices", "notice", "sensor", "bands", "failure", "limit",
    }  # fmt: skip
    assert others | set(SCALES) <= kinds
    assert kinds.isdisjoint(MEASURED)


@pytest.mark.parametrize("seed", range(12))
def test_every_fact_has_a_source_and_every_word_its_rule(seed: int) -> None:
    analysis = simulate(seed)
    facts = build_facts(analysis)
    assert [fact.importance for fact in facts] == sorted((fact.importance for fact in facts), reverse=True)
    for fact in facts:
        assert fact.source
        assert fact.text.endswith((".", '"'))
        assert bool(fact.judgement) == bool(fact.threshold)
        assert 0 <= fact.importance <= 1
        words = SCALES[fact.kind].words if fact.kind in SCALES else SINGLE_WORDS.get(fact.kind, ("",))
        assert fact.judgement in words
        if not isinstance(fact.value, str):
            assert math.isfinite(fact.value)


def test_an_analysis_from_before_has_facts_without_model_and_dates() -> None:
    analysis = dataclasses.replace(simulate(3, **WHOLE), model=None, observations=())
    kinds = {fact.kind for fact in build_facts(analysis)}
    assert "area_share" in kinds
    assert kinds.isdisjoint({"sensor", "failure", "limit", "prevalence", "observed_date"})


def test_without_label_or_gates_nothing_is_said_about_them() -> None:
    analysis = dataclasses.replace(simulate(3, **{**WHOLE, "label": 0.0}), trust=None)
    kinds = {fact.kind for fact in build_facts(analysis)}
    assert kinds.isdisjoint({"iou", "mean_iou", "best_map", "ece", "confusion", "right", "extent", "trust"})
    assert "followed" in kinds


def test_facts_measured_elsewhere_are_ranked_with_the_others() -> None:
    text = "For flood, the contribution of SAR is 0.61."
    own = Fact("own", "contribution", "flood", 0.61, "score", text, "explain", modes=("sar",), importance=0.99)
    facts = build_facts(simulate(1, **WHOLE), [own])
    assert facts[0] == own
    assert Grounder(facts).check(own.text, (own.id,)).grounded
    assert not Grounder(facts).check(own.text.replace("SAR", "optical"), (own.id,)).grounded
    with pytest.raises(AnalysisError):
        build_facts(simulate(1, **WHOLE), [own, own])


def test_evidence_of_an_analysis_becomes_facts_that_ground_their_own_words() -> None:
    plain = simulate(1, **WHOLE)
    flood = plain.predictions["fused"].classes == 1
    answer = explained(zone=flood)
    elsewhere = explained(seed=5, zone=~flood)
    facts = build_facts(plain.with_evidence(explained(seed=7, zone=flood), elsewhere, answer, attention=attention()))
    found = {(fact.kind, fact.modes[-1]): fact for fact in facts if fact.kind in MEASURED}
    assert len([fact for fact in facts if fact.kind in MEASURED]) == len(found) == 7
    assert answer.share is not None
    assert found["contribution", "sar"].value == answer.share.sar
    assert found["interaction", "sar"].value == answer.share.interaction
    assert found["attribution", "optical"].number + found["attribution", "sar"].number == pytest.approx(1)
    grounder = Grounder(facts)
    for fact in found.values():
        assert grounder.check(fact.text, (fact.id,)).grounded, fact.text
    told = found["contribution", "sar"]
    assert not grounder.check(told.text.replace("SAR", "optical"), (told.id,)).grounded


def test_a_sensor_is_never_told_as_another() -> None:
    model = ModelSummary(sensors={"optical": "Sentinel-2", "sar": "GF-3, HH only"})
    facts = build_facts(simulate(1, **WHOLE, model=model))
    (sar,) = [fact for fact in facts if fact.kind == "sensor" and fact.modes == ("sar",)]
    grounder = Grounder(facts)
    assert sar.value == "GF-3, HH only"
    assert grounder.check("The SAR data come from GF-3.", (sar.id,)).grounded
    for name in ("Sentinel-1", "VH", "VV", "RADARSAT-2"):
        assert not grounder.check(f"The SAR data come from {name}.", (sar.id,)).grounded


def test_a_map_of_one_sensor_leads_where_there_is_no_fused_one() -> None:
    facts = build_facts(simulate(1, **{**WHOLE, "modes": ("sar",)}))
    assert {mode for fact in facts if fact.kind == "area_share" for mode in fact.modes} == {"sar"}
    assert not [fact for fact in facts if fact.kind in ("disagreement", "best_map")]


def test_absent_classes_have_no_confidence() -> None:
    facts = build_facts(simulate(2, scheme=GLOBAL_10M))
    absent = {fact.subject for fact in facts if fact.kind == "area_share" and fact.judgement == "absent"}
    assert absent
    lead = [fact for fact in facts if fact.kind == "confidence" and fact.modes == ("fused",)]
    shown = {fact.subject for fact in facts if fact.kind == "area_share" and fact.modes == ("fused",) and fact.number}
    assert {fact.subject for fact in lead} == shown


def test_quarters_are_counted_pixel_by_pixel() -> None:
    rng = np.random.default_rng(0)
    for size in ((1, 1), (1, 6), (5, 4), (7, 7)):
        here = rng.random(size) > 0.5
        counts = [0, 0, 0, 0]
        for row, column in zip(*np.nonzero(here), strict=True):
            counts[2 * int(2 * row >= size[0]) + int(2 * column >= size[1])] += 1
        assert count_quarters(here).tolist() == counts


def test_entropy_is_0_for_one_class_and_1_for_all_alike() -> None:
    probabilities = np.array([[[1.0, 0.25]], [[0.0, 0.25]], [[0.0, 0.25]], [[0.0, 0.25]]], np.float32)
    np.testing.assert_allclose(compute_entropy(probabilities), [[0.0, 1.0]], atol=1e-9)
