"""What the commands print when JSON is not asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from claire.core.facts import Sentence

if TYPE_CHECKING:
    from claire.report.writing import Batch

SCORE_TITLES = {"miou": "mIoU", "oa": "OA", "ece": "ECE"}


def as_model_table(entries: Sequence[Mapping[str, Any]]) -> str:
    """One line per checkpoint."""
    if not entries:
        return "There are no checkpoints."
    return "\n".join(f"{e['name']:<20} {e['status']:<18} {e['sha256'][:12]:<14} {e['title']}" for e in entries)


def as_mode_table(content: Mapping[str, Any], folder: Path) -> str:
    """Classes with shares and confidence per mode, scores where there are any, the comparison."""
    lines = []
    for mode, entry in content["modes"].items():
        scores = entry.get("scores")
        lines.append(
            mode + ("" if scores is None else f"   mIoU {_figure(scores['miou'])}   OA {_figure(scores['oa'])}")
        )
        for each in entry["classes"]:
            area = "" if each["area_m2"] is None else f"   {each['area_m2'] / 1e6:.3f} km2"
            lines.append(
                f"  {each['name']:<20} {each['area_share']:6.1%}   confidence {_figure(each['confidence'])}{area}"
            )
    lines.append(content["comparison"])
    return "\n".join([*lines, f"Written to {folder.name}."])


def as_why_table(content: Mapping[str, Any], folder: Path) -> str:
    """What each sensor and band said about the class, how far to believe it, notices."""
    lines = [f"{content['method']}: {content['class']} over {content['zone_pixels']} pixels, {content['badge']}"]
    share = content["contribution"]
    if share is not None:
        sensors = "   ".join(f"{part} {share[part]:+.3f}" for part in ("optical", "sar", "interaction"))
        lines.append(f"  contribution   {sensors}   from {share['baseline']:.3f} to {share['value']:.3f}")
    for evidence, bands in content["attribution"].items():
        lines += [f"  {evidence:<8} {band:<14} {value:+.3f}" for band, value in bands.items()]
    figures = ("completeness_gap", "infidelity", "sensitivity", "deletion_auc", "insertion_auc", "random_auc")
    lines.append("  " + "   ".join(f"{name.replace('_', ' ')} {_figure(content[name])}" for name in figures))
    lines += [f"note: {notice['message']}" for notice in content["notices"]]
    return "\n".join([*lines, f"Written to {folder.name}."])


def as_score_table(scores: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    """One line per mode and condition, with the IoU of every class; takes full scores and summaries of manifests."""
    lines = []
    for mode, conditions in scores.items():
        for condition, entry in conditions.items():
            summed = {name.removeprefix("iou "): value for name, value in entry.items() if name.startswith("iou ")}
            by_class = {name: c["iou"] for name, c in entry.get("per_class", {}).items()} or summed
            classes = "  ".join(f"{name} {_figure(value)}" for name, value in by_class.items())
            figures = "  ".join(f"{title} {_figure(entry.get(key))}" for key, title in SCORE_TITLES.items())
            lines.append(f"{mode:<8} {condition:<16} {figures}   IoU: {classes}".rstrip())
    return "\n".join(lines)


def as_report_list(batch: Batch) -> str:
    """Files that were written, then the analyses that could not be reported."""
    lines = [*(each.file for each in batch.files), batch.index.file]
    return "\n".join([*lines, *(f"not reported: {name}: {message}" for name, message in batch.failed)])


def as_ungrounded_list(sentences: Sequence[Sentence]) -> str:
    """What follows a narrative: one line per sentence that its facts do not support."""
    wrong = [f"not grounded: {each.text} ({each.reason})" for each in sentences if not each.grounded]
    return "\n".join(["", *wrong]) if wrong else ""


def _figure(value: float | None) -> str:
    return "  -  " if value is None or value != value else f"{value:.3f}"
