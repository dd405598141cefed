"""Encoders: one modality in, a full-resolution stem, a half-resolution stem and four stages out.

The four stages come from a transformers backbone; the stems are ours, because targets at 10 m are a few pixels wide
and a patch embedding of 4 x 4 pixels would blur them. Legend: B batch, C bands, H height, W width.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import ConvNextV2Backbone, ConvNextV2Config, ResNetBackbone, ResNetConfig

from claire.core.errors import UnknownNameError

STAGES = ["stage1", "stage2", "stage3", "stage4"]

FAR, FLAT = 5.0, 0.05
"""Where relative values are clipped, and the spread below which a band counts as flat (in spreads of the training
split)."""

LEAST = 1e-6
"""Less than the share of any window that one pixel is."""


def conv_block(channels_in: int, channels_out: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    """Convolution, batch normalisation, ReLU of its own (attribution methods need one activation per use)."""
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(),
    )


def _build_convnextv2(channels: int, widths: Sequence[int], depths: Sequence[int]) -> nn.Module:
    return ConvNextV2Backbone(
        ConvNextV2Config(
            num_channels=channels,
            patch_size=2,
            hidden_sizes=list(widths),
            depths=list(depths),
            out_features=STAGES,  # type: ignore[call-arg]
        )
    )


def _build_resnet(channels: int, widths: Sequence[int], depths: Sequence[int]) -> nn.Module:
    backbone = ResNetBackbone(
        ResNetConfig(
            num_channels=channels,
            embedding_size=channels,
            hidden_sizes=list(widths),
            depths=list(depths),
            layer_type="basic",
            downsample_in_first_stage=True,
            out_features=STAGES,  # type: ignore[call-arg]
        )
    )
    # Our stems do the work of the embedder, whose 7x7 convolution and pooling would skip a scale.
    backbone.embedder = _Untouched()  # type: ignore[assignment]
    return backbone


class _Untouched(nn.Module):
    def forward(self, pixels: Tensor) -> Tensor:
        return pixels


BACKBONES = {"convnextv2": _build_convnextv2, "resnet": _build_resnet}


def standardise(pixels: Tensor, valid: Tensor) -> Tensor:
    """Every band of every tile with zero mean and unit spread over its valid pixels; 0 where invalid.

    Args:
        pixels: (B, C, H, W).
        valid: (B, C, H, W), 1 valid, 0 not.

    Returns:
        (B, C, H, W), clipped to +-`FAR`, because a few bright pixels set the spread of a SAR tile.
    """
    count = valid.sum(dim=(2, 3), keepdim=True).clamp_min(1)
    centred = (pixels - compute_level(pixels, valid)) * valid
    spread = ((centred**2).sum(dim=(2, 3), keepdim=True) / count + FLAT**2).sqrt()
    return (centred / spread).clamp(-FAR, FAR)


def compute_ratios(reflectance: Tensor) -> Tensor:
    """Normalised differences (a - b) / (|a| + |b|) of every two bands, a before b, as in NDVI and NDWI.

    Args:
        reflectance: (B, C, H, W), in any unit without offset; 0 where invalid.

    Returns:
        (B, C (C - 1) / 2, H, W) in -1..1; 0 where both bands are 0.
    """
    first, second = torch.triu_indices(reflectance.shape[1], reflectance.shape[1], 1, device=reflectance.device)
    a, b = reflectance[:, first], reflectance[:, second]
    ratios: Tensor = (a - b) / (a.abs() + b.abs()).clamp_min(1e-6)
    return ratios


def compute_differences(pixels: Tensor, valid: Tensor) -> Tensor:
    """Differences a - b of every two bands, a before b; the cross-polarisation ratio, where they are in dB.

    Args:
        pixels: (B, C, H, W).
        valid: (B, C, H, W), 1 valid, 0 not, same dtype.

    Returns:
        (B, C (C - 1) / 2, H, W); 0 where either band is invalid.
    """
    first, second = torch.triu_indices(pixels.shape[1], pixels.shape[1], 1, device=pixels.device)
    differences: Tensor = (pixels[:, first] - pixels[:, second]) * valid[:, first] * valid[:, second]
    return differences


def compute_means(pixels: Tensor, valid: Tensor, window: int) -> tuple[Tensor, Tensor]:
    """The mean of every band over the valid pixels of a window around each pixel; 0 where there is none.

    Args:
        pixels: (B, C, H, W), or (B, n C, H, W) with n values of every band, all first ones first.
        valid: (B, C, H, W), 1 valid, 0 not, same dtype; shares between count as weights.
        window: Side in pixels, odd.

    Returns:
        Means, of the shape of the pixels, and 1 where there was a valid pixel, 0 elsewhere, of the same shape.
    """
    half = window // 2
    both = _join(pixels, valid)
    for side, pad in (((1, window), (0, half)), ((window, 1), (half, 0))):
        both = F.avg_pool2d(both, side, 1, pad)
    means, count = _divide(both, pixels.shape[1])
    return means, (count > 0).to(count.dtype)


def compute_block_means(pixels: Tensor, valid: Tensor, step: int) -> tuple[Tensor, Tensor]:
    """The mean of every band over the valid pixels of each block; 0 where there is none.

    Args:
        pixels: As for `compute_means`.
        valid: As for `compute_means`.
        step: Side of a block, pixels.

    Returns:
        Means, (B, n C, H / step, W / step), rounded up, and the share of the block that is valid, (B, C, H / step,
        W / step).
    """
    both = F.pad(_join(pixels, valid), (0, -pixels.shape[3] % step, 0, -pixels.shape[2] % step))
    means, count = _divide(F.avg_pool2d(both, step), pixels.shape[1])
    return means, count[:, : valid.shape[1]]


def _join(pixels: Tensor, valid: Tensor) -> Tensor:
    """What is to be pooled: as channels that lie beside each other in memory that is up to eight times faster."""
    weighed = pixels * valid.repeat(1, pixels.shape[1] // valid.shape[1], 1, 1)
    return torch.cat([weighed, valid], dim=1).contiguous(memory_format=torch.channels_last)


def _divide(pooled: Tensor, channels: int) -> tuple[Tensor, Tensor]:
    """Means, and how much there was of each."""
    total, count = pooled[:, :channels], pooled[:, channels:]
    count = count.repeat(1, channels // count.shape[1], 1, 1)
    return total / count.clamp_min(LEAST), count


def compute_spreads(pixels: Tensor, valid: Tensor, windows: Sequence[int]) -> list[Scale]:
    """Mean and spread of every band over the valid pixels of windows around each pixel; 0 where there is none.

    Args:
        pixels: (B, C, H, W), or (B, n C, H, W) as for `compute_means`.
        valid: (B, C, H, W), 1 valid, 0 not, same dtype.
        windows: Sides in pixels, odd.

    Returns:
        For each window what `compute_means` returns, and standard deviations of the same shape.
    """
    level = compute_level(pixels, valid).detach()
    both = square(pixels, level)
    return [take_spreads(*compute_means(both, valid, window), level) for window in windows]


def compute_level(pixels: Tensor, valid: Tensor) -> Tensor:
    """(B, C, 1, 1) the mean of every band over the valid pixels of the tile; arguments as for `compute_spreads`."""
    weight = valid.repeat(1, pixels.shape[1] // valid.shape[1], 1, 1)
    return (pixels * weight).sum(dim=(2, 3), keepdim=True) / weight.sum(dim=(2, 3), keepdim=True).clamp_min(1)


def square(pixels: Tensor, level: Tensor) -> Tensor:
    """What differs from the level, and its squares, one after the other: (B, 2 C, H, W).

    The level changes no spread, but without it rounding is all that is left of the difference of two large squares
    where there is little contrast. No spread has a slope along it, either, so that it may be detached.
    """
    differing = pixels - level
    return torch.cat([differing, differing**2], dim=1)


def take_spreads(both: Tensor, known: Tensor, level: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Means, where they are known, and standard deviations, from what `compute_means` returns of what `square` does."""
    means, squares = both.chunk(2, dim=1)
    known = known[:, : means.shape[1]]
    return means + level * known, known, (squares - means**2).clamp_min(1e-6).sqrt() * known


