"""Analysis: all that is known about one tile under one model; the only object that pages, reports and notebooks touch.

It round-trips through a folder of `analysis.json` and `arrays.npz`, and opens without torch, weights or a language
model.
"""

from __future__ import annotations

import json
import math
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from claire.core.bands import Modality, Mode
from claire.core.checking import check_types
from claire.core.classes import ClassScheme, LandClass
from claire.core.errors import AnalysisError
from claire.core.evidence import (
    Explained,
    pack_attention,
    pack_explained,
    round_attention,
    unpack_attention,
    unpack_explained,
)
from claire.core.files import appearing
from claire.core.provenance import Provenance
from claire.core.types import Attention, ClassArea, ClassScore, GeoReference, Layer, Notice, Prediction, Scores, Tile

DAMAGE = (
    OSError,
    EOFError,
    OverflowError,  # numpy, of a number that is too large
    MemoryError,
    RecursionError,  # json, of brackets inside brackets
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    NotImplementedError,  # zipfile, of a compression that it does not know
    zipfile.BadZipFile,
    zlib.error,
)
"""What numpy, zipfile and json raise on files that are cut, altered or made to do harm."""

JSON_NAME, ARRAYS_NAME = "analysis.json", "arrays.npz"
ANALYSIS_VERSION = 1
WIDEST_PADDING = 1024
"""Pixels by which a network may have made a tile longer."""


@dataclass(frozen=True)
class ModelSummary:
    """What an analysis keeps of the manifest, so that it can be judged without the checkpoint.

    Args:
        title: One line for people.
        sensors: Modality -> sensor that the checkpoint was trained on.
        prevalence: Share of each class in the training pixels, 0..1, in index order; empty when not recorded.
        limits: Sentences: what it is not for.
        failures: Sentences: what it is known to get wrong.
        data: What it was trained on, in words; "" when not recorded.
        condition: Under which its scores were measured on validation, such as "clear"; "" when it has none.
        scores: Mode -> score -> value under that condition, as in the manifest.
    """

    title: str = ""
    sensors: Mapping[Modality, str] = field(default_factory=dict)
    prevalence: tuple[float, ...] = ()
    limits: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()
    data: str = ""
    condition: str = ""
    scores: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Observation:
    """How much of the tile one sensor saw on one date.

    Args:
        modality: Which sensor.
        date: Name of the date, such as "after"; "" for a sensor with one date.
        share: Share of the pixels with a valid value of that date, 0..1.
    """

    modality: Modality
    date: str
    share: float


