"""`claire train`: from a recipe, or from a folder of one's own with a TOML of twenty lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from claire.cli.reporting import answer, say, show_progress
from claire.cli.tables import as_score_table
from claire.core.errors import RecipeError
from claire.core.settings import Settings

if TYPE_CHECKING:
    from claire.core.dataset import Dataset
    from claire.training.recipe import Recipe

Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, nothing else.")]

MOST_LISTED = 20
"""Lines of one kind in the table of the check; --json has all."""


def train(
    config: Annotated[Path, typer.Option(help="Recipe (YAML), or the TOML of a folder of your own.")],
    root: Annotated[Optional[Path], typer.Option(help="Replaces the recipe's data folder.")] = None,  # noqa: UP045
    name: Annotated[Optional[str], typer.Option(help="Replaces the recipe's name.")] = None,  # noqa: UP045
    fusion: Annotated[Optional[str], typer.Option(help="Replaces the recipe's fusion, for baselines.")] = None,  # noqa: UP045
    seed: Annotated[Optional[int], typer.Option(help="Replaces the recipe's seed.")] = None,  # noqa: UP045
    devices: Annotated[Optional[int], typer.Option(help="Replaces the recipe's number of GPUs or processes.")] = None,  # noqa: UP045
    out: Annotated[Optional[Path], typer.Option(help="Folder for the checkpoint.")] = None,  # noqa: UP045
    runs: Annotated[Path, typer.Option(help="Folder for what a resume needs.")] = Path("runs"),
    fold: Annotated[Optional[int], typer.Option(help="Leave the places of this fold out, to score on them.")] = None,  # noqa: UP045
    resume: Annotated[bool, typer.Option(help="Go on where the last run of this recipe stopped.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Only look the data over (TOML), do not train.")] = False,
    as_json: Json = False,
) -> None:
    """Train a checkpoint from a recipe, score it on its validation split and write its card."""
    given = {"root": str(root) if root else None, "name": name, "seed": seed, "devices": devices}
    recipe, dataset, found = _read(config, {key: value for key, value in given.items() if value is not None}, check)
    if check:
        answer(found, as_check_table(found), as_json)
        return
    from claire.pipeline.cards import score_checkpoint
    from claire.training.run import find_start, train_members
    from claire.training.run import train as run

    if fusion and recipe.members:
        raise RecipeError("The members of an ensemble have fusions of their own.", "Leave --fusion out.")
    if fusion:
        recipe = recipe.with_fusion(fusion)
    if fold is not None:
        recipe = recipe.without_fold(fold)
    folder = out or Settings.from_environment().checkpoints
    if recipe.members:
        weights = train_members(recipe, config.parent, dataset, folder, runs, fold=fold, resume=resume, report=say)
    else:
        start = find_start(recipe, config.parent, dataset, runs, resume=resume, report=say)
        weights = run(recipe, dataset, folder, runs, start=start, resume=resume, report=say)
    manifest = score_checkpoint(recipe.name, folder, dataset, recipe.validation_split, report=show_progress)
    document = {"checkpoint": weights.name, "scores": manifest.scores} | ({"check": found} if found else {})
    answer(document, f"{weights.name}\n{as_score_table(manifest.scores)}", as_json)


def _read(config: Path, overrides: Mapping[str, Any], check: bool) -> tuple[Recipe, Dataset, Mapping[str, Any]]:
    """The recipe, its data, and what was found in them where they are the user's own; nothing for published ones."""
    from claire.pipeline import open_dataset
    from claire.training.own import read_own
    from claire.training.recipe import Recipe

    if config.suffix.lower() != ".toml":
        if check:
            raise RecipeError("Only data of your own are checked, but this is a recipe.", "Give a TOML file.")
        recipe = Recipe.read(config, overrides)
        return recipe, open_dataset(recipe.data, Path(recipe.root)), {}
    own = read_own(config, overrides, report=show_progress)
    found = own.check.as_dict()
    if not check:
        say(as_check_table(found))
        own.check.require_tiles()
    return own.recipe, own.dataset, found


def as_check_table(found: Mapping[str, Any]) -> str:
    """What the check of the data found: tiles, class shares, what was left out and why, leaks."""
    tiles = found["tiles"]
    lines = ["   ".join(f"{split} {count} tiles" for split, count in tiles.items())]
    if found["classes"]:
        lines.append(f"{'class':<24}" + "".join(f"{split:>9}" for split in tiles))
        lines += [f"{row['name']:<24}" + "".join(f"{row[split]:>9.1%}" for split in tiles) for row in found["classes"]]
    lines += _list("left out", [f"{item['tile']}: {item['message']}" for item in found["left_out"]])
    lines += _list("note", [": ".join(filter(None, (i["tile"], i["message"]))) for i in found["findings"]])
    lines += _list("leak", [f"{item['one']} and {item['other']}: {item['why']}" for item in found["leaks"]])
    return "\n".join(lines)


def _list(title: str, sentences: Sequence[str]) -> list[str]:
    lines = [f"{title:<9} {sentence}" for sentence in sentences[:MOST_LISTED]]
    more = len(sentences) - MOST_LISTED
    return [*lines, f"{title:<9} and {more} more; see --json"] if more > 0 else lines
