"""Scoring a checkpoint adds to its manifest and takes nothing away; the card says what the manifest says."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from claire.core.errors import InputError, UnknownNameError
from claire.core.manifest import Manifest
from claire.core.settings import Settings
from claire.pipeline import evaluate, load_model
from claire.pipeline.cards import collect_curves, describe_cost, describe_extent, render_card, score_checkpoint
from tests.tiny_model import describe_tiny, save_tiny


@pytest.fixture(scope="session")
def scored_once(tmp_path_factory: pytest.TempPathFactory, dataset: Any) -> Path:
    """A folder with a checkpoint of random weights that was scored."""
    folder = tmp_path_factory.mktemp("scored")
    save_tiny(folder)
    score_checkpoint("tiny", folder, dataset, "all")
    return folder


@pytest.fixture
def scored(scored_once: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may change."""
    return shutil.copytree(scored_once, tmp_path / "scored")


def test_scores_and_temperatures_are_added_and_the_self_test_is_kept(scored: Path, tmp_path: Path) -> None:
    save_tiny(tmp_path)
    before, after = (Manifest.read(folder / "tiny.json") for folder in (tmp_path, scored))
    assert (after.golden, after.tensors, after.network) == (before.golden, before.tensors, before.network)
    assert after.sha256 == before.sha256
    assert after.scores
    assert after.temperature != before.temperature
    assert before.golden is not None
    assert load_model("tiny", Settings(checkpoints=scored)).manifest == after
    assert before.sha256 in (scored / "tiny.md").read_text(encoding="utf-8")


def test_what_is_measured_agrees_with_the_scores(scored: Path, dataset: Any) -> None:
    model = load_model("tiny", Settings(checkpoints=scored))
    scores = evaluate(dataset, "all", model)
    assert list(model.manifest.measured) == list(scores)
    for mode, found in model.manifest.measured.items():
        entry = scores[mode]["clear"]
        assert [list(row) for row in found.agreement.confusion] == entry["confusion"]
        assert found.agreement.tiles == 3
        assert found.selection.area == pytest.approx(entry["aurc"])
        assert found.selection.risk[-1] == pytest.approx(1 - entry["oa"])
        gaps = zip(*(entry["reliability"][key] for key in ("share", "confidence", "accuracy")), strict=True)
        assert sum(share * abs(sure - right) for share, sure, right in gaps) == pytest.approx(entry["ece"])
    assert model.manifest.cost is not None
    assert model.manifest.cost.parameters == sum(p.numel() for p in model.network.parameters())


def test_added_conditions_keep_what_was_scored_and_the_temperatures(scored: Path, dataset: Any) -> None:
    before = Manifest.read(scored / "tiny.json")
    after = score_checkpoint("tiny", scored, dataset, "all", added=("emm", "speckle_1"))
    assert after.temperature == before.temperature
    averages = {"emm_average", "emm_p20", "emm_p10", "emm_p05"}
    assert {*after.scores["fused"]} == {*before.scores["fused"], "no_optical", "speckle_1", *averages}
    assert after.scores["fused"]["zero_all"] == before.scores["fused"]["zero_all"]
    parts = [after.scores["fused"][name]["miou"] for name in ("clear", "no_optical", "no_sar")]
    assert after.scores["fused"]["emm_average"]["miou"] == pytest.approx(sum(parts) / 3, abs=2e-4)
    assert "emm_average" not in after.scores["optical"]
    assert "`emm_average` is the mean" in (scored / "tiny.md").read_text(encoding="utf-8")


def test_conditions_are_not_added_to_scores_of_other_tiles(scored: Path, tmp_path: Path, dataset: Any) -> None:
    before = (scored / "tiny.json").read_bytes()
    fewer = replace(dataset, tiles={"t1": dataset.tiles["t1"]})
    with pytest.raises(InputError, match="scores differently"):
        score_checkpoint("tiny", scored, fewer, "all", added=("speckle_1",))
    assert (scored / "tiny.json").read_bytes() == before
    save_tiny(tmp_path)
    with pytest.raises(InputError, match="not scored yet"):
        score_checkpoint("tiny", tmp_path, dataset, "all", added=("emm",))


