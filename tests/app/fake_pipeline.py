"""A pipeline without torch or files, with the names and types of `claire.pipeline`, for tests of pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from claire.core.analysis import Analysis
from claire.core.bands import MODES, Mode
from claire.core.classes import FLOOD, IGNORE_INDEX
from claire.core.dataset import Dataset
from claire.core.errors import CheckpointError
from claire.core.manifest import InputSpec, Manifest
from claire.core.provenance import Provenance
from claire.core.types import Attention, AttentionStage, ClassArea, ClassScore, Notice, Prediction, Scores, Tile
from claire.data.examples import OPTICAL_BANDS, SAR_BANDS

MANIFEST = Manifest(
    name="fake-flood",
    title="A fake that thresholds counts",
    scheme="flood",
    optical=InputSpec(OPTICAL_BANDS, "uint8", (80.0,) * 6, (30.0,) * 6, ((0, 1, 2), (3, 4, 5))),
    sar=InputSpec(SAR_BANDS, "uint8", (130.0,) * 2, (40.0,) * 2, ((0,), (1,))),
    network={},
    temperature={"fused": 1.0, "optical": 1.0, "sar": 1.0},
    sha256="0" * 64,
    scores={"fused": {"clear": {"iou flood": 0.71}}, "optical": {"clear": {"miou": 0.6}}},
)


@dataclass(frozen=True)
class FakeEntry:
    """Like `ModelEntry`."""

    name: str = MANIFEST.name
    kind: str = "fake"
    status: str = "ready"
    manifest: Manifest = MANIFEST
    sha256: str = MANIFEST.sha256


class FakePipeline:
    """Counts what is called, and answers in the right types."""

    def __init__(self) -> None:
        self.calls: dict[str, int] = {}
        self.entries = [FakeEntry()]
        self.datasets: list[Dataset] = []
        self.broken: set[str] = set()

    def list_models(self) -> list[FakeEntry]:
        """The entries set by the test."""
        self._count("list_models")
        return self.entries

    def load_model(self, name: str) -> FakeEntry:
        """The entry stands in for the model; one of `broken` cannot be loaded."""
        self._count("load_model")
        if name in self.broken:
            raise CheckpointError(f"The weights of {name!r} are damaged.", "Fetch the checkpoint again.")
        return next(entry for entry in self.entries if entry.name == name)

    def analyse(self, tile: Tile, model: FakeEntry, modes: Sequence[Mode] = MODES) -> Analysis:
        """Maps by thresholds, right enough to look at; a missing sensor says nothing."""
        self._count("analyse")
        evidence = {}
        for sensor, later in (("optical", 3), ("sar", 1)):
            if (layer := getattr(tile, sensor)) is not None:
                values = layer.values.astype(float)
                evidence[sensor] = (values[0] - values[later]) / 40 - 0.6
        evidence["fused"] = sum(evidence.values()) / len(evidence)
        predictions, areas, scores = {}, {}, {}
        for mode in modes:
            valid = np.full(tile.shape, mode in evidence)
            flood = 1 / (1 + np.exp(-4 * evidence.get(mode, np.zeros(tile.shape))))
            probabilities = np.stack([1 - flood, flood]).astype(np.float32)
            classes = np.where(valid, probabilities.argmax(axis=0), IGNORE_INDEX).astype(np.uint8)
            predictions[mode] = Prediction(mode, FLOOD, classes, probabilities, valid)
            areas[mode] = tuple(
                ClassArea(c.id, c.name, int((classes == i).sum()), float((classes == i).mean()), None, 0.9)
                for i, c in enumerate(FLOOD.classes)
            )
            if tile.label is not None:
                scores[mode] = _score(classes, FLOOD.to_index(tile.label))
        return Analysis(
            tile,
            FLOOD,
            predictions,
            areas,
            scores,
            predictions["optical"].classes != predictions["sar"].classes,
            np.clip(0.5 + evidence.get("optical", evidence["fused"]) / 4, 0, 1).astype(np.float32),
            "SAR won on most of the pixels on which the two sensors differ.",
            Provenance(model.manifest.name, model.manifest.sha256),
            (*tile.notices, Notice("fake", "These maps are fakes.")),
        )

    def read_attention(self, tile: Tile, model: FakeEntry, at: tuple[int, int] = (0, 0)) -> Attention:
        """Two stages, the coarse one with attention: every pixel looks at one cell."""
        self._count("read_attention")
        height, width = tile.shape
        fine, coarse = (
            np.full((height, width), 0.25, np.float32),
            np.full((height // 32, width // 32), 0.75, np.float32),
        )
        weights = np.zeros((*coarse.shape, 8, 8), np.float32)
        weights[:, :, 2, 5] = 1
        return Attention((AttentionStage(1, fine), AttentionStage(32, coarse, weights, weights)), (0, 0), tile.shape)

    def _count(self, name: str) -> None:
        self.calls[name] = self.calls.get(name, 0) + 1


def _score(classes: np.ndarray, label: np.ndarray) -> Scores:
    confusion = np.array([[int(((label == i) & (classes == j)).sum()) for j in range(2)] for i in range(2)], np.int64)
    hit = confusion.diagonal()
    union = confusion.sum(axis=0) + confusion.sum(axis=1) - hit
    iou = np.divide(hit, union, out=np.full(2, np.nan), where=union > 0)
    per_class = tuple(ClassScore(c.name, iou[i], 0.8, 0.8, 0.8) for i, c in enumerate(FLOOD.classes))
    return Scores(confusion, per_class, float(iou.mean()), 0.8, 0.9, 0.7, 0.02, 0.03)