@dataclass(frozen=True)
class Analysis:
    """One tile under one model.

    Args:
        tile: The pair in the model's bands and units, as read (not normalised).
        scheme: Class scheme of the maps.
        predictions: Mode -> map.
        areas: Mode -> one `ClassArea` per class.
        scores: Mode -> scores; empty without a label.
        disagreement: (H, W) bool, True where the optical and the SAR map differ; None unless both were made.
        trust: (H, W) float32 0..1, share of trust the finest gate gave to the optical sensor; None without gates.
        comparison: One sentence that says which sensor won where.
        provenance: Where it came from.
        notices: From reading, pairing and preparing.
        model: What the manifest says; None in an analysis saved before it was kept.
        observations: What each sensor saw on each date; empty in an analysis saved before it was kept.
        attention: Where the sensors looked in each other and which one was trusted, per stage; None unless added.
        explained: Why classes are where they are, one answer per question that was asked.
    """

    tile: Tile
    scheme: ClassScheme
    predictions: Mapping[Mode, Prediction]
    areas: Mapping[Mode, tuple[ClassArea, ...]]
    scores: Mapping[Mode, Scores]
    disagreement: NDArray[np.bool_] | None
    trust: NDArray[np.float32] | None
    comparison: str
    provenance: Provenance
    notices: tuple[Notice, ...] = field(default_factory=tuple)
    model: ModelSummary | None = None
    observations: tuple[Observation, ...] = ()
    attention: Attention | None = None
    explained: tuple[Explained, ...] = ()

    def with_evidence(self, *explained: Explained, attention: Attention | None = None) -> Analysis:
        """The same with more answers, and with this attention in the precision in which it is stored."""
        kept = self.attention if attention is None else round_attention(attention)
        return replace(self, explained=(*self.explained, *explained), attention=kept)

    def as_dict(self) -> dict[str, Any]:
        """Everything but the arrays, ready for JSON; NaN becomes None."""
        content: dict[str, Any] = without_nan(
            {
                "version": ANALYSIS_VERSION,
                "name": self.tile.name,
                "scheme": asdict(self.scheme),
                "georeference": asdict(self.tile.georeference),
                "layers": {
                    role: {"bands": layer.bands, "unit": layer.unit}
                    for role, layer in (("optical", self.tile.optical), ("sar", self.tile.sar))
                    if layer is not None
                },
                "sources": dict(self.tile.sources),
                "reading": dict(self.tile.reading),
                "modes": {
                    mode: {
                        "temperature": prediction.temperature,
                        "classes": [asdict(area) for area in self.areas[mode]],
                        **({"scores": scores_as_dict(self.scores[mode])} if mode in self.scores else {}),
                    }
                    for mode, prediction in self.predictions.items()
                },
                "disagreement": self.disagreement_share,
                "comparison": self.comparison,
                "provenance": asdict(self.provenance),
                "notices": [asdict(notice) for notice in self.notices],
                "tile_notices": [asdict(notice) for notice in self.tile.notices],
                "model": None if self.model is None else asdict(self.model),
                "observations": [asdict(observation) for observation in self.observations],
                "attention": None if self.attention is None else pack_attention(self.attention)[0],
                "explained": [pack_explained(answer, number)[0] for number, answer in enumerate(self.explained)],
            }
        )
        return content

    @property
    def disagreement_share(self) -> float | None:
        """Share of the pixels seen by both sensors on which their maps differ, 0..1."""
        if self.disagreement is None:
            return None
        both = self.predictions["optical"].valid & self.predictions["sar"].valid
        return float(self.disagreement[both].mean()) if both.any() else float("nan")

    def save(self, folder: Path) -> tuple[Path, Path]:
        """Write `analysis.json` and `arrays.npz` into a folder, each appearing only when complete.

        Returns:
            The two paths.
        """
        folder.mkdir(parents=True, exist_ok=True)
        arrays: dict[str, NDArray[Any]] = {}
        for role, layer in (("optical", self.tile.optical), ("sar", self.tile.sar)):
            if layer is not None:
                arrays[f"{role}_values"], arrays[f"{role}_valid"] = layer.values, layer.valid
        for mode, prediction in self.predictions.items():
            arrays[f"classes_{mode}"] = prediction.classes
            arrays[f"probabilities_{mode}"] = prediction.probabilities
        optional = {"label": self.tile.label, "disagreement": self.disagreement, "trust": self.trust}
        arrays.update({name: value for name, value in optional.items() if value is not None})
        if self.attention is not None:
            arrays.update(pack_attention(self.attention)[1])
        for number, answer in enumerate(self.explained):
            arrays.update(pack_explained(answer, number)[1])
        with appearing(folder / ARRAYS_NAME) as partial:
            np.savez_compressed(partial, allow_pickle=False, **arrays)
        with appearing(folder / JSON_NAME) as partial:
            partial.write_text(json.dumps(self.as_dict(), indent=2, allow_nan=False) + "\n", encoding="utf-8")
        return folder / JSON_NAME, folder / ARRAYS_NAME

    @classmethod
    def load(cls, folder: Path) -> Analysis:
        """Open a saved analysis.

        Raises:
            AnalysisError: A file is missing, damaged or of another version.
        """
        try:
            content = json.loads((folder / JSON_NAME).read_text(encoding="utf-8"))
            if content.get("version") != ANALYSIS_VERSION:
                raise AnalysisError(
                    f"The analysis has version {content.get('version')}, but {ANALYSIS_VERSION} is wanted.",
                    "Run the analysis again with this version of CLAIRE.",
                )
            with (folder / ARRAYS_NAME).open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
            analysis = _rebuild(content, arrays)
            check_types(analysis)
            _check_shapes(analysis)
            return analysis
        except FileNotFoundError as error:
            raise AnalysisError(
                f"The folder {folder.name!r} holds no saved analysis.",
                f"Give a folder with {JSON_NAME} and {ARRAYS_NAME}.",
            ) from error
        except DAMAGE as error:
            if isinstance(error, AnalysisError):
                raise
            raise AnalysisError(
                f"The saved analysis in {folder.name!r} is damaged.", "Run the analysis again."
            ) from error


def scores_as_dict(scores: Scores) -> dict[str, Any]:
    """Scores as the CLI prints them; `per_class` maps class name to its four scores."""
    return {
        "miou": scores.miou,
        "oa": scores.oa,
        "kappa": scores.kappa,
        "f1": scores.f1,
        "ece": scores.ece,
        "ece_raw": scores.ece_raw,
        "per_class": {
            c.name: {"iou": c.iou, "f1": c.f1, "precision": c.precision, "recall": c.recall} for c in scores.per_class
        },
        "confusion": scores.confusion.tolist(),
    }


