"""Weights from elsewhere become a checkpoint: safetensors at once, pickles only when the user says that they may.

Unpickling can run code. What is let in is the archive of `torch.save`, holding tensors by name, read with
`weights_only=True`. Archives that hold programs (TorchScript, `.pt2`) and ONNX are never opened.
"""

from __future__ import annotations

import pickle
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from claire.core.errors import CheckpointError, FormatError, InputError, MissingFileError
from claire.core.manifest import Manifest
from claire.core.settings import Settings
from claire.core.versions import find_outdated
from claire.models.catalogue import MANIFEST_SUFFIX, WEIGHTS_SUFFIX
from claire.models.checkpoint import fit_network, parse_weights, read_weights, save_checkpoint

PICKLE_SUFFIXES = (".pt", ".pth", ".ckpt", ".pkl")
DTYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.int64)
PREFIXES = ("network.", "module.", "model.")
"""What wrappers put before the names of a network's tensors."""

CONVERT = "Save the tensors alone, as safetensors."
DAMAGE = (
    pickle.UnpicklingError,
    zipfile.BadZipFile,
    RuntimeError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    IndexError,
    EOFError,
    OSError,
    MemoryError,
    AssertionError,
    ArithmeticError,
    struct.error,
)
"""What zipfile and torch raise on archives that are cut, altered or made to do harm."""


def import_checkpoint(
    file: Path, manifest: Path, folder: Path, *, allow_pickle: bool = False, settings: Settings | None = None
) -> Manifest:
    """Check weights against a manifest and store both; nothing is stored unless all checks pass.

    Args:
        file: Weights: safetensors, or an archive of `torch.save`.
        manifest: Their manifest; its name becomes the name of the checkpoint.
        folder: Where the checkpoint goes.
        allow_pickle: Also open archives of `torch.save`.
        settings: Limits; those of the environment when not given.

    Returns:
        The manifest as stored.

    Raises:
        MissingFileError: There is no such file.
        FormatError: A kind of file that is never opened, or a pickle without leave.
        InputError: A checkpoint of this name is there already.
        CheckpointError: Damaged, too large, not finite, or not fitting the manifest.
    """
    limits = settings or Settings.from_environment()
    called = repr(file.name[:60])
    if not file.is_file():
        raise MissingFileError(f"There is no file {called}.", "Check the spelling and the folder.")
    suffix = file.suffix.lower()
    if suffix != WEIGHTS_SUFFIX and suffix not in PICKLE_SUFFIXES:
        raise FormatError(f"{called} is no weights file that CLAIRE reads.", CONVERT)
    if suffix in PICKLE_SUFFIXES and not allow_pickle:
        raise FormatError(
            f"{called} is a pickle, which can run code when it is opened.",
            "Give safetensors, or add --allow-pickle if you trust where it comes from.",
        )
    described = Manifest.read(manifest, limits)
    if any((folder / f"{described.name}{ending}").exists() for ending in (WEIGHTS_SUFFIX, MANIFEST_SUFFIX)):
        raise InputError(
            f"There is a checkpoint called {described.name!r} already.",
            "Change the name in the manifest, or remove it.",
        )
    if suffix == WEIGHTS_SUFFIX:
        tensors: Mapping[str, Tensor] = parse_weights(read_weights(file, limits), described, limits)
    else:
        tensors = _read_pickle(file, limits)
    save_checkpoint(fit_network(tensors, described), described, folder)
    return Manifest.read(folder / f"{described.name}{MANIFEST_SUFFIX}", limits)


def _read_pickle(file: Path, limits: Settings) -> dict[str, Tensor]:
    if outdated := find_outdated(["torch"]):
        raise CheckpointError(
            f"torch {outdated['torch']} is too old to open pickles with.", "Install torch 2.10 or later."
        )
    try:
        _check_archive(file, limits)
        content = torch.load(file, map_location="cpu", weights_only=True)
        tensors = _select_tensors(content)
        count = sum(tensor.numel() for tensor in tensors.values())
    except DAMAGE as error:
        if isinstance(error, CheckpointError | FormatError):
            raise
        raise CheckpointError(f"{file.name[:60]!r} is no file of plain tensors, or damaged.", CONVERT) from error
    if len(tensors) > limits.max_tensors or 2 * count > limits.max_weights_bytes:
        raise _too_large(file)
    return tensors


def _check_archive(file: Path, limits: Settings) -> None:
    """Refuse by the table of contents, before anything is unpickled."""
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
    parts = [member.filename.split("/") for member in members]
    if any(part[-1] == "constants.pkl" or "code" in part[:-1] or "archive_format" in part[-1] for part in parts):
        raise FormatError(f"{file.name[:60]!r} holds a program (TorchScript), not weights alone.", CONVERT)
    if len(members) > limits.max_tensors or sum(member.file_size for member in members) > limits.max_weights_bytes:
        raise _too_large(file)
    if any(
        member.compress_type != zipfile.ZIP_STORED or ".." in part for member, part in zip(members, parts, strict=True)
    ):
        raise ValueError("torch.save neither compresses nor leaves its folder")


def _select_tensors(content: Any) -> dict[str, Tensor]:
    """The tensors of a network, however they were wrapped; TypeError when there are none."""
    if isinstance(content, dict) and isinstance(content.get("state_dict"), dict):
        content = content["state_dict"]
    if not isinstance(content, dict) or not content:
        raise TypeError("a mapping is wanted")
    for prefix in PREFIXES:
        if any(str(key).startswith(prefix) for key in content):
            content = {str(k).removeprefix(prefix): v for k, v in content.items() if str(k).startswith(prefix)}
    if not all(isinstance(key, str) and _is_plain(value) for key, value in content.items()):
        raise TypeError("plain tensors by name are wanted")
    return {key: value.detach() for key, value in content.items()}


def _is_plain(value: Any) -> bool:
    return (
        isinstance(value, Tensor)
        and value.layout == torch.strided
        and value.dtype in DTYPES
        and value.device.type == "cpu"
    )


def _too_large(file: Path) -> CheckpointError:
    return CheckpointError(
        f"{file.name[:60]!r} holds more than the limits of weights allow.",
        "Raise CLAIRE_MAX_WEIGHTS_BYTES or CLAIRE_MAX_TENSORS if it is yours.",
    )
