"""What the sensors saw, as the ground on which maps and marks are laid."""

from __future__ import annotations

import numpy as np

from claire.core.analysis import Analysis
from claire.core.bands import Mode
from claire.viz.colors import RGBA
from claire.viz.composites import build_composites
from claire.viz.encoding import thin_layer
from claire.viz.pictures import render_composite, render_sar


def render_ground(analysis: Analysis, mode: Mode) -> RGBA:
    """What the sensor of a mode saw; the fused map lies over the optical picture."""
    optical, sar = analysis.tile.optical, analysis.tile.sar
    layer, grey = (sar, True) if (mode == "sar" and sar is not None) or optical is None else (optical, False)
    if layer is None:
        return np.zeros((*analysis.tile.shape, 4), np.uint8)
    shown = thin_layer(layer)
    seen = [band for band, valid in zip(shown.bands, shown.valid, strict=True) if valid.any()]
    bands = build_composites(seen or shown.bands)[0].bands
    return render_sar(shown, bands[0]) if grey else render_composite(shown, bands)
