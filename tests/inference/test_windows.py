"""Windows cover every pixel, stay inside and lie on the network's grid."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from claire.inference.windows import blend_weights, iterate_windows, padded_size, place_windows

STRIDES = st.sampled_from([1, 4, 32])


@given(size=st.integers(1, 5000), stride=STRIDES)
def test_padding_is_the_least_multiple_that_holds_the_size(size: int, stride: int) -> None:
    padded = padded_size(size, stride)
    assert padded % stride == 0
    assert size <= padded < size + stride


@given(stride=STRIDES, size=st.integers(1, 80), window=st.integers(2, 12), data=st.data())
def test_windows_cover_the_axis_and_stay_inside(stride: int, size: int, window: int, data: st.DataObject) -> None:
    size, window = size * stride, window * stride
    overlap = data.draw(st.integers(1, window - 1))
    offsets = place_windows(size, window, overlap, stride)
    assert all(offset % stride == 0 for offset in offsets)
    assert offsets == sorted(set(offsets))
    covered = np.zeros(size, int)
    for offset in offsets:
        assert offset >= 0
        assert offset + window <= size or offsets == [0]
        covered[offset : offset + window] += 1
    assert covered.min() >= 1
    if overlap % stride == 0:
        assert all(b - a <= window - overlap for a, b in pairwise(offsets))


@given(height=st.integers(1, 20), width=st.integers(1, 20), overlap=st.integers(1, 3))
def test_windows_of_two_axes_cover_every_pixel(height: int, width: int, overlap: int) -> None:
    covered = np.zeros((height * 32, width * 32), int)
    for rows, columns in iterate_windows(*covered.shape, 128, overlap * 32, 32):
        part = covered[rows, columns]
        assert part.shape == (min(128, covered.shape[0]), min(128, covered.shape[1]))
        part += 1
    assert covered.min() >= 1


@pytest.mark.parametrize("size", [1, 32, 255, 256])
def test_what_fits_is_one_window(size: int) -> None:
    assert place_windows(size, 256, 64, 32) == [0]
    assert list(iterate_windows(size, size, 256, 64, 32)) == [(slice(0, size), slice(0, size))]


@given(height=st.integers(1, 80), width=st.integers(1, 80), ramp=st.integers(0, 90))
def test_weights_are_positive_symmetric_and_highest_inside(height: int, width: int, ramp: int) -> None:
    weights = blend_weights(height, width, ramp)
    assert weights.shape == (height, width)
    assert weights.dtype == np.float32
    assert weights.min() > 0
    assert weights.max() <= 1
    np.testing.assert_array_equal(weights, weights[::-1, ::-1])
    assert weights[height // 2, width // 2] == weights.max()
    assert (weights[ramp : height - ramp, ramp : width - ramp] == 1).all()


def test_weights_fall_linearly_over_the_ramp() -> None:
    np.testing.assert_allclose(blend_weights(9, 1, 3)[:, 0] / blend_weights(1, 1, 3)[0, 0], [1, 2, 3, 4, 4, 4, 3, 2, 1])
