"""Networks against each other: the same data, steps, crops and about the same number of parameters, run by run.

Every finished run is one JSON file, named after a hash of its settings, and is never repeated; a run that was cut off
leaves nothing but a working folder and starts anew. Scores and costs come from whoever calls, because scoring is
another stage.
"""

from __future__ import annotations

import hashlib
import json
import math
import shutil
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import Any

import torch

from claire.core.dataset import Dataset
from claire.core.documents import parse_json
from claire.core.errors import InputError, UnknownNameError
from claire.core.files import appearing
from claire.core.manifest import Manifest
from claire.core.types import Tile
from claire.models.network import NETWORKS, NetworkConfig, build_network, count_parameters, match_parameters
from claire.training.ablations import ABLATIONS, ablate
from claire.training.losses import RIFTLoss
from claire.training.recipe import Recipe
from claire.training.run import choose_precision, train

REFERENCE = "claire"
FUSION = "cmaf"
MODELS = (REFERENCE, *(name for name in NETWORKS if name != FUSION))
"""What may be compared besides ablations: CLAIRE, its baselines, and the peers."""

VALIDATIONS = 2
"""How often a run is validated at most; the best of these is scored."""

MOST_UNLIKE = 0.2
"""Share by which the parameters of a peer may differ from CLAIRE's."""

PLAIN: dict[str, Any] = {"ratios": False, "dropout": 0.0}
"""What the encoders of some peers cannot do is off for all, so that the networks differ in nothing but their fusion."""

NOT_A_SETTING = {"name", "title", "root", "limits", "extent", "bbox", "threads", "devices"}
"""Of a recipe: what a result does not depend on."""

CLEAR = "clear"
PROBES = 7
MOST_RESULT_BYTES = 1_000_000

