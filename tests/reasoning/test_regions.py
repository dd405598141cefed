"""Where a fact was measured: the region gives its number again."""

from __future__ import annotations

import numpy as np
import pytest

from claire.core.facts import Fact
from claire.reasoning.facts import build_facts, count_quarters
from claire.reasoning.judgements import LOW_CONFIDENCE
from claire.reasoning.lexicon import PLACES
from claire.reasoning.regions import build_quarter, find_map, find_region
from tests.reasoning.simulated import simulate

COUNTED = ("area_share", "location", "low_confidence", "confidence", "disagreement", "trust", "confusion", "observed")


@pytest.mark.parametrize("seed", range(15))
def test_the_number_of_a_fact_can_be_counted_again_in_its_region(seed: int) -> None:
    analysis = simulate(seed)
    for fact in build_facts(analysis):
        region, mode = find_region(fact, analysis), find_map(fact, analysis)
        if fact.kind not in COUNTED:
            continue
        assert region is not None
        assert mode is not None
        assert region.shape == analysis.tile.shape
        prediction = analysis.predictions[mode]
        whole = {
            "area_share": prediction.valid, "observed": np.ones_like(region),
            "disagreement": analysis.predictions["optical"].valid & analysis.predictions["sar"].valid
            if fact.kind == "disagreement" else region,
        }.get(fact.kind)  # fmt: skip
        if whole is not None:
            assert (region & whole).sum() / whole.sum() == pytest.approx(fact.number, abs=1e-6)
        elif fact.kind == "confidence":
            assert prediction.confidence[region].mean() == pytest.approx(fact.number, abs=1e-5)
        elif fact.kind == "low_confidence":
            assert (prediction.confidence[region] < LOW_CONFIDENCE).all()
        elif fact.kind == "trust":
            assert analysis.trust is not None
            assert analysis.trust[region].mean() == pytest.approx(fact.number, abs=1e-5)


def test_the_quarters_cover_every_tile_once() -> None:
    for shape in ((4, 6), (5, 7), (1, 1), (2, 3)):
        quarters = [build_quarter(shape, place) for place in range(len(PLACES))]
        assert (np.sum(quarters, axis=0) == 1).all()
        here = np.random.default_rng(0).random(shape) < 0.5
        assert [int((here & quarter).sum()) for quarter in quarters] == count_quarters(here).tolist()


def test_what_is_about_the_whole_tile_has_no_region() -> None:
    analysis = simulate(8)
    facts = {fact.kind: fact for fact in build_facts(analysis)}
    assert find_region(facts["labelled"], analysis) is None
    assert find_region(Fact("x", "limit", "model", "y", "text", "y", "z"), analysis) is None
