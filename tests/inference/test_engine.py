"""The torch engine: tiles of any size in, maps of that size out, and windows that leave no trace."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from claire.core.errors import InputError
from claire.core.segmenter import Segmenter
from claire.core.settings import Settings
from claire.core.types import Prepared
from claire.inference.engine import TorchSegmenter
from tests.tiny_model import describe_tiny

SMALL = Settings(window=64, overlap=32)
SHAPES = [(1, 1), (1, 50), (70, 1), (33, 47), (64, 64), (65, 64), (97, 200), (160, 129)]


@dataclass(frozen=True)
class Gate:
    trust_B2HW: Tensor


@dataclass(frozen=True)
class Answer:
    logits: dict[str, Tensor]
    stages: tuple[Gate, ...]


class PixelNetwork(nn.Module):
    """Every output pixel depends on the input pixels below it alone, so windows cannot matter."""

    def __init__(self) -> None:
        super().__init__()
        self.shift = nn.Parameter(torch.tensor(0.25))
        self.sizes: list[tuple[int, int]] = []

    def forward(self, optical: Tensor, sar: Tensor, optical_valid: Tensor, sar_valid: Tensor) -> Answer:
        high, wide = optical.shape[2:]
        self.sizes.append((high, wide))
        assert high % 32 == 0
        assert wide % 32 == 0
        total = (optical * optical_valid).sum(1, keepdim=True) - (sar * sar_valid).sum(1, keepdim=True) + self.shift
        fused = torch.cat([total, -2 * total], 1)
        share = torch.sigmoid(total)
        gates = []
        for scale in (1, 2, 16):
            pooled = nn.functional.avg_pool2d(share, scale)
            gates.append(Gate(torch.cat([pooled, 1 - pooled], 1)))
        return Answer({"fused": fused, "optical": fused + 1, "sar": fused - 1}, tuple(gates))


def make_prepared(height: int, width: int, seed: int = 0) -> Prepared:
    rng = np.random.default_rng(seed)
    valid = [rng.random((bands, height, width)) < 0.8 for bands in (6, 2)]
    values = [rng.standard_normal(v.shape).astype(np.float32) * v for v in valid]
    return Prepared("tile", values[0], values[1], valid[0], valid[1])


def expect(prepared: Prepared) -> np.ndarray:
    total = (prepared.optical * prepared.optical_valid).sum(0) - (prepared.sar * prepared.sar_valid).sum(0) + 0.25
    return np.stack([total, -2 * total])


@pytest.fixture
def segmenter() -> TorchSegmenter:
    return TorchSegmenter(PixelNetwork().eval(), describe_tiny(), settings=SMALL)


@pytest.mark.parametrize("shape", SHAPES)
def test_windows_leave_no_trace(segmenter: TorchSegmenter, shape: tuple[int, int]) -> None:
    prepared = make_prepared(*shape)
    logits = segmenter.segment(prepared).logits
    wanted = expect(prepared)
    for mode, offset in (("fused", 0), ("optical", 1), ("sar", -1)):
        assert logits[mode].shape == (2, *shape)
        np.testing.assert_allclose(logits[mode], wanted + offset, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("shape", SHAPES)
def test_gates_cover_the_padded_tile_and_match_the_whole(segmenter: TorchSegmenter, shape: tuple[int, int]) -> None:
    prepared = make_prepared(*shape)
    tiled = segmenter.segment(prepared).trust
    whole = replace(segmenter, settings=Settings(window=1024, overlap=64)).segment(prepared).trust
    high, wide = (-(-side // 32) * 32 for side in shape)
    for gate, wanted, scale in zip(tiled, whole, (1, 2, 16), strict=True):
        assert gate.shape == (high // scale, wide // scale)
        np.testing.assert_allclose(gate, wanted, rtol=1e-5, atol=1e-6)
    seen = 1 / (1 + np.exp(-expect(prepared)[0]))
    np.testing.assert_allclose(tiled[0][: shape[0], : shape[1]], seen, rtol=1e-4, atol=1e-6)


def test_the_network_never_sees_more_than_a_window(segmenter: TorchSegmenter) -> None:
    segmenter.segment(make_prepared(150, 40))
    assert segmenter.network.sizes == [(64, 64)] * len(segmenter.network.sizes)  # type: ignore[attr-defined]
    assert len(segmenter.network.sizes) == 4  # type: ignore[attr-defined]


def test_one_window_is_one_forward_for_all_three_maps(segmenter: TorchSegmenter) -> None:
    output = segmenter.segment(make_prepared(64, 64))
    assert segmenter.network.sizes == [(64, 64)]  # type: ignore[attr-defined]
    assert set(output.logits) == {"fused", "optical", "sar"}
    assert isinstance(segmenter, Segmenter)


@pytest.mark.parametrize(("window", "overlap"), [(100, 32), (64, 64), (64, 96), (16, 8)])
def test_windows_that_the_network_cannot_take_are_refused(window: int, overlap: int) -> None:
    with pytest.raises(InputError, match=f"{window} pixels"):
        TorchSegmenter(PixelNetwork(), describe_tiny(), settings=Settings(window=window, overlap=overlap))


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (45, 33)])
def test_the_real_network_takes_any_size(tiny_checkpoints: Path, shape: tuple[int, int]) -> None:
    from claire.models.checkpoint import load_checkpoint

    network, manifest = load_checkpoint("tiny", tiny_checkpoints)
    output = TorchSegmenter(network, manifest).segment(make_prepared(*shape))
    assert {values.shape for values in output.logits.values()} == {(2, *shape)}
    assert all(np.isfinite(values).all() for values in output.logits.values())
    for gate in output.trust:
        assert gate.min() >= 0
        assert gate.max() <= 1


def test_the_real_network_in_windows_agrees_with_the_whole_on_most_pixels(tiny_checkpoints: Path) -> None:
    from claire.models.checkpoint import load_checkpoint

    network, manifest = load_checkpoint("tiny", tiny_checkpoints)
    prepared = make_prepared(160, 160)
    whole, tiled = (
        TorchSegmenter(network, manifest, settings=Settings(window=window, overlap=64)).segment(prepared).logits
        for window in (256, 128)
    )
    for mode, values in whole.items():
        difference = np.abs(tiled[mode] - values)
        assert np.median(difference) < 0.25 * values.std()
