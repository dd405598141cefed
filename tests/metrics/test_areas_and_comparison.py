"""Areas add up; the comparison sentence tells what the maps show."""

from __future__ import annotations

import numpy as np
import pytest

from claire.core.bands import Mode
from claire.core.classes import FLOOD, IGNORE_INDEX
from claire.core.types import GeoReference, Prediction
from claire.metrics.areas import compute_areas
from claire.metrics.comparison import compute_disagreement, compute_sar_lead, describe_comparison
from claire.metrics.confusion import compute_confusion, compute_scores

METRES = GeoReference("EPSG:32633", (10.0, 0.0, 0.0, 0.0, -10.0, 0.0), metres=True)


def map_of(mode: Mode, classes: np.ndarray, confidence: float = 0.9) -> Prediction:
    index = classes.astype(np.uint8)
    probabilities = np.where(index == 1, confidence, 1 - confidence).astype(np.float32)
    return Prediction(mode, FLOOD, index, np.stack([1 - probabilities, probabilities]), index != IGNORE_INDEX)


def test_areas_add_up_to_the_valid_pixels() -> None:
    classes = np.array([[0, 0, 1], [1, 1, IGNORE_INDEX]])
    areas = compute_areas(map_of("fused", classes), METRES)
    assert [area.pixels for area in areas] == [2, 3]
    assert sum(area.area_share for area in areas) == pytest.approx(1)
    assert [area.area_m2 for area in areas] == [200.0, 300.0]
    assert areas[1].confidence == pytest.approx(0.9)
    assert compute_areas(map_of("fused", classes), GeoReference())[0].area_m2 is None


def test_pixels_that_one_sensor_missed_are_no_disagreement() -> None:
    optical = map_of("optical", np.array([[0, 1, IGNORE_INDEX]]))
    sar = map_of("sar", np.array([[1, 1, 1]]))
    assert compute_disagreement(optical, sar).tolist() == [[True, False, False]]


def test_the_sentence_names_the_sensor_that_was_right() -> None:
    label = np.array([[1, 1, 1, 0]], np.uint8)
    maps = {
        "fused": map_of("fused", label),
        "optical": map_of("optical", np.array([[0, 0, 1, 0]])),
        "sar": map_of("sar", np.array([[1, 0, 1, 1]])),
    }
    scores = {m: compute_scores(compute_confusion(label, p.classes, 2), FLOOD.names) for m, p in maps.items()}
    sentence = describe_comparison(maps, scores, label)
    assert sentence.startswith("The fused map is best here (mIoU 1.00")
    assert "disagree on 50.0%" in sentence
    assert "SAR is right on 50%, optical on 50%" in sentence


def test_without_a_label_it_says_whom_the_fused_map_follows() -> None:
    maps = {
        "fused": map_of("fused", np.array([[1, 1, 0, 0]])),
        "optical": map_of("optical", np.array([[0, 1, 0, 0]])),
        "sar": map_of("sar", np.array([[1, 1, 0, 0]])),
    }
    assert "follows SAR on 100% and optical on 0%" in describe_comparison(maps, {}, None)


def test_a_blind_sensor_is_named() -> None:
    blind = map_of("optical", np.full((2, 2), IGNORE_INDEX))
    maps = {"optical": blind, "sar": map_of("sar", np.ones((2, 2)))}
    assert "no optical observations" in describe_comparison(maps, {}, None)
    assert "Only SAR alone was made" in describe_comparison({"sar": maps["sar"]}, {}, None)


def test_the_lead_of_sar_counts_only_pixels_on_which_the_sensors_differ() -> None:
    optical = map_of("optical", np.array([[0, 0, 1, 1, IGNORE_INDEX]]))
    sar = map_of("sar", np.array([[1, 1, 0, 1, 1]]))
    for fused, wanted in (([1, 1, 1, 0, 0], 2 / 3), ([1, 1, 0, 1, 1], 1.0), ([0, 0, 1, 1, 1], 0.0)):
        assert compute_sar_lead(optical, sar, map_of("fused", np.array([fused]))) == pytest.approx(wanted)


def test_the_sensor_that_alone_sees_has_the_lead_and_agreement_gives_none() -> None:
    seen, blind = np.array([[0, 1]]), np.array([[IGNORE_INDEX, IGNORE_INDEX]])
    fused = map_of("fused", seen)
    assert compute_sar_lead(map_of("optical", blind), map_of("sar", seen), fused) == 1
    assert compute_sar_lead(map_of("optical", seen), map_of("sar", blind), fused) == 0
    assert np.isnan(compute_sar_lead(map_of("optical", seen), map_of("sar", seen), fused))
    assert np.isnan(compute_sar_lead(map_of("optical", blind), map_of("sar", blind), fused))