def without_nan(value: Any) -> Any:
    """The same mappings and lists with None for every number that JSON does not know: NaN and the infinities."""
    if isinstance(value, Mapping):
        return {key: without_nan(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else value


def _rebuild(content: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> Analysis:
    scheme = ClassScheme(
        content["scheme"]["name"],
        tuple(LandClass(**c) for c in content["scheme"]["classes"]),
        tuple(content["scheme"]["ignore_ids"]),
    )
    layers = {
        role: Layer(arrays[f"{role}_values"], arrays[f"{role}_valid"], tuple(spec["bands"]), spec["unit"])
        for role, spec in content["layers"].items()
    }
    place = content["georeference"]
    transform = None if place["transform"] is None else tuple(place["transform"])
    notices = tuple(Notice(**notice) for notice in content["notices"])
    tile = Tile(
        content["name"],
        layers.get("optical"),
        layers.get("sar"),
        arrays.get("label"),
        GeoReference(place["crs"], transform, place["metres"]),
        tuple(Notice(**notice) for notice in content["tile_notices"]),
        {str(name): str(digest) for name, digest in content["sources"].items()},
        {str(what): tuple(map(str, names)) for what, names in content.get("reading", {}).items()},
    )
    predictions: dict[Mode, Prediction] = {}
    areas: dict[Mode, tuple[ClassArea, ...]] = {}
    scores: dict[Mode, Scores] = {}
    for mode, entry in content["modes"].items():
        classes = arrays[f"classes_{mode}"]
        predictions[mode] = Prediction(
            mode, scheme, classes, arrays[f"probabilities_{mode}"], classes != 255, entry["temperature"]
        )
        areas[mode] = tuple(ClassArea(**{**a, "confidence": _or_nan(a["confidence"])}) for a in entry["classes"])
        if "scores" in entry:
            scores[mode] = _rebuild_scores(entry["scores"])
    return Analysis(
        tile,
        scheme,
        predictions,
        areas,
        scores,
        arrays.get("disagreement"),
        arrays.get("trust"),
        content["comparison"],
        Provenance(**content["provenance"]),
        notices,
        _rebuild_model(content.get("model")),
        tuple(Observation(**observation) for observation in content.get("observations", ())),
        None if content.get("attention") is None else unpack_attention(content["attention"], arrays),
        tuple(unpack_explained(entry, number, arrays) for number, entry in enumerate(content.get("explained", ()))),
    )


def _check_shapes(analysis: Analysis) -> None:
    """Everything must lie on the pixels of the tile, and every map must have its areas.

    Raises:
        AnalysisError: Something does not.
    """
    shape = analysis.tile.shape
    maps: list[NDArray[Any] | None] = [prediction.classes for prediction in analysis.predictions.values()]
    maps += [analysis.disagreement, analysis.trust, *(answer.attribution.zone for answer in analysis.explained)]
    outside = analysis.attention is not None and not _fits(analysis.attention, shape)
    if outside or any(values is not None and values.shape != shape for values in maps):
        raise AnalysisError("The saved maps are not all of one size.", "Run the analysis again.")
    count, scores = len(analysis.scheme), analysis.scores.values()
    lengths = [len(rows) for rows in (*analysis.areas.values(), *(each.per_class for each in scores))]
    empty = any(not answer.attribution.maps for answer in analysis.explained)
    if empty or not maps or set(lengths) != {count} or any(each.confusion.shape != (count, count) for each in scores):
        raise AnalysisError("The saved analysis lacks a map, or an area of some class.", "Run the analysis again.")


def _fits(attention: Attention, shape: tuple[int, int]) -> bool:
    """Whether the piece lies on the tile, and every stage covers the piece."""
    for axis, (start, length) in enumerate(zip(attention.origin, attention.shape, strict=True)):
        sides = [stage.trust.shape[axis] * stage.stride for stage in attention.stages]
        if (
            start < 0
            or not all(0 < length <= side <= length + WIDEST_PADDING for side in sides)
            or start + length > shape[axis]
        ):
            return False
    return True


def _rebuild_model(entry: dict[str, Any] | None) -> ModelSummary | None:
    if entry is None:
        return None
    return ModelSummary(
        title=str(entry["title"]),
        sensors={role: str(name) for role, name in entry["sensors"].items()},
        prevalence=tuple(float(share) for share in entry["prevalence"]),
        limits=tuple(str(sentence) for sentence in entry["limits"]),
        failures=tuple(str(sentence) for sentence in entry["failures"]),
        data=str(entry.get("data", "")),
        condition=str(entry.get("condition", "")),
        scores={
            str(mode): {str(name): float(value) for name, value in scores.items()}
            for mode, scores in entry.get("scores", {}).items()
        },
    )


def _rebuild_scores(entry: dict[str, Any]) -> Scores:
    per_class = tuple(
        ClassScore(name, *(_or_nan(values[key]) for key in ("iou", "f1", "precision", "recall")))
        for name, values in entry["per_class"].items()
    )
    means = {key: _or_nan(entry[key]) for key in ("miou", "f1", "oa", "kappa", "ece", "ece_raw")}
    return Scores(np.array(entry["confusion"], np.int64), per_class, **means)
