"""A network without shapes: it looks at each pixel and at the means around it, and at nothing else.

It has few weights, so that it can be learnt from few places, and it errs elsewhere than a network that sees shapes.
Legend: B batch, C bands, H height, W width, K classes, F channels of what is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from claire.models.encoders import (
    Reader,
    Scale,
    compute_block_means,
    compute_differences,
    compute_level,
    compute_means,
    square,
    standardise,
    take_spreads,
)
from claire.models.recompute import recompute

STEP = 4
"""Side in pixels of the blocks for each of which coarse windows are read once: their means change little from one pixel
to the next."""
STRIP = 32
"""Rows whose hidden values are held at a time, a multiple of `STEP`: few enough for the caches of a processor."""


class PixelReader(Reader):
    """What a network of pixels is told of one modality.

    Args:
        bands: C.
        relative: Also every band relative to its own mean and spread over the tile, and the same means, differences and
            spreads of that as of the band itself.
        changes: The bands are of two dates, first all of the earlier one; also what the later has more of each, and
            which bands there are any of in each window.
        coarse: Sides of further windows, in pixels, odd numbers of `STEP`, that are read once for each block of pixels
            and interpolated between them.
        others: `ratios`, `smooth`, `texture` and `differences`, see `Reader`.
    """

    def __init__(
        self, bands: int, relative: bool = False, changes: bool = False, coarse: Sequence[int] = (), **others: Any
    ) -> None:
        super().__init__(bands, **others)
        self.bands, self.beside, self.changes, self.coarse = bands, relative, changes, tuple(coarse)
        values = bands * (2 if relative else 1)
        pairs = bands * (bands - 1) // 2 * (self.ratios + self.differences)
        each = values + pairs + (values // 2 if changes else 0)
        around = each + (values if self.texture else 0) + (bands if changes else 0)
        self.channels = each + bands + len(self.smooth) * around, len(self.coarse) * around
        """Of what is read at every pixel, and once for each block."""
        self.wide = sum(self.channels)

    def read(self, pixels: Tensor, valid: Tensor) -> Tensor:
        """All of it at every pixel; arguments as for `Reader.read`."""
        near, *far = self.read_steps(pixels, valid)
        return torch.cat([near, *(spread_out(part, near.shape[2:]) for part in far)], dim=1)

    def read_steps(self, pixels: Tensor, valid: Tensor) -> list[Tensor]:
        """What is read at every pixel, and where there are coarse windows what is read once for each block.

        Args:
            pixels: (B, C, H, W), normalised.
            valid: (B, C, H, W), 1 valid, 0 not, same dtype.

        Returns:
            (B, F1, H, W), and (B, F2, H / `STEP`, W / `STEP`), rounded up.
        """
        beside = self._add_relative(pixels, valid)
        found = [self.describe(super().look(beside, valid))]
        if self.coarse:
            found.append(self._describe_all(self._look_far(beside, valid), own=False))
        return found

    def _look_far(self, pixels: Tensor, valid: Tensor) -> list[Scale]:
        """Means over coarse windows."""
        level = compute_level(pixels, valid).detach() if self.texture else None
        values = pixels if level is None else square(pixels, level)
        blocks, share = compute_block_means(values, valid, STEP)
        means = [compute_means(blocks, share, window // STEP) for window in self.coarse]
        return [(*each, pixels[:, :0]) if level is None else take_spreads(*each, level) for each in means]

    def look(self, pixels: Tensor, valid: Tensor) -> list[Scale]:
        """The pixels, then the means over each window; bands relative to their tile are further bands."""
        return super().look(self._add_relative(pixels, valid), valid)

    def _add_relative(self, pixels: Tensor, valid: Tensor) -> Tensor:
        return torch.cat([pixels, standardise(pixels * valid, valid)], dim=1) if self.beside else pixels

    def describe(self, scales: Sequence[Scale], relative: Sequence[Tensor] = ()) -> Tensor:
        """What `read` returns, of what `look` saw; without coarse windows."""
        return self._describe_all(scales, own=True)

    def _describe_all(self, scales: Sequence[Scale], own: bool) -> Tensor:
        """Channels of all scales, of which the first is of the pixels themselves, or none is."""
        parts: list[Tensor] = []
        for number, (values, valid, spreads) in enumerate(scales):
            around = number > 0 or not own
            first, known = values[:, : self.bands], valid[:, : self.bands]
            parts += [values] if around and not self.changes else [values, known]
            parts += [self._compare(first, known)] if self.ratios else []
            parts += [compute_differences(first, known)] if self.differences else []
            parts += [_compute_changes(part, known) for part in self._split(values) if self.changes]
            if around and self.texture:
                texture, *others = self._split(spreads)
                parts += [self._relate(first, texture), *others]
        return _line_up(parts)

    def _split(self, values: Tensor) -> tuple[Tensor, ...]:
        """The bands, and the same relative to their tile, where these are read."""
        return torch.split(values, self.bands, dim=1)


def _compute_changes(values: Tensor, valid: Tensor) -> Tensor:
    """(B, C / 2, H, W) the later date less the earlier; 0 where either is invalid."""
    (before, after), (seen, still) = values.chunk(2, dim=1), valid.chunk(2, dim=1)
    changes: Tensor = (after - before) * seen * still
    return changes


def spread_out(blocks: Tensor, size: Sequence[int]) -> Tensor:
    """Values of blocks, (B, F, H / `STEP`, W / `STEP`), at every pixel: (B, F, *size), bilinear between centres."""
    pixels = F.interpolate(blocks, scale_factor=STEP, mode="bilinear")
    return pixels[:, :, : size[0], : size[1]]


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

    def forward(self, *read: Tensor) -> Tensor:
        """Logits of what was read.

        Args:
            read: The channels one after the other, (B, F1, H, W) at every pixel or (B, F2, H / `STEP`, W / `STEP`) once
                for each block; the first at every pixel.
        """
        size = read[0].shape[2:]
        if not self.training:
            return self._map_in_strips(read, size)
        hidden = torch.cat([part if part.shape[2:] == size else spread_out(part, size) for part in read], dim=1)
        for layer in self:
            hidden = layer(hidden)
        return hidden

    def _map_in_strips(self, read: Sequence[Tensor], size: Sequence[int]) -> Tensor:
        """Logits, by the first layer with the normalisation in its weights and for some rows at a time.

        Of blocks the first layer is taken before they are spread out, which gives the same and saves most of the time.
        """
        layers: list[Any] = list(self)
        norm, first, *others = layers
        weight = first.weight / (norm.running_var + norm.eps).sqrt()[:, None, None]
        bias = first.bias - weight.flatten(1) @ norm.running_mean
        parts = list(zip(read, weight.split([part.shape[1] for part in read], dim=1), strict=True))
        near = [part for part in read if part.shape[2:] == size]
        own = torch.cat([weight for part, weight in parts if part.shape[2:] == size], dim=1)
        far = [F.conv2d(part, weight) for part, weight in parts if part.shape[2:] != size]
        blocks = _spread_columns(reduce(add, far), size[1]) if far else None
        strips = []
        for top in range(0, size[0], STRIP):
            hidden = F.conv2d(_line_up([part[:, :, top : top + STRIP] for part in near]), own, bias)
            if blocks is not None:
                hidden = _add_rows(hidden, blocks, top)
            for layer in others:
                # Fresh memory for every layer would cost more than the layer.
                in_place = isinstance(layer, nn.ReLU) and not hidden.requires_grad
                hidden = hidden.relu_() if in_place else layer(hidden)
            strips.append(hidden)
        return torch.cat(strips, dim=2)


def _line_up(parts: Sequence[Tensor]) -> Tensor:
    """Channels one after the other, which lie beside each other in memory: layers are then twice as fast.

    Of one part alone nothing is copied.
    """
    if len(parts) == 1:
        return parts[0]
    return torch.cat([part.movedim(1, -1) for part in parts], dim=-1).movedim(-1, 1)


def _spread_columns(blocks: Tensor, width: int) -> Tensor:
    """Values of blocks, (B, F, H / `STEP`, W / `STEP`), at the columns of pixels: (B, H / `STEP`, W F)."""
    wide = F.interpolate(blocks, scale_factor=(1, STEP), mode="bilinear")[..., :width]
    return wide.movedim(1, -1).flatten(2)


def _add_rows(hidden: Tensor, blocks: Tensor, top: int) -> Tensor:
    """Some rows from one that begins a block, (B, F, rows, W), and what `spread_out` gives there.

    It mixes rows of blocks, each as a whole, which is one product of matrices.
    """
    first, last = max(top // STEP - 1, 0), min((top + STRIP) // STEP + 1, blocks.shape[1])
    rows = hidden.movedim(1, -1)
    unit = torch.eye(last - first, dtype=hidden.dtype, device=hidden.device)[None, None]
    shares = F.interpolate(unit, scale_factor=(STEP, 1), mode="bilinear")[0]
    shares = shares[:, top - first * STEP :][:, : rows.shape[1]].expand(len(rows), -1, -1)
    return rows.flatten(2).baddbmm_(shares, blocks[:, first:last]).view(rows.shape).movedim(-1, 1)


class PixelHeads(nn.Module):
    """Logits of each sensor alone and of both together.

    Args:
        optical: Reads the optical pixels.
        sar: Reads the SAR pixels.
        width: Channels of the hidden layers; twice as many where both sensors are read.
        classes: K.
        dropout: Share of the hidden values that are left out while training.
    """

    def __init__(self, optical: PixelReader, sar: PixelReader, width: int, classes: int, dropout: float) -> None:
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
        from_optical = self.optical.read_steps(optical, optical_valid)
        from_sar = self.sar.read_steps(sar, sar_valid)
        both = from_optical + from_sar
        parts = (self.optical_head, from_optical), (self.sar_head, from_sar), (self.joint_head, both)
        alone, other, joint = (head(*read) if self.training else recompute(head, *read) for head, read in parts)
        seen, heard = optical_valid.amax(dim=1, keepdim=True) > 0, sar_valid.amax(dim=1, keepdim=True) > 0
        return torch.where(seen & heard, joint, torch.where(seen, alone, other)), alone, other
