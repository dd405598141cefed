"""Pictures to PNG bytes, at the size at which they are looked at."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from claire.core.errors import GridError
from claire.core.types import Layer, Prediction
from claire.viz.colors import RGBA

MAX_SIDE = 1024
"""Longest side of a picture on a page; larger arrays are thinned before they are rendered."""
MIN_SIDE = 512
"""Smaller pictures are enlarged to about this, pixel by pixel, so that browsers do not blur class borders."""


def compute_step(shape: tuple[int, int], max_side: int = MAX_SIDE) -> int:
    """Every how-many-th pixel to keep so that neither side exceeds `max_side`.

    Example:
        >>> compute_step((256, 256)), compute_step((5000, 100))
        (1, 5)
    """
    return max(1, -(-max(shape) // max_side))


def thin_layer(layer: Layer, max_side: int = MAX_SIDE) -> Layer:
    """A layer with every n-th row and column, small enough to show."""
    step = compute_step(layer.shape, max_side)
    return Layer(layer.values[:, ::step, ::step], layer.valid[:, ::step, ::step], layer.bands, layer.unit)


def thin_map(values: NDArray[Any], max_side: int = MAX_SIDE) -> NDArray[Any]:
    """(..., H, W) with every n-th row and column, on the same pixels as `thin_layer`."""
    step = compute_step((values.shape[-2], values.shape[-1]), max_side)
    return values[..., ::step, ::step]


def thin_prediction(prediction: Prediction, max_side: int = MAX_SIDE) -> Prediction:
    """A prediction with every n-th row and column, on the same pixels as `thin_layer`."""
    return replace(
        prediction,
        classes=thin_map(prediction.classes, max_side),
        probabilities=thin_map(prediction.probabilities, max_side),
        valid=thin_map(prediction.valid, max_side),
    )


def render_enlarged(picture: RGBA, min_side: int = MIN_SIDE) -> RGBA:
    """Repeat each pixel a whole number of times until the longer side reaches about `min_side`."""
    times = max(1, round(min_side / max(picture.shape[:2])))
    return picture.repeat(times, axis=0).repeat(times, axis=1)


def render_thumbnail(picture: RGBA, side: int = 144) -> RGBA:
    """A square thumbnail, cut to the middle and reduced.

    Args:
        picture: (H, W, 4) uint8.
        side: Side of the thumbnail in pixels.
    """
    high, wide = picture.shape[:2]
    edge = min(high, wide)
    top, left = (high - edge) // 2, (wide - edge) // 2
    square = Image.fromarray(picture[top : top + edge, left : left + edge])
    return np.asarray(square.resize((side, side), Image.Resampling.BILINEAR))


def render_split(left: RGBA, right: RGBA) -> RGBA:
    """The left half of one picture beside the right half of another of the same size, with a white seam.

    Raises:
        GridError: The two differ in size.
    """
    if left.shape != right.shape:
        raise GridError(f"Pictures of {left.shape[:2]} and {right.shape[:2]} cannot share a frame.", "Use one grid.")
    middle = left.shape[1] // 2
    picture = np.concatenate([left[:, :middle], right[:, middle:]], axis=1)
    seam = max(1, left.shape[1] // 128)
    picture[:, max(0, middle - seam) : middle + seam] = 255
    return picture


def build_image(picture: RGBA) -> Image.Image:
    """A pillow image of a picture (H, W, 4) uint8."""
    return Image.fromarray(picture)


def encode_png(picture: RGBA, *, quick: bool = False) -> bytes:
    """PNG bytes of a picture (H, W, 4) uint8; no metadata is written.

    Args:
        picture: To encode.
        quick: Several times sooner, and somewhat larger.
    """
    stream = io.BytesIO()
    build_image(picture).save(stream, format="PNG", compress_level=1 if quick else 6)
    return stream.getvalue()
