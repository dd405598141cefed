"""Confusion matrix and what derives from it. Legend: K classes, H height, W width."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from claire.core.classes import IGNORE_INDEX
from claire.core.errors import GridError
from claire.core.types import ClassScore, Scores


def compute_confusion(label: NDArray[np.uint8], classes: NDArray[np.uint8], count: int) -> NDArray[np.int64]:
    """Count pixels by (label, map), over the pixels that have both.

    Args:
        label: (H, W) class indices, `IGNORE_INDEX` where not labelled.
        classes: (H, W) class indices, `IGNORE_INDEX` where nothing was mapped.
        count: K.

    Returns:
        (K, K) int64, rows label, columns map.

    Raises:
        GridError: The two differ in size.
    """
    if label.shape != classes.shape:
        raise GridError(
            f"The label is {label.shape}, the map {classes.shape}.", "Compare a map with a label of its own tile."
        )
    both = (label != IGNORE_INDEX) & (classes != IGNORE_INDEX)
    pairs = label[both].astype(np.int64) * count + classes[both]
    return np.bincount(pairs, minlength=count * count).reshape(count, count)


def compute_scores(
    confusion: NDArray[np.int64], names: Sequence[str], *, ece: float = float("nan"), ece_raw: float = float("nan")
) -> Scores:
    """Scores of a confusion matrix; a class that neither occurs nor is mapped is NaN and left out of the means.

    Args:
        confusion: (K, K), rows label, columns map.
        names: K class names.
        ece: Expected calibration error with temperature.
        ece_raw: Without.

    Returns:
        Scores; all NaN for an empty matrix.
    """
    counts = confusion.astype(np.float64)
    hit, labelled, mapped = counts.diagonal(), counts.sum(axis=1), counts.sum(axis=0)
    total = counts.sum()
    per_class = tuple(
        ClassScore(
            name,
            iou=_ratio(hit[k], labelled[k] + mapped[k] - hit[k]),
            f1=_ratio(2 * hit[k], labelled[k] + mapped[k]),
            precision=_ratio(hit[k], mapped[k], absent=labelled[k] + mapped[k] == 0),
            recall=_ratio(hit[k], labelled[k], absent=labelled[k] + mapped[k] == 0),
        )
        for k, name in enumerate(names)
    )
    agreement = _ratio(hit.sum(), total)
    chance = _ratio(float((labelled * mapped).sum()), total**2)
    return Scores(
        confusion=confusion.astype(np.int64),
        per_class=per_class,
        miou=_mean([c.iou for c in per_class]),
        f1=_mean([c.f1 for c in per_class]),
        oa=agreement,
        kappa=_ratio(agreement - chance, 1 - chance),
        ece=ece,
        ece_raw=ece_raw,
    )


def _ratio(part: float, whole: float, *, absent: bool | None = None) -> float:
    """Part of the whole; for an empty whole NaN when the class is absent, else 0 (it was missed or only invented)."""
    if whole > 0:
        return float(part / whole)
    return float("nan") if absent is None or absent else 0.0


def _mean(values: Sequence[float]) -> float:
    present = [value for value in values if not np.isnan(value)]
    return float(np.mean(present)) if present else float("nan")
