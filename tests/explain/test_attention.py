"""Attention is read as the network computed it, and reading leaves the network as it was."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from claire.core.errors import InputError, UnknownNameError, ZoneError
from claire.core.evidence import compute_concentration
from claire.core.settings import Settings
from claire.core.types import AttentionStage, Prediction, Prepared
from claire.explain.attention import (
    capturing,
    compute_look,
    compute_trust_by_class,
    read_attention,
)
from claire.explain.tensors import as_tensors
from claire.inference.engine import TorchSegmenter
from claire.inference.predicting import decide
from tests.explain.conftest import snapshot


def test_trust_is_what_the_predictor_reports_and_attention_sums_to_one(
    model: TorchSegmenter, prepared: Prepared
) -> None:
    attention = read_attention(model, prepared)
    for stage, gate in zip(attention.stages, model.segment(prepared).trust, strict=True):
        np.testing.assert_allclose(stage.trust, gate, atol=1e-5)
    assert [stage.stride for stage in attention.stages] == [1, 2, 4, 8, 16, 32]
    for stage in attention.stages[2:]:
        for weights in (stage.optical_to_sar, stage.sar_to_optical):
            assert weights is not None
            np.testing.assert_allclose(weights.sum(axis=(2, 3)), 1, atol=1e-5)


@pytest.mark.parametrize("fails", [False, True])
def test_no_hook_stays_behind(model: TorchSegmenter, prepared: Prepared, fails: bool) -> None:
    before = snapshot(model.network)  # type: ignore[arg-type]
    if fails:
        with pytest.raises(TypeError), capturing(model.network):  # type: ignore[arg-type]
            model.network()
        with pytest.raises(ArithmeticError), capturing(model.network):  # type: ignore[arg-type]
            raise ArithmeticError
    else:
        read_attention(model, prepared)
    assert snapshot(model.network) == before  # type: ignore[arg-type]


def test_every_forward_inside_the_block_is_captured_and_gives_the_same_logits(
    model: TorchSegmenter, prepared: Prepared
) -> None:
    plain = model.segment(prepared).logits["fused"]
    with capturing(model.network) as captured:  # type: ignore[arg-type]
        inspected = model.segment(prepared).logits["fused"]
        model.segment(prepared)
    np.testing.assert_allclose(inspected, plain, rtol=1e-4, atol=1e-5)
    assert len(captured) == 2


@pytest.mark.parametrize("shape", [(64, 64), (33, 50), (31, 64)])
@pytest.mark.parametrize("asking", ["optical", "sar"])
def test_a_look_is_the_attention_of_that_pixel_spread_over_its_cells(
    model: TorchSegmenter, prepared: Prepared, shape: tuple[int, int], asking: str
) -> None:
    part = replace(
        prepared,
        **{
            name: getattr(prepared, name)[:, : shape[0], : shape[1]]
            for name in ("optical", "sar", "optical_valid", "sar_valid")
        },
        label=None,
    )
    attention = read_attention(model, part)
    row, column, index = shape[0] - 3, 7, 3
    stage = attention.stages[index]
    weights = stage.looking(asking)  # type: ignore[arg-type]
    assert weights is not None
    grid = torch.from_numpy(weights[row // stage.stride, column // stage.stride])
    high, wide = stage.trust.shape
    expected = np.zeros((high, wide))
    for i in range(grid.shape[0]):  # the cells of adaptive pooling, one by one
        rows = slice(i * high // grid.shape[0], -(-(i + 1) * high // grid.shape[0]))
        for j in range(grid.shape[1]):
            columns = slice(j * wide // grid.shape[1], -(-(j + 1) * wide // grid.shape[1]))
            pixels = (rows.stop - rows.start) * (columns.stop - columns.start)
            expected[rows, columns] += float(grid[i, j]) / pixels
    look = compute_look(attention, row, column, asking, index)  # type: ignore[arg-type]
    fine = np.kron(expected / stage.stride**2, np.ones((stage.stride, stage.stride)))[: shape[0], : shape[1]]
    np.testing.assert_allclose(look, fine, rtol=1e-5)
    assert look.shape == shape


def test_the_mean_look_is_the_mean_of_the_stages(model: TorchSegmenter, prepared: Prepared) -> None:
    attention = read_attention(model, prepared)
    stages = [compute_look(attention, 5, 60, "sar", index) for index in (2, 3, 4, 5)]
    mean = compute_look(attention, 5, 60, "sar")
    np.testing.assert_allclose(mean, np.mean(stages, axis=0), rtol=1e-5)
    assert float(mean.sum()) == pytest.approx(1, abs=1e-5)


def test_a_large_tile_is_read_in_the_window_around_the_pixel(model: TorchSegmenter, prepared: Prepared) -> None:
    wide = replace(
        prepared,
        **{
            name: np.tile(getattr(prepared, name), (1, 2, 3))
            for name in ("optical", "sar", "optical_valid", "sar_valid")
        },
        label=None,
    )
    small = replace(model, settings=Settings(window=64, overlap=32))
    attention = read_attention(small, wide, (100, 150))
    assert attention.shape == (64, 64)
    top, left = attention.origin
    assert top <= 100 < top + 64
    assert left <= 150 < left + 64
    assert (top % 32, left % 32) == (0, 0)
    assert compute_look(attention, 100, 150, "optical").shape == (64, 64)
    with pytest.raises(ZoneError):
        compute_look(attention, 0, 0, "optical")


def test_concentration_is_one_for_a_point_and_zero_for_everywhere() -> None:
    weights = np.full((1, 2, 2, 2), 0.25, np.float32)
    weights[0, 1] = [[1, 0], [0, 0]]
    stage = AttentionStage(8, np.zeros((1, 2), np.float32), weights, None)
    found = compute_concentration(stage, "optical")
    assert found is not None
    np.testing.assert_allclose(found, [[0, 1]], atol=1e-6)
    assert compute_concentration(stage, "sar") is None


def test_trust_by_class_is_a_mean_over_the_pixels_of_the_class(model: TorchSegmenter, prepared: Prepared) -> None:
    prediction: Prediction = decide(model.segment(prepared), prepared, model.manifest, "fused")
    trust = np.random.default_rng(0).random(prepared.shape).astype(np.float32)
    shares = compute_trust_by_class(trust, prediction)
    for index, name in enumerate(("background", "flood")):
        pixels = [
            float(trust[row, column])
            for row in range(64)
            for column in range(64)
            if prediction.classes[row, column] == index
        ]
        assert shares[name] == pytest.approx(np.mean(pixels))
    nothing = replace(prediction, classes=np.zeros_like(prediction.classes))
    assert np.isnan(compute_trust_by_class(trust, nothing)["flood"])


def test_what_cannot_be_read_is_said(model: TorchSegmenter, sar_model: TorchSegmenter, prepared: Prepared) -> None:
    with pytest.raises(InputError, match="no cross-attention"):
        read_attention(sar_model, prepared)
    with pytest.raises(ZoneError, match="row 64"):
        read_attention(model, prepared, (64, 0))
    with pytest.raises(UnknownNameError):
        compute_look(read_attention(model, prepared), 0, 0, "sar", 0)


def test_tensors_are_padded_as_the_predictor_pads(model: TorchSegmenter, prepared: Prepared) -> None:
    part = replace(
        prepared,
        **{name: getattr(prepared, name)[:, :33, :50] for name in ("optical", "sar", "optical_valid", "sar_valid")},
        label=None,
    )
    optical, _, _, sar_valid = as_tensors(part, model)
    assert optical.shape[2:] == sar_valid.shape[2:] == (64, 64)
    np.testing.assert_array_equal(optical[0].numpy(), np.pad(part.optical, ((0, 0), (0, 31), (0, 14)), mode="edge"))
