"""A pixel network that learns from labels.

Where every pixel of hundreds of tiles is labelled, no trees are needed in between: the network learns from pixels drawn
from all of them, each with the means around it, under the damage of the recipe.
Legend: P pixels, F features, K classes.
"""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from claire.core.classes import IGNORE_INDEX
from claire.core.dataset import Dataset
from claire.core.manifest import Manifest
from claire.models.network import PixelNetwork
from claire.training.losses import build_loss
from claire.training.recipe import Recipe
from claire.training.samples import CropSamples, TileStack, read_stack
from claire.training.scales import Scales, as_rows, as_scales, list_heads, read_map

DRAWN = 800
"""Pixels that are drawn of a tile in an epoch, at most."""
STEPS, PIXELS = 6000, 2048
"""Steps of the network, and pixels of one."""
LINES = 2000
"""Steps between two lines of the report."""


def learn_labels(
    network: PixelNetwork, dataset: Dataset, recipe: Recipe, manifest: Manifest, report: Callable[[str], None]
) -> NDArray[np.int64]:
    """Teach a network of pixels the labels.

    Args:
        network: To change.
        dataset: Labelled pairs of one size with the recipe's training split.
        recipe: The run. An epoch reads every tile once, damaged anew, and draws pixels from it.
        manifest: Bands, units, normalisation and classes.
        report: Receives a line after each epoch, and some while the network learns.

    Returns:
        Pixels of each class in the training split.

    Raises:
        DatasetError: No tile, tiles of several sizes, or one without label or sensor.
    """
    stack = read_stack(dataset, dataset.ids(recipe.train_split), manifest, window=recipe.window)
    counts = np.bincount(stack.labels.ravel(), minlength=256)[: len(manifest.class_scheme)]
    _learn(network, *_draw(network, stack, manifest, recipe, report), counts, recipe, report)
    return counts


def _draw(
    network: PixelNetwork, stack: TileStack, manifest: Manifest, recipe: Recipe, report: Callable[[str], None]
) -> tuple[Tensor, Tensor, list[Scales]]:
    """(P, F) what is seen of pixels, (P,) their classes, and what optical and SAR part of a row are made of."""
    rng = np.random.default_rng(recipe.seed)
    rows = classes = torch.empty(0)
    like: list[Scales] = []
    size = 0
    for epoch in range(recipe.epochs):
        samples = CropSamples(stack, manifest, recipe, max(stack.labels.shape[1:]), epoch)
        for number in range(len(samples)):
            sample = {key: part[None] for key, part in samples[number].items()}
            like = [
                network.heads.optical.look(sample["optical"], sample["optical_valid"]),
                network.heads.sar.look(sample["sar"], sample["sar_valid"]),
            ]
            target = sample["target"].flatten()
            found = torch.cat([as_rows(scales) for scales in like], dim=1)
            usable = torch.nonzero(target != IGNORE_INDEX).flatten().numpy()
            chosen = torch.from_numpy(rng.choice(usable, min(len(usable), DRAWN), replace=False))
            if not size:  # one piece of memory for all, else what is kept of each tile lies scattered between leftovers
                most = recipe.epochs * len(samples) * DRAWN
                rows = torch.empty(most, found.shape[1], dtype=torch.float16)
                classes = torch.empty(most, dtype=torch.int64)
            rows[size : size + len(chosen)], classes[size : size + len(chosen)] = found[chosen].half(), target[chosen]
            size += len(chosen)
        report(json.dumps({"epoch": epoch + 1, "of": recipe.epochs, "pixels": size}))
    return rows[:size], classes[:size], like


def _learn(
    network: PixelNetwork,
    rows: Tensor,
    classes: Tensor,
    like: list[Scales],
    counts: NDArray[np.int64],
    recipe: Recipe,
    report: Callable[[str], None],
) -> None:
    """Steps over drawn pixels."""
    heads, loss_of = list_heads(network), build_loss(counts.tolist(), recipe.loss)
    optimizer = torch.optim.AdamW(network.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
    width = sum(part.shape[1] for scale in like[0] for part in scale)
    network.train()
    for step in range(STEPS):
        chosen = torch.randint(len(rows), (PIXELS,))
        seen = rows[chosen].float()
        optical, sar = as_scales(seen[:, :width], like[0]), as_scales(seen[:, width:], like[1])
        visible = {"optical": optical[0][1].amax(dim=1) > 0, "sar": sar[0][1].amax(dim=1) > 0}
        visible["fused"] = visible["optical"] & visible["sar"]
        target = classes[chosen][None, :, None]
        loss = torch.zeros(())
        for mode, head in heads.items():
            logits = head(read_map(network, mode, optical, sar))
            loss = loss + loss_of(logits, torch.where(visible[mode], target, IGNORE_INDEX))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        if (step + 1) % LINES == 0:
            report(json.dumps({"step": step + 1, "of": STEPS, "loss": round(float(loss.detach()), 4)}))
