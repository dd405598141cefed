"""The way from a baseline to a pair, integrated leg by leg until what was found sums to what happened.

The target along that way has kinks, so that equal steps over all of it miss what happens in a small part. Most happens
near a flat baseline, where little contrast makes all the difference to networks that read it relative to its spread, so
that the legs grow from there. A leg whose attribution does not sum to the change of the target over it is halved, the
worst first.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from claire.explain.captum_methods import run_integrated_gradients
from claire.explain.probe import Pair, Probe

LEGS = 4
"""Legs to begin with; each has a quarter of the steps."""
GROWTH = 4
"""How many times as far from the baseline as its beginning a leg ends; the first begins there."""

TOLERANCE = 0.005
"""Sum of the errors of all legs, as a share of the whole change, at which no leg is halved any more."""


@dataclass(frozen=True)
class Leg:
    """One part of the way.

    Args:
        begin: 0 at the baseline, 1 at the pair.
        end: Likewise.
        found: Attribution of the change over the leg.
        error: How far its sum is from that change.
    """

    begin: float
    end: float
    found: Pair
    error: float


def integrate(probe: Probe, baseline: Pair, steps: int, most_steps: int, batch: int) -> Pair:
    """Integrated Gradients, refined where the way is rough.

    Args:
        probe: The target.
        baseline: Where the way begins.
        steps: Points that every way gets, at least 1.
        most_steps: Points that it may get.
        batch: Pairs at once.

    Returns:
        Attributions of optical and SAR; with errors below `TOLERANCE` unless `most_steps` was reached.
    """
    count = min(LEGS, steps)
    each = steps // count
    known: dict[float, float] = {}

    def walk(begin: float, end: float, points: int) -> Leg:
        pairs = [_between(baseline, probe.inputs, place) for place in (begin, end)]
        found = run_integrated_gradients(probe.at(pairs[1]), pairs[0], points, batch)
        for place, pair in zip((begin, end), pairs, strict=True):
            if place not in known:
                with torch.inference_mode():
                    known[place] = float(probe(*pair)[0])
        total = sum(float(values.double().sum()) for values in found)
        return Leg(begin, end, found, abs(total - (known[end] - known[begin])))

    ends = [0.0, *(float(GROWTH) ** (index - count + 1) for index in range(count))]
    legs = [walk(ends[index], ends[index + 1], each + (index < steps % count)) for index in range(count)]
    spent = steps
    while spent + 2 * each <= most_steps and not _is_complete(legs, known[1.0] - known[0.0]):
        worst = max(legs, key=lambda leg: leg.error)
        middle = (worst.begin + worst.end) / 2
        probe.watch.total += 2 * each + 1
        legs = [leg for leg in legs if leg is not worst]
        legs += [walk(worst.begin, middle, each), walk(middle, worst.end, each)]
        spent += 2 * each
    return (
        torch.stack([leg.found[0] for leg in legs]).sum(dim=0),
        torch.stack([leg.found[1] for leg in legs]).sum(dim=0),
    )


def _is_complete(legs: list[Leg], change: float) -> bool:
    return sum(leg.error for leg in legs) <= TOLERANCE * abs(change)


def _between(baseline: Pair, inputs: Pair, place: float) -> Pair:
    if place in (0.0, 1.0):
        return inputs if place else baseline
    optical, sar = (begin + place * (end - begin) for begin, end in zip(baseline, inputs, strict=True))
    return optical, sar
