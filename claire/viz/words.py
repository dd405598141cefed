"""Pictures in words with numbers: the text that stands in for a picture where it cannot be seen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from claire.core.bands import Mode
from claire.core.classes import IGNORE_INDEX, ClassScheme
from claire.core.types import ClassArea, Layer, Prediction

MODE_TITLES: dict[Mode, str] = {"optical": "Optical only", "sar": "SAR only", "fused": "Fused"}
"""Modes in the order in which they are shown: the two sensors, then what they give together."""


def format_share(share: float) -> str:
    """A share 0..1 as a percentage that never rounds something to nothing.

    Example:
        >>> format_share(0.284), format_share(0.0004), format_share(0.0), format_share(float("nan"))
        ('28 %', '< 0.1 %', '0 %', 'n/a')
    """
    if not np.isfinite(share):
        return "n/a"
    percent = 100 * share
    if percent == 0 or percent >= 10:
        return f"{percent:.0f} %"
    return f"{percent:.1f} %" if percent >= 0.1 else "< 0.1 %"


def format_area(area_m2: float | None, pixels: int) -> str:
    """An area in km2 or hectares, or in pixels where there is no metric grid.

    Example:
        >>> format_area(2.5e6, 25000), format_area(12000.0, 120), format_area(None, 4096)
        ('2.50 km²', '1.2 ha', '4,096 px')
    """
    if area_m2 is None:
        return f"{pixels:,} px"
    return f"{area_m2 / 1e6:.2f} km²" if area_m2 >= 1e6 else f"{area_m2 / 1e4:.1f} ha"


def format_score(score: float) -> str:
    """A score with three decimals; "n/a" where it is not defined."""
    return f"{score:.3f}" if np.isfinite(score) else "n/a"


def describe_layer(layer: Layer, title: str, bands: Sequence[str]) -> str:
    """What a band composite or a SAR picture shows."""
    high, wide = layer.shape
    shown = bands[0] if len(set(bands)) == 1 else ", ".join(bands) + " as red, green, blue"
    return f"{title}: {shown}, {wide} by {high} pixels, {format_share(float(layer.valid.mean()))} valid."


def describe_map(prediction: Prediction, areas: Sequence[ClassArea]) -> str:
    """What a class map shows: the share of each class."""
    shares = ", ".join(f"{area.name} {format_share(area.area_share)}" for area in areas)
    return f"{MODE_TITLES[prediction.mode]} class map: {shares}."


def describe_label(label_index: NDArray[np.uint8], scheme: ClassScheme) -> str:
    """What a label shows: the share of each class among the labelled pixels."""
    labelled = label_index[label_index != IGNORE_INDEX]
    shares = ", ".join(
        f"{name} {format_share(float((labelled == index).mean()) if labelled.size else float('nan'))}"
        for index, name in enumerate(scheme.names)
    )
    return f"Label: {shares}."


def describe_confidence(prediction: Prediction) -> str:
    """What a picture of confidence shows: its mean and the share of doubtful pixels."""
    values = prediction.confidence[prediction.valid]
    if not values.size:
        return f"{MODE_TITLES[prediction.mode]} confidence: nothing was mapped."
    doubtful = format_share(float((values < 0.7).mean()))
    return f"{MODE_TITLES[prediction.mode]} confidence: mean {values.mean():.2f}, {doubtful} of the pixels below 0.7."


def describe_entropy(entropy: NDArray[np.float32], prediction: Prediction) -> str:
    """What a picture of entropy shows: its mean and the share of undecided pixels."""
    values = entropy[prediction.valid]
    if not values.size:
        return f"{MODE_TITLES[prediction.mode]} uncertainty: nothing was mapped."
    undecided = format_share(float((values > 0.9).mean()))
    return f"{MODE_TITLES[prediction.mode]} uncertainty: mean entropy {values.mean():.2f}, {undecided} above 0.9."


def describe_trust(trust: NDArray[np.float32], valid: NDArray[np.bool_]) -> str:
    """What the trust map shows: the mean share given to the optical sensor."""
    values = trust[valid]
    if not values.size:
        return "Trust: nothing was mapped."
    return (
        f"Trust: the optical sensor has {format_share(float(values.mean()))} on average, "
        f"SAR leads on {format_share(float((values < 0.5).mean()))} of the pixels."
    )


def describe_disagreement(share: float | None) -> str:
    """What the disagreement map shows: the share of the pixels on which the two sensors differ."""
    if share is None or not np.isfinite(share):
        return "Disagreement: no pixel is seen by both sensors."
    return f"Disagreement: the two sensors differ on {format_share(share)} of the pixels."
