"""A network without shapes: it looks at each pixel and at the means around it, and at nothing else.

It has few weights, so that it can be learnt from few places, and it errs elsewhere than a network that sees shapes.
Legend: B batch, C bands, H height, W width, K classes, F channels of what is read.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from claire.models.encoders import Reader
from claire.models.recompute import recompute


def perceptron(channels: int, width: int, classes: int, dropout: float) -> nn.Sequential:
    """Two hidden layers, the same for every pixel: (B, F, H, W) -> (B, K, H, W) logits."""
    layers: list[nn.Module] = [nn.BatchNorm2d(channels, affine=False)]
    for before in (channels, width):
        layers += [nn.Conv2d(before, width, 1), nn.ReLU(), nn.Dropout(dropout)]
    return nn.Sequential(*layers, nn.Conv2d(width, classes, 1))


class PixelHeads(nn.Module):
    """Logits of each sensor alone and of both together.

    Args:
        optical: Reads the optical pixels.
        sar: Reads the SAR pixels.
        width: Channels of the hidden layers; twice as many where both sensors are read.
        classes: K.
        dropout: Share of the hidden values that are left out while training.
    """

    def __init__(self, optical: Reader, sar: Reader, width: int, classes: int, dropout: float) -> None:
        super().__init__()
        self.optical, self.sar = optical, sar
        self.optical_head = perceptron(optical.wide, width, classes, dropout)
        self.sar_head = perceptron(sar.wide, width, classes, dropout)
        self.joint_head = perceptron(optical.wide + sar.wide, 2 * width, classes, dropout)

    def forward(
        self, optical: Tensor, sar: Tensor, optical_valid: Tensor, sar_valid: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Logits (both, optical, SAR), (B, K, H, W) each. Where one sensor saw nothing, the other speaks for both."""
        from_optical, from_sar = self.optical.read(optical, optical_valid), self.sar.read(sar, sar_valid)
        together = torch.cat([from_optical, from_sar], dim=1)
        parts = (self.optical_head, from_optical), (self.sar_head, from_sar), (self.joint_head, together)
        alone, other, joint = (head(read) if self.training else recompute(head, read) for head, read in parts)
        seen, heard = optical_valid.amax(dim=1, keepdim=True) > 0, sar_valid.amax(dim=1, keepdim=True) > 0
        return torch.where(seen & heard, joint, torch.where(seen, alone, other)), alone, other
