"""Cost: parameters and operations of a network whose numbers are known."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from claire.core.settings import Settings
from claire.inference.cost import measure_cost
from claire.pipeline import load_model
from tests.tiny_model import describe_tiny


class OneConvolution(nn.Module):
    """A 3x3 convolution of the six optical bands to five channels; the rest is not used."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(6, 5, 3, padding=1)

    def forward(self, optical: Tensor, sar: Tensor, optical_valid: Tensor, sar_valid: Tensor) -> Tensor:
        return self.convolution(optical)


def test_a_convolution_costs_two_operations_per_weight_and_pixel() -> None:
    cost = measure_cost(OneConvolution().eval(), describe_tiny(), side=64, repeats=1)
    assert cost.parameters == 6 * 5 * 9 + 5
    assert cost.gflop == pytest.approx(2 * 6 * 5 * 9 * 64 * 64 / 1e9, abs=1e-3)
    assert cost.threads == torch.get_num_threads()


def test_a_real_network_is_counted_whole(tiny_checkpoints: Path) -> None:
    model = load_model("tiny", Settings(checkpoints=tiny_checkpoints))
    cost = measure_cost(model.network, model.manifest, side=64, repeats=1)
    assert cost.parameters == sum(p.numel() for p in model.network.parameters())
    assert cost.gflop > 0
    assert cost.latency_ms > 0
