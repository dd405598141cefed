"""Where the way from a baseline to a pair is looked at."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from claire.explain.path import TOLERANCE, integrate
from claire.explain.probe import Pair
from claire.explain.watch import Watch


class Steep:
    """1 - exp(-rate x) of the mean x of the optical: at a high rate nearly all happens near 0."""

    def __init__(self, inputs: Pair, rate: float, watch: Watch) -> None:
        self.inputs, self.rate, self.watch = inputs, rate, watch

    def at(self, inputs: Pair) -> Steep:
        """The same about other values."""
        return Steep(inputs, self.rate, self.watch)

    def __call__(self, optical: Tensor, sar: Tensor) -> Tensor:
        """(B,)."""
        self.watch.count(len(optical))
        return 1 - torch.exp(-self.rate * optical.mean(dim=(1, 2, 3))) + 0 * sar.mean(dim=(1, 2, 3))


def walk(rate: float, steps: int, most: int) -> tuple[float, int]:
    """Sum of the attribution from 0 to 1, and forward passes."""
    shape, watch = (1, 2, 4, 4), Watch()
    probe: Any = Steep((torch.ones(shape), torch.ones(shape)), rate, watch)
    optical, sar = integrate(probe, (torch.zeros(shape), torch.zeros(shape)), steps, most, 8)
    assert not sar.any()
    return float(optical.sum()), watch.done


@pytest.mark.parametrize("steps", [1, 2, 3, 32])
def test_a_straight_way_needs_no_more_than_its_steps(steps: int) -> None:
    total, _ = walk(1e-3, steps, 512)
    assert total == pytest.approx(1e-3, rel=TOLERANCE)
    assert walk(1e-3, steps, 512)[1] == walk(1e-3, steps, steps)[1]


def test_what_happens_near_the_baseline_is_seen_without_halving_a_leg() -> None:
    total, passes = walk(300.0, 32, 512)
    assert total == pytest.approx(1, rel=TOLERANCE)
    assert passes == walk(300.0, 32, 32)[1]


@pytest.mark.parametrize("rate", [3e3, 1e5])
def test_what_happens_nearer_still_is_found_by_halving(rate: float) -> None:
    assert abs(walk(rate, 32, 32)[0] - 1) > TOLERANCE
    assert walk(rate, 32, 512)[0] == pytest.approx(1, rel=TOLERANCE)
