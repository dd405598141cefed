"""A network of pixels, from a recipe to a checkpoint; trees or labels teach it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch

from claire.core.dataset import Dataset
from claire.core.errors import RecipeError
from claire.core.manifest import InputSpec, Manifest
from claire.models.checkpoint import save_checkpoint
from claire.models.network import NetworkConfig, PixelNetwork, set_levels, shift_classes
from claire.training.forest import learn_trees
from claire.training.labelled import learn_labels
from claire.training.recipe import Recipe

LESSONS = {"trees": learn_trees, "labels": learn_labels}
"""Teacher -> how it teaches."""


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
        recipe: The run.
        dataset: Labelled pairs with the recipe's training split.
        folder: Where the checkpoint goes.
        levels: Optical and SAR input with the means and spreads to normalise by.
        report: Receives lines on the way.

    Returns:
        Path of the weights.

    Raises:
        RecipeError: The network is none of pixels, or reads other inputs than the levels are of.
    """
    scheme = recipe.class_scheme
    bands = {"optical_bands": len(levels[0].bands), "sar_bands": len(levels[1].bands), "classes": len(scheme)}
    config = NetworkConfig.from_mapping({**recipe.network, **bands})
    if config.fusion != "pixels":
        raise RecipeError(f"{recipe.teacher.capitalize()} teach networks of pixels alone.", "Give fusion pixels.")
    pairs = zip(recipe.inputs, levels, strict=True)
    if any((one.bands, one.unit, one.dates) != (other.bands, other.unit, other.dates) for one, other in pairs):
        raise RecipeError("The network of pixels reads other inputs than the first member.", "Give both the same.")
    torch.manual_seed(recipe.seed)
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
    counts = LESSONS[recipe.teacher](network, dataset, recipe, manifest, report).tolist()
    shift_classes(network, recipe.shifts)
    facts = {"recipe": recipe.as_dict(), "train_tiles": len(dataset.ids(recipe.train_split)), "class_pixels": counts}
    return save_checkpoint(network.eval(), replace(manifest, training=facts, limits=tuple(recipe.limits)), folder)
