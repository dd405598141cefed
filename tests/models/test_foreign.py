"""Weights from elsewhere: tensors come in, programs do not, and a pickle only with leave."""

from __future__ import annotations

import io
import json
import os
import pickle
import shutil
import zipfile
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from claire.core.errors import CheckpointError, ClaireError, FormatError, InputError, MissingFileError
from claire.core.manifest import Manifest
from claire.core.settings import Settings
from claire.models.checkpoint import load_checkpoint
from claire.models.foreign import import_checkpoint
from tests.tiny_model import save_tiny


class Attack:
    """Unpickled, it writes a file."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.canary}",)


@pytest.fixture
def given(tmp_path: Path) -> Path:
    """A folder with `tiny.safetensors` and `tiny.json` from elsewhere."""
    save_tiny(tmp_path / "given")
    return tmp_path / "given"


def tensors_of(given: Path) -> dict[str, torch.Tensor]:
    return load_file(given / "tiny.safetensors")


def bring(given: Path, name: str, folder: Path, **more: Any) -> Manifest:
    return import_checkpoint(given / name, given / "tiny.json", folder, **more)


@pytest.mark.parametrize(
    ("name", "wrap"),
    [
        ("w.pt", dict),
        ("w.pth", lambda t: {f"module.{k}": v for k, v in t.items()}),
        (
            "w.ckpt",
            lambda t: {"state_dict": {f"network.{k}": v for k, v in t.items()} | {"loss.weight": torch.ones(2)}},
        ),
        ("w.pkl", lambda t: {k: v.double() if v.is_floating_point() else v for k, v in t.items()}),
    ],
)
def test_a_pickle_with_leave_becomes_safetensors(given: Path, tmp_path: Path, name: str, wrap: Any) -> None:
    torch.save(wrap(tensors_of(given)), given / name)
    manifest = bring(given, name, tmp_path / "own", allow_pickle=True)
    assert sorted(path.name for path in (tmp_path / "own").iterdir()) == ["tiny.json", "tiny.safetensors"]
    assert (tmp_path / "own/tiny.safetensors").read_bytes() == (given / "tiny.safetensors").read_bytes()
    assert load_checkpoint("tiny", tmp_path / "own")[1] == manifest == Manifest.read(given / "tiny.json")


def test_safetensors_need_no_leave_and_an_old_manifest_gains_what_it_lacked(given: Path, tmp_path: Path) -> None:
    old = json.loads((given / "tiny.json").read_text(encoding="utf-8"))
    wanted = old.pop("tensors"), old.pop("golden")
    (given / "tiny.json").write_text(json.dumps(old), encoding="utf-8")
    bring(given, "tiny.safetensors", tmp_path / "own")
    new = json.loads((tmp_path / "own/tiny.json").read_text(encoding="utf-8"))
    assert (new["tensors"], new["golden"]) == wanted


@pytest.mark.parametrize("name", ["w.pt", "w.pth", "w.ckpt", "w.pkl", "w.PT"])
def test_a_pickle_without_leave_is_not_opened(given: Path, tmp_path: Path, name: str) -> None:
    canary = tmp_path / "canary"
    torch.save({"a": Attack(canary)}, given / name)
    with pytest.raises(FormatError, match="can run code") as caught:
        bring(given, name, tmp_path / "own")
    assert "--allow-pickle" in caught.value.hint
    assert not canary.exists()
    assert not (tmp_path / "own").exists()


def test_code_in_a_pickle_does_not_run_even_with_leave(given: Path, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    torch.save({"a": Attack(canary)}, given / "zip.pt")
    torch.save({"a": Attack(canary)}, given / "legacy.pt", _use_new_zipfile_serialization=False)
    (given / "plain.pkl").write_bytes(pickle.dumps({"a": Attack(canary)}))
    for name in ("zip.pt", "legacy.pt", "plain.pkl"):
        with pytest.raises(CheckpointError, match="plain tensors"):
            bring(given, name, tmp_path / "own", allow_pickle=True)
    assert not canary.exists()


@pytest.mark.parametrize("suffix", [".pt2", ".onnx", ".bin", ".h5", ".npz", ".zip", ".py", ""])
def test_other_kinds_are_never_opened_whatever_is_allowed(given: Path, tmp_path: Path, suffix: str) -> None:
    shutil.copy(given / "tiny.safetensors", given / f"w{suffix}")
    with pytest.raises(FormatError, match="no weights file"):
        bring(given, f"w{suffix}", tmp_path / "own", allow_pickle=True)


@pytest.mark.parametrize(
    "member", ["a/constants.pkl", "a/code/__torch__.py", "a/archive_format", "constants.pkl", "code/x.py"]
)
def test_programs_under_the_suffix_of_weights_are_never_opened(given: Path, tmp_path: Path, member: str) -> None:
    torch.save(tensors_of(given), given / "w.pt")
    with zipfile.ZipFile(given / "w.pt", "a") as archive:
        archive.writestr(member, b"x")
    with pytest.raises(FormatError, match="program"):
        bring(given, "w.pt", tmp_path / "own", allow_pickle=True)


def test_torchscript_itself_is_never_opened(given: Path, tmp_path: Path) -> None:
    stream = io.BytesIO()
    with pytest.warns(DeprecationWarning, match="torch.jit"):
        torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), stream)
    (given / "w.pt").write_bytes(stream.getvalue())
    with pytest.raises(FormatError, match="program"):
        bring(given, "w.pt", tmp_path / "own", allow_pickle=True)


@pytest.mark.parametrize(
    "content",
    [
        {},
        [torch.ones(2)],
        torch.ones(2),
        {"a": 3},
        {3: torch.ones(2)},
        {"a": torch.ones(2, dtype=torch.complex64)},
        {"a": torch.ones(2, 2).to_sparse()},
        {"state_dict": {"a": {"b": torch.ones(2)}}},
    ],
)
def test_what_is_no_mapping_of_plain_tensors_is_refused(given: Path, tmp_path: Path, content: object) -> None:
    torch.save(content, given / "w.pt")
    with pytest.raises(CheckpointError, match="plain tensors"):
        bring(given, "w.pt", tmp_path / "own", allow_pickle=True)


def test_a_tensor_that_is_large_only_in_its_shape_is_refused(given: Path, tmp_path: Path) -> None:
    torch.save({"a": torch.zeros(1).expand(10**12)}, given / "w.pt")
    with pytest.raises(CheckpointError, match="limits"):
        bring(given, "w.pt", tmp_path / "own", allow_pickle=True)


def test_archives_above_the_limits_or_packed_are_refused(given: Path, tmp_path: Path) -> None:
    torch.save(tensors_of(given), given / "w.pt")
    for limits in (Settings(max_weights_bytes=10_000), Settings(max_tensors=10)):
        with pytest.raises(CheckpointError, match="limits"):
            bring(given, "w.pt", tmp_path / "own", allow_pickle=True, settings=limits)
    with (
        zipfile.ZipFile(given / "w.pt") as archive,
        zipfile.ZipFile(given / "p.pt", "w", zipfile.ZIP_DEFLATED) as packed,
    ):
        for member in archive.namelist():
            packed.writestr(member, archive.read(member))
    with pytest.raises(CheckpointError, match="damaged"):
        bring(given, "p.pt", tmp_path / "own", allow_pickle=True)


def test_weights_of_another_network_or_with_nan_are_not_stored(given: Path, tmp_path: Path) -> None:
    tensors = tensors_of(given)
    first = next(iter(tensors))
    for other in ({**tensors, "more": torch.ones(1)}, {**tensors, first: tensors[first] * torch.nan}):
        torch.save(other, given / "w.pt")
        with pytest.raises(CheckpointError, match="do not fit"):
            bring(given, "w.pt", tmp_path / "own", allow_pickle=True)
    assert not (tmp_path / "own").exists()


def test_other_weights_than_the_golden_tile_remembers_are_not_stored(given: Path, tmp_path: Path) -> None:
    other = save_tiny(tmp_path / "other", seed=1)
    with pytest.raises(CheckpointError, match="map that its manifest records"):
        import_checkpoint(other, given / "tiny.json", tmp_path / "own")


def test_a_name_that_is_taken_stays_as_it_was(given: Path, tmp_path: Path) -> None:
    before = save_tiny(tmp_path / "own", seed=1).read_bytes()
    with pytest.raises(InputError, match="already"):
        bring(given, "tiny.safetensors", tmp_path / "own")
    assert (tmp_path / "own/tiny.safetensors").read_bytes() == before


def test_a_missing_file_and_a_missing_manifest_are_said(given: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"w\.pt"):
        bring(given, "w.pt", tmp_path / "own")
    (given / "tiny.json").unlink()
    with pytest.raises(CheckpointError, match="missing"):
        bring(given, "tiny.safetensors", tmp_path / "own")


def test_an_old_torch_opens_no_pickles(given: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.save(tensors_of(given), given / "w.pt")
    monkeypatch.setattr(metadata, "version", lambda package: "2.9.1")
    with pytest.raises(CheckpointError, match="too old"):
        bring(given, "w.pt", tmp_path / "own", allow_pickle=True)


def test_altered_archives_are_a_sentence_or_the_same_tensors(given: Path, tmp_path: Path) -> None:
    content = io.BytesIO()
    torch.save({"a": torch.ones(3), "b": torch.arange(2)}, content)
    rng = np.random.default_rng(0)
    for _ in range(150):
        other = bytearray(content.getvalue())
        for place in rng.integers(0, len(other), 3):
            other[place] = rng.integers(0, 256)
        (given / "w.pt").write_bytes(other[: rng.integers(1, len(other))] if rng.random() < 0.2 else other)
        with pytest.raises(ClaireError):
            bring(given, "w.pt", tmp_path / "own", allow_pickle=True)


def test_the_manifest_of_an_imported_checkpoint_carries_its_own_name_only(given: Path, tmp_path: Path) -> None:
    manifest = Manifest.read(given / "tiny.json")
    replace(manifest, name="renamed").write(given / "tiny.json")
    assert bring(given, "tiny.safetensors", tmp_path / "own").name == "renamed"
    assert sorted(path.stem for path in (tmp_path / "own").iterdir()) == ["renamed", "renamed"]
    assert str(tmp_path) not in (tmp_path / "own/renamed.json").read_text(encoding="utf-8")
