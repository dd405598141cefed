"""Where a map is wrong, region by region: what each sensor argued for, how sure the map was, and how right that is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from claire.core.analysis import Analysis
from claire.core.bands import Mode
from claire.core.classes import IGNORE_INDEX
from claire.core.errors import LabelError
from claire.core.mistakes import Mistakes, WrongRegion
from claire.core.settings import Settings
from claire.core.types import Prediction
from claire.metrics.calibration import compute_calibration, find_bins
from claire.metrics.confusion import compute_confusion


def find_mistakes(analysis: Analysis, mode: Mode | None = None, *, settings: Settings | None = None) -> Mistakes:
    """The wrong regions of a map, the largest first.

    A region is made of pixels that touch along an edge and have the same label and the same class on the map.

    Args:
        analysis: Of a pair with a label.
        mode: Which map; the fused one by default, or the only one that there is.
        settings: How many regions are described.

    Raises:
        LabelError: There is no label.
    """
    if analysis.tile.label is None:
        raise LabelError("This pair has no label, so nobody can say where a map is wrong.", "Choose a labelled pair.")
    limits = settings or Settings.from_environment()
    main: Mode = "fused" if "fused" in analysis.predictions else next(iter(analysis.predictions))
    chosen = main if mode is None else mode
    prediction, scheme = analysis.predictions[chosen], analysis.scheme
    label = np.where(prediction.valid, scheme.to_index(analysis.tile.label), IGNORE_INDEX).astype(np.uint8)
    known = label != IGNORE_INDEX
    ids = number_regions(label, prediction.classes, known & (label != prediction.classes))
    described = [
        _describe(analysis, prediction, label, ids, number, box)
        for number, box in enumerate(ndimage.find_objects(ids, limits.max_error_regions), 1)
        if box is not None
    ]
    confusion = compute_confusion(label, prediction.classes, len(scheme))
    right = _compute_accuracy(prediction, label)
    regions = tuple(
        _conclude(analysis, chosen, parts, confusion, float(right[ids == parts["number"]].mean()))
        for parts in described
    )
    wrong = int((ids > 0).sum())
    return Mistakes(chosen, scheme.names, ids, regions, int(ids.max(initial=0)), wrong, int(known.sum()))


def number_regions(label: NDArray[np.uint8], classes: NDArray[np.uint8], wrong: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Number the regions of wrong pixels.

    Args:
        label: (H, W) class indices.
        classes: (H, W) class indices of the map.
        wrong: (H, W) bool, pixels that count.

    Returns:
        (H, W) int32: 0 where not wrong, 1 for the largest region; equal sizes in reading order.
    """
    ids = np.zeros(label.shape, np.int32)
    pairs = np.unique(np.stack([label[wrong], classes[wrong]]), axis=1).T
    for truth, found in pairs:
        here = wrong & (label == truth) & (classes == found)
        numbered, _ = ndimage.label(here)
        ids[here] = numbered[here] + ids.max(initial=0)
    sizes = np.bincount(ids.ravel())[1:]
    first = np.full(sizes.size, ids.size)
    places = np.flatnonzero(ids)
    np.minimum.at(first, ids.ravel()[places] - 1, places)
    order = np.lexsort((first, -sizes))
    ranks = np.zeros(sizes.size + 1, np.int32)
    ranks[1 + order] = np.arange(1, sizes.size + 1)
    numbers: NDArray[np.int32] = ranks[ids]
    return numbers


def _describe(
    analysis: Analysis,
    prediction: Prediction,
    label: NDArray[np.uint8],
    ids: NDArray[np.int32],
    number: int,
    box: tuple[slice, ...],
) -> dict[str, Any]:
    """What can be read off the pixels of one region."""
    here = ids[box] == number
    rows, columns = np.nonzero(here)
    centre = int(((rows - rows.mean()) ** 2 + (columns - columns.mean()) ** 2).argmin())
    top, left = box[0].start, box[1].start
    trust = analysis.trust
    return {
        "number": number,
        "pixels": len(rows),
        "box": (top, box[0].stop, left, box[1].stop),
        "spot": (top + int(rows[centre]), left + int(columns[centre])),
        "truth": int(label[box][here][0]),
        "found": int(prediction.classes[box][here][0]),
        "probabilities": _average(analysis.predictions, box, here),
        "confidence": float(prediction.confidence[box][here].mean(dtype=np.float64)),
        "trust": None if trust is None else float(trust[box][here].mean(dtype=np.float64)),
    }


def _average(
    predictions: Mapping[Mode, Prediction], box: tuple[slice, ...], here: NDArray[np.bool_]
) -> dict[Mode, tuple[float, ...]]:
    found: dict[Mode, tuple[float, ...]] = {}
    for mode, prediction in predictions.items():
        mapped = here & prediction.valid[box]
        if mapped.any():
            values = prediction.probabilities[(slice(None), *box)][:, mapped]
            found[mode] = tuple(values.mean(axis=1, dtype=np.float64).tolist())
    return found


def _conclude(
    analysis: Analysis, mode: Mode, parts: dict[str, Any], confusion: NDArray[np.int64], observed: float
) -> WrongRegion:
    names, place = analysis.scheme.names, analysis.tile.georeference
    truth, found = parts.pop("truth"), parts.pop("found")
    rest = [(value, -index) for index, value in enumerate(parts["probabilities"][mode]) if index != found]
    area = place.pixel_area_m2
    return WrongRegion(
        **parts,
        area_m2=None if area is None else parts["pixels"] * area,
        labelled=names[truth],
        predicted=names[found],
        nearest=names[-max(rest)[1]],
        usual=float(confusion[truth, found] / confusion[truth].sum()),
        observed=observed,
    )


def _compute_accuracy(prediction: Prediction, label: NDArray[np.uint8]) -> NDArray[np.float64]:
    """(H, W): how often the map is right on this tile in the confidence bin of each pixel."""
    counted = compute_calibration(prediction.probabilities, label)
    accuracy = np.divide(
        counted.correct, counted.pixels, out=np.full(counted.pixels.shape, np.nan), where=counted.pixels > 0
    )
    found: NDArray[np.float64] = accuracy[find_bins(prediction.probabilities.max(axis=0).astype(np.float64))]
    return found
