"""Targets: zones drawn pixel by pixel, and one sentence for each that cannot be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from claire.core.classes import FLOOD
from claire.core.errors import InputError, SensorError, UnknownNameError, ZoneError
from claire.core.types import Prediction, Prepared
from claire.explain.targets import (
    build_class_zone,
    build_pixel_zone,
    build_polygon_zone,
    build_rectangle_zone,
    build_region_zone,
    build_target,
)
from tests.tiny_model import describe_tiny

SHAPE = (7, 9)
CLASSES = np.array([[1, 1, 0, 1], [0, 1, 0, 1], [255, 0, 1, 0]], np.uint8)


@pytest.fixture
def prediction() -> Prediction:
    return Prediction("fused", FLOOD, CLASSES, np.full((2, 3, 4), 0.5, np.float32), CLASSES != 255)


def test_rectangles_and_pixels_hold_the_pixels_named() -> None:
    zone = build_rectangle_zone(SHAPE, -2, 3, 4, 20)
    assert {(int(r), int(c)) for r, c in zip(*np.nonzero(zone), strict=True)} == {
        (r, c) for r in range(3, 7) for c in range(4)
    }
    assert np.argwhere(build_pixel_zone(SHAPE, 6, 8)).tolist() == [[6, 8]]


@example([(0.0, 0.0), (0.0, 2.2250738585072014e-308), (1.0, 0.0)])
@given(st.lists(st.tuples(st.floats(-2, 11), st.floats(-2, 9)), min_size=3, max_size=7))
def test_a_polygon_holds_the_centres_that_a_ray_leaves_an_odd_number_of_times(
    corners: list[tuple[float, float]],
) -> None:
    expected = np.zeros(SHAPE, bool)
    for row, column in np.ndindex(SHAPE):
        x, y, crossings = column + 0.5, row + 0.5, 0
        for (xa, ya), (xb, yb) in zip(corners, [*corners[1:], corners[0]], strict=True):
            if (ya > y) != (yb > y) and x < xa + (y - ya) * (xb - xa) / (yb - ya):
                crossings += 1
        expected[row, column] = crossings % 2
    if expected.any():
        np.testing.assert_array_equal(build_polygon_zone(SHAPE, corners), expected)
    else:
        with pytest.raises(ZoneError):
            build_polygon_zone(SHAPE, corners)


def test_a_class_is_every_pixel_of_it_and_a_region_those_connected(prediction: Prediction) -> None:
    np.testing.assert_array_equal(build_class_zone(prediction, "flood"), CLASSES == 1)
    region = build_region_zone(prediction, 0, 0)
    assert np.argwhere(region).tolist() == [[0, 0], [0, 1], [1, 1]]


def wrong_class(prediction: Prediction, prepared: Prepared) -> object:
    return build_class_zone(replace(prediction, classes=np.where(CLASSES == 1, 0, CLASSES).astype(np.uint8)), "flood")


def target_of(prepared: Prepared, zone: np.ndarray, name: str = "flood", **options: str) -> object:
    return build_target(describe_tiny(), prepared, name, zone, **options)  # type: ignore[arg-type]


def without(prepared: Prepared, sensor: str) -> Prepared:
    none = np.zeros_like(getattr(prepared, sensor))
    return replace(prepared, **{sensor: none, f"{sensor}_valid": none.astype(bool)})


WRONG: dict[str, tuple[type[InputError], Callable[[Prediction, Prepared], object]]] = {
    "class that is absent": (ZoneError, wrong_class),
    "class that is unknown": (UnknownNameError, lambda made, pair: build_class_zone(made, "lava")),
    "rectangle without area": (ZoneError, lambda made, pair: build_rectangle_zone(SHAPE, 3, 3, 3, 5)),
    "rectangle turned over": (ZoneError, lambda made, pair: build_rectangle_zone(SHAPE, 5, 1, 3, 5)),
    "rectangle outside": (ZoneError, lambda made, pair: build_rectangle_zone(SHAPE, 20, 20, 30, 30)),
    "rectangle left of it": (ZoneError, lambda made, pair: build_rectangle_zone(SHAPE, -9, -9, -1, -1)),
    "pixel outside": (ZoneError, lambda made, pair: build_pixel_zone(SHAPE, 7, 0)),
    "polygon of two corners": (ZoneError, lambda made, pair: build_polygon_zone(SHAPE, [(0, 0), (3, 3)])),
    "polygon between centres": (ZoneError, lambda made, pair: build_polygon_zone(SHAPE, [(0, 0), (0.3, 0), (0, 0.3)])),
    "polygon of NaN": (ZoneError, lambda made, pair: build_polygon_zone(SHAPE, [(0, 0), (3, 0), (np.nan, 3)])),
    "region where nothing was mapped": (ZoneError, lambda made, pair: build_region_zone(made, 2, 0)),
    "region outside": (ZoneError, lambda made, pair: build_region_zone(made, 9, 0)),
    "empty zone": (ZoneError, lambda made, pair: target_of(pair, np.zeros(pair.shape, bool))),
    "zone of another size": (ZoneError, lambda made, pair: target_of(pair, np.ones(SHAPE, bool))),
    "target class": (UnknownNameError, lambda made, pair: target_of(pair, np.ones(pair.shape, bool), "lava")),
    "target quantity": (
        UnknownNameError,
        lambda made, pair: target_of(pair, np.ones(pair.shape, bool), quantity="loss"),
    ),
    "no SAR": (SensorError, lambda made, pair: target_of(without(pair, "sar"), np.ones(pair.shape, bool))),
    "no optical": (SensorError, lambda made, pair: target_of(without(pair, "optical"), np.ones(pair.shape, bool))),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_asked_is_one_sentence_with_a_hint(
    prediction: Prediction, prepared: Prepared, case: str
) -> None:
    kind, build = WRONG[case]
    with pytest.raises(kind) as caught:
        build(prediction, prepared)
    for sentence in (caught.value.message, caught.value.hint):
        assert 0 < len(sentence) <= 200
        assert sentence.endswith(".")
        assert "\n" not in sentence


def test_one_sensor_is_enough_for_its_own_map(prepared: Prepared) -> None:
    alone = without(prepared, "optical")
    target = build_target(describe_tiny(), alone, "flood", np.ones(prepared.shape, bool), mode="sar")
    assert target.temperature == describe_tiny().temperature["sar"]


def test_pixels_that_nobody_saw_leave_the_zone(prepared: Prepared) -> None:
    blind = {}
    for sensor in ("optical_valid", "sar_valid"):
        blind[sensor] = getattr(prepared, sensor).copy()
        blind[sensor][:, :10] = False
    target = build_target(describe_tiny(), replace(prepared, **blind), "flood", np.ones(prepared.shape, bool))
    assert not target.zone[:10].any()
    assert target.zone[10:].all()
