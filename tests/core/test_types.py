"""The value objects check themselves once, at construction."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from claire.core.classes import FLOOD
from claire.core.errors import BandError, ClaireError, GridError, LabelError
from claire.core.types import GeoReference, Layer, Prediction, Prepared, SegmenterOutput, Tile, layer_of


def layer(bands: int = 2, height: int = 4, width: int = 5) -> Layer:
    shape = (bands, height, width)
    return Layer(np.zeros(shape, np.float32), np.ones(shape, bool), tuple(f"b{i}" for i in range(bands)))


@pytest.mark.parametrize(
    ("kind", "build"),
    [
        (GridError, lambda: Layer(np.zeros((4, 4)), np.ones((4, 4), bool), ("a",))),
        (GridError, lambda: Layer(np.zeros((1, 4, 4)), np.ones((1, 4, 5), bool), ("a",))),
        (BandError, lambda: Layer(np.zeros((2, 4, 4)), np.ones((2, 4, 4), bool), ("a",))),
        (BandError, lambda: Layer(np.zeros((2, 4, 4)), np.ones((2, 4, 4), bool), ("a", "a"))),
        (GridError, lambda: Tile("t", None, None)),
        (GridError, lambda: Tile("t", layer(), layer(width=6))),
        (GridError, lambda: Tile("t", layer(), None, np.zeros((4, 6), np.uint8))),
        (GridError, lambda: SegmenterOutput({"fused": np.zeros((2, 4, 4)), "sar": np.zeros((2, 4, 5))})),  # type: ignore[dict-item]
        (GridError, lambda: prediction(np.zeros((4, 4), np.uint8), np.zeros((3, 4, 4)))),
        (LabelError, lambda: prediction(np.full((4, 4), 255, np.uint8), np.zeros((2, 4, 4)))),
        (BandError, lambda: prepared(np.nan)),
    ],
)
def test_values_that_do_not_fit_together_are_refused(kind: type[ClaireError], build: Any) -> None:
    with pytest.raises(kind) as caught:
        build()
    assert caught.value.hint


def prediction(classes: Any, probabilities: Any) -> Prediction:
    return Prediction("fused", FLOOD, classes, probabilities.astype(np.float32), np.ones(classes.shape, bool))


def prepared(value: float) -> Prepared:
    values, valid = np.full((1, 3, 3), value, np.float32), np.zeros((1, 3, 3), bool)
    return Prepared("t", values, values, valid | np.eye(3, dtype=bool), valid)


def test_a_pixel_may_be_mapped_where_its_sensor_saw_it() -> None:
    eye = np.eye(3, dtype=bool)
    tile = prepared(0)
    np.testing.assert_array_equal(tile.valid("optical"), eye)
    np.testing.assert_array_equal(tile.valid("fused"), eye)
    assert not tile.valid("sar").any()


def test_confidence_is_the_highest_probability_and_0_where_masked() -> None:
    probabilities = np.array([[[0.2, 0.5]], [[0.8, 0.5]]], np.float32)
    made = Prediction("sar", FLOOD, np.array([[1, 255]], np.uint8), probabilities, np.array([[True, False]]))
    np.testing.assert_allclose(made.confidence, [[0.8, 0.0]])


@given(a=st.floats(0.1, 100), b=st.floats(-10, 10), d=st.floats(-10, 10), e=st.floats(-100, -0.1))
def test_the_area_of_a_pixel_is_that_of_its_parallelogram(a: float, b: float, d: float, e: float) -> None:
    side, other = np.array([a, d]), np.array([b, e])
    area = GeoReference("EPSG:32629", (a, b, 0.0, d, e, 0.0), metres=True).pixel_area_m2
    assert area == pytest.approx(abs(side[0] * other[1] - side[1] * other[0]))
    assert GeoReference("EPSG:4326", (a, b, 0.0, d, e, 0.0)).pixel_area_m2 is None


def test_a_tile_has_the_shape_of_the_sensor_it_has() -> None:
    tile = Tile("t", None, layer())
    assert tile.shape == (4, 5)
    assert layer_of(tile, "sar") is tile.sar
    assert layer_of(tile, "optical") is None
