"""A model card for other catalogues: an item of the STAC Machine Learning Model extension, and a Hugging Face card.

The item follows version 1.5.0 of the extension (https://github.com/stac-extensions/mlm).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import yaml

from claire.core.bands import Modality, Mode
from claire.core.errors import InputError
from claire.core.files import appearing
from claire.core.manifest import InputSpec, Manifest
from claire.models.catalogue import WEIGHTS_SUFFIX
from claire.pipeline.cards import find_headline, render_card

ExportFormat = Literal["stac", "huggingface"]

MLM_SCHEMA = "https://stac-extensions.github.io/mlm/v1.5.0/schema.json"
FILE_SCHEMA = "https://stac-extensions.github.io/file/v2.1.0/schema.json"
SHA256_MULTIHASH = "1220"
"""What a multihash of 32 bytes of sha256 begins with."""

UNKNOWN_TIMES = ("1900-01-01T00:00:00Z", "9999-12-31T23:59:59Z")
"""The range that the extension advises where the time of the data is not known."""
LICENSE = "Apache-2.0"


def build_stac_item(manifest: Manifest) -> dict[str, Any]:
    """The model as a STAC item, ready for JSON.

    The geometry is the box of the training data, and null where that is not known.
    """
    west, south, east, north = manifest.bbox or (0.0, 0.0, 0.0, 0.0)
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    item: dict[str, Any] = {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": [MLM_SCHEMA, FILE_SCHEMA],
        "id": manifest.name,
        "geometry": {"type": "Polygon", "coordinates": [ring]} if manifest.bbox else None,
        "properties": _build_properties(manifest),
        "links": [],
        "assets": {
            "model": {
                "href": f"./{manifest.name}{WEIGHTS_SUFFIX}",
                "title": manifest.title,
                "type": "application/octet-stream",
                "roles": ["mlm:model", "mlm:weights"],
                "mlm:artifact_type": "safetensors.torch.save_file",
                "file:checksum": SHA256_MULTIHASH + manifest.sha256,
                "bands": _list_bands(manifest),
            },
            "manifest": {
                "href": f"./{manifest.name}.json",
                "title": "Everything that feeds and describes the weights",
                "type": "application/json",
                "roles": ["metadata"],
            },
        },
    }
    if manifest.bbox:
        item["bbox"] = list(manifest.bbox)
    return item


def render_huggingface(manifest: Manifest) -> str:
    """The model card as README.md of a Hugging Face repository: YAML metadata, then the card."""
    recipe = manifest.training.get("recipe", {})
    head: dict[str, Any] = {
        "license": LICENSE.lower(),
        "library_name": "claire-eo",
        "pipeline_tag": "image-segmentation",
        "tags": ["remote-sensing", "sar", "multispectral", "semantic-segmentation", manifest.scheme],
        "metrics": ["mean_iou", "accuracy"],
        "model-index": [{"name": manifest.name, "results": _list_results(manifest, recipe)}],
    }
    if not head["model-index"][0]["results"]:
        del head["model-index"]
    metadata = yaml.safe_dump(head, sort_keys=False, allow_unicode=True)
    return f"---\n{metadata}---\n\n{render_card(manifest)}"


def render_export(manifest: Manifest, kind: ExportFormat) -> str:
    """The text of the file of an export."""
    if kind == "huggingface":
        return render_huggingface(manifest)
    return json.dumps(build_stac_item(manifest), indent=2, allow_nan=False) + "\n"


def write_export(manifest: Manifest, kind: ExportFormat, file: Path) -> str:
    """Write an export; the file appears under its name only when it is complete.

    Returns:
        Its sha256.

    Raises:
        InputError: The file cannot be written.
    """
    content = render_export(manifest, kind).encode("utf-8")
    try:
        with appearing(file) as partial:
            partial.write_bytes(content)
    except OSError as error:
        raise InputError(f"{file.name[:60]!r} cannot be written.", "Give a file in a folder that exists.") from error
    return hashlib.sha256(content).hexdigest()


def _build_properties(manifest: Manifest) -> dict[str, Any]:
    network = manifest.network
    inputs = _list_inputs(manifest)
    properties: dict[str, Any] = {
        "title": manifest.title,
        "description": " ".join((f"{manifest.title}.", *manifest.limits)),
        "license": LICENSE,
        "datetime": None,
        "start_datetime": UNKNOWN_TIMES[0],
        "end_datetime": UNKNOWN_TIMES[1],
        "bands": _list_bands(manifest),
        "mlm:name": manifest.name,
        "mlm:architecture": f"CLAIRE {network.get('fusion', '')} {network.get('encoder', '')}".strip(),
        "mlm:tasks": ["semantic-segmentation"],
        "mlm:framework": "PyTorch",
        "mlm:framework_version": version("torch"),
        "mlm:pretrained": False,
        "mlm:pretrained_source": None,
        "mlm:accelerator": "amd64",
        "mlm:accelerator_constrained": False,
        "mlm:input": [_build_input(name, spec) for name, spec in inputs.items()],
        "mlm:output": [_build_output(manifest, mode) for mode in manifest.temperature],
        "mlm:hyperparameters": {
            **{key: network[key] for key in network},
            "temperature": dict(manifest.temperature),
        },
    }
    if manifest.cost is not None:
        properties["mlm:total_parameters"] = manifest.cost.parameters
    return properties


def _list_inputs(manifest: Manifest) -> dict[Modality, InputSpec]:
    return {"optical": manifest.optical, "sar": manifest.sar}


def _list_bands(manifest: Manifest) -> list[dict[str, str]]:
    """Every band of the inputs; the extension asks for it in the properties, and STAC for it in an asset then."""
    return [
        {"name": band, "description": f"{spec.sensor or name}, in {spec.unit}"}
        for name, spec in _list_inputs(manifest).items()
        for band in spec.bands
    ]


def _build_input(name: Modality, spec: InputSpec) -> dict[str, Any]:
    return {
        "name": name,
        "description": f"{spec.sensor or name}, values in {spec.unit}, 0 after scaling where a value is missing.",
        "bands": list(spec.bands),
        "input": {
            "shape": [-1, len(spec.bands), -1, -1],
            "dim_order": ["batch", "bands", "height", "width"],
            "data_type": "float32",
        },
        "value_scaling": [
            {"type": "z-score", "mean": mean, "stddev": std} for mean, std in zip(spec.mean, spec.std, strict=True)
        ],
        "resize_type": None,
    }


def _build_output(manifest: Manifest, mode: Mode) -> dict[str, Any]:
    scheme = manifest.class_scheme
    return {
        "name": mode,
        "description": f"Logits of the {mode} map, to be divided by {manifest.temperature[mode]:.4f}.",
        "tasks": ["semantic-segmentation"],
        "result": {
            "shape": [-1, len(scheme), -1, -1],
            "dim_order": ["batch", "class", "height", "width"],
            "data_type": "float32",
        },
        "classification:classes": [
            {
                "value": c.id,
                "name": c.name.replace(" ", "_"),
                "description": c.name,
                "color_hint": c.color[1:].upper(),
            }
            for c in scheme.classes
        ],
    }


def _list_results(manifest: Manifest, recipe: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Results of clear sky, one entry per mode, in the form of a model index."""
    data = str(recipe.get("data", "unknown"))
    key, title = find_headline(manifest)
    results = []
    for mode, conditions in manifest.scores.items():
        clear = conditions.get("clear", {})
        wanted = {key: title, "miou": "mean IoU", "oa": "overall accuracy"}
        metrics = [
            {"type": "accuracy" if name == "oa" else "mean_iou", "name": f"{words}, {mode} map", "value": clear[name]}
            for name, words in wanted.items()
            if name in clear
        ]
        if metrics:
            split = str(recipe.get("validation_split", "validation"))
            results.append(
                {
                    "task": {"type": "image-segmentation", "name": "semantic segmentation"},
                    "dataset": {"type": data, "name": f"{data}, clear sky", "split": split},
                    "metrics": metrics,
                }
            )
    return results
