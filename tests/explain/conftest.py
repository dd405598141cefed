"""A network whose truth is known, tiny real networks, and a generated pair: attributions in milliseconds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from claire.core.settings import Settings
from claire.core.types import Prepared
from claire.data.examples import generate_flood_pair
from claire.data.preparing import prepare
from claire.explain.targets import Quantity, Target, build_rectangle_zone, build_target
from claire.inference.engine import TorchSegmenter
from claire.pipeline import load_model
from tests.tiny_model import describe_tiny

SIDE = 64
HALF = SIDE // 2


@dataclass(frozen=True)
class Answer:
    logits: dict[str, Tensor]
    stages: tuple[object, ...] = ()


class PlantedNetwork(nn.Module):
    """Flood is optical band 3 everywhere plus SAR band 0 in the left half; background is optical band 0. No more."""

    def __init__(self) -> None:
        super().__init__()
        self.strength = nn.Parameter(torch.tensor([1.0, 0.5, 0.8]))

    def forward(
        self, optical: Tensor, sar: Tensor, optical_valid: Tensor, sar_valid: Tensor, inspect: bool = False
    ) -> Answer:
        seen, echo = optical * optical_valid, sar * sar_valid
        left = torch.arange(sar.shape[3], device=sar.device) < HALF
        flood = self.strength[0] * torch.tanh(seen[:, 3]) + self.strength[1] * torch.tanh(echo[:, 0]) * left
        background = self.strength[2] * torch.tanh(seen[:, 0])
        return Answer({"fused": torch.stack([background, flood], dim=1)})


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Small tensors gain nothing from several threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def planted() -> TorchSegmenter:
    return TorchSegmenter(PlantedNetwork().eval(), describe_tiny())


@pytest.fixture
def model(tiny_checkpoints: Path) -> TorchSegmenter:
    """A network of random weights with CMAF."""
    return load_model("tiny", Settings(checkpoints=tiny_checkpoints))


@pytest.fixture
def sar_model(tiny_checkpoints: Path) -> TorchSegmenter:
    return load_model("tiny-sar", Settings(checkpoints=tiny_checkpoints))


@pytest.fixture(scope="session")
def prepared() -> Prepared:
    """A generated pair of 64 x 64 pixels."""
    return prepare(generate_flood_pair(seed=7, size=SIDE), describe_tiny())[0]


@pytest.fixture
def target(prepared: Prepared) -> Target:
    """Flood over a rectangle in the middle, in logits."""
    return aim(prepared, "flood", (8, 8, 56, 40))


def aim(
    prepared: Prepared,
    class_name: str,
    region: tuple[int, int, int, int] | None = None,
    quantity: Quantity = "logit",
) -> Target:
    """A target over a rectangle x0, y0, x1, y1, or over everything."""
    zone = np.ones(prepared.shape, bool) if region is None else build_rectangle_zone(prepared.shape, *region)
    return build_target(describe_tiny(), prepared, class_name, zone, quantity=quantity)


def snapshot(network: nn.Module) -> dict[str, bytes]:
    """Every parameter and buffer, bit for bit, whether it has a gradient, and every hook and mode."""
    state: dict[str, bytes] = {name: value.numpy().tobytes() for name, value in network.state_dict().items()}
    for name, parameter in network.named_parameters():
        state[f"{name} gradient"] = repr((parameter.grad, parameter.requires_grad)).encode()
    for name, module in network.named_modules():
        hooks = [
            len(held)
            for held in (
                module._forward_hooks,
                module._forward_pre_hooks,
                module._backward_hooks,
                module._backward_pre_hooks,
            )
        ]
        state[f"{name} hooks"] = repr((hooks, module.training, sorted(vars(module)))).encode()
    return state
