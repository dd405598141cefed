"""A whole training run on tiny generated chips: samples, resume, checkpoint."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from claire.core.classes import IGNORE_INDEX
from claire.core.dataset import Dataset
from claire.core.errors import CheckpointError, DatasetError, RecipeError, UnknownNameError
from claire.core.manifest import Manifest
from claire.core.types import Tile
from claire.data.examples import generate_flood_pair
from claire.models.checkpoint import load_checkpoint
from claire.training.module import MONITOR, SegmentationModule
from claire.training.recipe import DAMAGE_SHARES, Recipe
from claire.training.run import choose_precision, find_start, train
from claire.training.samples import MOST_MISSING, CropSamples, TileStack, measure_bands, read_stack
from tests.training.generated import SIZE, TINY, GeneratedFloods


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return GeneratedFloods()


@pytest.fixture
def recipe(root: Path) -> Recipe:
    small = {
        "precision": "32-true",
        "network": TINY,
        "epochs": 1,
        "finish_epochs": 1,
        "validate_every": 1,
        "crop": 32,
        "batch": 3,
    }
    return Recipe.read(root / "recipes" / "flood-start.yaml", {**small, "name": "tiny"})


@pytest.fixture
def stack_and_manifest(dataset: Dataset, recipe: Recipe) -> tuple[TileStack, Manifest]:
    manifest = Manifest("tiny", "Tiny", "flood", *recipe.inputs, {}, {})
    stack = read_stack(dataset, dataset.ids("train"), manifest)
    optical = measure_bands(stack.optical, stack.optical_valid, manifest.optical)
    sar = measure_bands(stack.sar, stack.sar_valid, manifest.sar)
    return stack, replace(manifest, optical=optical, sar=sar)


def test_a_sample_depends_on_seed_epoch_and_index_only(
    stack_and_manifest: tuple[TileStack, Manifest], recipe: Recipe
) -> None:
    stack, manifest = stack_and_manifest

    def draw(seed: int, epoch: int) -> torch.Tensor:
        return CropSamples(stack, manifest, replace(recipe, seed=seed), 32, epoch)[2]["optical"]

    assert torch.equal(draw(0, 1), draw(0, 1))
    assert not torch.equal(draw(0, 1), draw(0, 2))
    assert not torch.equal(draw(0, 1), draw(1, 1))


@pytest.mark.parametrize("damage", sorted(DAMAGE_SHARES))
def test_every_damage_leaves_finite_arrays_and_marks_what_is_gone(
    stack_and_manifest: tuple[TileStack, Manifest], recipe: Recipe, damage: str
) -> None:
    stack, manifest = stack_and_manifest
    sample = CropSamples(stack, manifest, replace(recipe, damage={damage: 1.0}), 32, 0)[1]
    assert all(torch.isfinite(values).all() for values in sample.values())
    for modality in ("optical", "sar"):
        assert torch.all(sample[modality][sample[f"{modality}_valid"] == 0] == 0)
    gone = {"zero_all": "optical", "no_sar": "sar"}.get(damage)
    assert bool(sample["optical_valid"].any()) == (gone != "optical")
    assert bool(sample["sar_valid"].any()) == (gone != "sar")
    if damage == "zero_after":
        assert not sample["optical_valid"][3:].any()
        assert sample["optical_valid"][:3].any()


def test_scattered_damage_strikes_single_values_of_both_sensors(
    stack_and_manifest: tuple[TileStack, Manifest], recipe: Recipe
) -> None:
    stack, manifest = stack_and_manifest
    plain = replace(recipe, zoom=1.0, jitter=0.0)

    def draw(damage: str, epoch: int) -> dict[str, torch.Tensor]:
        return CropSamples(stack, manifest, replace(plain, damage={damage: 1.0}), SIZE, epoch)[3]

    missing, noise = [], []
    for epoch in range(12):
        clear, gaps, grain = (draw(damage, epoch) for damage in ("clear", "gaps", "grain"))
        for sensor in ("optical", "sar"):
            seen, left = clear[f"{sensor}_valid"] > 0, gaps[f"{sensor}_valid"] > 0
            assert not (left & ~seen).any()
            assert torch.equal(gaps[sensor][left], clear[sensor][left]), "what is left is as it was"
            assert torch.equal(grain[f"{sensor}_valid"] > 0, seen), "noise hides nothing"
            missing.append(1 - float(left.sum() / seen.sum()))
            noise.append(float((grain[sensor] - clear[sensor])[seen].std()))
    assert 0 <= min(missing) < 0.2
    assert 0.5 < max(missing) <= MOST_MISSING + 0.05
    assert min(noise) < 0.8 < max(noise)


@pytest.mark.parametrize("damage", ["clear", "zero_after"])
def test_a_zoomed_sample_keeps_its_size_its_gaps_and_its_labels(
    stack_and_manifest: tuple[TileStack, Manifest], recipe: Recipe, damage: str
) -> None:
    stack, manifest = stack_and_manifest
    zoomed = replace(recipe, zoom=2.0, jitter=0.0, damage={damage: 1.0})
    for epoch in range(8):
        sample = CropSamples(stack, manifest, zoomed, 32, epoch)[0]
        assert {values.shape[-2:] for values in sample.values()} == {(32, 32)}
        assert set(np.unique(sample["target"])) <= {0, 1}
        assert sample["sar"].abs().max() < 10, "a gap bled into the values"
        assert set(np.unique(sample["optical_valid"])) <= {0, 1}
        assert bool(sample["optical_valid"][3:].any()) == (damage == "clear")


def test_without_jitter_and_zoom_a_clear_sample_is_a_part_of_its_tile(
    stack_and_manifest: tuple[TileStack, Manifest], recipe: Recipe
) -> None:
    stack, manifest = stack_and_manifest
    plain = replace(recipe, zoom=1.0, jitter=0.0, damage={"clear": 1.0})
    sample = CropSamples(stack, manifest, plain, SIZE, 0)[3]
    mean, std = manifest.sar.mean[0], manifest.sar.std[0]
    drawn = np.sort(np.rint(sample["sar"][0].numpy() * std + mean).ravel())
    assert np.array_equal(drawn[drawn > 1], np.sort(stack.sar[3, 0].ravel()).astype(float)[drawn > 1])


def test_measured_bands_are_the_means_over_valid_pixels(stack_and_manifest: tuple[TileStack, Manifest]) -> None:
    stack, manifest = stack_and_manifest
    band = stack.sar[:, 1]
    seen = band != 0
    assert manifest.sar.mean[1] == pytest.approx(float(np.mean(band[seen])), abs=1e-3)
    assert manifest.sar.std[1] == pytest.approx(float(np.std(band[seen])), abs=1e-3)


class PowerCutError(RuntimeError):
    """Ends a run in the middle."""


def cut_after(count: int, lines: list[str]) -> Callable[[str], None]:
    """Receives the lines of a run, keeps them, and ends it with that many."""

    def keep(line: str) -> None:
        lines.append(line)
        if len(lines) == count:
            raise PowerCutError

    return keep


def test_a_run_that_was_cut_goes_on_where_it_stopped_and_writes_a_checkpoint(
    dataset: Dataset, recipe: Recipe, tmp_path: Path
) -> None:
    lines: list[str] = []
    with pytest.raises(PowerCutError):
        train(recipe, dataset, tmp_path / "checkpoints", tmp_path / "runs", report=cut_after(2, lines))
    weights = train(recipe, dataset, tmp_path / "checkpoints", tmp_path / "runs", resume=True, report=lines.append)
    assert [json.loads(line)["epoch"] for line in lines] == [1, 2, 2], "the first epoch must not be repeated"
    network, manifest = load_checkpoint("tiny", weights.parent)
    assert network.modes == ("fused", "optical", "sar")
    assert (manifest.training["train_tiles"], manifest.training["validation_tiles"]) == (6, 3)


def test_a_run_goes_on_from_its_last_epoch_though_an_earlier_one_was_better(
    dataset: Dataset, recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def log_worse(module: SegmentationModule) -> None:
        module.log(MONITOR, -float(module.current_epoch))

    monkeypatch.setattr(SegmentationModule, "on_validation_epoch_end", log_worse)
    stale = replace(recipe, epochs=5, finish_epochs=0, validate_every=1)
    lines: list[str] = []
    with pytest.raises(PowerCutError):
        train(stale, dataset, tmp_path, tmp_path / "runs", report=cut_after(4, lines))
    train(stale, dataset, tmp_path, tmp_path / "runs", resume=True, report=lines.append)
    assert [json.loads(line)["epoch"] for line in lines] == [1, 2, 3, 4, 4, 5]


def test_in_bfloat16_the_scores_of_every_validation_are_its_own(
    dataset: Dataset, recipe: Recipe, tmp_path: Path
) -> None:
    lines: list[str] = []
    train(replace(recipe, precision="bf16-mixed"), dataset, tmp_path, tmp_path / "runs", report=lines.append)
    scores = [json.loads(line) for line in lines]
    assert all(0 <= entry["val_score"] <= 1 for entry in scores), "the first validation reports its scores, too"
    network, _ = load_checkpoint("tiny", tmp_path)
    assert all(torch.isfinite(values).all() for values in network.state_dict().values())


def test_baselines_train_from_the_same_recipe(dataset: Dataset, recipe: Recipe, tmp_path: Path) -> None:
    train(recipe.with_fusion("sar"), dataset, tmp_path, tmp_path / "runs", report=lambda line: None)
    network, _ = load_checkpoint("tiny", tmp_path)
    assert network.modes == ("sar",)


def test_windows_cover_every_labelled_pixel_and_small_tiles_are_filled_with_gaps(recipe: Recipe) -> None:
    sizes = {"wide/a": (40, 100), "small/b": (24, 20)}

    class Mixed(GeneratedFloods):
        def read(self, tile_id: str) -> Tile:
            tile = generate_flood_pair(0, 128)
            rows, cols = sizes[tile_id]
            assert tile.optical is not None
            assert tile.sar is not None
            assert tile.label is not None
            cut = {
                name: replace(layer, values=layer.values[:, :rows, :cols], valid=layer.valid[:, :rows, :cols])
                for name, layer in (("optical", tile.optical), ("sar", tile.sar))
            }
            return replace(tile, label=tile.label[:rows, :cols], **cut)

    manifest = Manifest("tiny", "Tiny", "flood", *recipe.inputs, {}, {})
    stack = read_stack(Mixed(), list(sizes), manifest, window=32, repeat={"small": 3})
    assert stack.labels.shape == (2 * 4 + 1, 32, 32)
    assert [stack.drawn.count(number) for number in range(9)] == [1] * 8 + [3]
    small = stack.labels[8] != IGNORE_INDEX
    assert small.sum() == 24 * 20
    assert small[:24, :20].all()
    assert not stack.optical_valid[8][:, ~small].any()
    with pytest.raises(DatasetError):
        read_stack(Mixed(), list(sizes), manifest)


def test_an_epoch_draws_repeated_tiles_more_often_and_differently(
    stack_and_manifest: tuple[TileStack, Manifest], recipe: Recipe
) -> None:
    stack, manifest = stack_and_manifest
    samples = CropSamples(replace(stack, order=(4, 4, 4, 1)), manifest, recipe, 32, 0)
    assert len(samples) == 4
    assert not torch.equal(samples[0]["sar"], samples[1]["sar"])


def test_the_offset_of_newer_products_moves_every_valid_optical_value(
    stack_and_manifest: tuple[TileStack, Manifest], recipe: Recipe
) -> None:
    stack, manifest = stack_and_manifest
    plain = replace(recipe, zoom=1.0, jitter=0.0, damage={"clear": 1.0})
    without, moved = (
        CropSamples(stack, manifest, replace(plain, offset_share=share), SIZE, 0)[2] for share in (1e-9, 1.0)
    )
    seen = without["optical_valid"] > 0
    std = torch.tensor(manifest.optical.std)[:, None, None]
    raised = ((moved["optical"] - without["optical"]) * std)[seen]
    torch.testing.assert_close(raised, torch.full_like(raised, 1000.0), rtol=0, atol=0.1)


def test_a_recipe_starts_from_the_weights_and_levels_of_another(
    dataset: Dataset, recipe: Recipe, tmp_path: Path, root: Path
) -> None:
    (tmp_path / "recipes").mkdir()
    first = {**recipe.as_dict(), "name": "first", "start": ""}
    (tmp_path / "recipes" / "first.yaml").write_text(json.dumps(first), encoding="utf-8")
    lines: list[str] = []
    second = replace(recipe, start="first.yaml", learning_rate=1e-9, ema=0.0)
    start = find_start(second, tmp_path / "recipes", dataset, tmp_path / "runs", report=lines.append)
    assert start is not None
    trained = len(lines)
    assert trained > 0
    find_start(second, tmp_path / "recipes", dataset, tmp_path / "runs", report=lines.append)
    assert len(lines) == trained, "what is there is not trained again"
    kept = tmp_path / "runs" / "start" / f"{first['name']}.json"
    older = json.loads(kept.read_text(encoding="utf-8"))
    del older["training"]["recipe"]["classes"], older["training"]["recipe"]["zoom"]
    kept.write_text(json.dumps(older), encoding="utf-8")
    with pytest.raises(PowerCutError):
        find_start(second, tmp_path / "recipes", dataset, tmp_path / "runs", report=cut_after(1, []))
    older["training"]["recipe"]["zoom"] = recipe.zoom
    kept.write_text(json.dumps(older), encoding="utf-8")
    find_start(second, tmp_path / "recipes", dataset, tmp_path / "runs", report=cut_after(1, []))
    train(second, dataset, tmp_path / "checkpoints", tmp_path / "runs", start=start, report=lambda line: None)
    network, manifest = load_checkpoint("tiny", tmp_path / "checkpoints")
    assert manifest.sar.mean == start[1].sar.mean
    for name, values in network.named_parameters():
        torch.testing.assert_close(values, start[0].state_dict()[name], rtol=1e-2, atol=1e-3)
    with pytest.raises(RecipeError, match="another network"):
        train(second.with_fusion("sar"), dataset, tmp_path, tmp_path / "runs", start=start)
    assert find_start(recipe, tmp_path, dataset, tmp_path) is None
    assert second.without_fold(2).validation_split == "places-2"


def test_a_recipe_may_start_from_one_that_starts_from_other_data_but_not_from_itself(
    dataset: Dataset, recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[tuple[str, Path]] = []

    def open_other(layout: str, root: Path) -> Dataset:
        opened.append((layout, root))
        return dataset

    monkeypatch.setattr("claire.training.run.open_dataset", open_other)
    for name, start, data in (("middle", "first.yaml", recipe.data), ("first", "", "simulated-floods")):
        content = {**recipe.as_dict(), "name": name, "start": start, "data": data}
        (tmp_path / f"{name}.yaml").write_text(json.dumps(content), encoding="utf-8")
    lines: list[str] = []
    last = replace(recipe, start="middle.yaml")
    assert find_start(last, tmp_path, dataset, tmp_path / "runs", report=lines.append) is not None
    assert opened == [("simulated-floods", Path(recipe.root))]
    kept = [json.loads((tmp_path / "runs" / "start" / f"{n}.json").read_text("utf-8")) for n in ("first", "middle")]
    assert kept[0]["sar"]["mean"] == kept[1]["sar"]["mean"], "levels are handed on with the weights"
    trained = len(lines)
    find_start(last, tmp_path, dataset, tmp_path / "runs", report=lines.append)
    assert len(lines) == trained, "what is there is not trained again"
    content = {**recipe.as_dict(), "name": "first", "start": "middle.yaml"}
    (tmp_path / "first.yaml").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(RecipeError, match="from itself"):
        find_start(last, tmp_path, dataset, tmp_path / "other", report=lines.append)


def test_a_soup_is_the_mean_of_the_weights_of_runs_from_one_start_with_the_next_seeds(
    dataset: Dataset, recipe: Recipe, tmp_path: Path
) -> None:
    train(replace(recipe, name="first"), dataset, tmp_path, tmp_path / "runs", report=lambda line: None)
    start = load_checkpoint("first", tmp_path)
    prior = {"fused": {"flood": 2.0}}
    soup = replace(recipe, start="first.yaml", seed=4, soup=2, prior=prior, ema=0.0)
    with pytest.raises(PowerCutError):
        train(soup, dataset, tmp_path, tmp_path / "runs", start=start, report=cut_after(3, []))
    lines: list[str] = []
    train(soup, dataset, tmp_path, tmp_path / "runs", start=start, resume=True, report=lines.append)
    assert len(lines) == 2, "the first run, which is there, is not repeated, and the second goes on where it was cut"
    alone = []
    for seed in (4, 5):
        one = replace(soup, name="one", seed=seed, soup=1, prior={})
        train(one, dataset, tmp_path, tmp_path / "runs", start=start, report=lambda line: None)
        alone.append(load_checkpoint("one", tmp_path)[0].state_dict())
    network, manifest = load_checkpoint("tiny", tmp_path)
    assert manifest.training["recipe"]["soup"] == 2
    assert manifest.optical.mean == start[1].optical.mean
    different = 0
    for key, value in network.state_dict().items():
        different += not torch.equal(alone[0][key], alone[1][key])
        if value.is_floating_point():
            wanted = (alone[0][key] + alone[1][key]) / 2
            wanted = wanted + torch.tensor([0.0, 2.0]) if key == "decoder.head.bias" else wanted
            torch.testing.assert_close(value, wanted, rtol=2e-3, atol=2e-3, msg=key)
    assert different > 10


@pytest.mark.parametrize(("has", "taken"), [(True, "bf16-mixed"), (False, "32-true")])
def test_bfloat16_is_left_to_machines_that_have_it(has: bool, taken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("torch.cpu.get_capabilities", lambda: {"avx2": True, "avx512_bf16": has, "cpu_name": "any"})
    assert choose_precision("bf16-mixed") == taken
    assert choose_precision("32-true") == "32-true"


def test_a_prior_for_a_class_or_a_map_that_there_is_not_is_refused(
    dataset: Dataset, recipe: Recipe, tmp_path: Path
) -> None:
    with pytest.raises(UnknownNameError, match="snow"):
        train(replace(recipe, prior={"fused": {"snow": -1.0}}), dataset, tmp_path, tmp_path / "runs")
    with pytest.raises(UnknownNameError, match="infrared"):
        replace(recipe, prior={"infrared": {"flood": -1.0}})


def test_clouds_that_the_bands_cannot_show_are_refused_before_training(
    dataset: Dataset, recipe: Recipe, tmp_path: Path
) -> None:
    with pytest.raises(CheckpointError, match="cannot show them"):
        train(replace(recipe, screen_clouds=True), dataset, tmp_path, tmp_path / "runs")
    assert not list(tmp_path.iterdir())
    with pytest.raises(RecipeError, match="true or false"):
        replace(recipe, screen_clouds=1)  # type: ignore[arg-type]
    with pytest.raises(RecipeError, match="screen_noise"):
        replace(recipe, screen_noise="no")  # type: ignore[arg-type]


def test_a_resume_never_goes_on_from_the_state_of_another_recipe(
    dataset: Dataset, recipe: Recipe, tmp_path: Path
) -> None:
    lines: list[str] = []
    for seed in (0, 0, 1):
        lines.append(f"seed {seed}")
        train(replace(recipe, seed=seed), dataset, tmp_path, tmp_path / "runs", resume=True, report=lines.append)
    epochs = [json.loads(line)["epoch"] if line.startswith("{") else line for line in lines]
    assert epochs == ["seed 0", 1, 2, "seed 0", "seed 1", 1, 2]


def test_nor_from_one_that_was_there_before_a_run_died_at_once(
    dataset: Dataset, recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []

    def run(seed: int) -> None:
        train(replace(recipe, seed=seed), dataset, tmp_path, tmp_path / "runs", resume=True, report=lines.append)

    def die(*_: object, **__: object) -> None:
        raise PowerCutError

    run(0)
    with monkeypatch.context() as patched:
        patched.setattr("lightning.Trainer.fit", die)
        with pytest.raises(PowerCutError):
            run(1)
    lines.clear()
    run(1)
    assert [json.loads(line)["epoch"] for line in lines] == [1, 2]
