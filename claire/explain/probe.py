"""Probe: a prepared pair in front of its network, as one number that depends on the values alone.

The masks stay as they are while values change: what an attribution takes apart is what was measured, never that it was
measured. What a missing sensor does is the question of `claire.explain.contribution`.
Legend: B batch, C bands, H height, W width, K classes.
"""

from __future__ import annotations

import copy
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn

from claire.core.errors import BudgetError, UnknownNameError
from claire.core.segmenter import OpenSegmenter
from claire.core.types import Prepared
from claire.explain.targets import Quantity, Target
from claire.explain.tensors import as_tensor, pad
from claire.explain.watch import Watch

Pair: TypeAlias = tuple[Tensor, Tensor]
"""Optical and SAR, each (B, C, H, W)."""

PEAK = 2.0
"""How many times what autograd keeps a forward and backward pass takes at most, working memory included."""
SINGLE = 3.0
"""How many times the memory of a batch a single pair may take, where a zone is too wide for less."""


class Probe:
    """The number that a target names, as a differentiable function of optical and SAR values.

    Args:
        model: Whose network answers.
        prepared: A piece of a tile.
        target: Its zone covers that piece.
        watch: Progress and cancel.
    """

    def __init__(self, model: OpenSegmenter, prepared: Prepared, target: Target, watch: Watch | None = None) -> None:
        self.model, self.prepared, self.target, self.watch = model, prepared, target, watch or Watch()
        self.inputs: Pair = as_tensor(prepared.optical, model), as_tensor(prepared.sar, model)
        self.valid: Pair = as_tensor(prepared.optical_valid, model), as_tensor(prepared.sar_valid, model)
        self.network: torch.nn.Module = model.network
        self._weights = as_tensor((target.zone / target.zone.sum())[None], model)[0]

    def at(self, inputs: Pair) -> Probe:
        """The same question about other values."""
        other = copy.copy(self)
        other.inputs = inputs
        return other

    def through(self, network: torch.nn.Module) -> Probe:
        """The same question to another network."""
        other = copy.copy(self)
        other.network = network
        return other

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W)."""
        return self.prepared.shape

    def __call__(self, optical: Tensor, sar: Tensor) -> Tensor:
        """(B,) the target for every pair of a batch."""
        return self.read(optical, sar, self.target.quantity)

    def read(self, optical: Tensor, sar: Tensor, quantity: Quantity) -> Tensor:
        """(B,) another quantity of the same class over the same zone."""
        found = self.over_zone(self.select(self.answer(optical, sar), quantity))
        # A map of one sensor does not depend on the other: a gradient of 0, not a gradient that is missing.
        return found + 0 * (optical[:, 0, 0, 0] + sar[:, 0, 0, 0])

    def over_zone(self, values_BHW: Tensor) -> Tensor:
        """(B,) mean over the zone."""
        return (values_BHW * self._weights).sum(dim=(1, 2))

    def select(self, logits_BKHW: Tensor, quantity: Quantity) -> Tensor:
        """(B, H, W) one quantity of the class from logits."""
        index = self.target.class_index
        if quantity == "logit":
            return logits_BKHW[:, index]
        logarithms = (logits_BKHW / self.target.temperature).log_softmax(dim=1)[:, index]
        return logarithms if quantity == "log_probability" else logarithms.exp()

    def answer(self, optical: Tensor, sar: Tensor) -> Tensor:
        """(B, K, H, W) logits of the mode.

        Raises:
            CancelledError: Somebody asked to stop.
            UnknownNameError: The network does not make this map.
        """
        self.watch.check()
        batch, stride = optical.shape[0], self.model.stride
        masks = [pad(valid, stride).expand(batch, -1, -1, -1) for valid in self.valid]
        logits: dict[str, Tensor] = self.network(pad(optical, stride), pad(sar, stride), *masks).logits
        self.watch.count(batch)
        if self.target.mode not in logits:
            raise UnknownNameError.among("map of this model", self.target.mode, logits)
        height, width = self.shape
        return logits[self.target.mode][:, :, :height, :width]


def compute_bytes_per_pixel(model: OpenSegmenter) -> float:
    """What autograd keeps per pixel of a pair, measured on a small one.

    The members of an ensemble keep nothing, but are counted again one by one; the largest is added.
    """
    side = 2 * model.stride
    whole, members = model.network, getattr(model.network, "members", ())
    kept = _weigh(model, whole) + max((_weigh(model, member) for member in members), default=0)
    return PEAK * kept / side**2


def _weigh(model: OpenSegmenter, network: nn.Module) -> int:
    """Bytes that autograd keeps of a forward of a small pair."""
    manifest, side, kept = model.manifest, 2 * model.stride, 0

    weights = {parameter.data_ptr() for parameter in network.parameters()}

    def weigh(tensor: Tensor) -> None:
        # Handing the tensor back would tie it to the graph that keeps it: neither would ever be freed.
        nonlocal kept
        if tensor.data_ptr() not in weights:  # they are there anyway, however large the pair
            kept += tensor.nbytes

    shapes = [(len(spec.bands), side, side) for spec in (manifest.optical, manifest.sar)]
    values = [as_tensor(np.zeros(shape, np.float32), model).requires_grad_() for shape in shapes]
    masks = [torch.ones_like(value, requires_grad=False) for value in values]
    with torch.autograd.graph.saved_tensors_hooks(weigh, _same), torch.enable_grad():
        network(*values, *masks)
    return kept


def find_side(model: OpenSegmenter, weight: float) -> int:
    """The longest side of a piece that fits the window and the memory budget, a multiple of the stride.

    Args:
        model: Whose settings hold the budget.
        weight: Bytes per pixel.

    Raises:
        BudgetError: Not even the smallest piece fits.
    """
    budget = model.settings.explain_memory_mb * 1e6
    fits = int((budget / weight) ** 0.5) // model.stride * model.stride
    if fits == 0:
        raise BudgetError(
            f"{model.settings.explain_memory_mb} MB do not suffice for an attribution.",
            "Set CLAIRE_EXPLAIN_MEMORY_MB to more; 512 is enough for small tiles.",
        )
    return min(fits, model.settings.window)


def find_batch(model: OpenSegmenter, weight: float, shape: tuple[int, int]) -> int:
    """How many pairs of a shape go through the network at once within the memory budget, at least 1."""
    budget = model.settings.explain_memory_mb * 1e6
    return max(1, int(budget / (weight * shape[0] * shape[1])))


def _same(tensor: Any) -> Any:
    return tensor
