"""Logits -> maps: temperature, softmax, decision, mask; and the mean of the gates."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from claire.core.bands import MODES, Mode
from claire.core.classes import IGNORE_INDEX
from claire.core.types import Prepared, SegmenterOutput
from claire.inference.predicting import combine_trust, compute_softmax, decide
from tests.tiny_model import describe_tiny

SHAPE = (9, 11)


@pytest.fixture
def prepared() -> Prepared:
    """Optical sees the upper six rows, SAR the left eight columns; three rows right are seen by neither."""
    optical_valid, sar_valid = np.zeros((6, *SHAPE), bool), np.zeros((2, *SHAPE), bool)
    optical_valid[0, :6], sar_valid[1, :, :8] = True, True
    return Prepared(
        "tile", np.zeros((6, *SHAPE), np.float32), np.zeros((2, *SHAPE), np.float32), optical_valid, sar_valid
    )


@pytest.fixture
def output() -> SegmenterOutput:
    rng = np.random.default_rng(0)
    return SegmenterOutput({mode: rng.normal(0, 3, (2, *SHAPE)).astype(np.float32) for mode in MODES})


@pytest.mark.parametrize("mode", MODES)
def test_the_fitted_temperature_divides_the_logits(output: SegmenterOutput, prepared: Prepared, mode: Mode) -> None:
    manifest = describe_tiny()
    prediction = decide(output, prepared, manifest, mode)
    scaled = output.logits[mode].astype(np.float64) / manifest.temperature[mode]
    wanted = np.exp(scaled) / np.exp(scaled).sum(axis=0)
    np.testing.assert_allclose(prediction.probabilities, wanted, rtol=1e-4, atol=1e-6)
    assert prediction.temperature == manifest.temperature[mode]
    assert decide(output, prepared, replace(manifest, temperature={}), mode).temperature == 1


@given(temperature=st.floats(0.05, 20))
def test_a_temperature_changes_confidence_but_no_class(temperature: float) -> None:
    rng = np.random.default_rng(1)
    logits = SegmenterOutput({"fused": rng.normal(0, 3, (2, 4, 4)).astype(np.float32)})
    ones = np.ones((1, 4, 4), bool)
    tile = Prepared("tile", ones.astype(np.float32), ones.astype(np.float32), ones, ones)
    plain = decide(logits, tile, describe_tiny(), "fused", 1.0)
    other = decide(logits, tile, describe_tiny(), "fused", temperature)
    np.testing.assert_array_equal(plain.classes, other.classes)
    if temperature > 1.01:
        assert other.confidence.mean() < plain.confidence.mean()
    if temperature < 0.99:
        assert other.confidence.mean() > plain.confidence.mean()


def test_each_mode_is_masked_by_its_own_sensors(output: SegmenterOutput, prepared: Prepared) -> None:
    optical, sar = np.zeros(SHAPE, bool), np.zeros(SHAPE, bool)
    optical[:6], sar[:, :8] = True, True
    for mode, seen in (("optical", optical), ("sar", sar), ("fused", optical | sar)):
        prediction = decide(output, prepared, describe_tiny(), mode)  # type: ignore[arg-type]
        np.testing.assert_array_equal(prediction.valid, seen)
        assert (prediction.classes[~seen] == IGNORE_INDEX).all()
        assert (prediction.confidence[~seen] == 0).all()
        np.testing.assert_array_equal(
            prediction.classes[seen],
            output.logits[mode].argmax(axis=0)[seen],  # type: ignore[index]
        )
        assert (prediction.confidence[seen] >= 0.5).all()


@given(seed=st.integers(0, 2**32 - 1), scale=st.sampled_from([1e-3, 1.0, 100.0, 1e4]), classes=st.integers(1, 9))
def test_softmax_sums_to_one_and_equals_its_definition(seed: int, scale: float, classes: int) -> None:
    logits = (np.random.default_rng(seed).standard_normal((classes, 3, 5)) * scale).astype(np.float32)
    found = compute_softmax(logits)
    assert found.dtype == np.float32
    assert (found >= 0).all()
    np.testing.assert_allclose(found.sum(axis=0), 1, rtol=1e-5)
    shifted = logits.astype(np.float64) - logits.max(axis=0)
    np.testing.assert_allclose(found, np.exp(shifted) / np.exp(shifted).sum(axis=0), rtol=1e-3, atol=1e-6)


@given(seed=st.integers(0, 2**32 - 1), scales=st.lists(st.sampled_from([1, 2, 4, 8]), min_size=1, max_size=4))
def test_trust_is_the_mean_over_the_stages_of_every_pixel(seed: int, scales: list[int]) -> None:
    rng = np.random.default_rng(seed)
    shape, padded = (13, 9), (16, 16)
    stages = tuple(rng.random((padded[0] // s, padded[1] // s)).astype(np.float32) for s in (1, *scales))
    found = combine_trust(stages, shape)
    assert found is not None
    assert found.shape == shape
    for row, column in np.ndindex(shape):
        wanted = np.mean([g[row * g.shape[0] // 16, column * g.shape[1] // 16] for g in stages])
        assert found[row, column] == pytest.approx(wanted, abs=1e-6)


def test_there_is_no_trust_without_gates() -> None:
    assert combine_trust((), (4, 4)) is None
