"""analyse: the whole flow for one tile, in the order of the design."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from claire.core.analysis import Analysis, ModelSummary, Observation
from claire.core.bands import MODALITIES, MODES, Mode
from claire.core.classes import IGNORE_INDEX
from claire.core.errors import UnknownNameError
from claire.core.manifest import InputSpec, Manifest
from claire.core.provenance import Provenance
from claire.core.segmenter import Segmenter
from claire.core.types import Prediction, Prepared, Scores, SegmenterOutput, Tile
from claire.data.preparing import prepare, select_bands
from claire.inference.predicting import combine_trust, compute_softmax, decide
from claire.metrics.areas import compute_areas
from claire.metrics.calibration import compute_calibration
from claire.metrics.comparison import compute_disagreement, describe_comparison
from claire.metrics.confusion import compute_confusion, compute_scores


def analyse(tile: Tile, model: Segmenter, modes: Sequence[Mode] = MODES) -> Analysis:
    """Segment a tile and measure everything that follows from the maps.

    Args:
        tile: The pair, with or without label.
        model: From `load_model`.
        modes: Which maps; those that the network does not make are left out when all were asked for.

    Returns:
        The analysis.

    Raises:
        BandError: The tile lacks bands or units that the model reads.
        LabelError: Label ids outside the class scheme.
        EmptyTileError: Nothing but nodata.
        UnknownNameError: A mode that the network does not make.
    """
    manifest = model.manifest
    prepared, notices = prepare(tile, manifest)
    output = model.segment(prepared)
    wanted = choose_modes(output, modes)
    predictions = {mode: decide(output, prepared, manifest, mode) for mode in wanted}
    scores = {mode: score(output, prepared, predictions[mode]) for mode in wanted if prepared.label is not None}
    both = "optical" in predictions and "sar" in predictions
    chosen, _ = select_bands(tile, manifest)
    return Analysis(
        tile=chosen,
        scheme=manifest.class_scheme,
        predictions=predictions,
        areas={mode: compute_areas(prediction, tile.georeference) for mode, prediction in predictions.items()},
        scores=scores,
        disagreement=compute_disagreement(predictions["optical"], predictions["sar"]) if both else None,
        trust=combine_trust(output.trust, tile.shape),
        comparison=describe_comparison(predictions, scores, prepared.label),
        provenance=Provenance(
            manifest.name,
            manifest.sha256,
            dict(tile.sources),
            settings={"modes": ",".join(wanted)},
        ),
        notices=(*tile.notices, *notices),
        model=summarise_model(manifest),
        observations=observe(prepared, manifest),
    )


def summarise_model(manifest: Manifest) -> ModelSummary:
    """What an analysis keeps of a manifest."""
    counted = [float(count) for count in manifest.training.get("class_pixels", ())]
    total = sum(counted)
    condition = next((name for conditions in manifest.scores.values() for name in conditions), "")
    data = str(manifest.training.get("recipe", {}).get("data", ""))
    return ModelSummary(
        title=manifest.title,
        sensors={"optical": manifest.optical.sensor, "sar": manifest.sar.sensor},
        prevalence=tuple(count / total for count in counted) if total > 0 else (),
        limits=manifest.limits,
        failures=manifest.failures,
        data="; ".join(part for part in (data, manifest.extent) if part),
        condition=condition,
        scores={mode: conditions[condition] for mode, conditions in manifest.scores.items() if condition in conditions},
    )


def observe(prepared: Prepared, manifest: Manifest) -> tuple[Observation, ...]:
    """How much of the tile each sensor saw on each of its dates; a pixel counts when any band of the date is valid."""
    found = []
    for modality in MODALITIES:
        spec: InputSpec = getattr(manifest, modality)
        valid: NDArray[np.bool_] = getattr(prepared, f"{modality}_valid")
        for date in spec.dates:
            name = spec.bands[date[0]].partition("_")[2] if len(spec.dates) > 1 else ""
            found.append(Observation(modality, name, float(valid[list(date)].any(axis=0).mean())))
    return tuple(found)


def choose_modes(output: SegmenterOutput, modes: Sequence[Mode]) -> tuple[Mode, ...]:
    """The modes asked for that the network makes.

    Raises:
        UnknownNameError: None of them, or one asked for by name, is made by this network.
    """
    made = tuple(mode for mode in modes if mode in output.logits)
    if not made or (set(modes) != set(MODES) and len(made) < len(modes)):
        missing = next(mode for mode in modes if mode not in output.logits)
        raise UnknownNameError.among("map of this model", missing, output.logits)
    return made


def score(output: SegmenterOutput, prepared: Prepared, prediction: Prediction) -> Scores:
    """Scores of one map of a labelled tile, with calibration before and after temperature."""
    label = scorable(prepared, prediction)
    plain = decide_plain(output, prediction)
    return compute_scores(
        compute_confusion(label, prediction.classes, len(prediction.scheme)),
        prediction.scheme.names,
        ece=compute_calibration(prediction.probabilities, label).ece,
        ece_raw=compute_calibration(plain, label).ece,
    )


def scorable(prepared: Prepared, prediction: Prediction) -> NDArray[np.uint8]:
    """The label, `IGNORE_INDEX` where nothing was mapped or labelled."""
    if prepared.label is None:
        return np.full(prepared.shape, IGNORE_INDEX, np.uint8)
    return np.where(prediction.valid, prepared.label, IGNORE_INDEX).astype(np.uint8)


def decide_plain(output: SegmenterOutput, prediction: Prediction) -> NDArray[np.float32]:
    """(K, H, W) probabilities without temperature."""
    return compute_softmax(output.logits[prediction.mode])
