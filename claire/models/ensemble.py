"""Several networks, each trained by itself, and the mean of what they say.

Where places to learn from are few, networks that learnt in other ways err in other pixels (Hansen and Salamon 1990, doi
10.1109/34.58871). Legend: B batch, C bands, H height, W width, K classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from claire.core.bands import MODES, Mode
from claire.models.bilateral import bilateral_filter
from claire.models.cmaf import StageInspection
from claire.models.encoders import standardise
from claire.models.recompute import recompute

LEAST = 1e-6
"""Probability below which a class is not told from an impossible one."""
AGREEMENT = 0.5
"""How much surer a map becomes that leans on that of SAR: a mean of two that err in different pixels is too careful.
With it the calibration error stays what it was without leaning."""


def vote(
    said: Sequence[Any],
    optical: Tensor,
    optical_valid: Tensor,
    sar_valid: Tensor,
    votes: Mapping[Mode, Sequence[float]],
    fallback: float,
    bilateral: bool,
) -> dict[Mode, Tensor]:
    """Logarithms of the mean probabilities; where one sensor alone saw the ground, its map is the fused one, too.

    Args:
        said: Outputs of the members, with logits of all modes.
        optical: (B, C, H, W), normalised.
        optical_valid: (B, C, H, W).
        sar_valid: (B, C, H, W).
        votes: Mode -> how much each member counts in that map, above 0.
        fallback: How much the map of SAR counts in the fused one, 0..1, times what `measure_lean` gives: a logarithmic
            pool of both (Genest and Zidek 1986, doi 10.1214/ss/1177013825).
        bilateral: In the maps that read the optical picture, each pixel also listens to those around that look like it.

    Returns:
        Mode -> (B, K, H, W).
    """
    means: dict[Mode, Tensor] = {}
    for mode in MODES:
        weighed = [
            count / sum(votes[mode]) * output.logits[mode].softmax(dim=1)
            for count, output in zip(votes[mode], said, strict=True)
        ]
        means[mode] = torch.stack(weighed).sum(dim=0)
    seen, heard = optical_valid.amax(dim=1, keepdim=True) > 0, sar_valid.amax(dim=1, keepdim=True) > 0
    if fallback:
        lean = fallback * measure_lean(optical_valid, sar_valid)
        fused, sar = (torch.log(means[mode] + LEAST) for mode in ("fused", "sar"))
        means["fused"] = torch.softmax((1 + AGREEMENT * lean) * torch.lerp(fused, sar, lean), dim=1)
    alone = torch.where(seen, means["optical"], means["sar"])
    means["fused"] = torch.where(seen == heard, means["fused"], alone)
    if bilateral:
        maps = torch.cat([means["fused"], means["optical"]], dim=1)
        guide = standardise(optical * optical_valid, optical_valid)
        averaged = recompute(bilateral_filter, maps, guide, optical_valid)
        means["fused"], means["optical"] = averaged.chunk(2, dim=1)
    return {mode: torch.log(mean + LEAST) for mode, mean in means.items()}


def measure_lean(optical_valid: Tensor, sar_valid: Tensor) -> Tensor:
    """How much more SAR has to say of a pixel than the optical, whose bands are missing.

    Twice the product of the shares that the optical lacks there and in the tile, times those that SAR has. A pixel
    under a small cloud is told from what is around it, and without a whole date there is nothing to tell it from. What
    neither sensor saw, as around a tile, does not count.

    Args:
        optical_valid: (B, C, H, W), 1 valid, 0 not.
        sar_valid: (B, C, H, W).

    Returns:
        (B, 1, H, W) in 0..1; 0.5 where one of two optical dates is missing from the whole tile, and nothing of SAR.
    """
    there = torch.maximum(optical_valid.amax(dim=1, keepdim=True), sar_valid.amax(dim=1, keepdim=True))
    lacking = (1 - optical_valid.mean(dim=1, keepdim=True)) * there
    having = sar_valid.mean(dim=1, keepdim=True)
    count = there.sum(dim=(2, 3), keepdim=True).clamp_min(1)
    shares = [part.sum(dim=(2, 3), keepdim=True) / count for part in (lacking, having)]
    return (2 * lacking * shares[0]).clamp_max(1) * having * shares[1]


def join_stages(said: Sequence[Any]) -> tuple[StageInspection, ...]:
    """The stages of all members that have any: mean trust, and the attention heads of all one after the other."""
    rows = [output.stages for output in said if output.stages]
    return tuple(
        StageInspection(
            torch.stack([stage.trust_B2HW for stage in same]).mean(dim=0),
            _line_up([stage.optical_to_sar_BNQL for stage in same]),
            _line_up([stage.sar_to_optical_BNQL for stage in same]),
        )
        for same in zip(*rows, strict=True)
    )


def _line_up(attention: Sequence[Tensor | None]) -> Tensor | None:
    known = [each for each in attention if each is not None]
    return torch.cat(known, dim=1) if known else None
