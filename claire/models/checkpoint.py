"""Checkpoint files: fp16 safetensors, a manifest beside them, nothing else; the only user of safetensors."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from claire.core.errors import CheckpointError
from claire.core.manifest import Manifest
from claire.core.provenance import compute_sha256
from claire.models.catalogue import MANIFEST_SUFFIX, WEIGHTS_SUFFIX, find_manifest
from claire.models.network import Network, NetworkConfig, build_network


def save_checkpoint(network: Network, manifest: Manifest, folder: Path) -> Path:
    """Write weights (fp16) and manifest.

    Returns:
        Path of the weights.
    """
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    weights = folder / f"{manifest.name}{WEIGHTS_SUFFIX}"
    partial = weights.with_suffix(".part")
    tensors = {
        name: (value.half() if value.is_floating_point() else value).contiguous()
        for name, value in network.state_dict().items()
    }
    save_file(tensors, partial)
    partial.chmod(0o644)
    partial.replace(weights)
    replace(manifest, sha256=compute_sha256(weights)).write(folder / f"{manifest.name}{MANIFEST_SUFFIX}")
    return weights


def load_checkpoint(name: str, folder: Path) -> tuple[Network, Manifest]:
    """The network of a checkpoint, float32, in evaluation mode, and its manifest.

    Raises:
        UnknownNameError: No such checkpoint; lists the right names.
        CheckpointError: Weights missing, altered, not finite, or not fitting the manifest.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    manifest = Manifest.read(find_manifest(name, folder))
    weights = folder / f"{name}{WEIGHTS_SUFFIX}"
    if not weights.is_file():
        raise CheckpointError(
            f"The weights of {name!r} are missing.", f"Put {weights.name} into the checkpoints folder."
        )
    if compute_sha256(weights) != manifest.sha256:
        raise CheckpointError(f"The weights of {name!r} are not those of its manifest.", "Fetch the checkpoint again.")
    try:
        stored = load_file(weights)
    except SafetensorError as error:
        raise CheckpointError(f"The weights of {name!r} are damaged.", "Fetch the checkpoint again.") from error
    network = build_network(NetworkConfig.from_mapping(manifest.network))
    expected = network.state_dict()
    fits = stored.keys() == expected.keys() and all(stored[k].shape == expected[k].shape for k in expected)
    if not fits or not all(bool(torch.isfinite(v).all()) for v in stored.values()):
        raise CheckpointError(f"The weights of {name!r} do not fit its manifest.", "Fetch the checkpoint again.")
    network.load_state_dict({k: v.to(expected[k].dtype) for k, v in stored.items()})
    network.eval()
    return network, manifest
