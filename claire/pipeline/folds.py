"""Scores on places that a network did not see: one run per fold of places, each scored on the places it was kept from.

The network that is kept learns from all places, so that no place is left to judge it on; what is measured here is what
the same recipe reaches on places it knows nothing of. The temperatures come from there, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from claire.core.analysis import scores_as_dict, without_nan
from claire.core.bands import Mode
from claire.core.dataset import Dataset
from claire.core.manifest import Manifest
from claire.core.settings import Settings
from claire.metrics.confusion import compute_scores
from claire.models.catalogue import find_manifest
from claire.pipeline.cards import UNSEEN_PLACES, summarise, write_card
from claire.pipeline.evaluate import Progress, evaluate, fit_temperatures
from claire.pipeline.models import load_model

UNSEEN: dict[str, str] = {
    "clear": UNSEEN_PLACES,
    "zero_all": "unseen_places_no_optical",
    "no_sar": "unseen_places_no_sar",
}
"""Condition -> its name among the scores of the network that is kept."""

JUDGED: dict[str, dict[str, str]] = {"places": UNSEEN, "cloudy": {"clear": "unseen_places_cloudy"}}
"""First part of a split -> what is asked of it, as in `UNSEEN`. Real clouds need no damage of ours."""


def score_unseen(
    name: str, folder: Path, folds: Sequence[int], kept: Path, dataset: Dataset, *, report: Progress | None = None
) -> Manifest:
    """Add the scores on unseen places and the temperatures fitted there to a checkpoint's manifest and card.

    Its calibration on validation is of other temperatures then, until conditions are scored again as added ones.

    Args:
        name: Checkpoint to describe.
        folder: Where it lies.
        folds: Numbers of the folds; the run without fold 2 is called `NAME-2`.
        kept: Where these runs lie.
        dataset: With a split `places-2` for fold 2, and `cloudy-2` where these places were seen under clouds, too.
        report: Receives (tiles done, tiles in all) of each fold.

    Returns:
        The new manifest.
    """
    manifest = Manifest.read(find_manifest(name, folder))
    settings = replace(Settings.from_environment(), checkpoints=kept)
    temperatures: list[Mapping[Mode, float]] = []
    found: dict[tuple[Mode, str], list[Mapping[str, Any]]] = {}
    for fold in folds:
        model = load_model(f"{name}-{fold}", settings)
        temperatures.append(fit_temperatures(dataset, f"places-{fold}", model, report=report))
        for kind, conditions in JUDGED.items():
            split = f"{kind}-{fold}"
            if split not in dataset.splits or not dataset.ids(split):
                continue
            judged = evaluate(dataset, split, model, conditions=tuple(conditions), report=report)
            for mode, (condition, title) in product(judged, conditions.items()):
                entry = judged[mode].get(condition, {})
                if entry.get("oa") is not None:
                    found.setdefault((mode, title), []).append(entry)
    scores: dict[str, dict[str, Mapping[str, float]]] = {mode: dict(manifest.scores.get(mode, {})) for mode, _ in found}
    for (mode, title), entries in found.items():
        scores[mode][title] = summarise(_pool(entries, manifest.class_scheme.names))
    fitted: dict[Mode, float] = {
        mode: round(float(np.exp(np.mean([np.log(each[mode]) for each in temperatures]))), 4)
        for mode in temperatures[0]
    }
    manifest = replace(manifest, scores=scores, temperature=fitted)
    manifest.write(folder / f"{name}.json")
    write_card(manifest, folder)
    return manifest


def _pool(entries: Sequence[Mapping[str, Any]], names: Sequence[str]) -> dict[str, Any]:
    """One entry of the confusions of several, each of another network on other places."""
    confusion = np.sum([entry["confusion"] for entry in entries], axis=0)
    tiles, scores = sum(entry["n_tiles"] for entry in entries), compute_scores(confusion, names)
    pooled: dict[str, Any] = without_nan({**scores_as_dict(scores), "n_tiles": tiles, "coverage": None, "aurc": None})
    return pooled
