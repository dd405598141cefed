"""Pixels side by side, as a network of pixels reads them.

Legend: B batch, C bands, P pixels, F features.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from claire.core.bands import Mode
from claire.models.encoders import Reader, Scale
from claire.models.network import PixelNetwork

Scales = list[Scale]
"""As `Reader.look` gives it, of pixels side by side: (1, C, P, 1) each."""


def read_map(network: PixelNetwork, mode: Mode, optical: Scales, sar: Scales) -> Tensor:
    """(1, F, P, 1) features that the head of a map reads."""
    heads = network.heads
    readers: dict[Mode, list[tuple[Reader, Scales]]] = {
        "optical": [(heads.optical, optical)],
        "sar": [(heads.sar, sar)],
        "fused": [(heads.optical, optical), (heads.sar, sar)],
    }
    return torch.cat([reader.describe(scales) for reader, scales in readers[mode]], dim=1)


def list_heads(network: PixelNetwork) -> dict[Mode, nn.Module]:
    """The head of every map, the fused one first."""
    heads = network.heads
    return {"fused": heads.joint_head, "optical": heads.optical_head, "sar": heads.sar_head}
