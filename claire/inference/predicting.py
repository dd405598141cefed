"""SegmenterOutput -> Prediction: temperature, softmax, decision, mask."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from claire.core.bands import Mode
from claire.core.classes import IGNORE_INDEX
from claire.core.manifest import Manifest
from claire.core.types import Prediction, Prepared, SegmenterOutput


def decide(
    output: SegmenterOutput, prepared: Prepared, manifest: Manifest, mode: Mode, temperature: float | None = None
) -> Prediction:
    """The class map of one mode.

    Args:
        output: Logits.
        prepared: Says where the sensors of the mode saw anything.
        manifest: Class scheme and fitted temperatures.
        mode: Which map.
        temperature: Replaces the fitted one.
    """
    chosen = manifest.temperature.get(mode, 1.0) if temperature is None else temperature
    probabilities = compute_softmax(output.logits[mode] / np.float32(chosen))
    valid = prepared.valid(mode)
    classes = np.where(valid, probabilities.argmax(axis=0), IGNORE_INDEX).astype(np.uint8)
    return Prediction(mode, manifest.class_scheme, classes, probabilities, valid, chosen)


def compute_softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Softmax over the first axis of (K, H, W)."""
    powers = np.exp(logits - logits.max(axis=0))
    probabilities: NDArray[np.float32] = powers / powers.sum(axis=0)
    return probabilities


def combine_trust(trust: tuple[NDArray[np.float32], ...], shape: tuple[int, int]) -> NDArray[np.float32] | None:
    """Mean over the stages of the share of trust given to the optical sensor.

    Args:
        trust: Stage maps (h_s, w_s) of the padded tile, finest first.
        shape: (H, W) of the tile.

    Returns:
        (H, W) float32 in 0..1, nearest neighbour; None without gates.
    """
    if not trust:
        return None
    height, width = shape
    finest = trust[0].shape
    enlarged = [stage.repeat(finest[0] // stage.shape[0], axis=0) for stage in trust]
    stages = np.stack([rows.repeat(finest[1] // rows.shape[1], axis=1) for rows in enlarged])
    mean: NDArray[np.float32] = stages.sum(axis=0, keepdims=True)[0, :height, :width] / np.float32(len(stages))
    return mean
