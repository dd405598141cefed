"""Published data sets from end to end: every recipe fits its data set, and what it trains can be scored on it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import yaml

from claire.cli.app import main
from claire.core.errors import LabelError
from claire.core.manifest import Manifest
from claire.core.settings import Settings
from claire.data.sets.catalogue import ADAPTERS, NOT_RUN, describe_source
from claire.models.checkpoint import save_checkpoint
from claire.models.network import NetworkConfig, build_network
from claire.pipeline import evaluate, load_model, open_dataset
from claire.training.recipe import Recipe
from claire.training.samples import CropSamples, measure_bands, read_stack
from tests.data.sets.layouts import LAYOUTS, write_dfc2020
from tests.tiny_model import SHAPE


def test_every_data_set_has_a_layout_to_test_and_a_recipe_that_says_it_was_not_run(root: Path) -> None:
    assert set(ADAPTERS) == set(LAYOUTS)
    for name in ADAPTERS:
        text = (root / describe_source(name)["recipe"]).read_text(encoding="utf-8")
        assert "# Not run on the real data" in text
        assert describe_source(name)["recipe_status"] == NOT_RUN


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_recipe_reads_its_data_set_and_its_model_is_scored_there(name: str, root: Path, tmp_path: Path) -> None:
    recipe = Recipe.read(root / "recipes" / f"{name}.yaml")
    assert recipe.data == name
    dataset = open_dataset(recipe.data, LAYOUTS[name](tmp_path / "data"))
    inputs = recipe.inputs
    sizes = {"optical_bands": len(inputs[0].bands), "sar_bands": len(inputs[1].bands)}
    classes = len(ADAPTERS[name].scheme)
    manifest = Manifest("tiny", "Tiny", recipe.scheme, *inputs, {**SHAPE, **sizes, "classes": classes}, {})
    stack = read_stack(dataset, dataset.ids(recipe.train_split), manifest)
    manifest = replace(
        manifest,
        optical=measure_bands(stack.optical, stack.optical_valid, inputs[0]),
        sar=measure_bands(stack.sar, stack.sar_valid, inputs[1]),
    )
    sample = CropSamples(stack, manifest, recipe, 32, 0)[0]
    assert sample["optical"].shape == (sizes["optical_bands"], *sample["target"].shape)
    assert torch.isfinite(sample["optical"]).all()
    assert set(sample["target"].unique().tolist()) <= {*range(classes), 255}
    network = build_network(NetworkConfig.from_mapping(manifest.network)).eval()
    save_checkpoint(network, manifest, tmp_path)
    scores = evaluate(
        dataset, recipe.validation_split, load_model("tiny", replace(Settings.from_environment(), checkpoints=tmp_path))
    )
    for mode in ("fused", "optical", "sar"):
        assert scores[mode]["clear"]["n_tiles"] == len(dataset.ids(recipe.validation_split))
        assert set(scores[mode]["clear"]["per_class"]) == set(ADAPTERS[name].scheme.names)


def test_a_model_of_other_classes_is_not_scored_on_labels_whose_ids_it_happens_to_know(
    tiny_checkpoints: Path, tmp_path: Path
) -> None:
    dataset = open_dataset("dfc2020", write_dfc2020(tmp_path / "data"))
    model = load_model("tiny", replace(Settings.from_environment(), checkpoints=tiny_checkpoints))
    with pytest.raises(LabelError, match="has the classes of 'dfc2020', but the model those of 'flood'"):
        evaluate(dataset, "test", model)


def test_a_published_data_set_is_trained_on_and_scored_from_the_command_line(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write_dfc2020(tmp_path / "data")
    recipe = yaml.safe_load((root / "recipes" / "dfc2020.yaml").read_text(encoding="utf-8"))
    recipe |= {"network": json.loads(json.dumps(SHAPE)), "epochs": 1, "validate_every": 1}
    recipe |= {"crop": 32, "precision": "32-true", "threads": 1, "batch": 2}
    (tmp_path / "short.yaml").write_text(yaml.safe_dump(recipe), encoding="utf-8")
    monkeypatch.setenv("CLAIRE_CHECKPOINTS", str(tmp_path / "checkpoints"))
    (tmp_path / "checkpoints").mkdir()
    monkeypatch.chdir(tmp_path)
    for arguments in (
        ["train", "--config", "short.yaml", "--root", "data", "--json"],
        ["evaluate", "--data", "dfc2020", "--root", "data", "--split", "test", "--model", recipe["name"], "--json"],
    ):
        with pytest.raises(SystemExit) as stopped:
            main(arguments)
        assert stopped.value.code == 0
        document = json.loads(capsys.readouterr().out)
    assert document["fused"]["clear"]["n_tiles"] == 2
