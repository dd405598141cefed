"""Scoring a checkpoint adds to its manifest and takes nothing away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from claire.core.manifest import Manifest
from claire.core.settings import Settings
from claire.pipeline import load_model
from claire.pipeline.cards import score_checkpoint
from tests.tiny_model import save_tiny


def test_scores_and_temperatures_are_added_and_the_self_test_is_kept(tmp_path: Path, dataset: Any) -> None:
    save_tiny(tmp_path)
    before = Manifest.read(tmp_path / "tiny.json")
    score_checkpoint("tiny", tmp_path, dataset, "all")
    after = Manifest.read(tmp_path / "tiny.json")
    assert after.scores["fused"]["clear"]["n_tiles"] == 3
    assert after.temperature != before.temperature
    assert (after.tensors, after.golden, after.sha256) == (before.tensors, before.golden, before.sha256)
    assert before.golden is not None
    assert load_model("tiny", Settings(checkpoints=tmp_path)).manifest == after
    assert before.sha256 in (tmp_path / "tiny.md").read_text(encoding="utf-8")
