"""Areas corrected for the errors that a map is known to make, with confidence intervals.

Stratified estimator of Olofsson et al. 2014, doi 10.1016/j.rse.2014.02.015, equations 9-11. Pixels of one tile are
not independent, so where counts per tile are known the variance is that of tiles as clusters (ratio estimator, Cochran
1977, chapter 6), not of pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from claire.core.errors import GridError
from claire.core.measured import Agreement

WIDTH_95 = 1.96
"""Standard errors in half of a 95 % confidence interval."""


@dataclass(frozen=True)
class AdjustedArea:
    """The area of one class, corrected.

    Args:
        name: Class name.
        mapped_share: Share of the map that shows the class, 0..1.
        share: Estimated share of the ground that is of the class, 0..1.
        margin: Half of the 95 % confidence interval of that share.
        area_m2: Of the estimate, square metres; None without a metric grid.
        margin_m2: Likewise.
    """

    name: str
    mapped_share: float
    share: float
    margin: float
    area_m2: float | None
    margin_m2: float | None


def compute_agreement(confusions: Sequence[NDArray[np.int64]]) -> Agreement:
    """The pooled matrix of several tiles, and how its user's accuracies vary from tile to tile.

    Args:
        confusions: (K, K) per tile, rows label, columns map.
    """
    tiles = np.asarray(confusions, np.float64).transpose(0, 2, 1)  # tile, map, label
    pooled = tiles.sum(axis=0)
    mapped = np.maximum(pooled.sum(axis=1), 1)
    rates = pooled / mapped[:, None]
    scatter = (tiles - rates * tiles.sum(axis=2, keepdims=True)) / mapped[:, None]
    count = len(tiles)
    covariance = np.einsum("tik,tjk->kij", scatter, scatter) * (count / (count - 1) if count > 1 else 0)
    return Agreement(
        tuple(tuple(int(n) for n in row) for row in pooled.T),
        count,
        tuple(tuple(tuple(row) for row in matrix) for matrix in covariance.tolist()) if count > 1 else (),
    )


def compute_adjusted_areas(
    mapped: Sequence[int], agreement: Agreement, names: Sequence[str], pixel_area_m2: float | None = None
) -> tuple[AdjustedArea, ...]:
    """What a map says about areas once its usual errors are taken out.

    Args:
        mapped: K counts of pixels on the map.
        agreement: Confusion of maps like this one with a label.
        names: K class names.
        pixel_area_m2: Square metres of a pixel.

    Returns:
        K areas; empty where a class is on the map that the agreement never saw on one, for nobody knows how often it is
        right there.

    Raises:
        GridError: Another number of classes.
    """
    counts = np.asarray(agreement.confusion, np.float64).T
    weights = np.asarray(mapped, np.float64)
    if counts.shape != (len(weights), len(weights)) or len(names) != len(weights):
        raise GridError("The map and its confusion matrix have different classes.", "Use a matrix of the same model.")
    strata = counts.sum(axis=1)
    if weights.sum() == 0 or ((strata == 0) & (weights > 0)).any():
        return ()
    weights /= weights.sum()
    rates = counts / np.maximum(strata, 1)[:, None]
    shares = weights @ rates
    if agreement.covariance:
        variances = np.einsum("i,kij,j->k", weights, np.asarray(agreement.covariance), weights)
    else:
        variances = weights**2 @ (rates * (1 - rates) / np.maximum(strata - 1, 1)[:, None])
    margins = WIDTH_95 * np.sqrt(np.maximum(variances, 0))
    total = None if pixel_area_m2 is None else sum(mapped) * pixel_area_m2
    return tuple(
        AdjustedArea(
            name,
            float(weight),
            float(share),
            float(margin),
            None if total is None else float(share * total),
            None if total is None else float(margin * total),
        )
        for name, weight, share, margin in zip(names, weights, shares, margins, strict=True)
    )
