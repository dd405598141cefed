"""A network of the real class family with random weights, small enough to run in milliseconds: whole, not good."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from claire.core.manifest import InputSpec, Manifest
from claire.data.examples import OPTICAL_BANDS, SAR_BANDS, generate_flood_pair
from claire.data.preparing import prepare
from claire.models.checkpoint import save_checkpoint
from claire.models.network import NetworkConfig, build_network

SHAPE: dict[str, Any] = {
    "widths": (8, 8, 16, 16),
    "depths": (1, 1, 1, 1),
    "stem": 4,
    "decoder": 8,
    "auxiliary": 8,
    "head_width": 8,
}


def describe_tiny(name: str = "tiny", fusion: str = "cmaf") -> Manifest:
    """Manifest of a network that reads the generated pairs and tells background from flood."""
    return Manifest(
        name=name,
        title="Random weights",
        scheme="flood",
        optical=InputSpec(OPTICAL_BANDS, "uint8", (80.0,) * 6, (30.0,) * 6, ((0, 1, 2), (3, 4, 5)), "generated"),
        sar=InputSpec(SAR_BANDS, "uint8", (130.0,) * 2, (40.0,) * 2, ((0,), (1,)), "generated"),
        network={"optical_bands": 6, "sar_bands": 2, "classes": 2, "fusion": fusion, **SHAPE},
        temperature={"fused": 1.7, "optical": 0.6, "sar": 1.0},
    )


def save_tiny(folder: Path, name: str = "tiny", *, fusion: str = "cmaf", seed: int = 0) -> Path:
    """Write such a checkpoint; returns the path of its weights."""
    manifest = describe_tiny(name, fusion)
    torch.manual_seed(seed)
    network = build_network(NetworkConfig.from_mapping(manifest.network)).eval()
    _balance(network, manifest)
    return save_checkpoint(network, manifest, folder)


def _balance(network: torch.nn.Module, manifest: Manifest) -> None:
    """Shift the heads so that each map shows both classes on half of a generated tile."""
    prepared, _ = prepare(generate_flood_pair(seed=7, size=64), manifest)
    arrays = (prepared.optical, prepared.sar, prepared.optical_valid, prepared.sar_valid)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
        logits = network(*(torch.from_numpy(array.astype("float32"))[None] for array in arrays)).logits
        for mode, values in logits.items():
            part = getattr(network, f"{mode}_head", None) or network.get_submodule("decoder")
            part.head.bias[1] += (values[:, 0] - values[:, 1]).median()
