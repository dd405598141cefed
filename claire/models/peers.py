"""Fusion modules of other papers, written from their equations, for comparisons under the same conditions.

SSMA (Valada et al. 2019), CMX (Zhang et al. 2023), ASANet (Zhang et al. 2024) and plain addition. Where a paper lets
what one sensor taught the other flow on into the next stage of both encoders, the module has a `rectify` part. The
papers have no stems at full and half resolution; there the features of the two sensors are added.

Legend: B batch, C channels, H height, W width, N = H W pixels, D = C / heads.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SSMA_DEEPEST, SSMA_SKIPS = 16, 6
"""By what SSMA divides the channels in its bottleneck: at the coarsest stage, and on the way there."""
FFM_HEAD = 64
"""Channels of one head of the cross-attention in CMX, at least, where the stage has as many."""
SFM_REDUCTION = 16
"""By what ASANet divides the channels of a difference."""
RECTIFY = 0.5
"""Weight of each of the two rectifications in CMX."""


def pool_both(features: Tensor) -> Tensor:
    """(B, C, H, W) -> (B, 2 C): means over the pixels, then maxima."""
    return torch.cat([features.mean(dim=(2, 3)), features.amax(dim=(2, 3))], dim=1)


class Addition(nn.Module):
    """The sum of the two sensors."""

    def forward(self, optical: Tensor, sar: Tensor) -> Tensor:
        """(B, C, H, W) twice -> (B, C, H, W)."""
        return optical + sar


class SSMA(nn.Module):
    """Self-supervised model adaptation: a bottleneck weighs every channel of every pixel of the stack.

    Valada et al. 2019: z = [x1; x2], e = s(W2 ReLU(W1 z)), out = BN(conv(e * z)).

    Args:
        channels: C.
        reduction: By what the 2 C channels of the stack are divided in the bottleneck.
    """

    def __init__(self, channels: int, reduction: int) -> None:
        super().__init__()
        narrow = max(1, 2 * channels // reduction)
        self.squeeze = nn.Conv2d(2 * channels, narrow, 3, padding=1)
        self.rectifier = nn.ReLU()
        self.excite = nn.Conv2d(narrow, 2 * channels, 3, padding=1)
        self.merge = nn.Conv2d(2 * channels, channels, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, optical: Tensor, sar: Tensor) -> Tensor:
        """(B, C, H, W) twice -> (B, C, H, W)."""
        stack = torch.cat([optical, sar], dim=1)
        weights = self.excite(self.rectifier(self.squeeze(stack))).sigmoid()
        merged: Tensor = self.norm(self.merge(weights * stack))
        return merged


class CrossModalRectification(nn.Module):
    """CM-FRM of CMX: each sensor is corrected by the other, per channel and per pixel.

    Zhang et al. 2023: Z = [x1; x2], (w1, w2) = s(MLP [GAP Z; GMP Z]), (m1, m2) = s(1x1 ReLU 1x1 Z),
    x1' = x1 + 0.5 w2 x2 + 0.5 m2 x2, and the other way round.

    Args:
        channels: C.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.by_channel = nn.Sequential(
            nn.Linear(4 * channels, 4 * channels), nn.ReLU(), nn.Linear(4 * channels, 2 * channels)
        )
        self.by_pixel = nn.Sequential(nn.Conv2d(2 * channels, channels, 1), nn.ReLU(), nn.Conv2d(channels, 2, 1))

    def forward(self, optical: Tensor, sar: Tensor) -> tuple[Tensor, Tensor]:
        """(B, C, H, W) twice -> both corrected."""
        stack = torch.cat([optical, sar], dim=1)
        w1, w2 = self.by_channel(pool_both(stack)).sigmoid()[..., None, None].chunk(2, dim=1)
        m1, m2 = self.by_pixel(stack).sigmoid().chunk(2, dim=1)
        return optical + RECTIFY * (w2 + m2) * sar, sar + RECTIFY * (w1 + m1) * optical


