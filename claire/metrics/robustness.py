"""What remains of a score when sensors fail, and how it falls as clouds grow."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

FAILURE_RATES = (0.2, 0.1, 0.05)
"""Probabilities that a sensor fails, for the expected score."""

MISSING_SENSORS = {"clear": 0, "no_optical": 1, "no_sar": 1}
"""Condition -> number of sensors that are missing, for every subset of two sensors but the empty one."""

EMM_PREFIX = "emm_"

SHARE = re.compile(r"cloud_(after|thin|thick)_(\d+)")
CLOUD_ENDS = {"clear": 0.0, "zero_after": 1.0}
"""Conditions that are the two ends of the curve over clouds that are masked out."""


def compute_emm(scores: Mapping[str, float]) -> dict[str, float]:
    """Average and expectation of a score over entirely missing sensors (EMM, Liao et al. 2025, arXiv 2503.18445).

    The expectation weighs a subset with s missing sensors by p^s (1-p)^(2-s), given that at least one sensor works.

    Args:
        scores: Condition -> score under each of `MISSING_SENSORS`.

    Returns:
        "emm_average" and "emm_p20", "emm_p10", "emm_p05" for `FAILURE_RATES`; empty where a score is missing.

    Example:
        >>> round(compute_emm({"clear": 0.9, "no_optical": 0.6, "no_sar": 0.6})["emm_p20"], 3)
        0.8
    """
    if not scores.keys() >= MISSING_SENSORS.keys():
        return {}
    found = {f"{EMM_PREFIX}average": sum(scores[name] for name in MISSING_SENSORS) / len(MISSING_SENSORS)}
    for rate in FAILURE_RATES:
        weights = {name: rate**missing * (1 - rate) ** (2 - missing) for name, missing in MISSING_SENSORS.items()}
        total = sum(weight * scores[name] for name, weight in weights.items())
        found[f"{EMM_PREFIX}p{round(100 * rate):02d}"] = total / sum(weights.values())
    return found


def collect_cloud_curve(
    conditions: Mapping[str, Mapping[str, Any]], key: str, kind: str = "after"
) -> tuple[tuple[float, float], ...]:
    """A score against the share of the later optical date that is under cloud.

    Args:
        conditions: Condition -> scores of one mode.
        key: Name of the score.
        kind: "after" for clouds that are masked out, "thin" or "thick" for clouds that the network is not told of.

    Returns:
        (share 0..1, score) in the order of the share, for the conditions that were measured; no cloud is `clear`, and
        for "after" all cloud is `zero_after`.
    """
    points = {}
    for name, entry in conditions.items():
        match = SHARE.fullmatch(name)
        share = int(match[2]) / 100 if match and match[1] == kind else CLOUD_ENDS.get(name)
        if share is None or (name == "zero_after" and kind != "after") or entry.get(key) is None:
            continue
        points[share] = float(entry[key])
    return tuple(sorted(points.items()))
