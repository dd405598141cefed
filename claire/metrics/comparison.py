"""What the second sensor changed: disagreement of the single-sensor maps, and who was right where."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from claire.core.bands import MODES, Mode
from claire.core.classes import IGNORE_INDEX
from claire.core.types import Prediction, Scores

CLOSE = 0.005
"""Difference of mIoU below which two maps count as equal."""

_TITLES: dict[Mode, str] = {"fused": "the fused map", "optical": "optical alone", "sar": "SAR alone"}


def compute_disagreement(optical: Prediction, sar: Prediction) -> NDArray[np.bool_]:
    """(H, W) bool, True where both sensors saw the ground and their maps differ."""
    both: NDArray[np.bool_] = optical.valid & sar.valid & (optical.classes != sar.classes)
    return both


def describe_comparison(
    predictions: Mapping[Mode, Prediction], scores: Mapping[Mode, Scores], label: NDArray[np.uint8] | None
) -> str:
    """One sentence that says which sensor won where.

    Args:
        predictions: Mode -> map; any subset.
        scores: Mode -> scores; empty without a label.
        label: (H, W) class indices or None.
    """
    if not {"optical", "sar"} <= predictions.keys():
        only = ", ".join(_TITLES[mode] for mode in MODES if mode in predictions)
        return f"Only {only} was made, so there is nothing to compare."
    optical, sar = predictions["optical"], predictions["sar"]
    if not (optical.valid & sar.valid).any():
        blind = "optical" if not optical.valid.any() else "SAR" if not sar.valid.any() else "common"
        return f"There are no {blind} observations here, so the maps cannot be compared."
    differ = compute_disagreement(optical, sar)
    share = float(differ.sum() / (optical.valid & sar.valid).sum())
    ranked = _rank(scores) if label is not None else ""
    if share == 0:
        return f"{ranked}The two sensors agree on every pixel."
    shown = f"Optical and SAR disagree on {share:.1%} of the pixels"
    if label is not None and (judged := differ & (label != IGNORE_INDEX)).any():
        right_optical = float((optical.classes[judged] == label[judged]).mean())
        right_sar = float((sar.classes[judged] == label[judged]).mean())
        return f"{ranked}{shown}; there SAR is right on {right_sar:.0%}, optical on {right_optical:.0%}."
    if "fused" in predictions:
        fused = predictions["fused"].classes[differ]
        follows_sar = float((fused == sar.classes[differ]).mean())
        follows_optical = float((fused == optical.classes[differ]).mean())
        return f"{shown}; there the fused map follows SAR on {follows_sar:.0%} and optical on {follows_optical:.0%}."
    return f"{shown}."


def _rank(scores: Mapping[Mode, Scores]) -> str:
    measured = {mode: scores[mode].miou for mode in MODES if mode in scores and not np.isnan(scores[mode].miou)}
    if len(measured) < 2:
        return ""
    order = sorted(measured, key=lambda mode: -measured[mode])
    best, others = order[0], order[1:]
    figures = ", ".join(f"{_TITLES[mode]} {measured[mode]:.2f}" for mode in others)
    verb = "is as good as any" if measured[best] - measured[others[0]] < CLOSE else "is best"
    title = _TITLES[best]
    return f"{title[0].upper()}{title[1:]} {verb} here (mIoU {measured[best]:.2f}; {figures}). "


def compute_sar_lead(optical: Prediction, sar: Prediction, fused: Prediction) -> float:
    """Which sensor the fused map sides with where the two differ.

    Args:
        optical: Map from the optical sensor.
        sar: Map from SAR.
        fused: Map from both.

    Returns:
        Pixels on which the fused map equals the SAR map, as a share of those on which it equals either, among the
        pixels on which both sensors saw the ground and their maps differ. 1 where only SAR saw anything and 0 where
        only optical did; NaN where the two never differ, or the fused map never sides with either.
    """
    if not optical.valid.any() or not sar.valid.any():
        seen = {True: 1.0, False: 0.0}
        return float("nan") if optical.valid.any() == sar.valid.any() else seen[bool(sar.valid.any())]
    differ = compute_disagreement(optical, sar)
    with_sar = int((fused.classes == sar.classes)[differ].sum())
    with_optical = int((fused.classes == optical.classes)[differ].sum())
    return with_sar / (with_sar + with_optical) if with_sar + with_optical else float("nan")
