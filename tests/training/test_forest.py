"""A network of pixels that repeats trees, and the ensemble it sits in."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

from claire.core.errors import ClaireError, RecipeError, UnknownNameError
from claire.core.manifest import InputSpec, Manifest
from claire.core.types import Layer, Tile
from claire.data.landcover import SIMULATED
from claire.models.checkpoint import load_checkpoint, save_checkpoint
from claire.training import forest
from claire.training.pixels import train_pixels
from claire.training.recipe import Recipe
from claire.training.run import train, train_members
from tests.training.generated import TINY

WATER, TREES, CROPS = 0, 1, 3
SIDE = 32
BANDS = ("B2", "B3", "B4", "B8", "B11", "B12")


class TwoShores:
    """Places whose left side is water and whose right side is trees; a scene that says the reverse."""

    name, title, root = "shores", "Shores", Path()
    splits = (SIMULATED, "train", "val", "train-1", "places-1")

    def ids(self, split: str | None = None) -> tuple[str, ...]:
        if split not in self.splits:
            raise UnknownNameError.among("split", str(split), self.splits)
        scene = f"{SIMULATED}/0"
        names = {"train": (scene, "a/1", "a/2"), "train-1": (scene, "a/2"), "val": ("a/3",)}
        names[SIMULATED] = scene, f"{SIMULATED}/4"
        return names.get(split, ("a/1",))

    def read(self, tile_id: str) -> Tile:
        rng = np.random.default_rng(int(tile_id[-1]))
        right = np.arange(SIDE) >= SIDE // 2
        reflectance = np.where(right, 2500, 300) * np.array([0.3, 0.4, 0.3, 1.0, 0.8, 0.5])[:, None]
        optical = np.repeat(reflectance[:, None], SIDE, axis=1) + rng.uniform(0, 60, (6, SIDE, SIDE)) + 50
        sar = np.repeat((np.where(right, -9.0, -22.0) + np.array([[0.0], [-6.0]]))[:, None], SIDE, axis=1)
        shown = right == tile_id.startswith(SIMULATED)
        label = np.repeat(np.where(shown, 1, 2)[None], SIDE, axis=0).astype(np.uint8)
        ones = np.ones((SIDE, SIDE), bool)
        return Tile(
            name=tile_id,
            optical=Layer(optical.astype(np.float32), np.stack([ones] * 6), BANDS, "reflectance_x1e4"),
            sar=Layer((sar + rng.normal(0, 1, sar.shape)).astype(np.float32), np.stack([ones] * 2), ("VV", "VH"), "db"),
            label=label,
            georeference=None,
        )


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forest, "STEPS", 250)
    monkeypatch.setattr(forest, "TREES", 20)


@pytest.fixture
def recipes(root: Path, tmp_path: Path) -> Path:
    """The shipped recipes, made tiny."""
    folder = tmp_path / "recipes"
    folder.mkdir()
    network = {**TINY, "smooth": [3], "ratios": True}
    run = {
        "network": network,
        "epochs": 1,
        "finish_epochs": 0,
        "validate_every": 1,
        "crop": 32,
        "batch": 3,
        "window": 0,
    }
    changes: dict[str, dict[str, Any]] = {
        "lulc": {},
        "lulc-simulated": run,
        "lulc-places": {**run, "train_split": "train", "soup": 2},
        "lulc-pixels": {"network": {**network, "fusion": "pixels", "stem": 16}, "train_split": "train"},
    }
    for name, change in changes.items():
        content = yaml.safe_load((root / "recipes" / f"{name}.yaml").read_text(encoding="utf-8"))
        precision = {"precision": "32-true"} if "epochs" in content else {}
        (folder / f"{name}.yaml").write_text(yaml.safe_dump({**content, **change, **precision}), encoding="utf-8")
    return folder


@pytest.fixture
def levels() -> tuple[InputSpec, InputSpec]:
    optical = InputSpec(BANDS, "reflectance_x1e4", (800.0,) * 6, (600.0,) * 6, (tuple(range(6)),), "")
    return optical, InputSpec(("VV", "VH"), "db", (-15.0, -21.0), (6.0, 6.0), ((0, 1),), "")


def ask(folder: Path, name: str, optical_offset: float = 0) -> dict[str, np.ndarray[Any, Any]]:
    """Class of every pixel of the place that is held out, per map."""
    network, manifest = load_checkpoint(name, folder)
    tile = TwoShores().read("a/3")
    assert tile.optical is not None
    assert tile.sar is not None
    inputs = []
    for values, spec in ((tile.optical.values + optical_offset, manifest.optical), (tile.sar.values, manifest.sar)):
        mean, std = (np.array(part)[:, None, None] for part in (spec.mean, spec.std))
        inputs.append(torch.from_numpy((values - mean) / std).float()[None])
    with torch.inference_mode():
        logits = network(*inputs, *(torch.ones_like(part) for part in inputs)).logits
    return {mode: values[0].argmax(dim=0).numpy() for mode, values in logits.items()}


@pytest.mark.parametrize("of_scenes", [0.8, 0.2])
def test_where_scenes_and_places_differ_it_says_what_counts_more_whatever_the_offset(
    recipes: Path,
    levels: tuple[InputSpec, InputSpec],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    of_scenes: float,
) -> None:
    monkeypatch.setattr(forest, "OF_SCENES", dict.fromkeys(forest.OF_SCENES, of_scenes))
    recipe = Recipe.read(recipes / "lulc-pixels.yaml", {"offset_share": 0.3})
    train_pixels(recipe, TwoShores(), tmp_path, levels, report=lambda line: None)
    right = np.arange(SIDE) >= SIDE // 2
    wanted = np.repeat(np.where(right if of_scenes > 0.5 else ~right, WATER, TREES)[None], SIDE, axis=0)
    for offset in (0, 1000):
        for mode, classes in ask(tmp_path, recipe.name, offset).items():
            assert (classes == wanted).mean() > 0.9, (mode, offset)


def test_trees_never_learn_from_pixels_of_scenes_that_lie_at_an_edge(
    recipes: Path, levels: tuple[InputSpec, InputSpec], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Hedged(TwoShores):
        def read(self, tile_id: str) -> Tile:
            tile = super().read(tile_id)
            assert tile.label is not None
            label = tile.label.copy()
            if tile_id.startswith(SIMULATED):
                label[:, 14:18] = 5
            if tile_id == f"{SIMULATED}/4":
                label[:, ::2] = 5
            return replace(tile, label=label)

        def ids(self, split: str | None = None) -> tuple[str, ...]:
            return (*super().ids(split), f"{SIMULATED}/4")

    learnt: list[set[int]] = []
    ask_forest = forest._ask_forest

    def keep(network: Any, mode: Any, labelled: forest.Pixels, *others: Any) -> torch.Tensor:
        learnt.append({int(each) for each in labelled.classes})
        return ask_forest(network, mode, labelled, *others)

    monkeypatch.setattr(forest, "_ask_forest", keep)
    recipe = Recipe.read(recipes / "lulc-pixels.yaml")
    train_pixels(recipe, Hedged(), tmp_path, levels, report=lambda line: None)
    assert learnt[0] == {WATER, TREES}, (
        "crops have another class within four pixels everywhere; a scene without any inside teaches nothing"
    )


def test_mixed_pixels_lie_on_the_line_through_two_or_take_each_window_from_one() -> None:
    def make(level: float, real: bool, count: int = 400) -> forest.Pixels:
        layer = [(torch.full((1, 2, count, 1), level), torch.ones(1, 2, count, 1), torch.full((1, 2, count, 1), level))]
        return forest.Pixels(layer * 3, layer * 2, np.zeros(count, np.uint8), np.full(count, real))

    drawn = forest.Pixels.join([make(1.0, True), make(2.0, False)])
    mixed = forest._mix(drawn, 3000, np.random.default_rng(0))
    assert len(mixed) == 3000
    values = torch.stack([v[0, 0, :, 0] for v, _, _ in (*mixed.optical, *mixed.sar)])
    assert values.min() >= 1 - forest.BEYOND - 1e-6, "one of the two is of a place, whose level is 1"
    assert values.max() <= 2 + forest.BEYOND + 1e-6
    np.testing.assert_array_equal(mixed.real, (values.mean(dim=0) < 1.5).numpy(), "more of a place than of a scene")
    apart = (values != values[0]).any(dim=0)
    assert 0 < float(apart.float().mean()) < forest.CUT, "of the others every window has the same share"
    assert set(values[:, apart].unique().tolist()) == {1.0, 2.0}
    assert torch.equal(torch.stack([m[0, 0, :, 0] for _, m, _ in mixed.optical]), torch.ones(3, 3000))
    assert min(float(s.min()) for _, _, s in mixed.optical) >= 0


def test_on_places_it_never_learns_a_class_that_none_of_them_has() -> None:
    said = torch.tensor([[0.2, 0.3, 0.5], [0.2, 0.3, 0.5], [0.0, 0.0, 1.0]])
    kept = forest._leave_out(said, np.array([2]), np.array([False, True, True]))
    torch.testing.assert_close(kept, torch.tensor([[0.2, 0.3, 0.5], [0.4, 0.6, 0.0], [0.0, 0.0, 0.0]]))


def test_the_same_seed_gives_the_same_weights_and_a_prior_is_added(
    recipes: Path, levels: tuple[InputSpec, InputSpec], tmp_path: Path
) -> None:
    networks = []
    for prior in ({}, {}, {"fused": {"crops": 30.0}}):
        recipe = Recipe.read(recipes / "lulc-pixels.yaml", {"prior": prior})
        train_pixels(recipe, TwoShores(), tmp_path, levels, report=lambda line: None)
        networks.append(load_checkpoint(recipe.name, tmp_path)[0].state_dict())
    assert all(torch.equal(value, networks[1][key]) for key, value in networks[0].items())
    assert set(np.unique(ask(tmp_path, "lulc-pixels")["fused"])) == {CROPS}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"network": {"fusion": "cmaf"}, "epochs": 42}, "networks of pixels alone"),
        ({"network": {"fusion": "pixels", "relative": True}}, "no bands relative to their tile"),
        ({"network": {"fusion": "pixels", "coarse": [12]}}, "every window at every pixel"),
        ({"train_split": "scenes"}, "no labelled real places"),
        ({"train_split": "places"}, "no simulated scenes"),
    ],
)
def test_what_trees_cannot_teach_is_refused(
    recipes: Path, levels: tuple[InputSpec, InputSpec], tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    class Scenes(TwoShores):
        def ids(self, split: str | None = None) -> tuple[str, ...]:
            only = {"scenes": (f"{SIMULATED}/0",), "places": ("a/1", "a/2")}
            return only[split] if split in only else super().ids(split)

    recipe = Recipe.read(recipes / "lulc-pixels.yaml", change)
    with pytest.raises(RecipeError, match=words):
        train_pixels(recipe, Scenes(), tmp_path, levels, report=lambda line: None)


def test_a_ensemble_joins_its_members_and_trains_each_once(recipes: Path, tmp_path: Path) -> None:
    recipe, dataset = Recipe.read(recipes / "lulc.yaml", {"prior": {"fused": {"bare": 0.7}}}), TwoShores()
    lines: list[str] = []
    for _ in range(2):
        train_members(recipe, recipes, dataset, tmp_path / "out", tmp_path / "runs", report=lines.append)
    known = [json.loads(line)["member"] for line in lines if "known" in line]
    assert known[0] == "lulc-simulated", "lulc-places has started from it"
    assert known[1:] == ["lulc-places", "lulc-simulated", "lulc-pixels"], "the second time nothing is trained"
    known = known[1:]
    network, manifest = load_checkpoint("claire-lulc", tmp_path / "out")
    assert manifest.optical.screen_clouds
    assert [each["recipe"]["name"] for each in manifest.training["members"]] == known
    for number, name in enumerate(known):
        member, alone = load_checkpoint(name, tmp_path / "runs" / ("members" if number != 1 else "start"))
        assert alone.optical.mean == manifest.optical.mean
        assert not alone.optical.screen_clouds
        for key, value in member.state_dict().items():
            assert torch.equal(value, network.state_dict()[f"members.{number}.{key}"]), key
    assert network.shift[0].tolist() == pytest.approx([0, 0, 0, 0, 0, 0.7, 0, 0], abs=1e-3)  # type: ignore[union-attr, index]
    assert network.config.votes == (1, 1, 2)


def test_no_member_sees_the_places_of_the_fold_that_is_left_out(recipes: Path, tmp_path: Path) -> None:
    recipe = Recipe.read(recipes / "lulc.yaml").without_fold(1)
    read: set[str] = set()

    class Watched(TwoShores):
        def read(self, tile_id: str) -> Tile:
            read.add(tile_id)
            return super().read(tile_id)

    small = Recipe.read(recipes / "lulc.yaml", {"name": "two", "network": {"fusion": "ensemble"}})

    class Held(Watched):
        def ids(self, split: str | None = None) -> tuple[str, ...]:
            return ("a/3",) if split == "places-1" else super().ids(split)

    train_members(
        small.without_fold(1), recipes, Held(), tmp_path / "out", tmp_path / "runs", fold=1, report=lambda line: None
    )
    assert read == {f"{SIMULATED}/0", f"{SIMULATED}/4", "a/2", "a/3"}
    manifest = Manifest.read(tmp_path / "out" / "two-1.json")
    splits = [each["recipe"]["train_split"] for each in manifest.training["members"]]
    assert splits == ["train-1", SIMULATED, "train-1"], "scenes show no place that could be left out"
    assert recipe.name == "claire-lulc-1"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"members": ["lulc-pixels.yaml"]}, "of pixels and the first"),
        ({"members": ["lulc.yaml"]}, "ensemble itself"),
        ({"network": {"fusion": "late"}}, "has members"),
        ({"network": {"fusion": "ensemble", "stem": 16}}, "has members"),
        ({"network": {"fusion": "ensemble", "votes": [1, 2]}}, "2 votes for 3"),
        ({"network": {"fusion": "ensemble", "single_votes": [1]}}, "1 votes for 3"),
        ({"prior": {"fused": {"sea": 1.0}}}, "sea"),
        ({"members": ["lulc-places.yaml", "none.yaml"]}, "none.yaml"),
        ({"members": "lulc-places.yaml"}, "no list"),
        ({"network": None}, "no mapping"),
    ],
)
def test_what_cannot_become_a_ensemble_is_refused_before_anything_is_trained(
    recipes: Path, tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    def run() -> None:
        recipe = Recipe.read(recipes / "lulc.yaml", change)
        train_members(recipe, recipes, TwoShores(), tmp_path / "out", tmp_path / "runs", report=print)

    with pytest.raises(ClaireError, match=words):
        run()
    assert not (tmp_path / "runs").exists()


def test_a_member_that_is_known_with_other_levels_is_trained_again(recipes: Path, tmp_path: Path) -> None:
    recipe = Recipe.read(recipes / "lulc.yaml", {"network": {"fusion": "ensemble"}})
    lines: list[str] = []

    def run() -> None:
        train_members(recipe, recipes, TwoShores(), tmp_path / "out", tmp_path / "runs", report=lines.append)

    run()
    kept = tmp_path / "runs" / "members"
    network, manifest = load_checkpoint("lulc-pixels", kept)
    shifted = replace(manifest.sar, mean=tuple(value + 1 for value in manifest.sar.mean))
    save_checkpoint(network, replace(manifest, sar=shifted), kept)
    lines.clear()
    run()
    assert [json.loads(line)["member"] for line in lines if "known" in line] == ["lulc-places", "lulc-simulated"]
    assert load_checkpoint("lulc-pixels", kept)[1].sar == manifest.sar


def test_a_member_is_not_trained_by_itself_as_if_it_were_a_network_of_shapes(recipes: Path, tmp_path: Path) -> None:
    for name in ("lulc-pixels", "lulc"):
        with pytest.raises(RecipeError, match="member of an ensemble"):
            train(Recipe.read(recipes / f"{name}.yaml"), TwoShores(), tmp_path, tmp_path)


def test_pixels_of_other_bands_than_the_first_member_are_refused(
    recipes: Path, levels: tuple[InputSpec, InputSpec], tmp_path: Path
) -> None:
    other = replace(levels[1], bands=("VH", "VV"))
    with pytest.raises(RecipeError, match="other inputs"):
        train_pixels(Recipe.read(recipes / "lulc-pixels.yaml"), TwoShores(), tmp_path, (levels[0], other))
