"""A network without shapes: it looks at each pixel and at the means around it, and at nothing else.

It has few weights, so that it can be learnt from few places, and it errs elsewhere than a network that sees shapes.
Legend: B batch, C bands, H height, W width, K classes, F channels of what is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from claire.models.encoders import Reader, Scale, compute_differences, standardise
from claire.models.recompute import recompute


class PixelReader(Reader):
    """What a network of pixels is told of one modality.

    Args:
        bands: C.
        relative: Also every band relative to its own mean and spread over the tile, and the same means, differences and
            spreads of that as of the band itself.
        changes: The bands are of two dates, first all of the earlier one; also what the later has more of each, and
            which bands there are any of in each window.
        others: `ratios`, `smooth`, `texture` and `differences`, see `Reader`.
    """

    def __init__(self, bands: int, relative: bool = False, changes: bool = False, **others: Any) -> None:
        super().__init__(bands, **others)
        self.bands, self.beside, self.changes = bands, relative, changes
        values = bands * (2 if relative else 1)
        pairs = bands * (bands - 1) // 2 * (self.ratios + self.differences)
        each = values + pairs + (values // 2 if changes else 0)
        around = each + (values if self.texture else 0) + (bands if changes else 0)
        self.wide = each + bands + len(self.smooth) * around

    def look(self, pixels: Tensor, valid: Tensor) -> list[Scale]:
        """The pixels, then the means over each window; bands relative to their tile are further bands."""
        if not self.beside:
            return super().look(pixels, valid)
        return super().look(torch.cat([pixels, standardise(pixels * valid, valid)], dim=1), valid)

    def describe(self, scales: Sequence[Scale], relative: Sequence[Tensor] = ()) -> Tensor:
        """What `read` returns, of what `look` saw."""
        parts: list[Tensor] = []
        for number, (values, valid, spreads) in enumerate(scales):
            own, known = values[:, : self.bands], valid[:, : self.bands]
            parts += [values] if number and not self.changes else [values, known]
            parts += [self._compare(own, known)] if self.ratios else []
            parts += [compute_differences(own, known)] if self.differences else []
            parts += [_compute_changes(part, known) for part in self._split(values) if self.changes]
            if number and self.texture:
                first, *others = self._split(spreads)
                parts += [self._relate(own, first), *others]
        # Channels stay beside each other in memory: the heads are then twice as fast.
        return torch.cat([part.movedim(1, -1) for part in parts], dim=-1).movedim(-1, 1)

    def _split(self, values: Tensor) -> tuple[Tensor, ...]:
        """The bands, and the same relative to their tile, where these are read."""
        return torch.split(values, self.bands, dim=1)


def _compute_changes(values: Tensor, valid: Tensor) -> Tensor:
    """(B, C / 2, H, W) the later date less the earlier; 0 where either is invalid."""
    (before, after), (seen, still) = values.chunk(2, dim=1), valid.chunk(2, dim=1)
    changes: Tensor = (after - before) * seen * still
    return changes


class Perceptron(nn.Sequential):
    """Two hidden layers, the same for every pixel: (B, F, H, W) -> (B, K, H, W) logits.

    Args:
        channels: F.
        width: Channels of the hidden layers.
        classes: K.
        dropout: Share of the hidden values that are left out while training.
    """

    def __init__(self, channels: int, width: int, classes: int, dropout: float) -> None:
        layers: list[nn.Module] = [nn.BatchNorm2d(channels, affine=False)]
        for before in (channels, width):
            layers += [nn.Conv2d(before, width, 1), nn.ReLU(), nn.Dropout(dropout)]
        super().__init__(*layers, nn.Conv2d(width, classes, 1))

    def forward(self, read: Tensor) -> Tensor:
        """Logits of what was read; after training the normalisation is part of the first layer, which saves time."""
        layers: list[Any] = list(self)
        if not self.training:
            norm, first, *layers = layers
            weight = first.weight / (norm.running_var + norm.eps).sqrt()[:, None, None]
            read = F.conv2d(read, weight, first.bias - weight.flatten(1) @ norm.running_mean)
        for layer in layers:
            read = layer(read)
        return read


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
        self.optical_head = Perceptron(optical.wide, width, classes, dropout)
        self.sar_head = Perceptron(sar.wide, width, classes, dropout)
        self.joint_head = Perceptron(optical.wide + sar.wide, 2 * width, classes, dropout)

    def forward(
        self, optical: Tensor, sar: Tensor, optical_valid: Tensor, sar_valid: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Logits (both, optical, SAR), (B, K, H, W) each. Where one sensor saw nothing, the other speaks for both."""
        optical, sar, optical_valid, sar_valid = (
            part.contiguous(memory_format=torch.channels_last) for part in (optical, sar, optical_valid, sar_valid)
        )
        from_optical, from_sar = self.optical.read(optical, optical_valid), self.sar.read(sar, sar_valid)
        together = torch.cat([from_optical.movedim(1, -1), from_sar.movedim(1, -1)], dim=-1).movedim(-1, 1)
        parts = (self.optical_head, from_optical), (self.sar_head, from_sar), (self.joint_head, together)
        alone, other, joint = (head(read) if self.training else recompute(head, read) for head, read in parts)
        seen, heard = optical_valid.amax(dim=1, keepdim=True) > 0, sar_valid.amax(dim=1, keepdim=True) > 0
        return torch.where(seen & heard, joint, torch.where(seen, alone, other)), alone, other