Score = Callable[[str, Path, Dataset, str], tuple[Manifest, str, str]]
"""Takes checkpoint, its folder, data set and split; gives the scored manifest, and key and title of the score that
counts."""

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Run:
    """One network trained once.

    Args:
        variant: Name of a model or of an ablation.
        recipe: Everything that decides the run.
        tiles: Tiles to learn from and to validate on.
    """

    variant: str
    recipe: Recipe
    tiles: tuple[int, int]

    @property
    def settings(self) -> dict[str, Any]:
        """What the result depends on; settings with their default are left out, so that new ones change nothing."""
        defaults = {item.name: item.default for item in fields(Recipe)}
        chosen = {
            key: value
            for key, value in self.recipe.as_dict().items()
            if key not in NOT_A_SETTING and value != defaults[key]
        }
        return {"variant": self.variant, "tiles": list(self.tiles), "recipe": chosen}

    @property
    def key(self) -> str:
        """Hash of the settings."""
        text = json.dumps(self.settings, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @property
    def name(self) -> str:
        """For files and people."""
        return f"{self.recipe.data}-{self.variant}-{self.recipe.seed}-{self.key}"


@dataclass(frozen=True)
class Budget:
    """How long every run takes.

    Args:
        steps: Optimiser steps, rounded up to whole epochs.
        crop: Side of the crops, pixels.
    """

    steps: int
    crop: int = 128

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise InputError(f"{self.steps} steps were asked for.", "Give at least one.")


class KeptDataset:
    """Another data set whose tiles are read once and then kept in memory, for many runs over the same tiles."""

    def __init__(self, dataset: Dataset) -> None:
        self.name, self.title, self.root = dataset.name, dataset.title, dataset.root
        self.scheme = getattr(dataset, "scheme", None)
        self._dataset = dataset
        self._read = cache(dataset.read)

    @property
    def splits(self) -> tuple[str, ...]:
        """Names of the splits."""
        return self._dataset.splits

    def ids(self, split: str | None = None) -> tuple[str, ...]:
        """Identifiers of the tiles."""
        return self._dataset.ids(split)

    def read(self, tile_id: str, /) -> Tile:
        """Read one tile, or remember it."""
        return self._read(tile_id)


def plan_runs(
    base: Recipe, dataset: Dataset, variants: Sequence[str], seeds: Sequence[int], budget: Budget
) -> tuple[Run, ...]:
    """Every run of a benchmark, all variants of a seed before the next seed.

    Args:
        base: Recipe of CLAIRE on these data.
        dataset: With the splits of the recipe.
        variants: Names of `MODELS` and of `ABLATIONS`.
        seeds: One run of each variant per seed.
        budget: The same for all.

    Raises:
        UnknownNameError: No such variant; lists the right names.
    """
    for variant in variants:
        if variant not in {*MODELS, *ABLATIONS}:
            raise UnknownNameError.among("network", variant, (*MODELS, *ABLATIONS))
    tiles = len(dataset.ids(base.train_split)), len(dataset.ids(base.validation_split))
    common = _apply_budget(replace(base, start="", prior={}, repeat={}), tiles[0], budget)
    common = replace(common, network={**common.network, "fusion": FUSION, **PLAIN})
    changed = {variant: _change(common, variant) for variant in dict.fromkeys(variants)}
    return tuple(
        Run(variant, replace(recipe, seed=seed), tiles)
        for seed in dict.fromkeys(seeds)
        for variant, recipe in changed.items()
    )


def measure_steps(base: Recipe, minutes: float, crop: int, file: Path) -> int:
    """How many steps of CLAIRE fit into a time on this machine; measured once and then read from the file.

    Args:
        base: Recipe of CLAIRE.
        minutes: Of training.
        crop: Side of the crops, pixels.
        file: Where the number is kept, so that all runs of all sittings get the same.

    Raises:
        InputError: No time, or a file that holds something else.
    """
    if not minutes > 0:
        raise InputError(f"{minutes:g} minutes were asked for.", "Give more than 0.")
    asked = {"data": base.data, "minutes": minutes, "crop": crop}
    if file.is_file():
        kept = _read_result(file)
        if {key: kept.get(key) for key in asked} == asked and isinstance(kept.get("steps"), int):
            return int(kept["steps"])
        raise InputError(
            f"{file.name} was measured for another time or crop.",
            "Give the same --minutes and --crop, or another --state.",
        )
    steps = max(1, round(60 * minutes / _time_step(base, crop)))
    _write_result(file, {**asked, "steps": steps})
    return steps


def run_all(
    runs: Sequence[Run], dataset: Dataset, state: Path, score: Score, *, report: Progress = print
) -> list[dict[str, Any]]:
    """Do what is not done yet.

    Args:
        runs: Of `plan_runs`.
        dataset: Its tiles.
        state: Folder of the results.
        score: How a checkpoint is scored.
        report: Receives a line before and after each run, and one per validation.

    Returns:
        The result of every run, in order.
    """
    results = []
    for number, run in enumerate(runs, 1):
        file = state / f"{run.name}.json"
        if file.is_file():
            report(f"{number}/{len(runs)} {run.name}: done before")
        else:
            report(f"{number}/{len(runs)} {run.name}: {count_steps(run)} steps")
            _write_result(file, _do(run, dataset, state, score, report))
        results.append(_read_result(file))
    return results


def read_results(state: Path) -> list[dict[str, Any]]:
    """Every result in a folder, in the order of their names."""
    found = [_read_result(path) for path in sorted(state.glob("*-*.json"))] if state.is_dir() else []
    return [result for result in found if "scores" in result]


def count_steps(run: Run) -> int:
    """Optimiser steps of a run."""
    return run.recipe.epochs * -(-run.tiles[0] // run.recipe.batch)


def render_table(results: Sequence[Mapping[str, Any]]) -> str:
    """Results as Markdown: one table per data set and budget, mean ± spread over the seeds, and who is ahead.

    Args:
        results: Of `run_all` or `read_results`.
    """
    groups: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for result in results:
        groups.setdefault((result["data"], result["steps"], result["crop"]), []).append(result)
    parts = ["\n".join(_render_group(key, members)) for key, members in sorted(groups.items())]
    return "\n\n".join(parts) if parts else "No run is finished."


def _apply_budget(recipe: Recipe, tiles: int, budget: Budget) -> Recipe:
    per_epoch = -(-tiles // recipe.batch)
    epochs = -(-budget.steps // per_epoch)
    validations = min(VALIDATIONS, epochs)
    epochs = -(-epochs // validations) * validations
    return replace(
        recipe,
        crop=budget.crop,
        epochs=epochs,
        finish_epochs=0,
        validate_every=epochs // validations,
        patience=epochs,
    )


def _change(common: Recipe, variant: str) -> Recipe:
    """The recipe of a variant; the widths of a peer are chosen for as many parameters as CLAIRE has."""
    if variant == REFERENCE:
        return common
    if variant in ABLATIONS:
        return ablate(common, variant)
    config = _configure(common)
    matched = match_parameters(config, variant, count_parameters(config))
    return replace(common, network={**common.network, "fusion": variant, "widths": list(matched.widths)})


def _configure(recipe: Recipe) -> NetworkConfig:
    optical, sar = recipe.inputs
    sizes = {"optical_bands": len(optical.bands), "sar_bands": len(sar.bands), "classes": len(recipe.class_scheme)}
    return NetworkConfig.from_mapping({**recipe.network, **sizes})


def _do(run: Run, dataset: Dataset, state: Path, score: Score, report: Progress) -> dict[str, Any]:
    """Train and score; the working folder of a run that was cut off is thrown away first."""
    work = state / "work" / run.name
    shutil.rmtree(work, ignore_errors=True)
    recipe = replace(run.recipe, name=run.name)
    start = time.monotonic()
    train(recipe, dataset, work, work / "runs", report=report)
    seconds = time.monotonic() - start
    manifest, key, title = score(run.name, work, dataset, recipe.validation_split)
    mode = "fused" if "fused" in manifest.scores else next(iter(manifest.scores))
    cost = manifest.cost
    shutil.rmtree(work, ignore_errors=True)
    return {
        "settings": run.settings,
        "variant": run.variant,
        "data": recipe.data,
        "seed": recipe.seed,
        "steps": count_steps(run),
        "crop": recipe.crop,
        "seconds": round(seconds, 1),
        "mode": mode,
        "score": key,
        "score_title": title,
        "scores": manifest.scores,
        "parameters": count_parameters(_configure(recipe)),
        "gflop": cost.gflop if cost else None,
        "latency_ms": cost.latency_ms if cost else None,
        "side": cost.side if cost else None,
        "machine": f"{cost.machine}, threads: {cost.threads}" if cost else "",
    }


def _time_step(recipe: Recipe, crop: int) -> float:
    """Seconds of one forward and backward pass of CLAIRE, the fastest of some, so that other work does not count."""
    config = _configure(replace(recipe, network={**recipe.network, "fusion": FUSION, **PLAIN}))
    device = "cuda" if torch.cuda.is_available() else "cpu"
    network = build_network(config).train().to(device)
    shapes = [(recipe.batch, bands, crop, crop) for bands in (config.optical_bands, config.sar_bands)]
    inputs = [make(shape, device=device) for make in (torch.randn, torch.ones) for shape in shapes]
    target = torch.randint(config.classes, (recipe.batch, crop, crop), device=device)
    loss, times = RIFTLoss(), []
    for _ in range(PROBES):
        start = time.perf_counter()
        with torch.autocast(device, torch.bfloat16, enabled=choose_precision(recipe.precision) == "bf16-mixed"):
            logits = network(*inputs).logits
        total = torch.stack([loss(values.float(), target) for values in logits.values()]).sum()
        total.backward()  # type: ignore[no-untyped-call]
        float(total.detach())  # a GPU works on until somebody wants its answer
        times.append(time.perf_counter() - start)
    return min(times)


def _write_result(file: Path, content: Mapping[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with appearing(file) as partial:
        partial.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def _read_result(file: Path) -> dict[str, Any]:
    try:
        content = parse_json(file.read_bytes(), MOST_RESULT_BYTES, 12)
    except (OSError, ValueError) as error:
        raise InputError(f"The result {file.name[:80]!r} is damaged.", "Delete it; that run is done again.") from error
    if not isinstance(content, dict):
        raise InputError(f"The result {file.name[:80]!r} is damaged.", "Delete it; that run is done again.")
    return content


@dataclass(frozen=True)
class _Row:
    """A variant over its seeds: condition -> the score of each seed that has it."""

    variant: str
    results: tuple[Mapping[str, Any], ...]

    def values(self, condition: str) -> list[float]:
        found = (each["scores"][each["mode"]].get(condition, {}).get(each["score"]) for each in self.results)
        return [value for value in found if value is not None]

    def damaged(self, conditions: Sequence[str]) -> list[float]:
        """Mean over the damaged conditions of each seed; none where the network has no map under one of them."""
        columns = [self.values(condition) for condition in conditions]
        if not columns or any(len(column) != len(self.results) for column in columns):
            return []
        return [statistics.fmean(seed) for seed in zip(*columns, strict=True)]


def _render_group(key: tuple[Any, ...], results: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    data, steps, crop = key
    by_variant: dict[str, list[Mapping[str, Any]]] = {}
    for result in results:
        by_variant.setdefault(result["variant"], []).append(result)
    rows = [_Row(variant, tuple(sorted(each, key=lambda r: r["seed"]))) for variant, each in by_variant.items()]
    rows.sort(key=lambda row: -statistics.fmean(row.values(CLEAR) or [0.0]))
    first = results[0]
    names = [name for name in first["scores"][first["mode"]] if not name.startswith("emm_")]
    conditions = [name for name in names if name != CLEAR]
    yield f"### {data}: {first['score_title']}, {steps} steps of {crop}-pixel crops"
    yield ""
    side = first["side"]
    yield f"Mean ± spread (standard deviation) over the seeds. Latency and GFLOP of {side} x {side} pixels, all maps."
    yield ""
    heads = ["network", "seeds", "million parameters", "GFLOP", "ms", CLEAR, "damaged", *conditions]
    yield f"| {' | '.join(heads)} |"
    yield "| --- |" + " ---: |" * (len(heads) - 1)
    for row in rows:
        one = row.results[0]
        latency = [each["latency_ms"] for each in row.results if each["latency_ms"] is not None]
        cells = [
            ABLATIONS[row.variant].title if row.variant in ABLATIONS else row.variant,
            str(len(row.results)),
            f"{one['parameters'] / 1e6:.2f}",
            "–" if one["gflop"] is None else f"{one['gflop']:.2f}",
            f"{statistics.median(latency):.0f}" if latency else "–",
            _cell(row.values(CLEAR)),
            _cell(row.damaged(conditions)),
            *(_cell(row.values(name)) for name in conditions),
        ]
        yield f"| {' | '.join(cells)} |"
    yield ""
    yield from _judge(rows, conditions)


def _cell(values: Sequence[float]) -> str:
    if not values:
        return "–"
    return f"{statistics.fmean(values):.3f}" + (f" ± {statistics.stdev(values):.3f}" if len(values) > 1 else "")


def _judge(rows: Sequence[_Row], conditions: Sequence[str]) -> Iterator[str]:
    """How far CLAIRE is ahead of each other network, beside the spread of the difference."""
    ours = next((row for row in rows if row.variant == REFERENCE), None)
    for row in rows if ours else ():
        if ours is None or row is ours:
            continue
        parts = []
        for title, mine, theirs in (
            (CLEAR, ours.values(CLEAR), row.values(CLEAR)),
            ("damaged", ours.damaged(conditions), row.damaged(conditions)),
        ):
            if len(mine) > 1 and len(theirs) > 1:
                gap = statistics.fmean(mine) - statistics.fmean(theirs)
                spread = math.hypot(statistics.stdev(mine), statistics.stdev(theirs))
                word = "ahead" if gap > spread else "behind" if gap < -spread else "level"
                parts.append(f"{title} {gap:+.3f} (spread {spread:.3f}): {word}")
        ratio = row.results[0]["parameters"] / ours.results[0]["parameters"]
        unlike = f"; {ratio:.2f} times the parameters" if abs(ratio - 1) > MOST_UNLIKE else ""
        yield f"- {REFERENCE} against {row.variant}: {', '.join(parts) or 'too few seeds'}{unlike}"
