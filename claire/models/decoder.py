"""Decoder and heads: features of six strides in, logits at full resolution out."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from claire.models.encoders import conv_block


def _upsample(features: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(features, size=like.shape[2:], mode="bilinear", align_corners=False)


class Decoder(nn.Module):
    """A light U-Net decoder: top-down over the four stages, then half and full resolution.

    Args:
        channels: Channels of the six strides 1, 2, 4, 8, 16, 32.
        width: Channels of the top-down path.
        classes: K.
    """

    def __init__(self, channels: Sequence[int], width: int, classes: int) -> None:
        super().__init__()
        full, half, *stages = channels
        self.lateral = nn.ModuleList(nn.Conv2d(c, width, 1) for c in stages)
        self.merge = nn.ModuleList(conv_block(width, width) for _ in stages[:-1])
        self.at_half = conv_block(width + half, width // 2)
        self.at_full = conv_block(width // 2 + full, full)
        self.head = nn.Conv2d(full, classes, 1)

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """(B, K, H, W) logits from six tensors, finest first."""
        full, half, *stages = features
        top = self.lateral[-1](stages[-1])
        for level in range(len(stages) - 2, -1, -1):
            top = self.merge[level](self.lateral[level](stages[level]) + _upsample(top, stages[level]))
        top = self.at_half(torch.cat([_upsample(top, half), half], dim=1))
        top = self.at_full(torch.cat([_upsample(top, full), full], dim=1))
        logits: Tensor = self.head(top)
        return logits


class AuxiliaryHead(nn.Module):
    """The map of one sensor alone: all strides summed at stride 4, refined at stride 2, cheap beside the decoder.

    Args:
        channels: Channels of the six strides.
        width: Channels inside.
        classes: K.
    """

    def __init__(self, channels: Sequence[int], width: int, classes: int) -> None:
        super().__init__()
        _, half, *stages = channels
        self.lateral = nn.ModuleList(nn.Conv2d(c, width, 1) for c in stages)
        self.mix = conv_block(width, width)
        self.squeeze = conv_block(width + half, width // 2, kernel=1)
        self.refine = conv_block(width // 2, width // 2)
        self.head = nn.Conv2d(width // 2, classes, 1)

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """(B, K, H, W) logits from six tensors, finest first."""
        full, half, *stages = features
        summed = self.lateral[0](stages[0])
        for lateral, stage in zip(self.lateral[1:], stages[1:], strict=True):
            summed = summed + _upsample(lateral(stage), summed)
        fine = self.squeeze(torch.cat([_upsample(self.mix(summed), half), half], dim=1))
        return _upsample(self.head(self.refine(fine)), full)
