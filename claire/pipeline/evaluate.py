"""evaluate: one pooled confusion matrix per mode and condition over a split."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from claire.core.analysis import scores_as_dict, without_nan
from claire.core.bands import MODES, Mode
from claire.core.classes import IGNORE_INDEX
from claire.core.dataset import Dataset
from claire.core.errors import DatasetError, UnknownNameError
from claire.core.manifest import Manifest
from claire.core.segmenter import Segmenter
from claire.core.types import Tile
from claire.data.degradations import OPTICAL_CONDITIONS, degrade_optical
from claire.data.preparing import prepare, select_bands
from claire.inference.predicting import decide
from claire.metrics.calibration import Calibration, compute_calibration, fit_temperature
from claire.metrics.confusion import compute_confusion, compute_scores
from claire.pipeline.analyse import choose_modes, decide_plain, scorable

NO_SAR = "no_sar"
CONDITIONS = (*OPTICAL_CONDITIONS, NO_SAR)
"""Every condition under which a data set can be scored."""

FULL_SCALE = {"uint8": 255.0, "reflectance": 1.0, "reflectance_x1e4": 1e4}
"""What 1 stands for in the degradations, by unit."""

TEMPERATURE_PIXELS = 4096
"""Pixels drawn from every tile to fit a temperature on."""

Progress = Callable[[int, int], None]


@dataclass
class _Pool:
    confusion: NDArray[np.int64]
    tempered: Calibration
    plain: Calibration
    tiles: int = 0
    labelled: int = 0
    mapped: int = 0


def evaluate(
    dataset: Dataset,
    split: str | None,
    model: Segmenter,
    modes: Sequence[Mode] = MODES,
    conditions: Sequence[str] = ("clear",),
    *,
    seed: int = 0,
    report: Progress | None = None,
) -> dict[str, dict[str, dict[str, Any]]]:
    """Score a model on labelled tiles.

    Args:
        dataset: Where the tiles come from.
        split: Which of its splits; None for all.
        model: From `load_model`.
        modes: Which maps.
        conditions: Names of `CONDITIONS`.
        seed: Of the damage; the same tile is damaged alike for every model.
        report: Receives (tiles done, tiles in all).

    Returns:
        mode -> condition -> scores, `per_class` by class name, confusion, `n_tiles`, and `coverage`: the share of the
        labelled pixels on which the map says anything. A score that does not exist, such as those of a map that says
        nothing, is None.

    Raises:
        UnknownNameError: No such split, mode or condition, or no condition at all.
        DatasetError: No labelled tile.
    """
    for condition in conditions or ("",):
        if condition not in CONDITIONS:
            raise UnknownNameError.among("condition", condition, CONDITIONS)
    ids = dataset.ids(split)
    pools: dict[tuple[Mode, str], _Pool] = {}
    for number, tile_id in enumerate(ids):
        tile = dataset.read(tile_id)
        for condition in conditions if tile.label is not None else ():
            damaged = degrade_tile(tile, condition, model.manifest, seed)
            _count(damaged, condition, model, modes, pools)
        if report is not None:
            report(number + 1, len(ids))
    if not pools:
        raise DatasetError(f"The split {split!r} holds no labelled tile.", "Choose a split with labels.")
    names = model.manifest.class_scheme.names
    result: dict[str, dict[str, dict[str, Any]]] = {}
    for (mode, condition), pool in pools.items():
        scores = compute_scores(pool.confusion, names, ece=pool.tempered.ece, ece_raw=pool.plain.ece)
        coverage = pool.mapped / pool.labelled if pool.labelled else None
        entry = without_nan({**scores_as_dict(scores), "n_tiles": pool.tiles, "coverage": coverage})
        result.setdefault(mode, {})[condition] = entry
    return result


def fit_temperatures(
    dataset: Dataset, split: str, model: Segmenter, *, seed: int = 0, report: Progress | None = None
) -> dict[Mode, float]:
    """The temperature of every mode of a model on clear validation tiles, from a random sample of their pixels."""
    logits: dict[Mode, list[NDArray[np.float32]]] = {}
    labels: dict[Mode, list[NDArray[np.uint8]]] = {}
    ids = dataset.ids(split)
    for number, tile_id in enumerate(ids):
        prepared, _ = prepare(dataset.read(tile_id), model.manifest)
        output = model.segment(prepared)
        for mode in output.logits:
            label = scorable(prepared, decide(output, prepared, model.manifest, mode, 1.0)).ravel()
            usable = np.flatnonzero(label != IGNORE_INDEX)
            rng = np.random.default_rng((seed, number))
            drawn = rng.choice(usable, min(TEMPERATURE_PIXELS, usable.size), replace=False)
            logits.setdefault(mode, []).append(output.logits[mode].reshape(len(output.logits[mode]), -1).T[drawn])
            labels.setdefault(mode, []).append(label[drawn])
        if report is not None:
            report(number + 1, len(ids))
    return {mode: fit_temperature(np.concatenate(logits[mode]), np.concatenate(labels[mode])) for mode in logits}


def degrade_tile(tile: Tile, condition: str, manifest: Manifest, seed: int) -> Tile:
    """The tile in the model's bands under a condition; the damage depends on tile, condition and seed only."""
    chosen, _ = select_bands(tile, manifest)
    if condition == NO_SAR:
        return replace(chosen, sar=None) if chosen.optical is not None else chosen
    if condition == "clear" or chosen.optical is None:
        return chosen
    layer = chosen.optical
    scale = FULL_SCALE.get(layer.unit, 1.0)
    rng = np.random.default_rng((seed, zlib.crc32(f"{tile.name} {condition}".encode())))
    pixels = np.where(layer.valid, layer.values, 0).astype(np.float32) / np.float32(scale)
    damaged = degrade_optical(pixels, condition, manifest.optical.dates, rng) * np.float32(scale)
    return replace(chosen, optical=replace(layer, values=damaged))


def _count(
    tile: Tile, condition: str, model: Segmenter, modes: Sequence[Mode], pools: dict[tuple[Mode, str], _Pool]
) -> None:
    manifest = model.manifest
    prepared, _ = prepare(tile, manifest)
    output = model.segment(prepared)
    classes = len(manifest.class_scheme)
    for mode in choose_modes(output, modes):
        prediction = decide(output, prepared, manifest, mode)
        label = scorable(prepared, prediction)
        confusion = compute_confusion(label, prediction.classes, classes)
        tempered = compute_calibration(prediction.probabilities, label)
        plain = compute_calibration(decide_plain(output, prediction), label)
        pool = pools.get((mode, condition))
        if pool is None:
            pool = pools[mode, condition] = _Pool(confusion, tempered, plain)
        else:
            pool.confusion = pool.confusion + confusion
            pool.tempered, pool.plain = pool.tempered + tempered, pool.plain + plain
        pool.tiles += 1
        pool.mapped += int((label != IGNORE_INDEX).sum())
        pool.labelled += 0 if prepared.label is None else int(np.count_nonzero(prepared.label != IGNORE_INDEX))
