"""Wrong regions of a map, and what is known about each: the value objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from claire.core.bands import Mode


@dataclass(frozen=True)
class WrongRegion:
    """Adjoining pixels with the same label and the same wrong class on the map.

    Args:
        number: 1 for the largest.
        pixels: Count.
        area_m2: Square metres; None without a metric CRS.
        box: Top, bottom, left, right; bottom and right are outside.
        spot: (row, column) of the pixel of the region that lies nearest to its centre.
        labelled: Class of the label.
        predicted: Class of the map.
        probabilities: Mode -> mean probability of each class over the pixels that this mode maps; left out where it
            maps none of them.
        nearest: The class with the highest mean probability after the predicted one.
        usual: Share of the labelled pixels of this class on the tile that the map gives to the predicted one, 0..1.
        confidence: Mean confidence of the map over the region.
        observed: How often the map is right on this tile where it is as sure as here: the accuracy in the confidence
            bin of each pixel of the region, averaged.
        trust: Mean share of trust given to the optical sensor; None without gates.
    """

    number: int
    pixels: int
    area_m2: float | None
    box: tuple[int, int, int, int]
    spot: tuple[int, int]
    labelled: str
    predicted: str
    probabilities: Mapping[Mode, tuple[float, ...]]
    nearest: str
    usual: float
    confidence: float
    observed: float
    trust: float | None


@dataclass(frozen=True)
class Mistakes:
    """Where a map is wrong.

    Args:
        mode: Which map.
        classes: Class names in index order.
        ids: (H, W) int32, number of the wrong region of every pixel; 0 where the map is right or nobody knows.
        regions: The largest regions, described, the largest first.
        count: All regions.
        wrong: Pixels on which the map is wrong.
        known: Pixels that have both a label and a map.
    """

    mode: Mode
    classes: tuple[str, ...]
    ids: NDArray[np.int32]
    regions: tuple[WrongRegion, ...]
    count: int
    wrong: int
    known: int

    def argue(self, region: WrongRegion, mode: Mode) -> str | None:
        """The class that a map spoke for over a region, by mean probability; None where it maps nothing there."""
        values = region.probabilities.get(mode)
        return None if values is None else self.classes[int(np.argmax(values))]
