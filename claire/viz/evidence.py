"""Attention, signed attributions and contributions as pictures, with the words that stand in for them.

Blue speaks against, red speaks for: the ends of RdBu (ColorBrewer) differ for readers with any common colour deficiency
and neither is the colour of a sensor. Attention has no sign: it runs from clear to bright yellow (plasma).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from claire.core.bands import Modality
from claire.core.types import (
    FAITHFUL_AGREEMENT,
    FAITHFUL_GAP,
    FAITHFUL_INFIDELITY,
    FAITHFUL_SENSITIVITY,
    Attribution,
    Badge,
    Evidence,
    Faithfulness,
    Share,
)
from claire.viz.colors import RGBA
from claire.viz.pictures import render_scalar
from claire.viz.words import format_share

SIGNED_COLORMAP = "RdBu_r"
SCALE_PERCENTILE = 99.5
"""Absolute values beyond this percentile share the strongest colour, so that single pixels do not fade the rest."""

LEADING = 0.55
"""The least share of what both sensors moved that makes one of them the leader."""

EVIDENCE_TITLES: dict[Evidence, str] = {"optical": "optical", "sar": "SAR", "joint": "both sensors together"}

LOOK_COLORMAP = "plasma"
SENSOR_WORDS: dict[Modality, str] = {"optical": "optical", "sar": "SAR"}

BADGE_WORDS: dict[Badge, str] = {
    "faithful": "faithful: it passed every test that was made",
    "partly": "partly faithful: it failed some tests, so read it with care",
    "doubtful": "doubtful: it failed half of the tests or more, so do not rest on it",
    "unmeasured": "unmeasured",
}

BASELINE_WORDS: dict[str, str] = {
    "mean": "Compared with the scene's own mean in every band. For SAR, 0 dB would be a strong echo and not its "
    "absence; for optical, black is what water looks like, so against black a flood would count for little.",
    "black": "Compared with black for optical and the scene's mean for SAR.",
    "pixels of the scene": "Compared with other ground of the same scene: flat pairs, each with the bands of one "
    "of its pixels.",
    "none": "A slope at this pair: it is compared with nothing.",
}
"""What an attribution is compared with, and why; keys as in `Attribution.baseline`."""


def compute_scale(attribution: Attribution) -> float:
    """The absolute value that has the strongest colour, the same for all maps of an attribution; never 0."""
    return compute_shared_scale([attribution.place(evidence) for evidence in attribution.maps])


def compute_shared_scale(maps: Sequence[NDArray[np.floating]]) -> float:
    """The absolute value that has the strongest colour on all of several maps; never 0."""
    sizes = np.concatenate([np.abs(values).ravel() for values in maps])
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


def summarise_share(share: Share) -> str:
    """Who contributed more, in one line; nobody where both moved it by about as much.

    Example:
        >>> summarise_share(Share("flood", 0.81, 0.82, 0.0, 1.73, 0.1))
        'Both sensors moved it about as much, in the same direction.'
    """
    optical, sar = abs(share.optical), abs(share.sar)
    if optical + sar == 0:
        return "Neither sensor moved it."
    leader, size = ("Optical", optical) if optical >= sar else ("SAR", sar)
    part = size / (optical + sar)
    if part < LEADING:
        how = "in the same direction" if share.optical * share.sar > 0 else "against each other"
        return f"Both sensors moved it about as much, {how}."
    return f"{leader} decided most of it: {format_share(part)} of what both moved."


def render_look(look: NDArray[np.floating]) -> RGBA:
    """Where a pixel looked, as an overlay: the less attention, the more transparent; the most is bright yellow.

    Args:
        look: (H, W), >= 0; NaN where nobody knows.
    """
    strength = np.nan_to_num(look) / (float(np.nanmax(look, initial=0)) or 1.0)
    picture = render_scalar(strength, np.isfinite(look), LOOK_COLORMAP)
    picture[..., 3] = np.rint(255 * np.sqrt(strength)).astype(np.uint8)
    return picture


def describe_look(look: NDArray[np.floating], asking: Modality, at: tuple[int, int]) -> str:
    """Where a pixel looked: its strongest place, and how much of the piece half of its attention takes."""
    seen: Modality = "sar" if asking == "optical" else "optical"
    values = np.sort(np.nan_to_num(look), axis=None)[::-1].astype(np.float64)
    half = int(np.searchsorted(values.cumsum(), values.sum() / 2)) + 1
    row, column = np.unravel_index(np.nan_to_num(look).argmax(), look.shape)
    known = int(np.isfinite(look).sum())
    return (
        f"Where the {SENSOR_WORDS[asking]} pixel at row {at[0]}, column {at[1]} looked in {SENSOR_WORDS[seen]}: most "
        f"around row {row}, column {column}; half of its attention lies on {format_share(half / known)} of the ground."
    )


def compute_border(zone: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Pixels of a zone with a neighbour outside of it, or at the edge of the picture."""
    framed = np.pad(zone, 1)
    inner = framed[:-2, 1:-1] & framed[2:, 1:-1] & framed[1:-1, :-2] & framed[1:-1, 2:]
    return zone & ~inner


def render_outlined(picture: RGBA, zone: NDArray[np.bool_], times: int = 2) -> RGBA:
    """A picture with a zone marked by a black and a white line along its inner edge, the rest of it paler.

    Args:
        picture: (H, W, 4) uint8.
        zone: (H, W) bool.
        times: Pixels of the result per pixel of the picture, so that lines stay thin.
    """
    large = zone.repeat(times, axis=0).repeat(times, axis=1)
    marked = picture.repeat(times, axis=0).repeat(times, axis=1)
    marked[~large, :3] = 255 - (255 - marked[~large, :3].astype(np.float32)) * 0.6
    white = compute_border(large)
    black = compute_border(large & ~white)
    for line, level in ((white, 255), (black, 0)):
        marked[line, :3], marked[line, 3] = level, 255
    return marked


def tell_tests(faithfulness: Faithfulness) -> list[tuple[str, str, str, bool | None]]:
    """Test, its number, what counts as good, and whether it passed; None where it was not made."""
    faith, verdicts = faithfulness, faithfulness.verdicts
    random = f"{faith.random_auc:.3f} ± {faith.random_spread:.3f} in {faith.random_orders} random orders"
    rows = (
        ("completeness", "Sums to the change", faith.completeness_gap, f"gap at most {FAITHFUL_GAP:g}"),
        ("infidelity", "Predicts removals", faith.infidelity, f"error at most {FAITHFUL_INFIDELITY:g}"),
        ("sensitivity", "Stable under noise", faith.sensitivity, f"change at most {FAITHFUL_SENSITIVITY:g}"),
        ("deletion", "Strongest removed first", faith.deletion_auc, f"below {random}"),
        ("insertion", "Strongest added first", faith.insertion_auc, f"above {random}"),
        ("randomisation", "Depends on what was learnt", faith.agreement, f"agreement at most {FAITHFUL_AGREEMENT:g}"),
    )
    return [
        (title, f"{value:.3f}" if np.isfinite(value) else "not measured", good, verdicts.get(name))
        for name, title, value, good in rows
    ]


def describe_badge(faithfulness: Faithfulness) -> str:
    """The badge in words with its count."""
    verdicts = faithfulness.verdicts
    passed = f"{sum(verdicts.values())} of {len(verdicts)} tests passed"
    effort = "measured in full" if faithfulness.full else "measured quickly"
    return f"{BADGE_WORDS[faithfulness.badge].capitalize()} ({passed}, {effort})."