def test_other_seeds_give_the_spread(scored: Path, dataset: Any) -> None:
    save_tiny(scored, "twin", seed=1)
    twin = score_checkpoint("twin", scored, dataset, "all")
    manifest = score_checkpoint("tiny", scored, dataset, "all", added=("clear",), replicas=("twin",))
    assert list(manifest.replicas.values()) == [twin.scores]
    one, two = (m.scores["fused"]["clear"]["iou flood"] for m in (manifest, twin))
    spread = abs(one - two) / 2**0.5
    assert f"{one:.3f} ± {spread:.3f}" in render_card(manifest)
    with pytest.raises(UnknownNameError):
        score_checkpoint("tiny", scored, dataset, "all", replicas=("../x",))


def test_the_card_has_a_picture_with_words_beside_it(scored: Path) -> None:
    manifest = Manifest.read(scored / "tiny.json")
    assert [share for share, _ in collect_curves(manifest)["fused"]] == [0, 0.3, 0.5, 0.7, 1]
    card = (scored / "tiny.md").read_text(encoding="utf-8")
    assert "(tiny.svg)" in card
    assert "Flood IoU against the share" in card
    assert (scored / "tiny.svg").stat().st_size < 60_000


def test_a_manifest_without_measurements_has_a_card() -> None:
    card = render_card(describe_tiny())
    assert describe_cost(describe_tiny()) == "not measured"
    assert "not measured" in card
    assert "Calibration" not in card
    assert "| optical | B11_before | 80 | 30 | uint8 |" in card


def test_the_extent_is_words_and_degrees() -> None:
    manifest = replace(describe_tiny(), extent="Two valleys,", bbox=(5.0, 45.0, 6.5, 46.0))
    assert describe_extent(manifest) == "Two valleys, longitude 5 to 6.5, latitude 45 to 46"
    assert describe_extent(describe_tiny()) == "not recorded"


@pytest.mark.parametrize("members", [5, None, ["x"], {"a": 1}, [{"fusion": "pixels"}, {}]])
def test_a_card_says_what_a_manifest_says_of_members_whatever_that_is(members: Any) -> None:
    manifest = describe_tiny()
    training = {"members": members, "recipe": {}}
    card = render_card(replace(manifest, network={**manifest.network, "members": members}, training=training))
    listed = isinstance(members, list) and isinstance(members[0], dict)
    assert ("members (fusion pixels) (the same)" in card) == listed
    assert ("2 networks that vote" in card) == listed


def test_a_card_says_of_how_many_runs_the_weights_are_the_mean(scored: Path) -> None:
    manifest = Manifest.read(scored / "tiny.json")
    recipe = {"train_split": "real", "seed": 4, "epochs": 3, "finish_epochs": 0}
    one, soup = (
        render_card(replace(manifest, training={"train_tiles": 9, "recipe": {**recipe, **more}}))
        for more in ({}, {"soup": 3})
    )
    assert "9 tiles, seed 4, 3 + 0 epochs" in one
    assert "9 tiles, seed 4 and 2 more (mean of the weights of 3 runs), 3 + 0 epochs" in soup


@pytest.mark.parametrize(
    ("teacher", "words"), [({}, "what a forest says of their pixels"), ({"teacher": "labels"}, "pixels of 4 epochs")]
)
def test_a_card_says_who_taught_a_network_of_pixels(scored: Path, teacher: dict[str, str], words: str) -> None:
    manifest = Manifest.read(scored / "tiny.json")
    recipe = {"train_split": "train", "seed": 1, "epochs": 4, "network": {"fusion": "pixels"}, **teacher}
    card = render_card(replace(manifest, training={"train_tiles": 9, "recipe": recipe}))
    assert f"split train, 9 tiles, seed 1, {words}" in card
