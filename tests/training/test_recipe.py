"""Recipes: the shipped one is complete, wrong ones teach."""

from __future__ import annotations

from pathlib import Path

import pytest

from claire.core.errors import MissingFileError, RecipeError
from claire.models.network import NETWORKS, NetworkConfig
from claire.training.recipe import Recipe


@pytest.fixture
def shipped(root: Path) -> Path:
    return root / "recipes" / "flood-shapes.yaml"


def test_the_shipped_recipe_builds_inputs_and_network(shipped: Path) -> None:
    recipe = Recipe.read(shipped, {"seed": 4})
    optical, sar = recipe.inputs
    assert (len(optical.bands), len(sar.bands), recipe.seed) == (6, 2, 4)
    config = NetworkConfig.from_mapping({**recipe.network, "optical_bands": 6, "sar_bands": 2, "classes": 2})
    assert config.fusion in NETWORKS
    assert recipe.with_fusion("sar").network == {**recipe.network, "fusion": "sar"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"crop": 100}, "multiple of 32"),
        ({"batch": 0}, "positive"),
        ({"damage": {"clear": 0.5}}, "sum to 1"),
        ({"damage": {"rain": 1.0}}, "known names"),
        ({"epochs": 34}, "validate_every"),
        ({"colour": "red"}, "colour"),
        ({"zoom": 0.5}, "zoom"),
        ({"jitter": 1.0}, "jitter"),
        ({"precision": "8"}, "precision"),
        ({"soup": 0}, "positive"),
        ({"soup": 2, "start": ""}, "from one start"),
    ],
)
def test_impossible_values_are_named(shipped: Path, change: dict[str, object], words: str) -> None:
    with pytest.raises(RecipeError, match=words) as caught:
        Recipe.read(shipped, change)
    assert caught.value.hint


def test_files_that_are_no_recipe_are_refused(tmp_path: Path, shipped: Path) -> None:
    with pytest.raises(MissingFileError):
        Recipe.read(tmp_path / "none.yaml")
    for text in ("a: [", "just words", "name: only"):
        bad = tmp_path / "bad.yaml"
        bad.write_text(text)
        with pytest.raises(RecipeError):
            Recipe.read(bad)
    with pytest.raises(RecipeError, match="optical"):
        _ = Recipe.read(shipped, {"optical": {"bands": ["B1"]}}).inputs


def test_classes_of_ones_own_replace_the_name_of_a_scheme(shipped: Path) -> None:
    rows = [{"id": 4, "name": "reed"}, {"id": 7, "name": "water"}]
    recipe = Recipe.read(shipped, {"scheme": "delta", "classes": rows, "ignore": [9]})
    assert recipe.class_scheme.names == ("reed", "water")
    assert recipe.class_scheme.ignore_ids == (9,)
    assert Recipe.read(shipped).class_scheme.names == ("background", "flood")
    for change, words in (({"classes": rows}, "knows otherwise"), ({"scheme": "delta", "classes": [4]}, "no list")):
        with pytest.raises(RecipeError, match=words):
            _ = Recipe.read(shipped, change).class_scheme