class FeatureFusion(nn.Module):
    """FFM of CMX: both sensors exchange their global contexts by linear cross-attention, then are mixed.

    Zhang et al. 2023: [y_i, u_i] = split(ReLU(P_i x_i)), q_i = u_i, (k_i, v_i) = L_i u_i,
    G_i = softmax(k_i^T v_i / sqrt D), a_1 = q_1 G_2, a_2 = q_2 G_1, o_i = LN(x_i + E_i [y_i; a_i]),
    M = [o1; o2], out = BN(R M + BN(1x1 ReLU DW3x3 1x1 M)).

    Args:
        channels: C.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.heads = next(n for n in range(max(1, channels // FFM_HEAD), 0, -1) if channels % n == 0)
        self.split = nn.ModuleList(nn.Linear(channels, 2 * channels) for _ in range(2))
        self.rectifiers = nn.ModuleList(nn.ReLU() for _ in range(2))
        self.key_value = nn.ModuleList(nn.Linear(channels, 2 * channels, bias=False) for _ in range(2))
        self.end = nn.ModuleList(nn.Linear(2 * channels, channels) for _ in range(2))
        self.norms = nn.ModuleList(nn.LayerNorm(channels) for _ in range(2))
        self.residual = nn.Conv2d(2 * channels, channels, 1, bias=False)
        self.mix = nn.Sequential(
            nn.Conv2d(2 * channels, channels, 1),
            nn.Conv2d(channels, channels, 3, padding=1, groups=channels),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 1),
            nn.BatchNorm2d(channels),
        )
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, optical: Tensor, sar: Tensor) -> Tensor:
        """(B, C, H, W) twice -> (B, C, H, W)."""
        height, width = optical.shape[2:]
        tokens = [x.flatten(2).transpose(1, 2) for x in (optical, sar)]
        kept, asked = zip(*(self._project(side, x) for side, x in enumerate(tokens)), strict=True)
        contexts = [self._summarise(side, u) for side, u in enumerate(asked)]
        read = [self._join(self._heads(asked[side]) @ contexts[1 - side]) for side in range(2)]
        outputs = [
            self.norms[side](tokens[side] + self.end[side](torch.cat([kept[side], read[side]], dim=-1)))
            for side in range(2)
        ]
        mixed = torch.cat(outputs, dim=-1).transpose(1, 2).reshape(optical.shape[0], -1, height, width)
        fused: Tensor = self.norm(self.residual(mixed) + self.mix(mixed))
        return fused

    def _project(self, side: int, tokens: Tensor) -> tuple[Tensor, Tensor]:
        kept, asked = self.rectifiers[side](self.split[side](tokens)).chunk(2, dim=-1)
        return kept, asked

    def _summarise(self, side: int, asked: Tensor) -> Tensor:
        """(B, N, C) -> (B, heads, D, D): what a sensor offers, whatever the number of pixels."""
        keys, values = (self._heads(part) for part in self.key_value[side](asked).chunk(2, dim=-1))
        context: Tensor = (keys.transpose(-1, -2) @ values * keys.shape[-1] ** -0.5).softmax(dim=-2)
        return context

    def _heads(self, tokens: Tensor) -> Tensor:
        """(B, N, C) -> (B, heads, N, D)."""
        return tokens.reshape(*tokens.shape[:2], self.heads, -1).transpose(1, 2)

    def _join(self, tokens: Tensor) -> Tensor:
        """(B, heads, N, D) -> (B, N, C)."""
        return tokens.transpose(1, 2).flatten(2)


class SemanticFocusing(nn.Module):
    """SFM of ASANet: each sensor is amplified where it differs from the other.

    Zhang et al. 2024: a1 = s(W2 GELU(W1 GMP(x1 - x2))), a2 with x2 - x1 and the same W, x_i' = x_i (1 + a_i).

    Args:
        channels: C.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        narrow = max(1, channels // SFM_REDUCTION)
        self.weigh = nn.Sequential(nn.Linear(channels, narrow), nn.GELU(), nn.Linear(narrow, channels))

    def forward(self, optical: Tensor, sar: Tensor) -> tuple[Tensor, Tensor]:
        """(B, C, H, W) twice -> both focused."""
        difference = optical - sar
        a1 = self.weigh(difference.amax(dim=(2, 3))).sigmoid()[..., None, None]
        a2 = self.weigh((-difference).amax(dim=(2, 3))).sigmoid()[..., None, None]
        return optical * (1 + a1), sar * (1 + a2)


class CascadeFusion(nn.Module):
    """CFM of ASANet: sensors are selected per channel, then per pixel.

    Zhang et al. 2024: F = 1x1 [x1; x2], t_i = s(MLP_i(GAP F)), x~_i = t_i x_i, G = 1x1 [x~1; x~2],
    A_i = softmax over channels of 1x1_i(G) per pixel, out = A_1 x~1 + A_2 x~2.

    Args:
        channels: C.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        narrow = max(1, channels // SFM_REDUCTION)
        self.stack = nn.Conv2d(2 * channels, channels, 1)
        self.by_channel = nn.ModuleList(
            nn.Sequential(nn.Linear(channels, narrow), nn.ReLU(), nn.Linear(narrow, channels)) for _ in range(2)
        )
        self.restack = nn.Conv2d(2 * channels, channels, 1)
        self.by_pixel = nn.ModuleList(nn.Conv2d(channels, channels, 1) for _ in range(2))

    def forward(self, optical: Tensor, sar: Tensor) -> Tensor:
        """(B, C, H, W) twice -> (B, C, H, W)."""
        pooled = self.stack(torch.cat([optical, sar], dim=1)).mean(dim=(2, 3))
        kept = [
            weigh(pooled).sigmoid()[..., None, None] * features
            for weigh, features in zip(self.by_channel, (optical, sar), strict=True)
        ]
        joint = self.restack(torch.cat(kept, dim=1))
        first, second = (
            weigh(joint).softmax(dim=1) * features for weigh, features in zip(self.by_pixel, kept, strict=True)
        )
        fused: Tensor = first + second
        return fused


class AtrousPyramid(nn.Module):
    """Atrous spatial pyramid pooling (Chen et al. 2018): 1x1, three dilated 3x3 and the mean of the tile.

    Args:
        channels: C of the input.
        width: C of the output.
        rates: Dilations of the 3x3 convolutions.
    """

    def __init__(self, channels: int, width: int, rates: tuple[int, ...] = (2, 4, 6)) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            _dilated(channels, width, kernel, rate) for kernel, rate in ((1, 1), *((3, rate) for rate in rates))
        )
        self.overall = nn.Sequential(nn.Conv2d(channels, width, 1), nn.ReLU())
        self.project = _dilated((2 + len(rates)) * width, width, 1, 1)

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, width, H, W)."""
        overall = self.overall(features.mean(dim=(2, 3), keepdim=True)).expand(-1, -1, *features.shape[2:])
        pooled: Tensor = self.project(torch.cat([*(branch(features) for branch in self.branches), overall], dim=1))
        return pooled


class AtrousDecoder(nn.Module):
    """Decoder of DeepLabV3+ with a second entry (Berka 2025).

    The coarsest stages of both sensors are brought to stride 16 by transposed convolutions and stacked; atrous pyramid
    pooling reads the stack. Then the usual: four times up, stacked with the optical stage at stride 4, two 3x3
    convolutions, four times up.

    Args:
        channels: Channels of the six strides 1, 2, 4, 8, 16, 32.
        width: Channels of the decoder.
        classes: K.
    """

    def __init__(self, channels: tuple[int, ...], width: int, classes: int) -> None:
        super().__init__()
        fine, middle, coarsest = channels[2], channels[4], channels[5]
        self.enter = nn.ModuleList(nn.ConvTranspose2d(coarsest, middle, 2, stride=2) for _ in range(2))
        self.pyramid = AtrousPyramid(2 * middle, width)
        self.low = _dilated(fine, max(1, width // 2), 1, 1)
        self.refine = nn.Sequential(_dilated(width + max(1, width // 2), width, 3, 1), _dilated(width, width, 3, 1))
        self.head = nn.Conv2d(width, classes, 1)

    def forward(self, optical: list[Tensor], sar: list[Tensor]) -> Tensor:
        """(B, K, H, W) logits from six tensors of each sensor, finest first."""
        entered = [enter(features[-1]) for enter, features in zip(self.enter, (optical, sar), strict=True)]
        pooled = self.pyramid(torch.cat(entered, dim=1))
        fine = optical[2]
        raised = F.interpolate(pooled, size=fine.shape[2:], mode="bilinear", align_corners=False)
        logits = self.head(self.refine(torch.cat([raised, self.low(fine)], dim=1)))
        return F.interpolate(logits, size=optical[0].shape[2:], mode="bilinear", align_corners=False)


def _dilated(channels: int, width: int, kernel: int, rate: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, width, kernel, padding=rate * (kernel // 2), dilation=rate, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(),
    )
