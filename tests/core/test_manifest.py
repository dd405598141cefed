"""A manifest survives the disk, and a damaged one is refused as a checkpoint."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from claire.core.classes import FLOOD
from claire.core.errors import CheckpointError
from claire.core.manifest import InputSpec, Manifest

OPTICAL = InputSpec(("B3", "B8"), "uint8", (0.1, 0.2), (1.0, 2.0), ((0,), (1,)), "Sentinel-2")
SAR = InputSpec(("VV",), "db", (-12.0,), (4.0,), ((0,),))
MANIFEST = Manifest(
    "tiny",
    "A tiny one",
    "flood",
    OPTICAL,
    SAR,
    {"width": 8, "stages": [1, 2]},
    {"fused": 1.25, "optical": 1.0, "sar": 0.5},
    "ab" * 32,
    {"fused": {"clear": {"miou": 0.5}}},
    {"seed": 3},
    ("Not for snow.",),
    ("Shadows.",),
)


def test_a_manifest_comes_back_from_disk_as_it_was(tmp_path: Path) -> None:
    MANIFEST.write(tmp_path / "m.json")
    assert Manifest.read(tmp_path / "m.json") == MANIFEST
    assert MANIFEST.class_scheme is FLOOD


@pytest.mark.parametrize(
    "change",
    [
        {"version": 99},
        {"optical": 3},
        {"optical": {"bands": ["B3"]}},
        {"strange": 1},
        {"sar": {"bands": ["VV"], "unit": "db", "mean": [0.0], "std": [0.0], "dates": [[0]]}},
        {"sar": {"bands": ["VV"], "unit": "db", "mean": [0.0, 1.0], "std": [1.0], "dates": [[0]]}},
        {"sar": {"bands": ["VV"], "unit": "db", "mean": [0.0], "std": [1.0], "dates": [[0, 0]]}},
        {"limits": None},
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    path = tmp_path / "m.json"
    MANIFEST.write(path)
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(CheckpointError) as caught:
        Manifest.read(path)
    assert caught.value.hint
    assert str(tmp_path) not in caught.value.message


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff\xfe", b'{"version": 1}'])
def test_what_is_not_a_manifest_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "m.json").write_bytes(content)
    with pytest.raises(CheckpointError):
        Manifest.read(tmp_path / "m.json")


def test_a_missing_manifest_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="missing"):
        Manifest.read(tmp_path / "m.json")


def test_numbers_that_json_does_not_know_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        replace(MANIFEST, temperature={"fused": float("nan")}).write(tmp_path / "m.json")


@pytest.mark.parametrize(
    ("optical", "sar", "swapped"),
    [
        (("B3", "B8"), ("VV",), False),
        (("VV",), ("b03", "B8"), True),
        (("band1",), ("band1", "band2"), True),
        (("band1", "band2"), ("band1",), False),
        (("x",), ("y", "z"), False),
        (("B3", "B8", "VV"), ("B3", "B8", "VV"), False),
    ],
)
def test_files_that_fit_the_other_way_round_are_known(
    optical: tuple[str, ...], sar: tuple[str, ...], swapped: bool
) -> None:
    assert MANIFEST.fits_swapped(optical, sar) is swapped
