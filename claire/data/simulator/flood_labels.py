"""The flood as an analyst draws it: smoothed outlines, a little displaced, without what is small or hidden."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from claire.data.simulator.flood_parameters import DRAWING
from claire.data.simulator.flooding import find_tall
from claire.data.simulator.landscape import Landscape
from claire.data.simulator.noise import Field, Mask, draw, halve, look_from

STREAM = 3
"""Half the width of streams and banks that maps of floods leave out, pixels of 5 m."""


def draw_label(
    rng: np.random.Generator, depth: Field, seen: Field, landscape: Landscape, permanent: Mask
) -> NDArray[np.uint8]:
    """Label ids of the scheme `flood`: 1 where an analyst draws a flood, else 0.

    Args:
        rng: Randomness.
        depth: (2H, 2W) metres of water on land.
        seen: (2H, 2W) share of open water 0..1.
        landscape: What stands in the water.
        permanent: (H, W) bool, water of both dates, which is never flood.

    Returns:
        (H, W) uint8.
    """
    truth = _find_drawn(rng, depth, seen, landscape)
    outline = _simplify(rng, truth)
    if rng.uniform() < DRAWING.rim:
        width = int(rng.integers(DRAWING.rim_width[0], DRAWING.rim_width[1], endpoint=True))
        permanent = permanent | (ndimage.binary_dilation(permanent, iterations=width) & (truth < 0.9))
    outline &= ~permanent
    return _drop_small(outline, int(rng.integers(*DRAWING.least, endpoint=True)), ~permanent).astype(np.uint8)


def _find_drawn(rng: np.random.Generator, depth: Field, seen: Field, landscape: Landscape) -> Field:
    """(H, W) share of a pixel that is flooded in the eyes of the analyst, streams too thin for a map included."""
    around = np.pad(depth > 0, STREAM, mode="edge")
    wet = (depth > 0) | ndimage.binary_closing(around, iterations=STREAM)[STREAM:-STREAM, STREAM:-STREAM]
    trees, houses = find_tall(landscape)
    if rng.uniform() >= DRAWING.woods:
        wet &= ~trees
    wet &= ~houses
    if rng.uniform() >= DRAWING.town:
        wet &= landscape.label != 7
    if rng.uniform() < DRAWING.plants:
        wet &= (seen > 0.35) | trees
    return halve(wet.astype(np.float32))


def _simplify(rng: np.random.Generator, share: Field) -> Mask:
    """Smooth, displace, and in some pairs coarsen an outline."""
    side = len(share)
    if rng.uniform() < DRAWING.coarse:
        step = int(rng.integers(2, 5, endpoint=True))
        middle = np.minimum(np.arange(side) // step * step + step // 2, side - 1)
        share = ndimage.uniform_filter(share, step)[middle][:, middle]
    else:
        share = ndimage.gaussian_filter(share, draw(rng, DRAWING.smoothing))
    down, right = (int(np.clip(np.rint(rng.normal(0, DRAWING.shift)), -2, 2)) for _ in range(2))
    return np.asarray(look_from(share, down, right) > 0.5)


def _drop_small(outline: Mask, least: int, allowed: Mask) -> Mask:
    """An outline without patches and holes of fewer than `least` pixels, inside the allowed pixels."""
    kept = outline & ~_find_small(outline, least)
    return np.asarray((kept | _find_small(~kept, least)) & allowed)


def _find_small(mask: Mask, least: int) -> Mask:
    """The connected parts of a mask with fewer than `least` pixels."""
    parts, _ = ndimage.label(mask)
    small = np.bincount(parts.ravel()) < least
    small[0] = False
    return np.asarray(small[parts])
