"""Which checkpoints a folder holds, without torch: a list must not wait for the networks behind it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from claire.core.errors import CheckpointError, UnknownNameError
from claire.core.manifest import Manifest
from claire.core.provenance import compute_sha256

WEIGHTS_SUFFIX, MANIFEST_SUFFIX = ".safetensors", ".json"
Status = Literal["ready", "missing weights", "altered", "unreadable manifest"]


@dataclass(frozen=True)
class ModelEntry:
    """One line of the list of models.

    Args:
        name: Checkpoint name.
        kind: "segmenter".
        status: "ready" when the weights are there and have the manifest's sha256.
        sha256: Of the weights; empty when they are missing.
        manifest: None when it cannot be read.
    """

    name: str
    kind: str
    status: Status
    sha256: str
    manifest: Manifest | None


def find_manifest(name: str, folder: Path) -> Path:
    """Path of the manifest of a checkpoint.

    Raises:
        UnknownNameError: No such checkpoint; lists the right names.
    """
    known = [path.stem for path in folder.glob(f"*{MANIFEST_SUFFIX}")]
    if name not in known:
        raise UnknownNameError.among("model", name, known)
    return folder / f"{name}{MANIFEST_SUFFIX}"


def list_checkpoints(folder: Path) -> tuple[ModelEntry, ...]:
    """Every manifest of a folder, verified against its weights by hash; never raises for a bad one."""
    return tuple(_describe(path) for path in sorted(folder.glob(f"*{MANIFEST_SUFFIX}"), key=lambda p: p.stem))


def _describe(path: Path) -> ModelEntry:
    weights = path.with_suffix(WEIGHTS_SUFFIX)
    sha256 = compute_sha256(weights) if weights.is_file() else ""
    try:
        manifest = Manifest.read(path)
        _ = manifest.class_scheme
    except (CheckpointError, UnknownNameError):
        return ModelEntry(path.stem, "segmenter", "unreadable manifest", sha256, None)
    status: Status = "missing weights" if not sha256 else "ready" if sha256 == manifest.sha256 else "altered"
    return ModelEntry(path.stem, "segmenter", status, sha256, manifest)
