"""A manifest survives the disk, and a damaged one is refused as a checkpoint."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from claire.core.classes import FLOOD, read_scheme
from claire.core.errors import CheckpointError
from claire.core.manifest import GoldenTile, InputSpec, Manifest
from claire.core.measured import Agreement, Cost, Measured, Reliability, RiskCoverage
from claire.core.settings import Settings

OPTICAL = InputSpec(("B3", "B8"), "uint8", (0.1, 0.2), (1.0, 2.0), ((0,), (1,)), "Sentinel-2")
SAR = InputSpec(("VV",), "db", (-12.0,), (4.0,), ((0,),))
SEES_CLOUDS = InputSpec(
    ("B2", "B3", "B4", "B8", "B11", "B12"), "reflectance_x1e4", (0.0,) * 6, (1.0,) * 6, (tuple(range(6)),), "", True
)
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
    {"stem.weight": "F16 8x3x3x3"},
    GoldenTile(
        1,
        64,
        {"optical": {"B3": (0.1, 1.0), "B8": (0.2, 2.0)}, "sar": {"VV": (-12.0, 4.0)}},
        {"fused": ((0.5, -0.5), (1.0, 2.0))},
        0.01,
    ),
    {
        "fused": Measured(
            Reliability((0.5, 0.5), (0.6, 0.9), (0.5, 1.0)),
            RiskCoverage((0.1, 0.2), 0.12),
            Agreement(((3, 1), (0, 4)), 2, (((0.1, 0.0), (0.0, 0.1)), ((0.1, 0.0), (0.0, 0.1)))),
        )
    },
    Cost(1000, 0.5, 256, 12.5, 1, "A processor, 2 cores"),
    {"7": {"fused": {"clear": {"miou": 0.6}}}},
    "Two valleys.",
    (5.0, 45.0, 6.0, 46.0),
)
BROKEN_AGREEMENT = json.loads(json.dumps(asdict(MANIFEST)["measured"]))
BROKEN_AGREEMENT["fused"]["agreement"]["covariance"][0] = [[0.1]]
UNEVEN_BINS = json.loads(json.dumps(asdict(MANIFEST)["measured"]))
UNEVEN_BINS["fused"]["reliability"]["accuracy"] = [0.5]


def test_a_manifest_comes_back_from_disk_as_it_was(tmp_path: Path) -> None:
    MANIFEST.write(tmp_path / "m.json")
    assert Manifest.read(tmp_path / "m.json") == MANIFEST
    assert MANIFEST.class_scheme is FLOOD
    screened = replace(MANIFEST, optical=SEES_CLOUDS, golden=None)
    screened.write(tmp_path / "m.json")
    assert Manifest.read(tmp_path / "m.json") == screened


def test_a_manifest_from_before_clouds_were_left_out_leaves_none_out(tmp_path: Path) -> None:
    content = asdict(MANIFEST)
    del content["optical"]["screen_clouds"]
    (tmp_path / "m.json").write_text(json.dumps(content))
    assert not Manifest.read(tmp_path / "m.json").optical.screen_clouds


def test_noise_is_left_out_of_reflectance_alone(tmp_path: Path) -> None:
    screened = replace(MANIFEST, optical=replace(SEES_CLOUDS, screen_noise=True), golden=None)
    screened.write(tmp_path / "m.json")
    assert Manifest.read(tmp_path / "m.json") == screened
    with pytest.raises(CheckpointError, match="uint8, whose contrast") as caught:
        replace(SEES_CLOUDS, unit="uint8", screen_clouds=False, screen_noise=True)
    assert "reflectance" in caught.value.hint


def test_clouds_of_a_date_without_the_bands_for_it_cannot_be_left_out() -> None:
    with pytest.raises(CheckpointError, match="cannot show them") as caught:
        replace(SEES_CLOUDS, dates=((0, 1, 2), (3, 4, 5)))
    assert "B11" in caught.value.hint


@pytest.mark.parametrize(
    "change",
    [
        {"version": 99},
        {"optical": 3},
        {"optical": {"bands": ["B3"]}},
        {"strange": 1},
        {"measured": BROKEN_AGREEMENT},
        {"measured": UNEVEN_BINS},
        {"measured": {"both": {}}},
        {"cost": {"parameters": 3}},
        {"replicas": {"1": {"fused": {"clear": {"miou": "good"}}}}},
        {"bbox": [5, 46, 6, 45]},
        {"bbox": [0, 0, 1]},
        {"extent": 3},
        {"sar": {"bands": ["VV"], "unit": "db", "mean": [0.0], "std": [0.0], "dates": [[0]]}},
        {"sar": {"bands": ["VV"], "unit": "db", "mean": [0.0, 1.0], "std": [1.0], "dates": [[0]]}},
        {"sar": {"bands": ["VV"], "unit": "db", "mean": [0.0], "std": [1.0], "dates": [[0, 0]]}},
        {"limits": None},
        {"limits": [3]},
        {"failures": "Shadows."},
        {"name": "../tiny"},
        {"name": ".hidden"},
        {"name": "x" * 61},
        {"name": None},
        {"title": ["A tiny one"]},
        {"title": "x" * 1001},
        {"sha256": "ab"},
        {"sha256": "AB" * 32},
        {"network": [1]},
        {"training": "long"},
        {"temperature": {"fused": 0}},
        {"temperature": {"fused": "1"}},
        {"temperature": {"fused": True}},
        {"temperature": {"both": 1.0}},
        {"temperature": [1.0]},
        {"scores": {"fused": {"clear": {"miou": "high"}}}},
        {"scores": {"both": {"clear": {"miou": 0.5}}}},
        {"scores": {"fused": [0.5]}},
        {"tensors": {"stem.weight": ["F16", [8]]}},
        {"tensors": ["stem.weight"]},
        {"golden": 3},
        {"golden": {"seed": 1}},
        {"golden": {"seed": 1, "size": 64, "levels": {}, "logits": {"fused": [[1.0]]}, "tolerance": 1.0}},
        {"golden": {"seed": 1, "size": 64, "levels": {"optical": {}, "sar": {}}, "logits": {}, "tolerance": 1.0}},
        {"golden": {"seed": 1, "size": 10**9, "levels": {"optical": {}, "sar": {}}, "logits": {"sar": [[1]]}}},
        {"sar": {"bands": ["VV"], "unit": "volts", "mean": [0.0], "std": [1.0], "dates": [[0]]}},
        {"sar": {"bands": [3], "unit": "db", "mean": [0.0], "std": [1.0], "dates": [[0]]}},
        {"sar": {"bands": ["VV"], "unit": "db", "mean": ["0"], "std": [1.0], "dates": [[0]]}},
        {"sar": {"bands": ["VV"], "unit": "db", "mean": [0.0], "std": [1.0], "dates": [[-1]]}},
        {"sar": {"bands": ["VV"], "unit": "db", "mean": [0.0], "std": [1.0], "dates": [[0]], "sensor": 3}},
        {"optical": {**asdict(SEES_CLOUDS), "screen_clouds": 1}},
        {"optical": {**asdict(OPTICAL), "screen_clouds": True}},
        {"optical": {**asdict(SEES_CLOUDS), "screen_noise": "yes"}},
        {"optical": {**asdict(SEES_CLOUDS), "unit": "uint8"}},
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


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[1]", b"\xff\xfe", b'{"version": 1}', b"[" * 100_000, b'{"version": 1e999}', b'{"a": 1, "a": 1}'],
)
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


def test_a_manifest_from_before_self_tests_is_read(tmp_path: Path) -> None:
    MANIFEST.write(tmp_path / "m.json")
    content = json.loads((tmp_path / "m.json").read_text())
    del content["tensors"], content["golden"]
    (tmp_path / "m.json").write_text(json.dumps(content))
    assert Manifest.read(tmp_path / "m.json") == replace(MANIFEST, tensors={}, golden=None)


def test_a_manifest_above_the_limit_is_not_parsed(tmp_path: Path) -> None:
    MANIFEST.write(tmp_path / "m.json")
    size = (tmp_path / "m.json").stat().st_size
    assert Manifest.read(tmp_path / "m.json", Settings(max_manifest_bytes=size)) == MANIFEST
    with pytest.raises(CheckpointError, match="cannot be read"):
        Manifest.read(tmp_path / "m.json", Settings(max_manifest_bytes=size - 1))


def test_a_manifest_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    MANIFEST.write(tmp_path / "m.json")
    before = (tmp_path / "m.json").read_bytes()
    with pytest.raises(ValueError, match="JSON"):
        replace(MANIFEST, temperature={"fused": float("inf")}).write(tmp_path / "m.json")
    assert (tmp_path / "m.json").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["m.json"]


def test_the_name_of_the_file_is_said_short_and_on_one_line(tmp_path: Path) -> None:
    path = tmp_path / ("x\n\u202e" + "y" * 100 + ".json")
    path.write_bytes(b"{")
    with pytest.raises(CheckpointError) as caught:
        Manifest.read(path)
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 200


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


def test_classes_of_ones_own_travel_with_the_manifest(tmp_path: Path) -> None:
    scheme = read_scheme([{"id": 4, "name": "reed"}, {"id": 7, "name": "water"}], (0,), "delta")
    given = replace(MANIFEST, scheme="delta", own_classes=scheme)
    given.write(tmp_path / "m.json")
    read = Manifest.read(tmp_path / "m.json")
    assert read == given
    assert read.class_scheme == scheme
    assert Manifest.read(tmp_path / "m.json").class_scheme.names == ("reed", "water")


@pytest.mark.parametrize(
    "change",
    [
        {"own_classes": 3},
        {"own_classes": {}},
        {"own_classes": {"name": "delta", "classes": [], "ignore_ids": []}},
        {"own_classes": {"name": "delta", "classes": [3], "ignore_ids": []}},
        {"own_classes": {"name": "delta", "classes": [{"id": 1, "name": "a", "color": "url(x)"}], "ignore_ids": []}},
        {"own_classes": {"name": "delta", "classes": [{"id": 1, "name": "a"}], "ignore_ids": ["x"]}},
        {"own_classes": {"name": "other", "classes": [{"id": 1, "name": "a"}], "ignore_ids": []}},
        {"scheme": "flood", "own_classes": {"name": "flood", "classes": [{"id": 1, "name": "a"}], "ignore_ids": []}},
    ],
)
def test_classes_of_ones_own_that_are_none_are_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    content = {**asdict(MANIFEST), "scheme": "delta", **change}
    (tmp_path / "m.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(CheckpointError):
        Manifest.read(tmp_path / "m.json")
