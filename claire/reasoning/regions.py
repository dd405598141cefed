"""Where on the tile a fact was measured, for showing it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from claire.core.analysis import Analysis
from claire.core.bands import MODES, Mode
from claire.core.facts import Fact
from claire.reasoning.judgements import LOW_CONFIDENCE
from claire.reasoning.lexicon import PLACES


def find_region(fact: Fact, analysis: Analysis) -> NDArray[np.bool_] | None:
    """The pixels that a fact is about.

    Args:
        fact: Of this analysis.
        analysis: With its maps.

    Returns:
        (H, W) bool; None where the fact is about the whole tile, or about no place at all.
    """
    mode = find_map(fact, analysis)
    if fact.kind in ("disagreement", "right", "followed"):
        return analysis.disagreement
    if fact.kind == "observed":
        layer = analysis.tile.sar if fact.modes == ("sar",) else analysis.tile.optical
        return None if layer is None else np.asarray(layer.valid.all(axis=0))
    indices = [int(part) for part in fact.id.split(".") if part.isdecimal()]
    if fact.class_name is None or not indices or mode is None:
        return None
    return _narrow(fact, analysis, mode, analysis.predictions[mode].classes == indices[0], indices)


def _narrow(
    fact: Fact, analysis: Analysis, mode: Mode, here: NDArray[np.bool_], indices: list[int]
) -> NDArray[np.bool_]:
    """The part of a class that a fact is about."""
    prediction, label = analysis.predictions[mode], analysis.tile.label
    if fact.kind == "location" and fact.other in PLACES:
        return here & build_quarter(here.shape, PLACES.index(fact.other))
    if fact.kind == "low_confidence":
        return np.asarray(here & (prediction.confidence < LOW_CONFIDENCE))
    if fact.kind == "confusion" and label is not None and len(indices) > 1:
        return np.asarray((analysis.scheme.to_index(label) == indices[0]) & (prediction.classes == indices[1]))
    if fact.kind == "recall" and label is not None:
        return np.asarray(analysis.scheme.to_index(label) == indices[0])
    return here


def find_map(fact: Fact, analysis: Analysis) -> Mode | None:
    """The map that shows what a fact is about: its own, or the leading one for facts about sensors and training."""
    filled = [mode for mode in MODES if mode in analysis.predictions and analysis.predictions[mode].valid.any()]
    own = fact.modes[-1] if fact.modes and fact.kind not in ("trust", "contribution", "attribution") else None
    return own if own in filled else filled[0] if filled else None


def build_quarter(shape: tuple[int, ...], place: int) -> NDArray[np.bool_]:
    """(H, W) bool, True in one quarter of a tile; a middle line belongs to the first.

    Args:
        shape: (H, W).
        place: Index into `PLACES`.
    """
    quarter = np.zeros(shape, bool)
    high, wide = (shape[0] + 1) // 2, (shape[1] + 1) // 2
    rows = slice(high) if place < 2 else slice(high, None)
    columns = slice(wide) if place % 2 == 0 else slice(wide, None)
    quarter[rows, columns] = True
    return quarter
