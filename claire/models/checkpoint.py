"""Checkpoint files: fp16 safetensors, a manifest beside them, nothing else; the only user of safetensors.

Nothing about a file is believed: its size, hash and header are checked before the library sees it, its tensors before
a network is built, and the network by its answer to a golden tile before it is used.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from claire.core.errors import CheckpointError, UnknownNameError
from claire.core.files import appearing
from claire.core.manifest import Manifest
from claire.core.settings import Settings
from claire.models.catalogue import MANIFEST_SUFFIX, WEIGHTS_SUFFIX, find_manifest
from claire.models.golden import compute_gap, record_golden
from claire.models.header import describe_tensors, parse_header
from claire.models.network import Network, NetworkConfig, build_network

FETCH_AGAIN = "Fetch the checkpoint again."


def save_checkpoint(network: Network, manifest: Manifest, folder: Path) -> Path:
    """Write weights (fp16) and manifest, which records their hash, keys, shapes and dtypes, and the golden tile.

    Returns:
        Path of the weights.

    Raises:
        CheckpointError: A weight is not finite in half precision; nothing is written.
    """
    from safetensors.torch import save

    tensors = {
        name: (value.half() if value.is_floating_point() else value).cpu().contiguous()
        for name, value in network.state_dict().items()
    }
    if not _are_finite(tensors):
        raise CheckpointError(
            f"The weights of {manifest.name!r} are not finite numbers in half precision.", "Train with a lower rate."
        )
    content = save(tensors)
    stored = copy.deepcopy(network).cpu().float().eval()
    stored.load_state_dict(tensors)
    recorded = replace(
        manifest,
        sha256=hashlib.sha256(content).hexdigest(),
        tensors=describe_tensors(parse_header(content, Settings())),
        golden=record_golden(stored, manifest),
    )
    folder.mkdir(parents=True, exist_ok=True)
    weights = folder / f"{manifest.name}{WEIGHTS_SUFFIX}"
    with appearing(weights) as partial:
        partial.write_bytes(content)
    recorded.write(folder / f"{manifest.name}{MANIFEST_SUFFIX}")
    return weights


def load_checkpoint(name: str, folder: Path, settings: Settings | None = None) -> tuple[Network, Manifest]:
    """The network of a checkpoint, float32, in evaluation mode, and its manifest.

    Args:
        name: Of the checkpoint.
        folder: Where it lies.
        settings: Limits; those of the environment when not given.

    Raises:
        UnknownNameError: No such checkpoint; lists the right names.
        CheckpointError: Weights missing, too large, altered, not finite, not fitting the manifest, or answering to the
            golden tile otherwise than recorded. Manifests without tensors and golden tile are older; only these two
            checks are left out for them.
    """
    limits = settings or Settings.from_environment()
    manifest = Manifest.read(find_manifest(name, folder), limits)
    weights = folder / f"{name}{WEIGHTS_SUFFIX}"
    if not weights.is_file():
        raise CheckpointError(
            f"The weights of {name!r} are missing.", f"Put {weights.name} into the checkpoints folder."
        )
    content = read_weights(weights, limits)
    if hashlib.sha256(content).hexdigest() != manifest.sha256:
        raise CheckpointError(f"The weights of {name!r} are not those of its manifest.", FETCH_AGAIN)
    return fit_network(parse_weights(content, manifest, limits), manifest), manifest


def read_weights(path: Path, limits: Settings) -> bytes:
    """The bytes of a weights file within `max_weights_bytes`.

    Raises:
        CheckpointError: Too large, or it may not be read.
    """
    try:
        with path.open("rb") as stream:
            content = stream.read(limits.max_weights_bytes + 1)
    except OSError as error:
        raise CheckpointError(f"The weights {path.name[:60]!r} cannot be read.", "Check their permissions.") from error
    if len(content) > limits.max_weights_bytes:
        raise CheckpointError(
            f"The weights {path.name[:60]!r} have more than {limits.max_weights_bytes:,} bytes.",
            "Fetch the checkpoint again, or raise CLAIRE_MAX_WEIGHTS_BYTES.",
        )
    return content


def parse_weights(content: bytes, manifest: Manifest, limits: Settings) -> dict[str, Tensor]:
    """The tensors of a safetensors file.

    Raises:
        CheckpointError: Damaged, or other keys, shapes or dtypes than the manifest records.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        entries = parse_header(content, limits)
        if manifest.tensors and describe_tensors(entries) != dict(manifest.tensors):
            raise CheckpointError(f"The weights of {manifest.name!r} do not fit its manifest.", FETCH_AGAIN)
        return load(content)
    except (SafetensorError, ValueError, TypeError) as error:
        raise CheckpointError(f"The weights of {manifest.name!r} are damaged.", FETCH_AGAIN) from error


def fit_network(tensors: Mapping[str, Tensor], manifest: Manifest) -> Network:
    """The manifest's network with these weights, float32, in evaluation mode.

    Its shape is compared on torch's `meta` device, so that a manifest that asks for a huge network costs nothing.

    Raises:
        CheckpointError: They do not fit, are not finite, or give another answer to the golden tile than recorded.
    """
    name = manifest.name
    try:
        config = NetworkConfig.from_mapping(manifest.network)
        wanted = (len(manifest.optical.bands), len(manifest.sar.bands), len(manifest.class_scheme))
        with torch.device("meta"):
            network = build_network(config)
    except (UnknownNameError, ValueError) as error:
        raise CheckpointError(
            f"The manifest of {name!r} names no network or classes known here.", FETCH_AGAIN
        ) from error
    expected = network.state_dict()
    fits = tensors.keys() == expected.keys() and all(tensors[k].shape == expected[k].shape for k in expected)
    if not fits or not _are_finite(tensors) or wanted != (config.optical_bands, config.sar_bands, config.classes):
        raise CheckpointError(f"The weights of {name!r} do not fit its manifest.", FETCH_AGAIN)
    network.load_state_dict({k: v.to(expected[k].dtype) for k, v in tensors.items()}, assign=True)
    network.eval()
    if manifest.golden is not None and compute_gap(network, manifest) > 1:
        raise CheckpointError(
            f"The model {name!r} does not give the map that its manifest records: weights, bands or "
            "normalisation are not its own.",
            FETCH_AGAIN,
        )
    return network


def _are_finite(tensors: Mapping[str, Tensor]) -> bool:
    return all(bool(torch.isfinite(value).all()) for value in tensors.values())
