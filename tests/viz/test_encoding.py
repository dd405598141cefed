"""Sizes of pictures and PNG bytes."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from claire.core.classes import FLOOD
from claire.core.errors import GridError
from claire.core.types import Layer, Prediction
from claire.viz.encoding import (
    encode_png,
    render_enlarged,
    render_split,
    render_thumbnail,
    thin_layer,
    thin_map,
    thin_prediction,
)


def noise(high: int, wide: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (high, wide, 4), np.uint8)


def test_png_gives_back_every_pixel_and_holds_no_metadata() -> None:
    picture = noise(7, 11)
    opened = Image.open(io.BytesIO(encode_png(picture)))
    np.testing.assert_array_equal(np.asarray(opened), picture)
    assert not opened.info


@pytest.mark.parametrize(("high", "wide"), [(1, 1), (1, 3000), (256, 256), (2049, 100)])
def test_thinning_bounds_the_longer_side_and_keeps_maps_on_the_pixels_of_layers(high: int, wide: int) -> None:
    values = np.arange(high * wide, dtype=np.int64).reshape(1, high, wide)
    layer = thin_layer(Layer(values, np.ones(values.shape, bool), ("A",)), 1024)
    assert max(layer.shape) <= 1024
    np.testing.assert_array_equal(layer.values[0], thin_map(values[0], 1024))


def test_a_thinned_prediction_is_a_prediction() -> None:
    classes = np.random.default_rng(1).integers(0, 2, (50, 70)).astype(np.uint8)
    probabilities = np.stack([1.0 - classes, classes]).astype(np.float32)
    thinned = thin_prediction(Prediction("fused", FLOOD, classes, probabilities, np.ones((50, 70), bool)), 20)
    assert thinned.classes.shape == (13, 18)
    np.testing.assert_array_equal(thinned.probabilities.argmax(axis=0), thinned.classes)


@pytest.mark.parametrize(("side", "expected"), [(1, 512), (256, 512), (400, 400), (1024, 1024)])
def test_small_pictures_are_enlarged_pixel_by_pixel(side: int, expected: int) -> None:
    picture = noise(side, side)
    large = render_enlarged(picture)
    assert large.shape[0] == expected
    np.testing.assert_array_equal(large[:: expected // side, :: expected // side], picture)


@pytest.mark.parametrize(("high", "wide"), [(1, 1), (30, 500), (300, 200)])
def test_thumbnails_are_square(high: int, wide: int) -> None:
    assert render_thumbnail(noise(high, wide), 64).shape == (64, 64, 4)


def test_a_split_has_each_picture_on_its_side() -> None:
    left, right = np.full((8, 16, 4), 10, np.uint8), np.full((8, 16, 4), 90, np.uint8)
    picture = render_split(left, right)
    assert picture.shape == left.shape
    assert (picture[:, 0] == 10).all()
    assert (picture[:, -1] == 90).all()
    with pytest.raises(GridError):
        render_split(left, right[:4])
