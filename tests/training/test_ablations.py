"""Each ablation leaves out its own part and nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from claire.core.errors import UnknownNameError
from claire.models.network import NetworkConfig, count_parameters
from claire.training.ablations import ABLATIONS, ablate
from claire.training.losses import build_loss
from claire.training.recipe import Recipe

CHANGED = {
    "no-attention": {"network"},
    "no-gate": {"network"},
    "no-dropout": {"damage"},
    "ce": {"loss"},
    "focal": {"loss"},
    "tversky": {"loss"},
}


@pytest.fixture
def recipe(root: Path) -> Recipe:
    return Recipe.read(root / "recipes" / "flood-start.yaml")


def count(recipe: Recipe) -> int:
    sizes = {"optical_bands": 6, "sar_bands": 2, "classes": 2}
    return count_parameters(NetworkConfig.from_mapping({**recipe.network, **sizes}))


@pytest.mark.parametrize("name", ABLATIONS)
def test_an_ablation_changes_one_part_of_the_recipe(recipe: Recipe, name: str) -> None:
    less = ablate(recipe, name)
    before, after = recipe.as_dict(), less.as_dict()
    assert {key for key in before if before[key] != after[key]} == CHANGED[name]
    assert (count(less) < count(recipe)) is ("network" in CHANGED[name])
    build_loss((10, 20), less.loss)


def test_without_dropout_every_sample_is_clear(recipe: Recipe) -> None:
    assert ablate(recipe, "no-dropout").damage == {"clear": 1.0}


def test_arguments_that_a_loss_has_not_are_dropped(recipe: Recipe) -> None:
    full = replace(recipe, loss={"alpha": 0.5, "beta": 0.5, "gamma": 1.0, "lambda_": 0.4})
    assert ablate(full, "tversky").loss == {"alpha": 0.5, "beta": 0.5, "kind": "tversky"}
    assert ablate(full, "ce").loss == {"kind": "ce"}
    assert ablate(full, "no-gate").loss == full.loss


def test_an_unknown_ablation_is_refused(recipe: Recipe) -> None:
    with pytest.raises(UnknownNameError, match="no-decoder"):
        ablate(recipe, "no-decoder")
