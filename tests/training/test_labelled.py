"""A network of pixels that learns from labels, and the ensemble it sits in."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

from claire.core.errors import RecipeError, UnknownNameError
from claire.core.manifest import InputSpec, Manifest
from claire.core.types import Tile
from claire.data.preparing import prepare
from claire.models.checkpoint import load_checkpoint
from claire.models.network import NetworkConfig, PixelNetwork
from claire.training import labelled
from claire.training.pixels import train_pixels
from claire.training.recipe import Recipe
from claire.training.run import train_members
from claire.training.samples import CropSamples, read_stack
from tests.training.generated import TINY, GeneratedFloods

Levels = tuple[InputSpec, InputSpec]


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labelled, "STEPS", 150)
    monkeypatch.setattr(labelled, "LINES", 50)
    monkeypatch.setattr(labelled, "PIXELS", 256)


@pytest.fixture
def recipe(root: Path) -> Recipe:
    shipped = Recipe.read(root / "recipes" / "flood-pixels.yaml")
    return replace(shipped, epochs=1, network={**shipped.network, "stem": 16, "smooth": [3], "coarse": [12]})


@pytest.fixture
def levels(recipe: Recipe) -> Levels:
    optical, sar = recipe.inputs
    return (
        replace(optical, mean=(90.0,) * 6, std=(40.0,) * 6),
        replace(sar, mean=(110.0,) * 2, std=(50.0,) * 2),
    )


def score(folder: Path, name: str, *, without_later: bool = False) -> dict[str, float]:
    """Share of right pixels of the pairs to validate on, per map."""
    network, manifest = load_checkpoint(name, folder)
    right: dict[str, list[float]] = {}
    for tile_id in GeneratedFloods().ids("val"):
        prepared, _ = prepare(GeneratedFloods().read(tile_id), manifest)
        parts = [prepared.optical, prepared.sar, prepared.optical_valid, prepared.sar_valid]
        inputs = [torch.from_numpy(np.asarray(part)).float()[None] for part in parts]
        if without_later:
            inputs[0][:, 3:] = inputs[2][:, 3:] = 0
        with torch.inference_mode():
            logits = network(*inputs).logits
        known = prepared.label != 255
        for mode, values in logits.items():
            found = values[0].argmax(dim=0).numpy()
            right.setdefault(mode, []).append(float((found == prepared.label)[known].mean()))
    return {mode: float(np.mean(shares)) for mode, shares in right.items()}


def test_it_learns_floods_from_every_sensor_and_without_the_later_date(
    recipe: Recipe, levels: Levels, tmp_path: Path
) -> None:
    lines: list[str] = []
    train_pixels(recipe, GeneratedFloods(), tmp_path, levels, report=lines.append)
    rarest = min(
        np.mean([(GeneratedFloods().read(i).label == value).mean() for i in GeneratedFloods().ids("val")])
        for value in (0, 1)
    )
    for without_later in (False, True):
        for mode, share in score(tmp_path, recipe.name, without_later=without_later).items():
            assert share > 1 - rarest or (mode == "optical" and without_later), (mode, without_later)
    told = [json.loads(line) for line in lines]
    assert told[0] == {"epoch": 1, "of": 1, "pixels": 6 * labelled.DRAWN}
    assert [line["step"] for line in told[1:]] == [50, 100, 150]
    assert told[-1]["loss"] < told[1]["loss"]
    manifest = Manifest.read(tmp_path / f"{recipe.name}.json")
    assert manifest.training["train_tiles"] == 6
    assert sum(manifest.training["class_pixels"]) == 6 * 64 * 64


def test_the_same_seed_gives_the_same_weights_and_another_does_not(
    recipe: Recipe, levels: Levels, tmp_path: Path
) -> None:
    def learn(seed: int) -> dict[str, torch.Tensor]:
        train_pixels(replace(recipe, seed=seed), GeneratedFloods(), tmp_path, levels, report=lambda line: None)
        return load_checkpoint(recipe.name, tmp_path)[0].state_dict()

    one, again, other = learn(0), learn(0), learn(1)
    assert all(torch.equal(one[key], again[key]) for key in one)
    assert any(not torch.equal(one[key], other[key]) for key in one)


def test_pixels_are_drawn_anew_in_each_epoch_under_the_damage_of_the_recipe(recipe: Recipe, levels: Levels) -> None:
    scheme = recipe.class_scheme
    config = NetworkConfig.from_mapping({**recipe.network, "optical_bands": 6, "sar_bands": 2, "classes": len(scheme)})
    network, manifest = PixelNetwork(config), Manifest("tiny", "Tiny", "flood", *levels, {}, {})
    stack = read_stack(GeneratedFloods(), GeneratedFloods().ids("train"), manifest)
    damaged = replace(recipe, epochs=2, damage={**dict.fromkeys(recipe.damage, 0.0), "zero_after": 1.0})
    rows, seen, classes = labelled._draw(network, stack, manifest, damaged, lambda line: None)
    assert len(rows) == len(seen) == len(classes) == 2 * 6 * labelled.DRAWN
    assert rows.shape[1] == network.heads.optical.wide + network.heads.sar.wide
    assert seen.all()
    for start in (0, 39, 90):  # of the pixels, and of either window: 12 values, what is there of 6 bands, and more
        values, valid = rows[:, start : start + 12], rows[:, start + 12 : start + 18]
        assert not values[:, [3, 4, 5, 9, 10, 11]].any(), "the later date is missing in every window"
        assert not valid[:, 3:].any()
        assert values[:, :3].any()
        assert valid[:, :3].all()
    half = len(rows) // 2
    assert not torch.equal(rows[:half], rows[half:])


def test_what_is_drawn_is_what_the_network_reads_of_some_pixels(recipe: Recipe, levels: Levels) -> None:
    config = NetworkConfig.from_mapping({**recipe.network, "optical_bands": 6, "sar_bands": 2, "classes": 2})
    network, manifest = PixelNetwork(config), Manifest("tiny", "Tiny", "flood", *levels, {}, {})
    stack = read_stack(GeneratedFloods(), GeneratedFloods().ids("train")[:1], manifest)
    clear = replace(recipe, jitter=0.0, damage={**dict.fromkeys(recipe.damage, 0.0), "clear": 1.0})
    rows, _, classes = labelled._draw(network, stack, manifest, clear, lambda line: None)
    sample = CropSamples(stack, manifest, clear, 64, 0)[0]
    read = [
        getattr(network.heads, sensor).read(sample[sensor][None], sample[f"{sensor}_valid"][None])
        for sensor in ("optical", "sar")
    ]
    every = {tuple(row) for row in torch.cat(read, dim=1)[0].flatten(1).T.half().tolist()}
    assert all(tuple(row) in every for row in rows.tolist())
    assert set(classes.tolist()) == {0, 1}


def test_a_pixel_that_no_label_or_sensor_knows_teaches_nothing(recipe: Recipe, levels: Levels, tmp_path: Path) -> None:
    class HalfLabelled(GeneratedFloods):
        def read(self, tile_id: str) -> Tile:
            tile = super().read(tile_id)
            assert tile.label is not None
            assert tile.sar is not None
            label, valid = tile.label.copy(), tile.sar.valid.copy()
            label[:, :32], valid[:, :, 32:48] = 255, False
            return replace(tile, label=label, sar=replace(tile.sar, valid=valid))

    lines: list[str] = []
    train_pixels(recipe, HalfLabelled(), tmp_path, levels, report=lines.append)
    assert json.loads(lines[0])["pixels"] == 6 * labelled.DRAWN
    network, manifest = load_checkpoint(recipe.name, tmp_path)
    assert all(torch.isfinite(values).all() for values in network.state_dict().values())
    assert sum(manifest.training["class_pixels"]) == 6 * 64 * 32


def test_an_ensemble_of_shapes_and_pixels_learns_by_its_recipe(root: Path, tmp_path: Path) -> None:
    recipes = tmp_path / "recipes"
    recipes.mkdir()
    tiny: dict[str, Any] = {"epochs": 1, "finish_epochs": 0, "validate_every": 1, "crop": 32, "batch": 3}
    network = {**TINY, "relative": True}
    changes: dict[str, dict[str, Any]] = {
        "flood": {},
        "flood-start": {**tiny, "network": network, "precision": "32-true"},
        "flood-shapes": {**tiny, "network": network, "precision": "32-true"},
        "flood-pixels": {"epochs": 1},
    }
    for name, change in changes.items():
        content = yaml.safe_load((root / "recipes" / f"{name}.yaml").read_text(encoding="utf-8"))
        (recipes / f"{name}.yaml").write_text(yaml.safe_dump({**content, **change}), encoding="utf-8")
    recipe = Recipe.read(recipes / "flood.yaml")
    lines: list[str] = []
    folder, runs = tmp_path / "checkpoints", tmp_path / "runs"
    train_members(recipe, recipes, GeneratedFloods(), folder, runs, report=lines.append)  # type: ignore[arg-type]
    found, manifest = load_checkpoint("claire-flood", folder)
    assert [member.config.fusion for member in found.members] == ["cmaf", "pixels"]  # type: ignore[union-attr]
    assert found.members[1].config.changes  # type: ignore[union-attr, index]
    assert not found.members[0].config.changes  # type: ignore[union-attr, index]
    assert [each["recipe"]["name"] for each in manifest.training["members"]] == ["flood-shapes", "flood-pixels"]
    lines.clear()
    train_members(recipe, recipes, GeneratedFloods(), folder, runs, report=lines.append)  # type: ignore[arg-type]
    assert [json.loads(line)["member"] for line in lines] == ["flood-shapes", "flood-pixels"]


def test_what_nobody_teaches_is_refused(recipe: Recipe, levels: Levels, tmp_path: Path, root: Path) -> None:
    with pytest.raises(UnknownNameError, match="teacher"):
        replace(recipe, teacher="parrots")
    with pytest.raises(RecipeError, match="Labels teach networks of pixels alone"):
        train_pixels(replace(recipe, network={"fusion": "cmaf"}, epochs=42), GeneratedFloods(), tmp_path, levels)
    with pytest.raises(RecipeError, match="no bands relative to their tile"):
        train_pixels(replace(recipe, teacher="trees"), GeneratedFloods(), tmp_path, levels)
