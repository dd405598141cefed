"""Signed attributions and contributions as pictures, with the words that stand in for them.

Blue speaks against, red speaks for: the ends of RdBu (ColorBrewer) differ for readers with any common colour deficiency
and neither is the colour of a sensor.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from claire.core.types import Attribution, Evidence, Share
from claire.viz.colors import RGBA
from claire.viz.pictures import render_scalar
from claire.viz.words import format_share

SIGNED_COLORMAP = "RdBu_r"
SCALE_PERCENTILE = 99.5
"""Absolute values beyond this percentile share the strongest colour, so that single pixels do not fade the rest."""

EVIDENCE_TITLES: dict[Evidence, str] = {"optical": "optical", "sar": "SAR", "joint": "both sensors together"}


def compute_scale(attribution: Attribution) -> float:
    """The absolute value that has the strongest colour, the same for all maps of an attribution; never 0."""
    sizes = np.concatenate([np.abs(attribution.place(evidence)).ravel() for evidence in attribution.maps])
    scale = float(np.percentile(sizes, SCALE_PERCENTILE)) or float(sizes.max())
    return scale or 1.0


def render_signed(values: NDArray[np.floating], scale: float, valid: NDArray[np.bool_] | None = None) -> RGBA:
    """Signed numbers, white at 0, red above, blue below.

    Args:
        values: (H, W).
        scale: Absolute value of the strongest colour, above 0.
        valid: (H, W) bool; what is False or NaN is transparent.
    """
    known = np.isfinite(values) if valid is None else valid & np.isfinite(values)
    return render_scalar((np.nan_to_num(values) / scale + 1) / 2, known, SIGNED_COLORMAP)


def render_signed_veil(values: NDArray[np.floating], scale: float) -> RGBA:
    """The same as an overlay: the weaker, the more transparent, so that the ground shows where nothing was said."""
    picture = render_signed(values, scale)
    strength = np.clip(np.abs(np.nan_to_num(values)) / scale, 0, 1) ** 0.5
    picture[..., 3] = np.rint(255 * strength).astype(np.uint8)
    return picture


def describe_attribution(attribution: Attribution, evidence: Evidence, title: str) -> str:
    """What the picture of one map shows: its share, its sign and where it is strongest."""
    sizes = {each: attribution.size(each) for each in attribution.maps}
    total, here = sum(sizes.values()), attribution.place(evidence)
    if total == 0 or sizes[evidence] == 0:
        return f"{title} for {attribution.class_name}, {EVIDENCE_TITLES[evidence]}: nothing speaks for or against."
    speaks_for = float(np.clip(here, 0, None).sum(dtype=np.float64)) / sizes[evidence]
    row, column = np.unravel_index(np.abs(here).argmax(), here.shape)
    return (
        f"{title} for {attribution.class_name}, {EVIDENCE_TITLES[evidence]}: {format_share(sizes[evidence] / total)} "
        f"of the attribution, {format_share(speaks_for)} of it for the class; strongest at row {row}, column {column}."
    )


def describe_share(share: Share) -> str:
    """A contribution in one sentence."""
    return (
        f"{share.class_name}: optical {share.optical:+.2f}, SAR {share.sar:+.2f}, of which the interaction is "
        f"{share.interaction:+.2f}; from {share.baseline:.2f} without sensors to {share.value:.2f}."
    )
