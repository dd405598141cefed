"""Bilateral averaging of a map: a pixel also listens to its neighbours, as far as they look like itself.

Tomasi and Manduchi 1998, doi 10.1109/ICCV.1998.710815, with the picture as the guide of the map. Legend: B batch,
C bands, K classes, H height, W width.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def bilateral_filter(
    values: Tensor, guide: Tensor, valid: Tensor, *, reach: int = 6, step: int = 3, spread: float = 0.4
) -> Tensor:
    """Mean over neighbours, each weighed by how much it looks like the pixel.

    `weight = exp(-d / (2 spread²))`, with `d` the mean squared difference over the bands that both pixels have. Pixels
    that have no band in common do not count for each other, and beyond the border there is nothing.

    Args:
        values: (B, K, H, W) to average.
        guide: (B, C, H, W), 0 where not valid, each band of about unit spread.
        valid: (B, C, H, W), 1 valid, 0 not, same dtype.
        reach: Distance of the farthest neighbour along rows and columns, pixels, a multiple of `step`.
        step: Distance of the neighbours, pixels.
        spread: Difference at which a neighbour counts 0.6, in units of the guide.

    Returns:
        (B, K, H, W); where no band is valid, the values themselves.
    """
    height, width = values.shape[2:]
    wide_values, wide_guide, wide_valid = (F.pad(part, (reach,) * 4) for part in (values, guide, valid))
    total, weights = torch.zeros_like(values), torch.zeros_like(values[:, :1])
    for down in range(0, 2 * reach + 1, step):
        for right in range(0, 2 * reach + 1, step):
            near = ..., slice(down, down + height), slice(right, right + width)
            common = valid * wide_valid[near]
            count = common.sum(dim=1, keepdim=True)
            distance = (common * (guide - wide_guide[near]) ** 2).sum(dim=1, keepdim=True) / count.clamp_min(1)
            weight = torch.exp(-distance / (2 * spread**2)) * (count > 0)
            total = total + weight * wide_values[near]
            weights = weights + weight
    return torch.where(weights > 0, total / weights.clamp_min(1e-6), values)
