"""CMAF: cross-modality attention fusion of one stage.

Two parts, both open to inspection. Cross-attention lets each sensor read the other over a small grid, at a cost
linear in the pixels. The trust gate then decides per pixel and channel group how much each sensor counts; the two
shares sum to 1. A sensor that saw nothing is masked out of both. The paper (arXiv 2509.11952) names the module
without equations; these are ours.

Legend: B batch, C channels, H height, W width, N heads, Q = H W queries, L = cells of the grid, G channel groups.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

MASKED = -1e4
"""Logit of what must not count; finite, so that a row with nothing left stays finite."""


@dataclass(frozen=True)
class StageInspection:
    """What one CMAF stage did.

    Args:
        trust_B2HW: Share of trust (optical, SAR), mean over groups; sums to 1.
        optical_to_sar_BNQL: Attention of optical pixels over the SAR grid, rows sum to 1; None unless inspected.
        sar_to_optical_BNQL: The other direction.
    """

    trust_B2HW: Tensor
    optical_to_sar_BNQL: Tensor | None = None
    sar_to_optical_BNQL: Tensor | None = None


class CrossAttention(nn.Module):
    """One sensor asks, the other answers from a pooled grid.

    Args:
        channels: C, a multiple of `heads`.
        heads: N.
        grid: Cells per side of the pooled keys and values (fewer where the stage itself is smaller).
    """

    def __init__(self, channels: int, heads: int, grid: int) -> None:
        super().__init__()
        self.heads, self.grid = heads, grid
        self.norm_query, self.norm_key = nn.GroupNorm(1, channels), nn.GroupNorm(1, channels)
        self.query = nn.Conv2d(channels, channels, 1)
        self.key_value = nn.Conv2d(channels, 2 * channels, 1)
        self.project = nn.Conv2d(channels, channels, 1)
        self.scale = nn.Parameter(torch.full((channels, 1, 1), 0.1))

    def forward(
        self, asking: Tensor, other: Tensor, other_usable: Tensor, inspect: bool
    ) -> tuple[Tensor, Tensor | None]:
        """Read the other sensor.

        Args:
            asking: (B, C, H, W) features of the asking sensor.
            other: (B, C, H, W) features of the other.
            other_usable: (B, 1, H, W) in 0..1, share of the pixel that the other sensor saw.
            inspect: Also return the attention.

        Returns:
            `asking` plus what was read, and (B, N, Q, L) attention or None.
        """
        batch, channels, height, width = asking.shape
        size = (min(self.grid, height), min(self.grid, width))
        share = F.adaptive_avg_pool2d(other_usable, size)
        pooled = F.adaptive_avg_pool2d(self.norm_key(other) * other_usable, size) / share.clamp_min(1e-3)
        keys, values = self._split(self.key_value(pooled)).chunk(2, dim=-1)
        queries = self._split(self.query(self.norm_query(asking)))
        blocked = torch.where(share > 0, 0.0, MASKED).to(queries.dtype).flatten(2).unsqueeze(2)
        if inspect:
            logits = queries @ keys.transpose(-1, -2) * queries.shape[-1] ** -0.5
            attention = (logits + blocked).softmax(dim=-1)
            read = attention @ values
        else:
            attention = None
            read = F.scaled_dot_product_attention(queries, keys, values, attn_mask=blocked)
        read = read.transpose(-1, -2).reshape(batch, channels, height, width)
        anything = other_usable.amax(dim=(2, 3), keepdim=True).gt(0).to(read.dtype)
        return asking + self.scale * self.project(read) * anything, attention

    def _split(self, features: Tensor) -> Tensor:
        """(B, C, h, w) -> (B, N, h w, C / N)."""
        batch, channels = features.shape[:2]
        return features.reshape(batch, self.heads, channels // self.heads, -1).transpose(-1, -2)


class TrustGate(nn.Module):
    """Which sensor to believe, per pixel and channel group.

    Args:
        channels: C, a multiple of `groups`.
        groups: G.
    """

    def __init__(self, channels: int, groups: int) -> None:
        super().__init__()
        self.groups = groups
        self.score = nn.Conv2d(2 * channels + 2, 2 * groups, 1)

    def forward(self, optical: Tensor, sar: Tensor, usable: Tensor) -> Tensor:
        """Shares of trust.

        Args:
            optical: (B, C, H, W).
            sar: (B, C, H, W).
            usable: (B, 2, H, W), 1 where the sensor saw anything, 0 where not.

        Returns:
            (B, 2, G, H, W), sums to 1 over dim 1; a sensor that saw nothing has 0 unless neither saw anything.
        """
        batch, _, height, width = optical.shape
        logits = self.score(torch.cat([optical, sar, usable], dim=1)).view(batch, 2, self.groups, height, width)
        shares: Tensor = (logits + MASKED * (1 - usable.unsqueeze(2))).softmax(dim=1)
        return shares


class CMAF(nn.Module):
    """Fuse the two sensors at one stage.

    Args:
        channels: C.
        heads: Attention heads; 0 leaves cross-attention out (fine stages, ablation).
        grid: Cells per side of the pooled grid.
        groups: Channel groups of the gate; 0 leaves the gate out and averages the usable sensors (ablation).
        refine: Add a learnt mixture of both to the weighed sum; left out at the fine strides, where it costs most.
    """

    def __init__(self, channels: int, heads: int, grid: int, groups: int, refine: bool = True) -> None:
        super().__init__()
        self.optical_reads = CrossAttention(channels, heads, grid) if heads else None
        self.sar_reads = CrossAttention(channels, heads, grid) if heads else None
        self.gate = TrustGate(channels, groups) if groups else None
        self.refine = (
            nn.Sequential(
                nn.Conv2d(2 * channels, channels, 1, bias=False),
                nn.BatchNorm2d(channels),
                nn.ReLU(),
                nn.Conv2d(channels, channels, 1),
            )
            if refine
            else None
        )

    def forward(
        self, optical: Tensor, sar: Tensor, share: Tensor, inspect: bool = False
    ) -> tuple[Tensor, StageInspection]:
        """Fused features.

        Args:
            optical: (B, C, H, W).
            sar: (B, C, H, W).
            share: (B, 2, H, W) in 0..1, share of each pixel seen by (optical, SAR).
            inspect: Also return the attention; the fused features are the same up to rounding.

        Returns:
            (B, C, H, W) fused, and what the stage did.
        """
        usable = share.gt(0).to(optical.dtype)
        to_sar = to_optical = None
        if self.optical_reads is not None and self.sar_reads is not None:
            asked_optical, to_sar = self.optical_reads(optical, sar, share[:, 1:], inspect)
            asked_sar, to_optical = self.sar_reads(sar, optical, share[:, :1], inspect)
            optical, sar = asked_optical, asked_sar
        trust_B2GHW = self._trust(optical, sar, usable)
        weight_B2GHW = trust_B2GHW * usable.unsqueeze(2)
        kept_optical, kept_sar = _weigh(optical, weight_B2GHW[:, 0]), _weigh(sar, weight_B2GHW[:, 1])
        fused = kept_optical + kept_sar
        if self.refine is not None:
            fused = fused + self.refine(torch.cat([kept_optical, kept_sar], dim=1))
        return fused, StageInspection(trust_B2GHW.mean(dim=2), to_sar, to_optical)

    def _trust(self, optical: Tensor, sar: Tensor, usable: Tensor) -> Tensor:
        if self.gate is not None:
            trust: Tensor = self.gate(optical, sar, usable)
            return trust
        return (MASKED * (1 - usable)).softmax(dim=1).unsqueeze(2)


def _weigh(features: Tensor, weight_BGHW: Tensor) -> Tensor:
    """(B, C, H, W) features times one weight per channel group."""
    batch, channels, height, width = features.shape
    groups = weight_BGHW.shape[1]
    grouped = features.reshape(batch, groups, channels // groups, height, width) * weight_BGHW.unsqueeze(2)
    return grouped.reshape(batch, channels, height, width)
