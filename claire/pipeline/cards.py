"""Scoring a checkpoint on validation: temperatures, every condition, manifest and model card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from claire.core.dataset import Dataset
from claire.core.manifest import Manifest
from claire.core.settings import Settings
from claire.pipeline.evaluate import CONDITIONS, Progress, evaluate, fit_temperatures
from claire.pipeline.models import load_model

SUMMARY = ("miou", "oa", "kappa", "f1", "ece", "ece_raw", "coverage", "n_tiles")


def score_checkpoint(
    name: str,
    folder: Path,
    dataset: Dataset,
    split: str,
    *,
    beside: Sequence[str] = (),
    report: Progress | None = None,
) -> Manifest:
    """Fit temperatures on a validation split, score every condition there, write manifest and card.

    Args:
        name: Checkpoint to score.
        folder: Where it lies.
        dataset: Labelled pairs.
        split: Split that the network did not learn from.
        beside: Checkpoints scored before, shown in the card for comparison.
        report: Receives (tiles done, tiles in all).

    Returns:
        The new manifest.
    """
    settings = replace(Settings.from_environment(), checkpoints=folder)
    path = folder / f"{name}.json"
    model = load_model(name, settings)
    manifest = replace(model.manifest, temperature=fit_temperatures(dataset, split, model, report=report))
    scores = evaluate(dataset, split, replace(model, manifest=manifest), conditions=CONDITIONS, report=report)
    summary = {
        mode: {condition: summarise(entry) for condition, entry in conditions.items()}
        for mode, conditions in scores.items()
    }
    manifest = replace(manifest, scores=summary)
    manifest.write(path)
    others = [Manifest.read(folder / f"{other}.json") for other in beside]
    (folder / f"{name}.md").write_text(render_card(manifest, others), encoding="utf-8")
    return manifest


def summarise(entry: Mapping[str, Any]) -> dict[str, float]:
    """The scores of one condition as a flat table: the means, and the IoU of each class as `iou NAME`.

    Values that do not exist (no pixel, absent class) are left out.
    """
    flat = {key: entry[key] for key in SUMMARY} | {f"iou {k}": v["iou"] for k, v in entry["per_class"].items()}
    return {key: round(value, 4) for key, value in flat.items() if value is not None and value == value}


def render_card(manifest: Manifest, others: Sequence[Manifest] = ()) -> str:
    """The model card as Markdown."""
    scheme = manifest.class_scheme
    rarest = scheme.names[-1]
    lines = [
        f"# {manifest.name}",
        "",
        manifest.title + ".",
        "",
        "| | |",
        "|---|---|",
        f"| classes | {', '.join(scheme.names)} |",
        f"| optical | {manifest.optical.sensor}: {', '.join(manifest.optical.bands)} ({manifest.optical.unit}) |",
        f"| SAR | {manifest.sar.sensor}: {', '.join(manifest.sar.bands)} ({manifest.sar.unit}) |",
        f"| network | {', '.join(f'{k} {v}' for k, v in manifest.network.items())} |",
        f"| trained on | {manifest.training.get('recipe', {}).get('data', '?')}, {_describe_training(manifest)} |",
        f"| validated on | {_describe_validation(manifest)} |",
        f"| temperature | {', '.join(f'{mode} {value:.2f}' for mode, value in manifest.temperature.items())} |",
        f"| sha256 | `{manifest.sha256}` |",
        "",
        "## Scores on validation",
        "",
        "One confusion matrix pooled over all tiles per mode and condition. ECE over 15 bins, before -> after",
        "temperature. A dash: the mode has no input under this condition.",
        "",
        f"| mode | condition | mIoU | IoU {rarest} | OA | kappa | ECE |",
        "|---|---|---|---|---|---|---|",
    ]
    for mode, conditions in manifest.scores.items():
        for condition, entry in conditions.items():
            cells = [_cell(entry, key) for key in ("miou", f"iou {rarest}", "oa", "kappa")]
            calibration = f"{_cell(entry, 'ece_raw')} -> {_cell(entry, 'ece')}"
            lines.append(f"| {mode} | {condition} | {' | '.join(cells)} | {calibration} |")
    if others:
        lines += ["", *_render_comparison(manifest, others, rarest)]
    for title, sentences in (("Limits", manifest.limits), ("Known failures", manifest.failures)):
        if sentences:
            lines += ["", f"## {title}", "", *(f"- {sentence}" for sentence in sentences)]
    return "\n".join(lines) + "\n"


def _describe_training(manifest: Manifest) -> str:
    training, recipe = manifest.training, manifest.training.get("recipe", {})
    return (
        f"split {recipe.get('train_split', '?')}, {training.get('train_tiles', '?')} tiles, "
        f"seed {recipe.get('seed', '?')}, {recipe.get('epochs', '?')} + {recipe.get('finish_epochs', '?')} epochs"
    )


def _describe_validation(manifest: Manifest) -> str:
    training, recipe = manifest.training, manifest.training.get("recipe", {})
    return (
        f"split {recipe.get('validation_split', '?')}, {training.get('validation_tiles', '?')} tiles, "
        "which also chose the epoch and the temperatures"
    )


def _render_comparison(manifest: Manifest, others: Sequence[Manifest], rarest: str) -> list[str]:
    columns = [(m.name, mode, scores) for m in (manifest, *others) for mode, scores in _main_modes(m).items()]
    header = " | ".join(f"{name} ({mode}, seed {_seed(name, manifest, others)})" for name, mode, _ in columns)
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


def _seed(name: str, manifest: Manifest, others: Sequence[Manifest]) -> Any:
    found = next(m for m in (manifest, *others) if m.name == name)
    return found.training.get("recipe", {}).get("seed", "?")


def _cell(entry: Mapping[str, float], key: str) -> str:
    return f"{entry[key]:.3f}" if key in entry else "-"
