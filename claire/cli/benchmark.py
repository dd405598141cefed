"""`claire benchmark`: networks against each other, over as many sittings as it takes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from claire.cli.reporting import answer, say
from claire.core.errors import InputError, UnknownNameError

if TYPE_CHECKING:
    from claire.core.dataset import Dataset
    from claire.core.manifest import Manifest

benchmark_app = typer.Typer(no_args_is_help=True, help="Networks against each other on the same data and budget.")

Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, nothing else.")]

RECIPES = {"ombria": "flood-start.yaml", "simulated": "lulc-simulated.yaml"}
"""Data set -> recipe of CLAIRE that the comparison starts from."""

SPLITS = {"simulated": {"train_split": "train", "validation_split": "val", "window": 0}}
"""What differs from that recipe."""

PEERS = "claire,optical,sar,concat,late,add,ssma,cmx,asanet,deeplab"


@benchmark_app.command("accuracy")
def benchmark_accuracy(
    data: Annotated[str, typer.Option(help="ombria or simulated.")] = "ombria",
    root: Annotated[Path, typer.Option(help="Folder of the data set; simulated has none.")] = Path(),
    models: Annotated[str, typer.Option(help="Names by comma: claire, peers, baselines, ablations.")] = PEERS,
    ablations: Annotated[bool, typer.Option("--ablations", help="Add all ablations of CLAIRE.")] = False,
    seeds: Annotated[str, typer.Option(help="Whole numbers by comma.")] = "0,1",
    steps: Annotated[int, typer.Option(min=0, help="Optimiser steps of each run; 0 takes --minutes.")] = 0,
    minutes: Annotated[float, typer.Option(help="Time of CLAIRE's run here; sets the steps of all, once.")] = 8.0,
    crop: Annotated[int, typer.Option(help="Side of the crops, pixels.")] = 128,
    state: Annotated[Path, typer.Option(help="Folder of the results; finished runs are not repeated.")] = Path(
        "runs/benchmark"
    ),
    config: Annotated[Optional[Path], typer.Option(help="Another recipe of CLAIRE.")] = None,  # noqa: UP045
    table: Annotated[bool, typer.Option("--table", help="Only print what is finished, as Markdown.")] = False,
    as_json: Json = False,
) -> None:
    """Train CLAIRE, its peers and ablations alike and score each under every condition; goes on where it stopped."""
    from claire.training.benchmark import (
        Budget,
        KeptDataset,
        measure_steps,
        plan_runs,
        read_results,
        render_table,
        run_all,
    )

    if table:
        results = read_results(state)
        answer(results, render_table(results), as_json)
        return
    from claire.pipeline import open_dataset
    from claire.training.ablations import ABLATIONS
    from claire.training.recipe import Recipe

    if data not in RECIPES:
        raise UnknownNameError.among("data set for this benchmark", data, RECIPES)
    changes = {"data": data, "root": str(root), "crop": crop, **SPLITS.get(data, {})}
    base = Recipe.read(config or Path(__file__).resolve().parents[2] / "recipes" / RECIPES[data], changes)
    names = [name.strip() for name in models.split(",") if name.strip()] + (list(ABLATIONS) if ablations else [])
    wanted = _parse_seeds(seeds)
    dataset = KeptDataset(open_dataset(data, root))
    count = steps or measure_steps(base, minutes, crop, state / f"budget-{data}.json")
    runs = plan_runs(base, dataset, names, wanted, Budget(count, crop))
    results = run_all(runs, dataset, state, _score, report=say)
    answer(results, render_table(results), as_json)


def _score(name: str, folder: Path, dataset: Dataset, split: str) -> tuple[Manifest, str, str]:
    from claire.pipeline.cards import find_headline, score_checkpoint

    manifest = score_checkpoint(name, folder, dataset, split)
    return (manifest, *find_headline(manifest))


def _parse_seeds(text: str) -> list[int]:
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and len(part) < 10 for part in parts):
        raise InputError("The seeds are no whole numbers.", "Give them by comma, such as --seeds 0,1.")
    return [int(part) for part in parts]
