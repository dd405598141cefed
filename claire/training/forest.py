"""A pixel network that learns from trees: these learn from the labelled pixels, and the network learns what they say.

A forest on band ratios and smoothed backscatter is what one would use without a network. It errs in other pixels than
one, and is never as sure of itself, so that the two are better together than either. But no slope leads through a
forest, and nothing could explain it; a network that repeats it can be explained, and learns offsets and gains besides
(distillation: Hinton et al. 2015, arXiv 1503.02531).
Legend: N tiles, C bands, P pixels, K classes, F features.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from claire.core.bands import MODES, OFFSETS, Mode
from claire.core.classes import IGNORE_INDEX
from claire.core.dataset import Dataset
from claire.core.errors import RecipeError
from claire.core.manifest import InputSpec, Manifest
from claire.data.landcover import SIMULATED
from claire.data.preparing import compute_valid, normalise, select_bands
from claire.models.checkpoint import save_checkpoint
from claire.models.encoders import Reader
from claire.models.network import NetworkConfig, PixelNetwork, set_levels, shift_classes
from claire.training.recipe import Recipe

TREES, LEAF = 150, 5
"""Trees of a forest, and pixels of a leaf at least."""
LABELLED, DRAWN, DREAMT = 800, 6000, 400
"""Pixels that are taken at most: of a class of a tile to grow the trees, of a labelled tile and of a simulated scene to
repeat them."""
STEPS, PIXELS = 2500, 512
"""Steps of the network, and pixels of one."""

Scales = list[tuple[Tensor, Tensor]]
"""As `Reader.look` gives it, of pixels side by side: (1, C, P, 1) each."""


def train_pixels(
    recipe: Recipe,
    dataset: Dataset,
    folder: Path,
    levels: tuple[InputSpec, InputSpec],
    *,
    report: Callable[[str], None] = print,
) -> Path:
    """Train a checkpoint whose network is `pixels`.

    Args:
        recipe: The run; of the samples' damage only jitter and offset count here, and of the scenes no label.
        dataset: Labelled pairs with the recipe's training split.
        folder: Where the checkpoint goes.
        levels: Optical and SAR input with the means and spreads to normalise by.
        report: Receives one line per forest, and one at the end.

    Returns:
        Path of the weights.

    Raises:
        RecipeError: The network is none of pixels, or reads bands relative to their tile.
    """
    scheme = recipe.class_scheme
    bands = {"optical_bands": len(levels[0].bands), "sar_bands": len(levels[1].bands), "classes": len(scheme)}
    config = NetworkConfig.from_mapping({**recipe.network, **bands})
    if config.fusion != "pixels" or config.relative:
        raise RecipeError("Trees teach networks of pixels alone.", "Give fusion pixels and relative false.")
    pairs = zip(recipe.inputs, levels, strict=True)
    if any((one.bands, one.unit, one.dates) != (other.bands, other.unit, other.dates) for one, other in pairs):
        raise RecipeError("The network of pixels reads other inputs than the first member.", "Give both the same.")
    torch.manual_seed(recipe.seed)
    rng = np.random.default_rng(recipe.seed)
    network = PixelNetwork(config)
    set_levels(network, (levels[0].mean, levels[0].std))
    manifest = Manifest(
        recipe.name,
        recipe.title,
        recipe.scheme,
        *levels,
        config.as_dict(),
        {},
        own_classes=scheme if recipe.classes else None,
    )
    labelled, drawn = _collect(network, dataset, recipe, manifest, rng)
    said = {}
    for mode in MODES:
        said[mode] = _ask_forest(network, mode, labelled, drawn, recipe.seed)
        report(json.dumps({"forest": mode, "pixels": len(labelled[2])}))
    _repeat(network, drawn, said, manifest, recipe)
    report(json.dumps({"steps": STEPS, "pixels": len(said["fused"])}))
    shift_classes(network, recipe.shifts)
    counts = np.bincount(labelled[2], minlength=len(scheme)).tolist()
    facts = {"recipe": recipe.as_dict(), "train_tiles": len(dataset.ids(recipe.train_split)), "class_pixels": counts}
    return save_checkpoint(network.eval(), replace(manifest, training=facts, limits=tuple(recipe.limits)), folder)


def _collect(
    network: PixelNetwork, dataset: Dataset, recipe: Recipe, manifest: Manifest, rng: np.random.Generator
) -> tuple[tuple[Scales, Scales, NDArray[np.uint8]], tuple[Scales, Scales]]:
    """What is seen at labelled pixels of real tiles and their classes; what is seen at pixels of all tiles."""
    labelled: list[tuple[Scales, Scales]] = []
    drawn: list[tuple[Scales, Scales]] = []
    classes: list[NDArray[np.uint8]] = []
    for tile_id in dataset.ids(recipe.train_split):
        tile, _ = select_bands(dataset.read(tile_id), manifest)
        dreamt = tile_id.startswith(f"{SIMULATED}/")
        if tile.optical is None or tile.sar is None or tile.label is None:
            continue
        inputs = []
        for layer, spec in ((tile.optical, manifest.optical), (tile.sar, manifest.sar)):
            valid = compute_valid(layer.values, layer.valid, spec)
            inputs += [torch.from_numpy(part)[None].float() for part in normalise(layer.values, valid, spec)]
        seen = network.heads.optical.look(*inputs[:2]), network.heads.sar.look(*inputs[2:])
        both = np.flatnonzero((inputs[1].amin(1) * inputs[3].amin(1)).numpy().ravel() > 0)
        if not len(both):
            continue
        some = rng.choice(both, min(len(both), DREAMT if dreamt else DRAWN), replace=False)
        drawn.append((_gather(seen[0], some), _gather(seen[1], some)))
        if dreamt:
            continue
        label = manifest.class_scheme.to_index(tile.label).ravel()
        for index in np.setdiff1d(np.unique(label[both]), [IGNORE_INDEX]):
            places = both[label[both] == index]
            places = rng.choice(places, min(len(places), LABELLED), replace=False)
            labelled.append((_gather(seen[0], places), _gather(seen[1], places)))
            classes.append(np.full(len(places), index, np.uint8))
    if len({int(each[0]) for each in classes}) < 2:
        raise RecipeError("There are no labelled real places of two classes to learn from.", "Give --root a folder.")
    return (*_line_up(labelled), np.concatenate(classes)), _line_up(drawn)


def _gather(scales: Scales, places: NDArray[np.int64]) -> Scales:
    index = torch.from_numpy(places)
    return [(values.flatten(2)[..., index, None], valid.flatten(2)[..., index, None]) for values, valid in scales]


def _line_up(parts: Sequence[tuple[Scales, Scales]]) -> tuple[Scales, Scales]:
    def join(sensor: int) -> Scales:
        columns = zip(*(part[sensor] for part in parts), strict=True)
        return [
            (torch.cat([values for values, _ in same], dim=2), torch.cat([valid for _, valid in same], dim=2))
            for same in columns
        ]

    return join(0), join(1)


def _read(network: PixelNetwork, mode: Mode, optical: Scales, sar: Scales) -> Tensor:
    """(1, F, P, 1) features of a map."""
    heads = network.heads
    readers: dict[Mode, list[tuple[Reader, Scales]]] = {
        "optical": [(heads.optical, optical)],
        "sar": [(heads.sar, sar)],
        "fused": [(heads.optical, optical), (heads.sar, sar)],
    }
    return torch.cat([reader.describe(scales) for reader, scales in readers[mode]], dim=1)


def _ask_forest(
    network: PixelNetwork,
    mode: Mode,
    labelled: tuple[Scales, Scales, NDArray[np.uint8]],
    drawn: tuple[Scales, Scales],
    seed: int,
) -> Tensor:
    """(P, K) what trees that know the labelled pixels say of the drawn ones."""
    from sklearn.ensemble import ExtraTreesClassifier

    forest = ExtraTreesClassifier(TREES, min_samples_leaf=LEAF, class_weight="balanced", random_state=seed, n_jobs=-1)
    forest.fit(_as_rows(_read(network, mode, *labelled[:2])), labelled[2])
    said = forest.predict_proba(_as_rows(_read(network, mode, *drawn)))
    probabilities = torch.zeros(len(said), network.config.classes)
    probabilities[:, torch.from_numpy(forest.classes_.astype(np.int64))] = torch.from_numpy(said).float()
    return probabilities


def _as_rows(features: Tensor) -> NDArray[np.float32]:
    rows: NDArray[np.float32] = features[0, :, :, 0].T.numpy()
    return rows


def _repeat(
    network: PixelNetwork,
    drawn: tuple[Scales, Scales],
    said: Mapping[Mode, Tensor],
    manifest: Manifest,
    recipe: Recipe,
) -> None:
    """Teach the network to say what the trees say, whatever the level."""
    heads: dict[Mode, nn.Module] = {
        "fused": network.heads.joint_head,
        "optical": network.heads.optical_head,
        "sar": network.heads.sar_head,
    }
    optimizer = torch.optim.AdamW(network.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
    network.train()
    for _ in range(STEPS):
        chosen = torch.randint(len(said["fused"]), (PIXELS,))
        optical, sar = ([(v[:, :, chosen], m[:, :, chosen]) for v, m in scales] for scales in drawn)
        optical = _jitter(optical, manifest.optical, recipe.jitter_of("optical"), recipe.offset_share)
        sar = _jitter(sar, manifest.sar, recipe.jitter_of("sar"), 0.0)
        loss = torch.zeros(())
        for mode, head in heads.items():
            logits = head(_read(network, mode, optical, sar))[0, :, :, 0].T
            loss = loss - (said[mode][chosen] * F.log_softmax(logits, dim=1)).sum(dim=1).mean()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()


def _jitter(scales: Scales, spec: InputSpec, strength: float, offset_share: float) -> Scales:
    """Gain and offset as in `claire.training.samples`, of each pixel anew; the same for it and the means around it."""
    mean, std = (torch.tensor(numbers)[None, :, None, None] for numbers in (spec.mean, spec.std))
    shape = scales[0][0].shape
    gain, offset = (limit * (_draw((1, 1, *shape[2:])) + _draw(shape) / 2) for limit in (strength, strength * 4 / 3))
    step = OFFSETS["reflectance_x1e4_offset"][1] * (torch.rand(1, 1, *shape[2:]) < offset_share)
    return [((((v * std + mean) * (1 + gain) + step - mean) / std + offset) * m, m) for v, m in scales]


def _draw(shape: Any) -> Tensor:
    return 2 * torch.rand(shape) - 1
