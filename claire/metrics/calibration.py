"""Calibration: does a confidence of 0.8 mean right in eight of ten pixels?

Expected calibration error over 15 bins and temperature scaling: Guo 2017, arXiv 1706.04599. Counters hold sums per bin
only, so that a data set of any size fits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from claire.core.classes import IGNORE_INDEX
from claire.core.errors import EmptyTileError

BINS = 15
TEMPERATURES = (0.05, 20.0)
"""Range in which a temperature is looked for."""


@dataclass(frozen=True)
class Calibration:
    """Sums per confidence bin; add two to pool them.

    Args:
        pixels: (15,) counts.
        confidence: (15,) sums of confidence.
        correct: (15,) counts of right pixels.
    """

    pixels: NDArray[np.int64]
    confidence: NDArray[np.float64]
    correct: NDArray[np.int64]

    def __add__(self, other: Calibration) -> Calibration:
        return Calibration(self.pixels + other.pixels, self.confidence + other.confidence, self.correct + other.correct)

    @property
    def ece(self) -> float:
        """Expected calibration error 0..1; NaN without pixels."""
        total = self.pixels.sum()
        return float(np.abs(self.confidence - self.correct).sum() / total) if total else float("nan")


def compute_calibration(probabilities: NDArray[np.float32], label: NDArray[np.uint8]) -> Calibration:
    """Count one tile.

    Args:
        probabilities: (K, H, W), sum to 1.
        label: (H, W) class indices, `IGNORE_INDEX` where it must not count.
    """
    labelled = label != IGNORE_INDEX
    confidence = probabilities.max(axis=0)[labelled].astype(np.float64)
    right = (probabilities.argmax(axis=0)[labelled] == label[labelled]).astype(np.int64)
    place = find_bins(confidence)
    return Calibration(
        np.bincount(place, minlength=BINS),
        np.bincount(place, weights=confidence, minlength=BINS).astype(np.float64),
        np.bincount(place, weights=right, minlength=BINS).astype(np.int64),
    )


def find_bins(confidence: NDArray[np.float64]) -> NDArray[np.int64]:
    """The bin 0..14 of every confidence 0..1, any shape; a bin holds its upper edge."""
    place: NDArray[np.int64] = np.clip(np.ceil(confidence * BINS).astype(np.int64) - 1, 0, BINS - 1)
    return place


def fit_temperature(logits: NDArray[np.float32], label: NDArray[np.uint8]) -> float:
    """The divisor of the logits with the smallest negative log-likelihood.

    Args:
        logits: (N, K) of labelled pixels.
        label: (N,) class indices.

    Raises:
        EmptyTileError: No labelled pixel.
    """
    if label.size == 0:
        raise EmptyTileError("There is no labelled pixel to fit a temperature on.", "Give a labelled validation split.")
    values = logits.astype(np.float64)
    rows = np.arange(len(label))

    def loss(log_temperature: float) -> float:
        scaled = values / np.exp(log_temperature)
        top = scaled.max(axis=1)
        return float(np.mean(top + np.log(np.exp(scaled - top[:, None]).sum(axis=1)) - scaled[rows, label]))

    found = minimize_scalar(loss, bounds=tuple(np.log(TEMPERATURES)), method="bounded")
    return float(np.exp(found.x))
