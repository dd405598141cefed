"""evaluate: one pooled confusion matrix per mode and condition over a split."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from claire.core.analysis import scores_as_dict, without_nan
from claire.core.bands import MODES, UNITS_OF, Mode
from claire.core.classes import IGNORE_INDEX, ClassScheme
from claire.core.dataset import Dataset
from claire.core.errors import DatasetError, InputError, LabelError
from claire.core.manifest import Manifest
from claire.core.measured import Measured
from claire.core.segmenter import Segmenter
from claire.core.types import Tile
from claire.data.conditions import GROUPS, LEVELS, apply_condition, list_conditions
from claire.data.preparing import prepare, select_bands
from claire.inference.predicting import decide
from claire.metrics.adjusted import compute_agreement
from claire.metrics.calibration import Calibration, compute_calibration, fit_temperature
from claire.metrics.confusion import compute_confusion, compute_scores
from claire.metrics.reliability import Selection, compute_selection, summarise_reliability
from claire.metrics.robustness import MISSING_SENSORS, compute_emm
from claire.pipeline.analyse import choose_modes, decide_plain, scorable

CONDITIONS = GROUPS["ombria"]
"""The conditions that every checkpoint is scored under; `claire.data.conditions` has more."""

FULL_SCALE = {unit: LEVELS[unit][1] for unit in UNITS_OF["optical"] if unit in LEVELS}
"""What 1 stands for in the degradations of the optical sensor, by unit."""

TEMPERATURE_PIXELS = 4096
"""Pixels drawn from every tile to fit a temperature on."""

AVERAGED = ("miou", "oa", "kappa", "f1", "ece", "ece_raw", "coverage", "aurc")
"""Scores that are averaged over missing sensors."""

Progress = Callable[[int, int], None]
LeaveOut = Callable[[str, InputError], None]


@dataclass
class Pool:
    """Counts of one mode under one condition.

    Args:
        confusions: (K, K) of every tile, rows label, columns map.
        tempered: Bins of confidence with temperature.
        plain: Without.
        selection: Steps of confidence with temperature.
        labelled: Pixels with a label.
        mapped: Those on which the map says anything.
    """

    confusions: list[NDArray[np.int64]]
    tempered: Calibration
    plain: Calibration
    selection: Selection
    labelled: int
    mapped: int

    def add(self, other: Pool) -> Pool:
        """The counts of both."""
        return Pool(
            [*self.confusions, *other.confusions],
            self.tempered + other.tempered,
            self.plain + other.plain,
            self.selection + other.selection,
            self.labelled + other.labelled,
            self.mapped + other.mapped,
        )

    def as_dict(self, names: Sequence[str]) -> dict[str, Any]:
        """The scores as `evaluate` returns them.

        Args:
            names: K class names.
        """
        confusion = np.sum(self.confusions, axis=0)
        scores = compute_scores(confusion, names, ece=self.tempered.ece, ece_raw=self.plain.ece)
        curve = self.selection.curve()
        entry: dict[str, Any] = without_nan(
            {
                **scores_as_dict(scores),
                "n_tiles": len(self.confusions),
                "coverage": self.mapped / self.labelled if self.labelled else None,
                "aurc": None if curve is None else curve.area,
                "reliability": asdict(summarise_reliability(self.tempered)),
                "risk_coverage": None if curve is None else {"coverage": curve.coverage, "risk": curve.risk},
            }
        )
        return entry

    def summarise(self) -> Measured | None:
        """What a manifest keeps beside scores; None for a map that says nothing."""
        curve = self.selection.curve()
        if curve is None:
            return None
        return Measured(summarise_reliability(self.tempered), curve, compute_agreement(self.confusions))


def evaluate(
    dataset: Dataset,
    split: str | None,
    model: Segmenter,
    modes: Sequence[Mode] = MODES,
    conditions: Sequence[str] = ("clear",),
    *,
    seed: int = 0,
    report: Progress | None = None,
    leave_out: LeaveOut | None = None,
) -> dict[str, dict[str, dict[str, Any]]]:
    """Score a model on labelled tiles.

    Args:
        dataset: Where the tiles come from.
        split: Which of its splits; None for all.
        model: From `load_model`.
        modes: Which maps.
        conditions: Names of conditions or groups of `claire.data.conditions`.
        seed: Of the damage; the same tile is damaged alike for every model.
        report: Receives (tiles done, tiles in all).
        leave_out: Receives name and error of a tile that cannot be read, which is then not scored; without it such a
            tile ends the run.

    Returns:
        mode -> condition -> scores, `per_class` by class name, confusion, `n_tiles`, `coverage`: the share of the
        labelled pixels on which the map says anything, the bins of the `reliability` diagram and the `risk_coverage`
        curve with its area `aurc`. A score that does not exist, such as those of a map that says nothing, is None.
        Where both sensors, no optical and no SAR were scored, `emm_average` and `emm_p20`, `_p10`, `_p05` follow, which
        have scores and no confusion.

    Raises:
        UnknownNameError: No such split, mode or condition, or no condition at all.
        DatasetError: No labelled tile.
        LabelError: The data set has classes that the model does not know.
        InputError: A tile cannot be read, or with `leave_out` none can.
    """
    names = model.manifest.class_scheme.names
    result: dict[str, dict[str, dict[str, Any]]] = {}
    pools = measure(dataset, split, model, modes, conditions, seed=seed, report=report, leave_out=leave_out)
    for (mode, condition), pool in pools.items():
        result.setdefault(mode, {})[condition] = pool.as_dict(names)
    for found in result.values():
        found.update(average_missing(found))
    return result


def measure(
    dataset: Dataset,
    split: str | None,
    model: Segmenter,
    modes: Sequence[Mode] = MODES,
    conditions: Sequence[str] = ("clear",),
    *,
    seed: int = 0,
    report: Progress | None = None,
    leave_out: LeaveOut | None = None,
) -> dict[tuple[Mode, str], Pool]:
    """What `evaluate` counts, before any score is made of it; arguments and errors as there."""
    wanted = list_conditions(conditions)
    _check_classes(dataset, model.manifest.class_scheme)
    ids = dataset.ids(split)
    pools: dict[tuple[Mode, str], Pool] = {}
    errors: list[InputError] = []
    for number, tile_id in enumerate(ids):
        try:
            tile = dataset.read(tile_id)
        except InputError as error:
            if leave_out is None:
                raise
            errors.append(error)
            leave_out(tile_id, error)
        else:
            for condition in wanted if tile.label is not None else ():
                damaged = degrade_tile(tile, condition, model.manifest, seed)
                _count(damaged, condition, model, modes, pools)
        if report is not None:
            report(number + 1, len(ids))
    if ids and len(errors) == len(ids):
        raise errors[0]
    if not pools:
        raise DatasetError(f"The split {split!r} holds no labelled tile.", "Choose a split with labels.")
    return pools


def _check_classes(dataset: Dataset, known: ClassScheme) -> None:
    """Refuse labels of other classes, whose ids may happen to be among those of the model."""
    given = getattr(dataset, "scheme", None)
    ids = {*(land_class.id for land_class in known.classes), *known.ignore_ids}
    if isinstance(given, ClassScheme) and not {land_class.id for land_class in given.classes} <= ids:
        raise LabelError(
            f"The data set has the classes of {given.name!r}, but the model those of {known.name!r}.",
            "Score a model that was trained on these classes; `claire models list --json` shows them.",
        )


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
    rng = np.random.default_rng((seed, zlib.crc32(f"{tile.name} {condition}".encode())))
    return apply_condition(chosen, condition, manifest, rng)


def average_missing(conditions: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Entries over entirely missing sensors for every score that all of their conditions have.

    Args:
        conditions: Condition -> entry of `evaluate`, of one mode.

    Returns:
        Name of `compute_emm` -> entry without confusion; empty where one of the conditions is missing or says nothing.
    """
    entries = {name: conditions.get(name, {}) for name in MISSING_SENSORS}
    if any(entry.get("miou") is None for entry in entries.values()):
        return {}
    names = compute_emm(dict.fromkeys(entries, 0.0))
    averaged = {key: _average({name: entry[key] for name, entry in entries.items()}) for key in AVERAGED}
    per_class = {
        class_name: {
            key: _average({name: entry["per_class"][class_name][key] for name, entry in entries.items()})
            for key in scores
        }
        for class_name, scores in entries["clear"]["per_class"].items()
    }
    return {
        name: {
            **{key: values.get(name) for key, values in averaged.items()},
            "per_class": {
                c: {key: values.get(name) for key, values in scores.items()} for c, scores in per_class.items()
            },
            "confusion": None,
            "n_tiles": entries["clear"]["n_tiles"],
        }
        for name in names
    }


def _average(values: Mapping[str, float | None]) -> dict[str, float]:
    return compute_emm({name: value for name, value in values.items() if value is not None})


def _count(
    tile: Tile, condition: str, model: Segmenter, modes: Sequence[Mode], pools: dict[tuple[Mode, str], Pool]
) -> None:
    manifest = model.manifest
    prepared, _ = prepare(tile, manifest)
    output = model.segment(prepared)
    for mode in choose_modes(output, modes):
        prediction = decide(output, prepared, manifest, mode)
        label = scorable(prepared, prediction)
        pool = Pool(
            [compute_confusion(label, prediction.classes, len(manifest.class_scheme))],
            compute_calibration(prediction.probabilities, label),
            compute_calibration(decide_plain(output, prediction), label),
            compute_selection(prediction.probabilities, label),
            0 if prepared.label is None else int(np.count_nonzero(prepared.label != IGNORE_INDEX)),
            int((label != IGNORE_INDEX).sum()),
        )
        before = pools.get((mode, condition))
        pools[mode, condition] = pool if before is None else before.add(pool)
