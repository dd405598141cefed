"""Analyses of random maps, made through the real constructors and metrics, lacking whatever an analysis can lack."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from claire.core.analysis import Analysis, ModelSummary, Observation
from claire.core.bands import MODES, Mode
from claire.core.classes import FLOOD, GLOBAL_10M, IGNORE_INDEX, ClassScheme, LandClass
from claire.core.provenance import Provenance
from claire.core.types import GeoReference, Layer, Notice, Prediction, Tile
from claire.metrics.areas import compute_areas
from claire.metrics.calibration import compute_calibration
from claire.metrics.comparison import compute_disagreement, describe_comparison
from claire.metrics.confusion import compute_confusion, compute_scores

LAND = ClassScheme(
    "land",
    tuple(
        LandClass(number, name, "#000000")
        for number, name in enumerate(("forest", "bare land", "low vegetation", "road", "lake"), start=3)
    ),
    (0,),
)
SCHEMES = (FLOOD, FLOOD, GLOBAL_10M, LAND)
MODEL = ModelSummary(
    "Simulated",
    {"optical": "Sentinel-2 L2A, 10 m", "sar": "Sentinel-1 VV, scaled per file"},
    (),
    ("Maps floods, not water; rivers are background.", "Knows 3 regions only."),
    ("Thin strips are missed (train/0306: flood IoU 0.13).", "Wind-roughened floods look dry in 4 of 10 tiles."),
)


def simulate(seed: int, **fixed: Any) -> Analysis:
    """A random analysis.

    Args:
        seed: Of everything.
        fixed: `scheme`, `size`, `label` (share labelled), `modes`, `gone` (missing sensor), `name`, `bands`, `model`.
    """
    rng = np.random.default_rng(seed)
    scheme = fixed.get("scheme") or SCHEMES[int(rng.integers(len(SCHEMES)))]
    size = fixed.get("size") or (int(rng.integers(5, 28)), int(rng.integers(5, 28)))
    truth = draw_classes(rng, size, len(scheme))
    gone = fixed.get("gone", rng.choice(["", "", "", "", "optical", "sar"]))
    modes: tuple[Mode, ...] = fixed.get("modes") or (MODES if rng.random() < 0.85 else (MODES[int(rng.integers(3))],))
    seen = {mode: np.ones(size, bool) if rng.random() < 0.6 else draw(rng, size) > -0.8 for mode in ("optical", "sar")}
    if gone in seen and modes == MODES:
        seen[gone] = np.zeros(size, bool)
    seen["fused"] = seen["optical"] | seen["sar"]
    label_share = fixed.get("label", float(rng.choice([0.0, 1.0, 0.7])))
    index = np.where(rng.random(size) < label_share, truth, IGNORE_INDEX).astype(np.uint8) if label_share else None
    place = (
        GeoReference("EPSG:32633", (10.0, 0.0, 5e5, 0.0, -10.0, 5e6), True) if rng.random() < 0.5 else GeoReference()
    )
    tile = Tile(
        fixed.get("name", f"tile-{seed}"),
        layer(rng, size, fixed.get("bands", ("B4", "B3", "B2")), seen["optical"]),
        layer(rng, size, ("VV", "VH"), seen["sar"]),
        None
        if index is None
        else np.where(index == IGNORE_INDEX, 255, scheme.to_id(index % len(scheme))).astype(np.uint8),
        place,
        (Notice("units", "A guess of 8 bits."),) if rng.random() < 0.5 else (),
        {f"{fixed.get('name', 'a')}.tif": "00"},
    )
    predictions = {mode: predict(rng, mode, scheme, truth, seen[mode]) for mode in modes}
    scores = {}
    for mode, prediction in predictions.items() if index is not None else ():
        label = np.where(prediction.valid, index, IGNORE_INDEX).astype(np.uint8)
        confusion = compute_confusion(label, prediction.classes, len(scheme))
        ece = compute_calibration(prediction.probabilities, label).ece
        scores[mode] = compute_scores(confusion, scheme.names, ece=ece, ece_raw=ece)
    both = "optical" in predictions and "sar" in predictions
    prevalence = rng.dirichlet(np.full(len(scheme), 0.6))
    return Analysis(
        tile,
        scheme,
        predictions,
        {mode: compute_areas(prediction, place) for mode, prediction in predictions.items()},
        scores,
        compute_disagreement(predictions["optical"], predictions["sar"]) if both else None,
        np.clip(0.5 + draw(rng, size) / 2, 0, 1).astype(np.float32) if rng.random() < 0.8 else None,
        describe_comparison(predictions, scores, index),
        Provenance("simulated", "00", dict(tile.sources), {}),
        tile.notices,
        fixed.get("model") or (summary(prevalence) if rng.random() < 0.8 else None),
        tuple(
            Observation(role, date, float(rng.choice([1.0, round(rng.random(), 3)])))
            for role in ("optical", "sar")
            for date in ("before", "after")
        )
        if rng.random() < 0.5
        else (),
    )


def summary(prevalence: np.ndarray) -> ModelSummary:
    return ModelSummary(MODEL.title, MODEL.sensors, tuple(map(float, prevalence)), MODEL.limits, MODEL.failures)


def draw(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """(H, W) smooth noise of unit spread."""
    coarse = rng.normal(size=(4, 4))
    rows, columns = (np.linspace(0, 3, side).round().astype(int) for side in size)
    return np.asarray(coarse[rows][:, columns] + 0.3 * rng.normal(size=size))


def draw_classes(rng: np.random.Generator, size: tuple[int, int], count: int) -> np.ndarray:
    """(H, W) uint8 class indices in patches; some classes may be absent."""
    levels = np.stack([draw(rng, size) + rng.normal() for _ in range(count)])
    return levels.argmax(axis=0).astype(np.uint8)


def predict(
    rng: np.random.Generator, mode: Mode, scheme: ClassScheme, truth: np.ndarray, valid: np.ndarray
) -> Prediction:
    """A map that is the truth with errors, more or less sure of itself."""
    logits = rng.normal(size=(len(scheme), *truth.shape)) * rng.uniform(0.3, 2.0)
    logits += rng.uniform(0.5, 6.0) * (np.arange(len(scheme))[:, None, None] == truth)
    probabilities = np.exp(logits - logits.max(axis=0))
    probabilities = (probabilities / probabilities.sum(axis=0)).astype(np.float32)
    classes = np.where(valid, probabilities.argmax(axis=0), IGNORE_INDEX).astype(np.uint8)
    return Prediction(mode, scheme, classes, probabilities, valid, float(rng.choice([0.8, 1.0, 1.3])))


def layer(rng: np.random.Generator, size: tuple[int, int], bands: tuple[str, ...], valid: np.ndarray) -> Layer:
    values = rng.integers(0, 255, (len(bands), *size), np.uint8)
    return Layer(values, np.broadcast_to(valid, values.shape).copy(), bands, "uint8")


def as_raw(analysis: Analysis) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """What `analysis.json` and `arrays.npz` hold, without the disk; a test compares the two."""
    arrays = {}
    for role in ("optical", "sar"):
        part = getattr(analysis.tile, role)
        if part is not None:
            arrays |= {f"{role}_values": part.values, f"{role}_valid": part.valid}
    for mode, prediction in analysis.predictions.items():
        arrays |= {f"classes_{mode}": prediction.classes, f"probabilities_{mode}": prediction.probabilities}
    optional = {"label": analysis.tile.label, "disagreement": analysis.disagreement, "trust": analysis.trust}
    arrays |= {name: value for name, value in optional.items() if value is not None}
    return json.loads(json.dumps(analysis.as_dict())), arrays
