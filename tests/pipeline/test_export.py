"""Exports: an item that keeps to the STAC MLM extension 1.5.0, and a card that Hugging Face can read."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from claire.core.errors import InputError
from claire.core.manifest import Manifest
from claire.core.measured import Cost
from claire.pipeline.export import MLM_SCHEMA, build_stac_item, render_export, render_huggingface, write_export
from tests.tiny_model import describe_tiny

SCORES = {"fused": {"clear": {"miou": 0.7, "iou flood": 0.6, "oa": 0.9}}, "optical": {"clear": {"oa": 0.8}}}
MANIFEST: Manifest = replace(
    describe_tiny(),
    sha256="ab" * 32,
    scores=SCORES,
    cost=Cost(1234, 0.5, 256, 10.0, 1, "A machine"),
    bbox=(5.0, 45.0, 6.0, 46.0),
    limits=("Not for: snow.",),
)
FIELDS: dict[str, Any] = {
    "mlm:name": lambda v: re.fullmatch(r"[a-zA-Z][a-zA-Z0-9_.\-\s]+[a-zA-Z0-9]", v),
    "mlm:architecture": lambda v: isinstance(v, str) and v,
    "mlm:tasks": lambda v: v == ["semantic-segmentation"],
    "mlm:framework": lambda v: v == "PyTorch",
    "mlm:framework_version": lambda v: re.match(r"\d+\.\d+\.\d+", v),
    "mlm:total_parameters": lambda v: isinstance(v, int) and v >= 0,
    "mlm:pretrained": lambda v: v is False,
    "mlm:pretrained_source": lambda v: v is None,
    "mlm:accelerator": lambda v: v in {"amd64", "cuda", None},
    "mlm:accelerator_constrained": lambda v: v is False,
    "mlm:input": lambda v: len(v) == 2,
    "mlm:output": lambda v: len(v) == 3,
    "mlm:hyperparameters": lambda v: all(re.fullmatch(r"[0-9a-zA-Z_.-]+", key) for key in v),
}
"""Fields of the extension and what its schema asks of them; others must not begin with mlm."""


def check_array(structure: dict[str, Any]) -> None:
    """What the schema asks of an input or result structure."""
    assert set(structure) == {"shape", "dim_order", "data_type"}
    assert len(structure["shape"]) == len(structure["dim_order"]) == len(set(structure["dim_order"]))
    assert all(isinstance(n, int) and n >= -1 for n in structure["shape"])
    assert all(re.fullmatch("[a-z-_]+", name) for name in structure["dim_order"])


def test_the_item_has_what_stac_and_the_extension_ask_for() -> None:
    item = json.loads(render_export(MANIFEST, "stac"))
    assert item["type"] == "Feature"
    assert item["stac_version"] == "1.1.0"
    assert MLM_SCHEMA in item["stac_extensions"]
    assert item["id"] == "tiny"
    assert item["links"] == []
    properties = item["properties"]
    assert properties["datetime"] is None
    assert properties["start_datetime"] < properties["end_datetime"]
    assert {key for key in properties if key.startswith("mlm:")} == set(FIELDS)
    for key, fits in FIELDS.items():
        assert fits(properties[key]), key


def test_inputs_and_outputs_are_those_of_the_manifest() -> None:
    properties = build_stac_item(MANIFEST)["properties"]
    for entry, spec in zip(properties["mlm:input"], (MANIFEST.optical, MANIFEST.sar), strict=True):
        check_array(entry["input"])
        assert entry["bands"] == list(spec.bands)
        assert entry["input"]["dim_order"][1] == "bands"
        assert entry["input"]["shape"][1] == len(spec.bands)
        scaling = [(s["type"], s["mean"], s["stddev"]) for s in entry["value_scaling"]]
        assert scaling == [("z-score", mean, std) for mean, std in zip(spec.mean, spec.std, strict=True)]
    for entry in properties["mlm:output"]:
        check_array(entry["result"])
        assert "bands" not in entry["result"]["dim_order"]
        classes = entry["classification:classes"]
        assert [c["value"] for c in classes] == [0, 1]
        assert all(re.fullmatch("[0-9A-F]{6}", c["color_hint"]) for c in classes)
        assert all(re.fullmatch(r"[0-9A-Za-z-_]+", c["name"]) for c in classes)


def test_every_band_of_an_input_is_described() -> None:
    item = build_stac_item(MANIFEST)
    properties = item["properties"]
    assert properties["bands"] == item["assets"]["model"]["bands"]
    described = {band["name"] for band in properties["bands"]}
    assert described == {*MANIFEST.optical.bands, *MANIFEST.sar.bands}
    assert described == {band for entry in properties["mlm:input"] for band in entry["bands"]}


def test_only_the_weights_are_a_model_and_have_its_hash() -> None:
    assets = build_stac_item(MANIFEST)["assets"]
    assert assets["model"]["roles"] == ["mlm:model", "mlm:weights"]
    assert assets["model"]["file:checksum"] == "1220" + "ab" * 32
    for asset in assets.values():
        assert ("mlm:artifact_type" in asset) == ("mlm:model" in asset["roles"])
        assert "href" in asset


def test_a_place_that_is_not_known_is_null_without_a_box() -> None:
    item = build_stac_item(MANIFEST)
    assert item["bbox"] == [5.0, 45.0, 6.0, 46.0]
    ring = item["geometry"]["coordinates"][0]
    assert ring[0] == ring[-1]
    assert [min(p[0] for p in ring), min(p[1] for p in ring)] == item["bbox"][:2]
    nowhere = build_stac_item(replace(MANIFEST, bbox=()))
    assert nowhere["geometry"] is None
    assert "bbox" not in nowhere


def test_hugging_face_reads_the_head_and_people_the_card() -> None:
    _, head, card = render_huggingface(MANIFEST).split("---\n", 2)
    metadata = yaml.safe_load(head)
    assert metadata["license"] == "apache-2.0"
    assert metadata["pipeline_tag"] == "image-segmentation"
    (model,) = metadata["model-index"]
    assert model["name"] == "tiny"
    values = {m["name"]: m["value"] for result in model["results"] for m in result["metrics"]}
    assert values["flood IoU, fused map"] == 0.6
    assert values["overall accuracy, optical map"] == 0.8
    for result in model["results"]:
        assert {"task", "dataset", "metrics"} <= set(result)
    assert card.lstrip().startswith("# tiny")
    assert "Not for: snow." in card


def test_a_model_without_scores_has_no_index() -> None:
    head = yaml.safe_load(render_huggingface(describe_tiny()).split("---\n", 2)[1])
    assert "model-index" not in head


def test_an_export_is_written_whole_or_refused(tmp_path: Path) -> None:
    write_export(MANIFEST, "stac", tmp_path / "item.json")
    assert json.loads((tmp_path / "item.json").read_text(encoding="utf-8"))["id"] == "tiny"
    with pytest.raises(InputError, match="cannot be written"):
        write_export(MANIFEST, "stac", tmp_path / "nowhere" / "item.json")
