"""Runs that are compared are alike in all but one thing, are never repeated, and end in a table."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from claire.core.dataset import Dataset
from claire.core.errors import InputError, UnknownNameError
from claire.core.manifest import Manifest
from claire.core.measured import Cost
from claire.models.catalogue import find_manifest
from claire.models.network import NetworkConfig, count_parameters
from claire.training.ablations import ABLATIONS
from claire.training.benchmark import (
    MODELS,
    MOST_UNLIKE,
    Budget,
    KeptDataset,
    Run,
    count_steps,
    measure_steps,
    plan_runs,
    read_results,
    render_table,
    run_all,
)
from claire.training.recipe import Recipe
from tests.training.generated import TINY, GeneratedFloods


@pytest.fixture
def shipped(root: Path) -> Recipe:
    return Recipe.read(root / "recipes" / "flood-start.yaml")


@pytest.fixture
def tiny(shipped: Recipe) -> Recipe:
    return replace(shipped, network=TINY, batch=3, precision="32-true", data="generated")


def score(name: str, folder: Path, dataset: Dataset, split: str) -> tuple[Manifest, str, str]:
    """Stands in for the pipeline: scores that depend on nothing but the name."""
    manifest = Manifest.read(find_manifest(name, folder))
    scores = {"fused": {"clear": {"iou flood": 0.6}, "no_sar": {"iou flood": 0.4}, "emm_average": {"iou flood": 0.5}}}
    cost = Cost(1000, 0.5, 256, 12.0, 1, "A machine")
    return replace(manifest, scores=scores, cost=cost), "iou flood", "flood IoU"


@pytest.mark.parametrize(
    ("recipe", "models"), [("flood-start.yaml", MODELS), ("lulc-simulated.yaml", ("claire", "asanet", "deeplab"))]
)
def test_peers_have_as_many_parameters_and_steps_as_claire(root: Path, recipe: str, models: tuple[str, ...]) -> None:
    base = replace(Recipe.read(root / "recipes" / recipe), train_split="train", validation_split="val")
    runs = plan_runs(base, GeneratedFloods(), models, [0], Budget(40))
    counted = {}
    for run in runs:
        optical, sar = run.recipe.inputs
        sizes = {"optical_bands": len(optical.bands), "sar_bands": len(sar.bands)}
        config = NetworkConfig.from_mapping({**run.recipe.network, **sizes, "classes": len(run.recipe.class_scheme)})
        assert not config.ratios
        counted[run.variant] = count_parameters(config)
    assert len({count_steps(run) for run in runs}) == 1
    assert {name for name, n in counted.items() if abs(n / counted["claire"] - 1) > MOST_UNLIKE} == set()
    same = {key for key in base.as_dict() if len({json.dumps(run.recipe.as_dict()[key]) for run in runs}) > 1}
    assert same == {"network"}


def test_every_seed_comes_with_all_variants_before_the_next(tiny: Recipe) -> None:
    runs = plan_runs(tiny, GeneratedFloods(), ["claire", "add", "no-gate"], [3, 4], Budget(2, 64))
    assert [(run.variant, run.recipe.seed) for run in runs] == [
        (variant, seed) for seed in (3, 4) for variant in ("claire", "add", "no-gate")
    ]
    assert len({run.key for run in runs}) == 6
    assert all((run.recipe.crop, count_steps(run)) == (64, 2) for run in runs)
    with pytest.raises(UnknownNameError, match="unet"):
        plan_runs(tiny, GeneratedFloods(), ["unet"], [0], Budget(2))
    with pytest.raises(InputError, match="steps"):
        Budget(0)


def test_a_key_depends_on_what_decides_the_result_only(tiny: Recipe) -> None:
    run = Run("claire", tiny, (6, 3))
    for change in ({"root": "elsewhere"}, {"title": "Other"}, {"threads": 2}, {"limits": ("None.",)}):
        assert replace(run, recipe=replace(tiny, **change)).key == run.key
    for change in ({"seed": 1}, {"epochs": 35, "validate_every": 5}, {"network": {**TINY, "stem": 8}}):
        assert replace(run, recipe=replace(tiny, **change)).key != run.key
    assert replace(run, tiles=(7, 3)).key != run.key


class PowerCutError(RuntimeError):
    """Ends a benchmark in the middle of a run."""


def test_a_run_that_was_cut_is_repeated_and_no_other(tiny: Recipe, tmp_path: Path) -> None:
    dataset = KeptDataset(GeneratedFloods())
    runs = plan_runs(tiny, dataset, ["claire", "add"], [0], Budget(2, 32))
    lines: list[str] = []

    def cut(line: str) -> None:
        lines.append(line)
        if line.startswith("{") and sum(each.startswith("{") for each in lines) == 2:
            raise PowerCutError

    with pytest.raises(PowerCutError):
        run_all(runs, dataset, tmp_path, score, report=cut)
    assert [result["variant"] for result in read_results(tmp_path)] == ["claire"]
    for left in (f"work/{runs[1].name}/{runs[1].name}.json", f"work/{runs[1].name}/runs/last.ckpt", "tmpx1.json"):
        (tmp_path / left).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / left).write_text("what a killed run leaves behind", encoding="utf-8")
    first = (tmp_path / f"{runs[0].name}.json").stat().st_mtime_ns
    again: list[str] = []
    results = run_all(runs, dataset, tmp_path, score, report=again.append)
    assert [line for line in again if "done before" in line] == [f"1/2 {runs[0].name}: done before"]
    assert sum(line.startswith("{") for line in again) == 1, "one run of one validation"
    assert (tmp_path / f"{runs[0].name}.json").stat().st_mtime_ns == first
    assert sorted(r["variant"] for r in read_results(tmp_path)) == sorted(r["variant"] for r in results)
    assert not list((tmp_path / "work").iterdir())


def test_a_damaged_result_is_said(tmp_path: Path) -> None:
    (tmp_path / "ombria-claire-0-abc.json").write_text("[", encoding="utf-8")
    with pytest.raises(InputError, match="damaged"):
        read_results(tmp_path)
    assert read_results(tmp_path / "none") == []
    assert render_table([]) == "No run is finished."


def test_minutes_become_steps_once(tiny: Recipe, tmp_path: Path) -> None:
    file = tmp_path / "budget.json"
    steps = measure_steps(tiny, 0.1, 32, file)
    assert steps > 1
    file.write_text(file.read_text(encoding="utf-8").replace(f'"steps": {steps}', '"steps": 77'), encoding="utf-8")
    assert measure_steps(tiny, 0.1, 32, file) == 77
    with pytest.raises(InputError, match="another time"):
        measure_steps(tiny, 0.2, 32, file)
    with pytest.raises(InputError, match="minutes"):
        measure_steps(tiny, 0.0, 32, file)


def make_result(variant: str, seed: int, clear: float, damaged: float | None, parameters: int = 1_000_000) -> Any:
    scores = {"clear": {"miou": clear}, "no_sar": {"miou": damaged} if damaged is not None else {}}
    return {
        "variant": variant,
        "data": "ombria",
        "seed": seed,
        "steps": 100,
        "crop": 128,
        "mode": "fused",
        "score": "miou",
        "score_title": "mean IoU",
        "scores": {"fused": scores},
        "parameters": parameters,
        "gflop": 1.234,
        "latency_ms": 20.0 + seed,
        "side": 256,
    }


def test_the_table_has_means_spreads_and_who_is_ahead() -> None:
    results = [
        make_result("claire", 0, 0.60, 0.50),
        make_result("claire", 1, 0.62, 0.52),
        make_result("add", 0, 0.50, 0.51),
        make_result("add", 1, 0.50, 0.51),
        make_result("ssma", 0, 0.70, None, 1_300_000),
        make_result("ssma", 1, 0.72, None, 1_300_000),
        make_result("no-gate", 0, 0.55, 0.45),
    ]
    lines = render_table(results).splitlines()
    assert lines[0] == "### ombria: mean IoU, 100 steps of 128-pixel crops"
    rows = {line.split(" | ")[0].strip("| "): line for line in lines if line.startswith("|")}
    assert list(rows)[2:] == ["ssma", "claire", ABLATIONS["no-gate"].title, "add"], "best first"
    assert rows["claire"].endswith("| 2 | 1.00 | 1.23 | 20 | 0.610 ± 0.014 | 0.510 ± 0.014 | 0.510 ± 0.014 |")
    assert "| 0.710 ± 0.014 | – | – |" in rows["ssma"]
    said = [line for line in lines if line.startswith("- ")]
    assert said == [
        "- claire against ssma: clear -0.100 (spread 0.020): behind; 1.30 times the parameters",
        "- claire against no-gate: too few seeds",
        "- claire against add: clear +0.110 (spread 0.014): ahead, damaged +0.000 (spread 0.014): level",
    ]
