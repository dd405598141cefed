"""Words for pictures hold the numbers of the pictures."""

from __future__ import annotations

import numpy as np

from claire.core.classes import FLOOD, IGNORE_INDEX
from claire.core.types import ClassArea, Layer, Prediction
from claire.viz.words import (
    describe_confidence,
    describe_disagreement,
    describe_label,
    describe_layer,
    describe_map,
    describe_trust,
    format_score,
    format_share,
)


def test_a_layer_is_described_by_bands_size_and_validity() -> None:
    valid = np.ones((2, 10, 20), bool)
    valid[:, :5] = False
    words = describe_layer(Layer(np.zeros((2, 10, 20)), valid, ("VV", "VH")), "SAR", ["VV"] * 3)
    assert words == "SAR: VV, 20 by 10 pixels, 50 % valid."


def test_maps_and_labels_are_described_by_shares() -> None:
    classes = np.array([[0, 0, 0, 1]], np.uint8)
    prediction = Prediction("sar", FLOOD, classes, np.stack([1.0 - classes, classes]).astype(np.float32), classes < 9)
    areas = (ClassArea(0, "background", 3, 0.75, None, 1.0), ClassArea(1, "flood", 1, 0.25, None, 1.0))
    assert describe_map(prediction, areas) == "SAR only class map: background 75 %, flood 25 %."
    assert describe_label(np.array([[0, 1, IGNORE_INDEX]], np.uint8), FLOOD) == "Label: background 50 %, flood 50 %."
    assert describe_confidence(prediction) == "SAR only confidence: mean 1.00, 0 % of the pixels below 0.7."


def test_nothing_mapped_is_said() -> None:
    nothing = np.full((1, 2), IGNORE_INDEX, np.uint8)
    prediction = Prediction("fused", FLOOD, nothing, np.full((2, 1, 2), 0.5, np.float32), np.zeros((1, 2), bool))
    assert "nothing was mapped" in describe_confidence(prediction)
    assert "nothing was mapped" in describe_trust(np.zeros((1, 2), np.float32), np.zeros((1, 2), bool))
    assert "no pixel" in describe_disagreement(None)
    assert "no pixel" in describe_disagreement(float("nan"))
    assert "n/a" in describe_label(nothing, FLOOD)
    assert format_score(float("nan")) == format_share(float("nan")) == "n/a"


def test_trust_is_described_by_mean_and_lead() -> None:
    words = describe_trust(np.array([[0.2, 0.8]], np.float32), np.ones((1, 2), bool))
    assert words == "Trust: the optical sensor has 50 % on average, SAR leads on 50 % of the pixels."
