"""Names -> models ready to run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from claire.core.manifest import Manifest
from claire.core.settings import Settings
from claire.models.catalogue import ModelEntry, find_manifest, list_checkpoints

if TYPE_CHECKING:
    from claire.inference.engine import TorchSegmenter

DEFAULT_MODEL = "claire-flood"


def load_model(name: str = DEFAULT_MODEL, settings: Settings | None = None) -> TorchSegmenter:
    """Load a checkpoint by name, verified.

    Raises:
        UnknownNameError: No such checkpoint; lists the right names.
        CheckpointError: Weights missing, altered or not fitting.

    Example:
        >>> load_model("claire-flood").manifest.class_scheme.names  # doctest: +SKIP
        ('background', 'flood')
    """
    limits = settings or Settings.from_environment()
    find_manifest(name, limits.checkpoints)  # a wrong name is said before torch is loaded
    from claire.inference.engine import TorchSegmenter, place_network
    from claire.models.checkpoint import load_checkpoint
    from claire.models.network import STRIDE

    network, manifest = load_checkpoint(name, limits.checkpoints, limits)
    return TorchSegmenter(place_network(network), manifest, manifest.sha256, STRIDE, limits)


def read_manifest(name: str, settings: Settings | None = None) -> Manifest:
    """What a checkpoint says of itself, without its weights.

    Raises:
        UnknownNameError: No such checkpoint; lists the right names.
        CheckpointError: The manifest cannot be read.
    """
    limits = settings or Settings.from_environment()
    return Manifest.read(find_manifest(name, limits.checkpoints), limits)


def list_models(settings: Settings | None = None) -> tuple[ModelEntry, ...]:
    """Every checkpoint of the checkpoints folder with its status."""
    return list_checkpoints((settings or Settings.from_environment()).checkpoints)


def import_model(
    file: Path, manifest: Path, *, allow_pickle: bool = False, settings: Settings | None = None
) -> ModelEntry:
    """Check weights from elsewhere against their manifest and add them to the checkpoints folder.

    Args:
        file: Weights.
        manifest: Their manifest.
        allow_pickle: Also open archives of `torch.save`.
        settings: Limits and the checkpoints folder.

    Raises:
        InputError: A file that is missing, of another kind, or a name that is taken.
        CheckpointError: Damaged, or not fitting.
    """
    from claire.models.foreign import import_checkpoint

    limits = settings or Settings.from_environment()
    stored = import_checkpoint(file, manifest, limits.checkpoints, allow_pickle=allow_pickle, settings=limits)
    return next(entry for entry in list_models(limits) if entry.name == stored.name)
