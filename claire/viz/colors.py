"""Colours with a meaning that holds on every picture: one per sensor, and one for masked pixels.

Orange against purple differs for readers with any common colour deficiency (ColorBrewer PuOr).
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

RGBA: TypeAlias = NDArray[np.uint8]
"""(H, W, 4) uint8: red, green, blue, opacity; opacity 0 where there is nothing to show."""

OPTICAL_COLOR = "#e08214"
SAR_COLOR = "#8073ac"
FUSED_COLOR = "#0072b2"
BOTH_WRONG_COLOR = "#1a1a1a"
WRONG_COLOR = "#c8102e"
CHOSEN_COLOR = "#00838f"
"""Wrong regions and the chosen one: red against teal differs in lightness for every common colour deficiency."""
CONFIDENCE_COLORMAP = "cividis"
TRUST_COLORMAP = "PuOr_r"


def parse_rgb(color: str) -> tuple[int, int, int]:
    """Turn `#rrggbb` into three integers 0..255.

    Example:
        >>> parse_rgb("#e08214")
        (224, 130, 20)
    """
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)
