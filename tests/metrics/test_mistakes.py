"""Wrong regions against brute force: which pixels belong together, and every number that is said about them."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from claire.core.analysis import Analysis
from claire.core.bands import MODES
from claire.core.classes import FLOOD, GLOBAL_10M, IGNORE_INDEX, ClassScheme
from claire.core.errors import LabelError
from claire.core.mistakes import Mistakes
from claire.core.provenance import Provenance
from claire.core.settings import Settings
from claire.core.types import GeoReference, Layer, Prediction, Tile
from claire.metrics.mistakes import find_mistakes, number_regions

METRES = GeoReference("EPSG:32633", (20.0, 0.0, 0.0, 0.0, -10.0, 0.0), metres=True)
SEEDS = st.integers(0, 10_000)


def make_analysis(
    seed: int, scheme: ClassScheme = FLOOD, shape: tuple[int, int] = (9, 11), *, label: bool = True
) -> Analysis:
    """Random smooth maps of all three modes, with unmapped and unlabelled pixels."""
    rng, count = np.random.default_rng(seed), len(scheme)
    predictions = {}
    for mode in MODES:
        odds = np.exp(rng.normal(0, 2, (count, *shape))).astype(np.float32)
        odds[:, :, ::2] = odds[:, :, 1 : shape[1] : 2].repeat(2, axis=2)[:, :, : odds[:, :, ::2].shape[2]]
        probabilities = (odds / odds.sum(axis=0)).astype(np.float32)
        valid = rng.random(shape) > (0.4 if mode == "sar" else 0.05)
        classes = np.where(valid, probabilities.argmax(axis=0), IGNORE_INDEX).astype(np.uint8)
        predictions[mode] = Prediction(mode, scheme, classes, probabilities, valid)
    ids = np.array([c.id for c in scheme.classes])[rng.integers(0, count, shape)].astype(np.uint8)
    ids[rng.random(shape) < 0.1] = 255
    layer = Layer(np.ones((1, *shape), np.uint8), np.ones((1, *shape), bool), ("a",), "uint8")
    tile = Tile("t", layer, layer, ids if label else None, METRES)
    trust = rng.random(shape).astype(np.float32)
    return Analysis(tile, scheme, predictions, {}, {}, None, trust, "", Provenance("m", ""))


def flood_fill(
    label: NDArray[np.uint8], classes: NDArray[np.uint8], wrong: NDArray[np.bool_]
) -> set[frozenset[tuple[int, int]]]:
    left = {(int(row), int(column)) for row, column in zip(*np.nonzero(wrong), strict=True)}
    regions = set()
    while left:
        start = left.pop()
        region, edge = {start}, [start]
        while edge:
            row, column = edge.pop()
            for near in ((row + 1, column), (row - 1, column), (row, column + 1), (row, column - 1)):
                if near in left and label[near] == label[start] and classes[near] == classes[start]:
                    left.remove(near)
                    region.add(near)
                    edge.append(near)
        regions.add(frozenset(region))
    return regions


def members_of(ids: NDArray[np.int32], number: int) -> frozenset[tuple[int, int]]:
    return frozenset((int(row), int(column)) for row, column in zip(*np.nonzero(ids == number), strict=True))


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, height=st.integers(1, 9), width=st.integers(1, 9), classes=st.integers(2, 4))
def test_regions_are_those_of_a_flood_fill_and_numbered_by_size(
    seed: int, height: int, width: int, classes: int
) -> None:
    rng = np.random.default_rng(seed)
    label, found = (rng.integers(0, classes, (height, width)).astype(np.uint8) for _ in range(2))
    wrong = label != found
    ids = number_regions(label, found, wrong)
    np.testing.assert_array_equal(ids > 0, wrong)
    numbers = range(1, int(ids.max(initial=0)) + 1)
    assert {members_of(ids, number) for number in numbers} == flood_fill(label, found, wrong)
    keys = [(-len(members_of(ids, number)), min(members_of(ids, number))) for number in numbers]
    assert keys == sorted(keys)


@pytest.mark.parametrize("scheme", [FLOOD, GLOBAL_10M])
@pytest.mark.parametrize("seed", range(4))
def test_every_number_of_a_region_equals_a_loop_over_its_pixels(seed: int, scheme: ClassScheme) -> None:
    analysis = make_analysis(seed, scheme)
    mistakes = find_mistakes(analysis)
    fused, label = analysis.predictions["fused"], scheme.to_index(np.asarray(analysis.tile.label))
    known = [
        (r, c)
        for r, c in np.ndindex(label.shape)
        if label[r, c] != IGNORE_INDEX and fused.classes[r, c] != IGNORE_INDEX
    ]
    bins: dict[int, list[bool]] = {}
    for place in known:
        sure = float(fused.probabilities[(slice(None), *place)].max())
        bins.setdefault(math.ceil(sure * 15) - 1, []).append(bool(fused.classes[place] == label[place]))
    assert mistakes.known == len(known)
    assert mistakes.wrong == sum(fused.classes[place] != label[place] for place in known)
    assert mistakes.count == len(mistakes.regions) or len(mistakes.regions) == 40
    for region in mistakes.regions:
        places = members_of(mistakes.ids, region.number)
        assert region.pixels == len(places)
        assert region.area_m2 == pytest.approx(200 * len(places))
        assert region.spot in places
        rows, columns = zip(*places, strict=True)
        assert region.box == (min(rows), max(rows) + 1, min(columns), max(columns) + 1)
        assert {scheme.names[label[place]] for place in places} == {region.labelled}
        assert {scheme.names[fused.classes[place]] for place in places} == {region.predicted}
        for mode in MODES:
            seen = [p for p in places if analysis.predictions[mode].valid[p]]
            if not seen:
                assert mode not in region.probabilities
                assert mistakes.argue(region, mode) is None
                continue
            means = [
                np.mean([analysis.predictions[mode].probabilities[(k, *p)] for p in seen]) for k in range(len(scheme))
            ]
            np.testing.assert_allclose(region.probabilities[mode], means, atol=1e-5)
            assert mistakes.argue(region, mode) == scheme.names[int(np.argmax(means))]
        sures = [float(fused.probabilities[(slice(None), *p)].max()) for p in places]
        assert region.confidence == pytest.approx(np.mean(sures), abs=1e-5)
        rights = [np.mean(bins[math.ceil(sure * 15) - 1]) for sure in sures]
        assert region.observed == pytest.approx(np.mean(rights), abs=1e-6)
        assert analysis.trust is not None
        assert region.trust == pytest.approx(np.mean([analysis.trust[p] for p in places]), abs=1e-5)
        order = np.argsort(-np.array(region.probabilities["fused"]))
        assert region.nearest == next(scheme.names[k] for k in order if scheme.names[k] != region.predicted)
        same = [p for p in known if scheme.names[label[p]] == region.labelled]
        taken = [p for p in same if scheme.names[fused.classes[p]] == region.predicted]
        assert region.usual == pytest.approx(len(taken) / len(same))


def test_only_so_many_regions_are_described_and_all_are_counted() -> None:
    mistakes = find_mistakes(make_analysis(1), settings=Settings(max_error_regions=3))
    assert [region.number for region in mistakes.regions] == [1, 2, 3]
    assert mistakes.count > 3
    assert mistakes.count == mistakes.ids.max()


def test_another_map_can_be_asked_about() -> None:
    analysis = make_analysis(2)
    sar = find_mistakes(analysis, "sar")
    assert sar.mode == "sar"
    assert not (sar.ids > 0)[~analysis.predictions["sar"].valid].any()
    assert all("sar" in region.probabilities for region in sar.regions)


def test_without_a_label_it_is_a_sentence() -> None:
    with pytest.raises(LabelError, match="no label"):
        find_mistakes(make_analysis(0, label=False))


def test_a_map_that_is_right_everywhere_or_says_nothing_has_no_regions() -> None:
    analysis = make_analysis(3)
    fused = analysis.predictions["fused"]
    right = replace(analysis.tile, label=np.where(fused.valid, fused.classes, 255).astype(np.uint8))
    nothing = replace(analysis.tile, label=np.full(fused.classes.shape, 255, np.uint8))
    for tile, known in ((right, int(fused.valid.sum())), (nothing, 0)):
        found: Mistakes = find_mistakes(replace(analysis, tile=tile))
        assert (found.regions, found.count, found.wrong, found.known) == ((), 0, 0, known)
