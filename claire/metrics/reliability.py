"""How far confidence can be used to leave pixels out, and how undecided a map is.

Risk against coverage: El-Yaniv and Wiener 2010, Journal of Machine Learning Research 11; its area as in Geifman et al.
2019, arXiv 1805.08206.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from claire.core.classes import IGNORE_INDEX
from claire.core.measured import Reliability, RiskCoverage
from claire.metrics.calibration import Calibration

STEPS = 1000
"""Steps of confidence 0..1 that are told apart."""
POINTS = 20
"""Points of a curve that is kept, at equal distances of coverage."""


@dataclass(frozen=True)
class Selection:
    """Counts per step of confidence; add two to pool them.

    Args:
        pixels: (1000,) counts.
        wrong: (1000,) counts of wrong pixels.
    """

    pixels: NDArray[np.int64]
    wrong: NDArray[np.int64]

    def __add__(self, other: Selection) -> Selection:
        return Selection(self.pixels + other.pixels, self.wrong + other.wrong)

    def curve(self) -> RiskCoverage | None:
        """Share of wrong pixels against the share kept when the least certain are left out; None without pixels.

        The area is the mean of the risk over all coverages above 0. Pixels of one step are kept or left out together;
        between steps the errors are taken as spread evenly.
        """
        total = int(self.pixels.sum())
        if total == 0:
            return None
        used = np.flatnonzero(self.pixels)[::-1]
        coverage = np.concatenate([[0.0], np.cumsum(self.pixels[used]) / total])
        errors = np.concatenate([[0.0], np.cumsum(self.wrong[used]) / total])
        places = np.arange(1, POINTS + 1) / POINTS
        risk = np.interp(places, coverage, errors) / places
        return RiskCoverage(tuple(risk.tolist()), _compute_area(coverage, errors))


def compute_selection(probabilities: NDArray[np.float32], label: NDArray[np.uint8]) -> Selection:
    """Count one tile.

    Args:
        probabilities: (K, H, W), sum to 1.
        label: (H, W) class indices, `IGNORE_INDEX` where it must not count.
    """
    labelled = label != IGNORE_INDEX
    place = np.minimum((probabilities.max(axis=0)[labelled].astype(np.float64) * STEPS).astype(np.int64), STEPS - 1)
    wrong = probabilities.argmax(axis=0)[labelled] != label[labelled]
    return Selection(np.bincount(place, minlength=STEPS), np.bincount(place[wrong], minlength=STEPS))


def summarise_reliability(calibration: Calibration) -> Reliability:
    """Share of the pixels, mean confidence and accuracy of every bin; 0 for an empty one."""
    total = max(int(calibration.pixels.sum()), 1)
    count = np.maximum(calibration.pixels, 1)
    return Reliability(
        tuple((calibration.pixels / total).tolist()),
        tuple((calibration.confidence / count).tolist()),
        tuple((calibration.correct / count).tolist()),
    )


def compute_entropy(probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
    """How undecided a map is: 0 certain, 1 all classes equally likely.

    Args:
        probabilities: (K, H, W), sum to 1.

    Returns:
        (H, W) float32 in 0..1: Shannon entropy over its largest value, log K.
    """
    values = np.clip(probabilities.astype(np.float64), 1e-12, 1)
    entropy = -(values * np.log(values)).sum(axis=0) / np.log(max(len(probabilities), 2))
    clipped: NDArray[np.float32] = np.clip(entropy, 0, 1).astype(np.float32)
    return clipped


def _compute_area(coverage: NDArray[np.float64], errors: NDArray[np.float64]) -> float:
    """Integral of errors / coverage over coverage, with errors linear between the points, in closed form."""
    area = 0.0
    for left, right, low, high in zip(coverage, coverage[1:], errors, errors[1:], strict=False):
        slope = (high - low) / (right - left)
        area += slope * (right - left)
        if left > 0:
            area += (low - slope * left) * np.log(right / left)
    return float(area)
