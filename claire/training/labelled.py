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
from claire.training.scales import list_heads

DRAWN = 800
"""Pixels that are drawn of a tile in an epoch, at most."""
STEPS, PIXELS = 10_000, 2048
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
) -> tuple[Tensor, Tensor, Tensor]:
    """(P, F) what is read of pixels, optical first, (P, 2) whether either sensor saw them, and (P,) their classes."""
    rng = np.random.default_rng(recipe.seed)
    heads = network.heads
    most = recipe.epochs * len(stack.labels) * DRAWN
    # One piece of memory for all, else what is kept of each tile lies scattered between leftovers.
    rows = torch.empty(most, heads.optical.wide + heads.sar.wide, dtype=torch.float16)
    seen, classes = torch.empty(most, 2, dtype=torch.bool), torch.empty(most, dtype=torch.int64)
    size = 0
    for epoch in range(recipe.epochs):
        samples = CropSamples(stack, manifest, recipe, max(stack.labels.shape[1:]), epoch)
        for number in range(len(samples)):
            sample = {key: part[None] for key, part in samples[number].items()}
            target = sample["target"].flatten()
            usable = torch.nonzero(target != IGNORE_INDEX).flatten().numpy()
            chosen = torch.from_numpy(rng.choice(usable, min(len(usable), DRAWN), replace=False))
            valid = sample["optical_valid"], sample["sar_valid"]
            read = heads.optical.read(sample["optical"], valid[0]), heads.sar.read(sample["sar"], valid[1])
            now = slice(size, size + len(chosen))
            rows[now] = torch.cat([part[0].flatten(1).T[chosen] for part in read], dim=1).half()
            seen[now] = torch.stack([part[0].amax(dim=0).flatten()[chosen] > 0 for part in valid], dim=1)
            classes[now] = target[chosen]
            size += len(chosen)
        report(json.dumps({"epoch": epoch + 1, "of": recipe.epochs, "pixels": size}))
    return rows[:size], seen[:size], classes[:size]


def _learn(
    network: PixelNetwork,
    rows: Tensor,
    seen: Tensor,
    classes: Tensor,
    counts: NDArray[np.int64],
    recipe: Recipe,
    report: Callable[[str], None],
) -> None:
    """Steps over drawn pixels."""
    heads, loss_of = list_heads(network), build_loss(counts.tolist(), recipe.loss)
    optimizer = torch.optim.AdamW(network.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
    width = network.heads.optical.wide
    read_by = {"optical": slice(0, width), "sar": slice(width, None), "fused": slice(None)}
    network.train()
    for step in range(STEPS):
        chosen = torch.randint(len(rows), (PIXELS,))
        read, there = rows[chosen].float().T[None, :, :, None], seen[chosen].T[:, None, :, None]
        visible = {"optical": there[0], "sar": there[1], "fused": there[0] & there[1]}
        target = classes[chosen][None, :, None]
        loss = torch.zeros(())
        for mode, head in heads.items():
            logits = head(read[:, read_by[mode]])
            loss = loss + loss_of(logits, torch.where(visible[mode], target, IGNORE_INDEX))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        if (step + 1) % LINES == 0:
            report(json.dumps({"step": step + 1, "of": STEPS, "loss": round(float(loss.detach()), 4)}))