Scale = tuple[Tensor, Tensor, Tensor]
"""Values, 1 where there is any, and the spread around them, (B, C, H, W) each; the spread has no channels where it is
not read."""


class Reader(nn.Module):
    """What a network is told of the pixels of one modality, besides their values.

    Invalid pixels are set to 0 *and* said to be invalid in extra channels, so that a gap never looks like data.

    Args:
        bands: C.
        relative: Also every band relative to its own mean and spread over the tile, so that neither the season nor a
            scaling per file decides.
        ratios: Also the normalised difference of every two bands, which neither light nor slope changes much; for
            reflectance. `set_levels` must have said how the pixels were normalised.
        smooth: Also the means of all that over windows of these sides, odd, pixels: speckle is gone from them.
        texture: Also the spread of every band over these windows; with `ratios` relative to the mean, so that no gain
            changes it.
        differences: Also the difference of every two bands; for backscatter in dB, where it is the ratio of the bands.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        bands: int,
        relative: bool = False,
        ratios: bool = False,
        smooth: Sequence[int] = (),
        texture: bool = False,
        differences: bool = False,
    ) -> None:
        super().__init__()
        self.relative, self.ratios, self.smooth, self.texture = relative, ratios, tuple(smooth), texture
        self.differences = differences
        if ratios:
            self.register_buffer("mean", torch.zeros(bands, 1, 1))
            self.register_buffer("std", torch.ones(bands, 1, 1))
        pairs = bands * (bands - 1) // 2 * (ratios + differences)
        around = bands + pairs + (bands if texture else 0)
        self.wide = (3 if relative else 2) * bands + pairs + len(self.smooth) * around
        """Channels of what `read` returns."""

    def set_levels(self, mean: Sequence[float], std: Sequence[float]) -> None:
        """Say how the pixels are normalised, for networks with `ratios`; kept with the weights.

        Args:
            mean: Per band, in the unit of the files.
            std: Per band.
        """
        if self.ratios:
            self.mean.copy_(torch.tensor(mean)[:, None, None])
            self.std.copy_(torch.tensor(std)[:, None, None])

    def read(self, pixels: Tensor, valid: Tensor) -> Tensor:
        """All of it.

        Args:
            pixels: (B, C, H, W), normalised.
            valid: (B, C, H, W), 1 valid, 0 not, same dtype.

        Returns:
            (B, `wide`, H, W).
        """
        seen = pixels * valid
        relative = [standardise(seen, valid)] if self.relative else []
        return self.describe(self.look(pixels, valid), relative)

    def look(self, pixels: Tensor, valid: Tensor) -> list[Scale]:
        """The pixels, then the means over each window; arguments as for `compute_means`."""
        nothing, everywhere = pixels[:, :0], valid.repeat(1, pixels.shape[1] // valid.shape[1], 1, 1)
        scales = [(pixels * everywhere, everywhere, nothing)]
        if self.texture:
            return scales + compute_spreads(pixels, valid, self.smooth)
        return scales + [(*compute_means(pixels, valid, window), nothing) for window in self.smooth]

    def describe(self, scales: Sequence[Scale], relative: Sequence[Tensor] = ()) -> Tensor:
        """What `read` returns, of what `look` saw."""
        parts = [*scales[0][:2], *relative]
        for number, (values, valid, spreads) in enumerate(scales):
            parts += [values] if number else []
            parts += [self._compare(values, valid)] if self.ratios else []
            parts += [compute_differences(values, valid)] if self.differences else []
            parts += [self._relate(values, spreads)] if number and self.texture else []
        return torch.cat(parts, dim=1)

    def _relate(self, values: Tensor, spreads: Tensor) -> Tensor:
        """Spreads, relative to the level of reflectance where that is known."""
        if not self.ratios:
            return spreads
        return spreads * self.std / ((values * self.std + self.mean).abs() + FLAT * self.std)

    def _compare(self, pixels: Tensor, valid: Tensor) -> Tensor:
        return compute_ratios((pixels * self.std + self.mean) * valid)


class Encoder(Reader):
    """Stems and stages of one modality.

    Args:
        bands: C.
        backbone: Key of `BACKBONES`.
        widths: Channels of the four stages, strides 4, 8, 16, 32.
        depths: Blocks of the four stages.
        stem: Channels at full resolution; twice as many at half.
        relative: See `Reader`.
        ratios: See `Reader`.
        smooth: See `Reader`.
        dropout: Share of the channels of every stride that are left out while training.

    Raises:
        UnknownNameError: No such backbone.
    """

    def __init__(
        self,
        bands: int,
        backbone: str,
        widths: Sequence[int],
        depths: Sequence[int],
        stem: int,
        relative: bool = False,
        ratios: bool = False,
        smooth: Sequence[int] = (),
        dropout: float = 0.0,
    ) -> None:
        super().__init__(bands, relative, ratios, smooth)
        if backbone not in BACKBONES:
            raise UnknownNameError.among("encoder", backbone, BACKBONES)
        self.full_stem = conv_block(self.wide, stem)
        self.half_stem = conv_block(stem, 2 * stem, stride=2)
        self.backbone = BACKBONES[backbone](2 * stem, widths, depths)
        self.dropout = nn.Dropout2d(dropout)
        self.channels = (stem, 2 * stem, *widths)

    def forward(self, pixels: Tensor, valid: Tensor) -> list[Tensor]:
        """Features from the finest to the coarsest.

        Args:
            pixels: (B, C, H, W), normalised; H and W multiples of 32.
            valid: (B, C, H, W), 1 valid, 0 not, same dtype.

        Returns:
            Six tensors of strides 1, 2, 4, 8, 16, 32.
        """
        full, half = self.stem(pixels, valid)
        stages: Any = self.backbone(half).feature_maps
        return [self.dropout(features) for features in (full, half, *stages)]

    def stem(self, pixels: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
        """Features of strides 1 and 2; arguments as for `forward`."""
        full = self.full_stem(self.read(pixels, valid))
        return full, self.half_stem(full)

    def embed(self, half: Tensor) -> Tensor:
        """What the first stage reads, from the features of stride 2."""
        prepare = getattr(self.backbone, "embedder", None) or self.backbone.embeddings
        embedded: Tensor = prepare(half)  # type: ignore[operator]
        return embedded

    def advance(self, stage: int, features: Tensor) -> Tensor:
        """What stage 0..3 makes of the features before it, for networks whose encoders talk to each other on the way.

        The stages one after the other give what `forward` gives, save for the normalisation that ConvNeXt V2 adds to
        what it hands out.
        """
        advanced: Tensor = self.backbone.encoder.stages[stage](features)  # type: ignore[union-attr, index, operator]
        return advanced

    def hand_out(self, stage: int, features: Tensor) -> Tensor:
        """The features of stage 0..3 as a decoder gets them."""
        norms: Any = getattr(self.backbone, "hidden_states_norms", None)
        return features if norms is None else norms[STAGES[stage]](features)
