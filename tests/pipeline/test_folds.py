"""Scores on unseen places: each network on the places it was kept from, pooled."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from claire.core.manifest import Manifest
from claire.core.settings import Settings
from claire.core.types import Tile
from claire.data.examples import generate_flood_pair
from claire.pipeline import evaluate, load_model
from claire.pipeline.cards import render_card
from claire.pipeline.folds import UNSEEN, score_unseen
from tests.tiny_model import save_tiny


@dataclass(frozen=True)
class TwoFolds:
    """One place in the first fold, two in the second."""

    name: str = "folds"
    title: str = "Two folds"
    root: Path = Path()
    splits: tuple[str, ...] = ("places-1", "places-2")

    def ids(self, split: str | None = None) -> tuple[str, ...]:
        return {"places-1": ("1",), "places-2": ("2", "3")}.get(split or "", ("1", "2", "3"))

    def read(self, tile_id: str) -> Tile:
        return generate_flood_pair(int(tile_id), 48)


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    checkpoints, runs = tmp_path / "checkpoints", tmp_path / "runs"
    save_tiny(checkpoints)
    for fold in (1, 2):
        save_tiny(runs, f"tiny-{fold}", seed=fold)
    return checkpoints, runs


def test_every_place_is_scored_by_the_network_that_did_not_see_it(folders: tuple[Path, Path]) -> None:
    checkpoints, runs = folders
    before = Manifest.read(checkpoints / "tiny.json")
    after = score_unseen("tiny", checkpoints, (1, 2), runs, TwoFolds())
    assert after == Manifest.read(checkpoints / "tiny.json")
    models = [load_model(f"tiny-{fold}", Settings(checkpoints=runs)) for fold in (1, 2)]
    alone = [evaluate(TwoFolds(), f"places-{fold}", model) for fold, model in enumerate(models, 1)]
    confusion = sum(np.array(each["fused"]["clear"]["confusion"]) for each in alone)
    found = after.scores["fused"]["unseen_places"]
    assert found["oa"] == pytest.approx(np.trace(confusion) / confusion.sum(), abs=1e-4)
    assert found["n_tiles"] == 3
    assert set(after.scores["fused"]) == set(UNSEEN.values())
    assert set(after.scores["sar"]) == {"unseen_places", "unseen_places_no_optical"}
    assert set(after.temperature) == set(before.temperature)
    assert after.temperature != before.temperature
    card = (checkpoints / "tiny.md").read_text(encoding="utf-8")
    assert "unseen_places" in card
    assert "the temperatures are those of unseen places" in card
    assert "chose the epoch and the temperatures" in render_card(before)


def test_pictures_under_real_clouds_are_scored_where_there_are_any(folders: tuple[Path, Path]) -> None:
    checkpoints, runs = folders

    class Cloudy(TwoFolds):
        def ids(self, split: str | None = None) -> tuple[str, ...]:
            return {"cloudy-1": (), "cloudy-2": ("5", "6")}.get(split or "", super().ids(split))

    dataset = Cloudy(splits=("places-1", "places-2", "cloudy-1", "cloudy-2"))
    after = score_unseen("tiny", checkpoints, (1, 2), runs, dataset)
    seen = evaluate(dataset, "cloudy-2", load_model("tiny-2", Settings(checkpoints=runs)))
    for mode, conditions in after.scores.items():
        assert conditions["unseen_places_cloudy"]["n_tiles"] == 2
        assert conditions["unseen_places_cloudy"]["oa"] == pytest.approx(seen[mode]["clear"]["oa"], abs=1e-4)
