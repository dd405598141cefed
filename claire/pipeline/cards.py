"""Scoring a checkpoint on validation: temperatures, every condition, calibration, cost, manifest and model card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from claire.core.bands import Mode
from claire.core.dataset import Dataset
from claire.core.errors import InputError
from claire.core.files import appearing
from claire.core.manifest import InputSpec, Manifest
from claire.core.settings import Settings
from claire.data.conditions import CLEAR, list_conditions
from claire.metrics.robustness import EMM_PREFIX, collect_cloud_curve
from claire.models.catalogue import find_manifest
from claire.pipeline.evaluate import CONDITIONS, Progress, average_missing, fit_temperatures, measure
from claire.pipeline.models import load_model
from claire.viz.cards import build_card_figure, describe_clouds, describe_reliability, describe_risk, encode_figure

SUMMARY = ("miou", "oa", "kappa", "f1", "ece", "ece_raw", "coverage", "aurc", "n_tiles")
UNSEEN_PLACES = "unseen_places"
"""Condition under which runs of the recipe are scored on places that they did not see; temperatures come from there."""
PICTURE_SUFFIX = ".svg"
AS_BEFORE = 0.002
"""Overall accuracies that differ by no more are of the same tiles, on another machine perhaps."""

Table = dict[str, Mapping[str, Mapping[str, float]]]
"""Mode -> condition -> flat scores."""


def score_checkpoint(
    name: str,
    folder: Path,
    dataset: Dataset,
    split: str,
    *,
    beside: Sequence[str] = (),
    replicas: Sequence[str] = (),
    added: Sequence[str] = (),
    report: Progress | None = None,
) -> Manifest:
    """Fit temperatures on a validation split, score conditions there, measure the cost, write manifest and card.

    Args:
        name: Checkpoint to score.
        folder: Where it lies.
        dataset: Labelled pairs.
        split: Split that the network did not learn from.
        beside: Checkpoints scored before, shown in the card for comparison.
        replicas: Checkpoints of the same recipe with other seeds, scored before; their scores are kept for the spread.
        added: Conditions or groups to add to what was scored before, with the temperatures of then; by default the
            usual conditions are scored anew.
        report: Receives (tiles done, tiles in all).

    Returns:
        The new manifest.

    Raises:
        InputError: Another name, split, data set or checkpoint than there is; conditions to add that were measured on
            other tiles than the rest.
    """
    settings = replace(Settings.from_environment(), checkpoints=folder)
    path = find_manifest(name, folder)
    others = [Manifest.read(find_manifest(other, folder)) for other in beside]
    twins = [Manifest.read(find_manifest(other, folder)) for other in replicas]
    model = load_model(name, settings)
    manifest = model.manifest
    if added and not manifest.scores:
        raise InputError(f"The checkpoint {name!r} was not scored yet.", "Score it without added conditions first.")
    if not added:
        manifest = replace(manifest, temperature=fit_temperatures(dataset, split, model, report=report))
    wanted = (CLEAR, *list_conditions(added or CONDITIONS))
    pools = measure(dataset, split, replace(model, manifest=manifest), conditions=wanted, report=report)
    scores: dict[str, dict[str, dict[str, Any]]] = {}
    for (mode, condition), pool in pools.items():
        scores.setdefault(mode, {})[condition] = pool.as_dict(manifest.class_scheme.names)
    for conditions in scores.values():
        conditions |= average_missing(conditions)
    fresh: Table = {mode: {key: summarise(entry) for key, entry in each.items()} for mode, each in scores.items()}
    summary = _join_scores(manifest, fresh) if added else fresh
    measured = {mode: pools[mode, CLEAR].summarise() for mode, condition in pools if condition == CLEAR}
    manifest = replace(
        manifest,
        scores=summary,
        measured={mode: found for mode, found in measured.items() if found is not None},
        cost=model.measure_cost(),
        replicas={str(_seed(twin)): twin.scores for twin in twins} or manifest.replicas,
    )
    manifest.write(path)
    manifest = Manifest.read(path)
    write_card(manifest, folder, others)
    return manifest


def _join_scores(manifest: Manifest, fresh: Table) -> Table:
    """The scores of before with fresh ones added, if both know the same clear sky."""
    joined: Table = {}
    for mode, conditions in fresh.items():
        before = manifest.scores.get(mode, {})
        clear, now = before.get(CLEAR, {}), conditions[CLEAR]
        if any(abs(clear.get(key, 0) - now.get(key, 0)) > AS_BEFORE for key in ("n_tiles", "oa")):
            raise InputError(
                f"The {mode} map scores differently in clear sky than when the checkpoint was scored.",
                "Give the data set and split of then, or score all conditions anew.",
            )
        joined[mode] = {**before, **conditions}
    return joined


def write_card(manifest: Manifest, folder: Path, others: Sequence[Manifest] = ()) -> None:
    """Write the card beside the manifest, and its picture where there are numbers for one."""
    picture = ""
    curves = collect_curves(manifest)
    if curves or manifest.measured:
        picture = manifest.name + PICTURE_SUFFIX
        _, title = find_headline(manifest)
        with appearing(folder / picture) as partial:
            partial.write_bytes(encode_figure(build_card_figure(curves, title, manifest.measured), "svg"))
    (folder / f"{manifest.name}.md").write_text(render_card(manifest, others, picture), encoding="utf-8")


def find_headline(manifest: Manifest) -> tuple[str, str]:
    """Key and title of the score that a card is about: of two classes the IoU of the second, else the mean IoU."""
    names = manifest.class_scheme.names
    return (f"iou {names[1]}", f"{names[1]} IoU") if len(names) == 2 else ("miou", "mean IoU")


def collect_curves(manifest: Manifest, kind: str = "after") -> dict[Mode, tuple[tuple[float, float], ...]]:
    """Mode -> headline score against cloud share, where at least three shares were scored.

    Args:
        manifest: With scores.
        kind: "after" for clouds that are masked out, "thin" or "thick" for clouds that the network is not told of.
    """
    key, _ = find_headline(manifest)
    curves: dict[Mode, tuple[tuple[float, float], ...]] = {}
    for mode in manifest.temperature:
        points = collect_cloud_curve(manifest.scores.get(mode, {}), key, kind)
        if len(points) > 2:
            curves[mode] = points
    return curves


def summarise(entry: Mapping[str, Any]) -> dict[str, float]:
    """The scores of one condition as a flat table: the means, and the IoU of each class as `iou NAME`.

    Values that do not exist (no pixel, absent class) are left out.
    """
    flat = {key: entry[key] for key in SUMMARY} | {f"iou {k}": v["iou"] for k, v in entry["per_class"].items()}
    return {key: round(value, 4) for key, value in flat.items() if value is not None and value == value}


def render_card(manifest: Manifest, others: Sequence[Manifest] = (), picture: str = "") -> str:
    """The model card as Markdown.

    Args:
        manifest: Of the checkpoint.
        others: Checkpoints to show beside it.
        picture: File name of its figure; none when empty.
    """
    scheme = manifest.class_scheme
    read = manifest.optical
    left_out = describe_screening(manifest)
    lines = [
        f"# {manifest.name}",
        "",
        manifest.title + ".",
        "",
        "| | |",
        "|---|---|",
        f"| classes | {', '.join(scheme.names)} |",
        f"| optical | {read.sensor}: {', '.join(read.bands)} ({read.unit}){left_out and f', {left_out}'} |",
        f"| SAR | {manifest.sar.sensor}: {', '.join(manifest.sar.bands)} ({manifest.sar.unit}) |",
        f"| network | {_describe_network(manifest.network)} |",
        f"| trained on | {manifest.training.get('recipe', {}).get('data', '?')}, {_describe_training(manifest)} |",
        f"| validated on | {_describe_validation(manifest)} |",
        f"| training extent | {describe_extent(manifest)} |",
        f"| temperature | {', '.join(f'{mode} {value:.2f}' for mode, value in manifest.temperature.items())} |",
        f"| cost | {describe_cost(manifest)} |",
        f"| sha256 | `{manifest.sha256}` |",
        "",
        *_render_picture(manifest, picture),
        *_render_scores(manifest),
        *_render_classes(manifest),
        *_render_calibration(manifest),
    ]
    if others:
        lines += ["", *_render_comparison(manifest, others, scheme.names[-1])]
    lines += ["", *_render_normalisation(manifest)]
    for title, sentences in (("Limits", manifest.limits), ("Known failures", manifest.failures)):
        if sentences:
            lines += ["", f"## {title}", "", *(f"- {sentence}" for sentence in sentences)]
    return "\n".join(lines) + "\n"


def describe_cost(manifest: Manifest) -> str:
    """Parameters, operations and time in words."""
    cost = manifest.cost
    if cost is None:
        return "not measured"
    return (
        f"{cost.parameters / 1e6:.2f} million parameters, {cost.gflop:.2f} GFLOP and {cost.latency_ms:.0f} ms for all "
        f"maps of {cost.side} x {cost.side} pixels ({cost.machine}, {cost.threads} "
        f"{'thread' if cost.threads == 1 else 'threads'})"
    )


def describe_screening(manifest: Manifest) -> str:
    """What of an optical picture the checkpoint does not read; empty when it reads all of it."""
    spec = manifest.optical
    parts = ["looks like cloud"] * spec.screen_clouds + ["is noise"] * spec.screen_noise
    return f"what {' or '.join(parts)} is left out" if parts else ""


def describe_extent(manifest: Manifest) -> str:
    """Where the training data lie, in words."""
    box = ""
    if manifest.bbox:
        west, south, east, north = manifest.bbox
        box = f"longitude {west:g} to {east:g}, latitude {south:g} to {north:g}"
    return " ".join(part for part in (manifest.extent, box) if part) or "not recorded"


def _render_picture(manifest: Manifest, picture: str) -> list[str]:
    if not picture:
        return []
    _, title = find_headline(manifest)
    curves = collect_curves(manifest)
    words = [describe_clouds(curves, title)] if curves else []
    if manifest.measured:
        words += [describe_reliability(manifest.measured), describe_risk(manifest.measured)]
    return [f"![{' '.join(words)}]({picture})", ""]


def _render_scores(manifest: Manifest) -> list[str]:
    key, title = find_headline(manifest)
    columns = {"mIoU": "miou", "OA": "oa", "kappa": "kappa"}
    if key != "miou":
        columns = {"mIoU": "miou", title: key, "OA": "oa", "kappa": "kappa"}
    count = len(manifest.replicas)
    runs = f" After ± the spread (standard deviation) over {count + 1} seeds." if count else ""
    lines = [
        "## Scores on validation",
        "",
        "One confusion matrix pooled over all tiles per mode and condition. ECE over 15 bins, before -> after",
        f"temperature. A dash: the mode has no input under this condition.{runs}",
        "",
        f"| mode | condition | {' | '.join(columns)} | ECE |",
        "|---|---|" + "---|" * (len(columns) + 1),
    ]
    for mode, conditions in manifest.scores.items():
        for condition, entry in conditions.items():
            cells = [_cell(entry, column) + _spread(manifest, mode, condition, column) for column in columns.values()]
            calibration = f"{_cell(entry, 'ece_raw')} -> {_cell(entry, 'ece')}"
            lines.append(f"| {mode} | {condition} | {' | '.join(cells)} | {calibration} |")
    if any(name.startswith(EMM_PREFIX) for conditions in manifest.scores.values() for name in conditions):
        lines += [
            "",
            "`emm_average` is the mean over both sensors, no optical, no SAR; `emm_p20`, `_p10`, `_p05` expect",
        ]
        lines += ["each sensor to fail with that probability. The conditions are described in docs/methods.md."]
    return lines


def _render_classes(manifest: Manifest) -> list[str]:
    names = manifest.class_scheme.names
    rows = {mode: conditions[CLEAR] for mode, conditions in manifest.scores.items() if CLEAR in conditions}
    if not rows:
        return []
    lines = ["", "## IoU per class, clear sky", "", f"| class | {' | '.join(rows)} |", "|---|" + "---|" * len(rows)]
    lines += [f"| {n} | {' | '.join(_cell(entry, f'iou {n}') for entry in rows.values())} |" for n in names]
    return lines


def _render_calibration(manifest: Manifest) -> list[str]:
    if not manifest.measured:
        return []
    lines = [
        "",
        "## Calibration, clear sky",
        "",
        "Risk: share of wrong pixels among the most certain ones that are kept; its area is the mean over all shares.",
        "",
        "| mode | temperature | risk at 100 % | at 80 % | at 50 % | area |",
        "|---|---|---|---|---|---|",
    ]
    for mode, found in manifest.measured.items():
        curve = found.selection
        risks = " | ".join(f"{np.interp(kept, curve.coverage, curve.risk):.3f}" for kept in (1.0, 0.8, 0.5))
        lines.append(f"| {mode} | {manifest.temperature.get(mode, 1.0):.2f} | {risks} | {curve.area:.3f} |")
    return lines


def _render_normalisation(manifest: Manifest) -> list[str]:
    lines = ["## Normalisation", "", "| sensor | band | mean | spread | unit |", "|---|---|---|---|---|"]
    for title, spec in (("optical", manifest.optical), ("SAR", manifest.sar)):
        lines += _list_bands(title, spec)
    return lines


def _list_bands(title: str, spec: InputSpec) -> list[str]:
    return [
        f"| {title} | {band} | {mean:.4g} | {std:.4g} | {spec.unit} |"
        for band, mean, std in zip(spec.bands, spec.mean, spec.std, strict=True)
    ]


def _spread(manifest: Manifest, mode: str, condition: str, key: str) -> str:
    runs = (manifest.scores, *manifest.replicas.values())
    values = [run[mode][condition][key] for run in runs if key in run.get(mode, {}).get(condition, {})]
    return f" ± {np.std(values, ddof=1):.3f}" if len(values) > 1 else ""


def _describe_network(settings: Mapping[str, Any]) -> str:
    """Settings in words; those of a member of an ensemble that differ stand in brackets."""
    members = _list_mappings(settings.get("members"))
    said = [f"({_describe_network(each)})" if each else "(the same)" for each in members]
    plain = [f"{name} {value}" for name, value in settings.items() if name != "members" or not members]
    return ", ".join([*plain, *([f"members {' '.join(said)}"] if said else [])])


def _list_mappings(value: Any) -> Sequence[Mapping[str, Any]]:
    """The value where it is a list of mappings, else nothing: a card says what a manifest says, right or wrong."""
    fits = isinstance(value, list | tuple) and all(isinstance(each, Mapping) for each in value)
    return value if fits else ()


def _describe_training(manifest: Manifest) -> str:
    members = _list_mappings(manifest.training.get("members"))
    if not members:
        return _describe_run(manifest.training)
    runs = (f"{each.get('recipe', {}).get('name', '?')} on {_describe_run(each)}" for each in members)
    return f"{len(members)} networks that vote: {'; '.join(runs)}"


def _describe_run(training: Mapping[str, Any]) -> str:
    recipe = training.get("recipe", {})
    start = f", after those of {recipe['start']}" if recipe.get("start") else ""
    of_pixels = recipe.get("network", {}).get("fusion") == "pixels"
    runs = recipe.get("soup", 1)
    soup = f" and {runs - 1} more (mean of the weights of {runs} runs)" if runs > 1 else ""
    epochs = f"{recipe.get('epochs', '?')} + {recipe.get('finish_epochs', '?')} epochs{start}"
    if of_pixels and recipe.get("teacher", "trees") == "trees":
        epochs = "what a forest says of their pixels"
    elif of_pixels:
        epochs = f"pixels of {recipe.get('epochs', '?')} epochs"
    return (
        f"split {recipe.get('train_split', '?')}, {training.get('train_tiles', '?')} tiles, seed "
        f"{recipe.get('seed', '?')}{soup}, {epochs}"
    )


def _describe_validation(manifest: Manifest) -> str:
    training, recipe = manifest.training, manifest.training.get("recipe", {})
    elsewhere = any(UNSEEN_PLACES in conditions for conditions in manifest.scores.values())
    chosen = "the epoch; the temperatures are those of unseen places" if elsewhere else "the epoch and the temperatures"
    return (
        f"split {recipe.get('validation_split', '?')}, {training.get('validation_tiles', '?')} tiles, "
        f"which also chose {chosen}"
    )


def _render_comparison(manifest: Manifest, others: Sequence[Manifest], rarest: str) -> list[str]:
    columns = [(m.name, mode, scores) for m in (manifest, *others) for mode, scores in _main_modes(m).items()]
    header = " | ".join(f"{name} ({mode}, seed {_find_seed(name, manifest, others)})" for name, mode, _ in columns)
    lines = [
        f"## Beside networks of the same recipe: IoU of {rarest}",
        "",
        f"| condition | {header} |",
        "|---|" + "---|" * len(columns),
    ]
    for condition in next(iter(manifest.scores.values()), {}):
        cells = " | ".join(_cell(scores.get(condition, {}), f"iou {rarest}") for _, _, scores in columns)
        lines.append(f"| {condition} | {cells} |")
    return lines


def _main_modes(manifest: Manifest) -> Mapping[str, Mapping[str, Mapping[str, float]]]:
    return {"fused": manifest.scores["fused"]} if "fused" in manifest.scores else manifest.scores


def _find_seed(name: str, manifest: Manifest, others: Sequence[Manifest]) -> Any:
    return _seed(next(m for m in (manifest, *others) if m.name == name))


def _seed(manifest: Manifest) -> Any:
    return manifest.training.get("recipe", {}).get("seed", "?")


def _cell(entry: Mapping[str, float], key: str) -> str:
    return f"{entry[key]:.3f}" if key in entry else "-"
