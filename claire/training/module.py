"""The Lightning module: one network, RIFT on every map it gives, one-cycle AdamW."""

from __future__ import annotations

from typing import Any

import lightning
import torch
from torch import Tensor

from claire.core.bands import Mode
from claire.core.classes import IGNORE_INDEX
from claire.models.network import Network, NetworkOutput
from claire.training.losses import RIFTLoss
from claire.training.recipe import Recipe
from claire.training.samples import Sample

MONITOR = "val_score"
"""Mean IoU of the main map, averaged over a clear optical and none: what chooses the epoch."""


class SegmentationModule(lightning.LightningModule):
    """Trains any network of `claire.models.network`.

    Args:
        network: To train.
        loss: RIFT.
        recipe: Learning rate, weights of the auxiliary heads.
        steps: Optimiser steps of the whole run.
    """

    def __init__(self, network: Network, loss: RIFTLoss, recipe: Recipe, steps: int) -> None:
        super().__init__()
        self.network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.loss, self.recipe, self.steps = loss, recipe, steps
        self.main: Mode = "fused" if "fused" in network.modes else network.modes[0]
        self._confusion: dict[str, Tensor] = {}

    def training_step(self, batch: Sample, index: int) -> Tensor:
        """RIFT of the main map plus the weighed RIFT of each single sensor, where that sensor saw anything."""
        output = self._forward(batch)
        total = torch.zeros((), device=batch["optical"].device)
        for mode, logits in output.logits.items():
            weight = 1.0 if mode == self.main else self.recipe.auxiliary_weight
            total = total + weight * self.loss(logits.float(), _visible(batch, mode))
        self.log("train_loss", total, prog_bar=True)
        return total

    def validation_step(self, batch: Sample, index: int) -> None:
        """Count the main map with all inputs, and without the optical where the network can do without."""
        conditions = {"clear": batch}
        if self.main == "fused":
            conditions["zero_all"] = {
                **batch,
                "optical": torch.zeros_like(batch["optical"]),
                "optical_valid": torch.zeros_like(batch["optical_valid"]),
            }
        for name, inputs in conditions.items():
            logits = self._forward(inputs).logits[self.main]
            classes = logits.shape[1]
            target = batch["target"]
            labelled = target != IGNORE_INDEX
            pairs = target[labelled] * classes + logits.argmax(dim=1)[labelled]
            counted = torch.bincount(pairs, minlength=classes**2).view(classes, classes)
            self._confusion[name] = self._confusion.get(name, torch.zeros_like(counted)) + counted

    def on_validation_epoch_end(self) -> None:
        """Log the IoU of each class index under each condition, and the score that is monitored."""
        means = []
        for name, counted in self._confusion.items():
            counts = self.trainer.strategy.reduce(counted.double(), reduce_op="sum")  # over all processes
            union = counts.sum(dim=0) + counts.sum(dim=1) - counts.diagonal()
            iou = counts.diagonal()[union > 0] / union[union > 0]
            means.append(iou.mean())
            self.log(f"val_{name}_miou", iou.mean())
            self.log(f"val_{name}_last_class_iou", iou[-1], prog_bar=True)
        self._confusion = {}
        self.log(MONITOR, torch.stack(means).mean(), prog_bar=True)

    def configure_optimizers(self) -> Any:
        """AdamW under a one-cycle schedule; norms and biases are not decayed."""
        decayed = [p for p in self.network.parameters() if p.ndim > 1]
        others = [p for p in self.network.parameters() if p.ndim <= 1]
        optimizer = torch.optim.AdamW(
            [{"params": decayed, "weight_decay": self.recipe.weight_decay}, {"params": others, "weight_decay": 0.0}],
            lr=self.recipe.learning_rate,
        )
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, max_lr=self.recipe.learning_rate, total_steps=self.steps + 1, pct_start=0.2
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def _forward(self, batch: Sample) -> NetworkOutput:
        inputs = (
            batch[k].contiguous(memory_format=torch.channels_last)
            for k in ("optical", "sar", "optical_valid", "sar_valid")
        )
        output: NetworkOutput = self.network(*inputs)
        return output


def _visible(batch: Sample, mode: Mode) -> Tensor:
    """The target, ignored where the sensors of the mode saw nothing."""
    optical, sar = batch["optical_valid"].amax(dim=1), batch["sar_valid"].amax(dim=1)
    seen = {"optical": optical, "sar": sar, "fused": torch.maximum(optical, sar)}[mode]
    return torch.where(seen > 0, batch["target"], IGNORE_INDEX)
