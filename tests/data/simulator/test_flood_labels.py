"""Outlines of analysts: near the flood, never on permanent water, without crumbs."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from claire.data.simulator.flood_labels import draw_label
from claire.data.simulator.flood_parameters import DRAWING
from claire.data.simulator.landscape import INDEX, Landscape

SIDE = 128


def meadow() -> Landscape:
    shape = (SIDE, SIDE)
    return Landscape(
        np.full(shape, INDEX["meadow"], np.int16), np.full(shape, 11, np.uint8), np.zeros(shape, np.int32),
        np.zeros(shape, bool), np.full(shape, 0.3, np.float32), np.zeros((2, *shape), np.float32),
    )  # fmt: skip


@given(st.integers(0, 10**6))
@settings(max_examples=25, deadline=None)
def test_an_outline_follows_the_flood_and_leaves_permanent_water_out(seed: int) -> None:
    depth = np.zeros((SIDE, SIDE), np.float32)
    depth[:, 40:100] = 1
    permanent = np.zeros((SIDE // 2, SIDE // 2), bool)
    permanent[:, 30:34] = True
    label = draw_label(np.random.default_rng(seed), depth, (depth > 0).astype(np.float32), meadow(), permanent)
    truth = ndimage.zoom(depth, 0.5, order=0) > 0
    assert label.dtype == np.uint8
    assert not label[permanent].any()
    assert (label == (truth & ~permanent)).mean() > 0.85
    near = ndimage.binary_dilation(truth, iterations=6)
    assert not label[~near].any()


@given(st.integers(0, 10**6))
@settings(max_examples=25, deadline=None)
def test_no_patch_is_smaller_than_the_smallest_mapping_unit(seed: int) -> None:
    rng = np.random.default_rng(seed)
    depth = (ndimage.gaussian_filter(rng.normal(size=(SIDE, SIDE)), 4) > 0.02).astype(np.float32)
    label = draw_label(rng, depth, depth, meadow(), np.zeros((SIDE // 2, SIDE // 2), bool))
    parts, count = ndimage.label(label)
    assert set(np.unique(label)) <= {0, 1}
    assert count == 0 or np.bincount(parts.ravel())[1:].min() >= DRAWING.least[0]
