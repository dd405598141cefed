"""Scoring a data set: pooled counts equal the sum over its tiles, damage is the same for every model."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from claire.core.bands import MODES
from claire.core.classes import IGNORE_INDEX
from claire.core.errors import DatasetError, FormatError, UnknownNameError
from claire.core.types import Tile
from claire.inference.engine import TorchSegmenter
from claire.metrics.calibration import fit_temperature
from claire.pipeline import CONDITIONS, analyse, evaluate
from claire.pipeline.evaluate import degrade_tile, fit_temperatures


def sum_of_tiles(tiles: list[Tile], model: TorchSegmenter, condition: str, seed: int = 0) -> dict[str, Any]:
    """mode -> confusion summed tile by tile over the analyses of the damaged tiles."""
    total = {mode: np.zeros((2, 2), int) for mode in MODES}
    for tile in tiles:
        analysis = analyse(degrade_tile(tile, condition, model.manifest, seed), model)
        for mode in MODES:
            assert tile.label is not None
            classes = analysis.predictions[mode].classes
            for truth, found in zip(tile.label.ravel(), classes.ravel(), strict=True):
                if found != IGNORE_INDEX:
                    total[mode][truth, found] += 1
    return {mode: counts.tolist() for mode, counts in total.items()}


@pytest.mark.parametrize("condition", ["clear", "cloud_after_50", "no_sar"])
def test_the_pooled_matrix_is_the_sum_over_the_labelled_tiles(
    dataset: Any, model: TorchSegmenter, condition: str
) -> None:
    scores = evaluate(dataset, "all", model, conditions=(condition,))
    labelled = [tile for tile in dataset.tiles.values() if tile.label is not None]
    wanted = sum_of_tiles(labelled, model, condition)
    for mode in MODES:
        entry = scores[mode][condition]
        assert entry["confusion"] == wanted[mode]
        assert entry["n_tiles"] == 3
        pixels = sum(tile.label.size for tile in labelled if tile.label is not None)
        assert entry["coverage"] == pytest.approx(np.sum(wanted[mode]) / pixels)


def test_one_tile_scores_as_its_analysis(dataset: Any, model: TorchSegmenter) -> None:
    single = replace(dataset, tiles={"t1": dataset.tiles["t1"]})
    scores, analysis = evaluate(single, None, model), analyse(dataset.tiles["t1"], model)
    for mode in MODES:
        wanted = analysis.as_dict()["modes"][mode]["scores"]
        found = scores[mode]["clear"]
        assert found["per_class"] == wanted["per_class"]
        for key in ("miou", "oa", "kappa", "f1", "ece", "ece_raw"):
            assert found[key] == pytest.approx(wanted[key], abs=1e-6)


def test_a_tile_that_cannot_be_read_ends_the_run_or_is_left_out(
    dataset: Any, model: TorchSegmenter, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = evaluate(replace(dataset, tiles={k: v for k, v in dataset.tiles.items() if k != "t1"}), None, model)

    def read(self: Any, tile_id: str, /) -> Tile:
        if tile_id in broken:
            raise FormatError(f"{tile_id} is no picture.", "Write it anew.")
        return whole(self, tile_id)

    whole: Callable[[Any, str], Tile] = type(dataset).read
    broken = {"t1"}
    monkeypatch.setattr(type(dataset), "read", read)
    with pytest.raises(FormatError):
        evaluate(dataset, None, model)
    named: dict[str, str] = {}
    found = evaluate(dataset, None, model, leave_out=lambda tile, error: named.update({tile: error.message}))
    assert named == {"t1": "t1 is no picture."}
    assert found == wanted
    broken = set(dataset.ids())
    with pytest.raises(FormatError, match="t0"):
        evaluate(dataset, None, model, leave_out=lambda tile, error: None)


def test_a_sensor_that_sees_nothing_has_no_coverage_and_no_scores(dataset: Any, model: TorchSegmenter) -> None:
    scores = evaluate(dataset, None, model, conditions=("zero_all", "no_sar"))
    json.dumps(scores, allow_nan=False)
    for mode, condition in (("optical", "zero_all"), ("sar", "no_sar")):
        blind = scores[mode][condition]
        assert blind["coverage"] == 0
        assert np.sum(blind["confusion"]) == 0
        assert [blind[key] for key in ("miou", "oa", "kappa", "f1", "ece", "ece_raw")] == [None] * 6
        assert blind["per_class"]["flood"] == dict.fromkeys(("iou", "f1", "precision", "recall"))
        assert scores["fused"][condition]["coverage"] == 1
        assert scores["fused"][condition]["oa"] is not None


def test_optical_damage_leaves_the_sar_map(dataset: Any, model: TorchSegmenter) -> None:
    scores = evaluate(dataset, None, model, conditions=("clear", "cloud_after_70", "zero_all"))["sar"]
    assert scores["clear"]["confusion"] == scores["cloud_after_70"]["confusion"] == scores["zero_all"]["confusion"]


@pytest.mark.parametrize("condition", CONDITIONS)
def test_damage_depends_on_tile_condition_and_seed_only(
    dataset: Any, model: TorchSegmenter, sar_model: TorchSegmenter, condition: str
) -> None:
    tile = dataset.tiles["t2"]
    before = tile.optical.values.copy()
    first, second = (degrade_tile(tile, condition, each.manifest, 3) for each in (model, sar_model))
    np.testing.assert_array_equal(tile.optical.values, before)
    assert (first.sar is None) == (condition == "no_sar")
    assert first.optical is not None
    assert second.optical is not None
    np.testing.assert_array_equal(first.optical.values, second.optical.values)
    np.testing.assert_array_equal(first.optical.values[:3], 0 if condition == "zero_all" else before[:3])
    if condition in {"patch_after", "cloud_after_30", "noise_after"}:
        other_seed = degrade_tile(tile, condition, model.manifest, 4)
        other_tile = degrade_tile(replace(tile, name="another"), condition, model.manifest, 3)
        for other in (other_seed, other_tile):
            assert other.optical is not None
            assert (other.optical.values != first.optical.values).any()


def test_damage_keeps_the_scale_of_the_unit(dataset: Any, model: TorchSegmenter) -> None:
    noisy = degrade_tile(dataset.tiles["t0"], "noise_after", model.manifest, 0).optical
    assert noisy is not None
    assert 200 < noisy.values[3:].max() <= 255


def test_missing_sensors_have_an_average_where_the_map_survives_them(dataset: Any, model: TorchSegmenter) -> None:
    scores = evaluate(dataset, None, model, conditions=("emm",))
    json.dumps(scores, allow_nan=False)
    assert set(scores["optical"]) == {"clear", "no_optical", "no_sar"}
    fused = scores["fused"]
    both, optical_out, sar_out = (
        fused[name]["per_class"]["flood"]["iou"] for name in ("clear", "no_optical", "no_sar")
    )
    assert fused["emm_average"]["per_class"]["flood"]["iou"] == pytest.approx((both + optical_out + sar_out) / 3)
    wanted = (0.9**2 * both + 0.9 * 0.1 * (optical_out + sar_out)) / (0.9**2 + 2 * 0.9 * 0.1)
    assert fused["emm_p10"]["per_class"]["flood"]["iou"] == pytest.approx(wanted)
    assert fused["emm_average"]["confusion"] is None


def test_confidence_is_told_by_bins_and_by_what_leaving_out_gains(dataset: Any, model: TorchSegmenter) -> None:
    for conditions in evaluate(dataset, None, model).values():
        entry = conditions["clear"]
        assert sum(entry["reliability"]["share"]) == pytest.approx(1)
        assert entry["risk_coverage"]["coverage"][-1] == 1
        assert entry["risk_coverage"]["risk"][-1] == pytest.approx(1 - entry["oa"])


def test_two_runs_agree_and_another_seed_differs(dataset: Any, model: TorchSegmenter) -> None:
    first, again, other = (evaluate(dataset, None, model, conditions=("noise_after",), seed=seed) for seed in (0, 0, 1))
    assert first == again
    assert first["optical"] != other["optical"]


def test_only_what_was_asked_for_is_scored(dataset: Any, model: TorchSegmenter, sar_model: TorchSegmenter) -> None:
    scores = evaluate(dataset, None, model, ("sar",), ("clear", "zero_after"))
    assert list(scores) == ["sar"]
    assert list(scores["sar"]) == ["clear", "zero_after"]
    assert list(evaluate(dataset, None, sar_model)) == ["sar"]


def test_progress_counts_up_to_all_tiles(dataset: Any, sar_model: TorchSegmenter) -> None:
    calls: list[tuple[int, int]] = []
    evaluate(dataset, None, sar_model, report=lambda done, total: calls.append((done, total)))
    assert calls == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_a_data_set_without_labels_is_refused(dataset: Any, model: TorchSegmenter) -> None:
    with pytest.raises(DatasetError, match="label"):
        evaluate(replace(dataset, tiles={"bare": dataset.tiles["bare"]}), None, model)


def test_wrong_names_list_the_right_ones(dataset: Any, model: TorchSegmenter, sar_model: TorchSegmenter) -> None:
    with pytest.raises(UnknownNameError) as caught:
        evaluate(dataset, None, model, conditions=("fog",))
    assert "cloud_after_30" in caught.value.hint
    assert "no_sar" in caught.value.hint
    with pytest.raises(UnknownNameError):
        evaluate(dataset, "nowhere", model)
    with pytest.raises(UnknownNameError):
        evaluate(dataset, None, sar_model, ("optical",))
    with pytest.raises(UnknownNameError) as caught:
        evaluate(dataset, None, model, conditions=())
    assert "clear" in caught.value.hint


def test_fitted_temperatures_are_those_of_all_pixels_together(dataset: Any, model: TorchSegmenter) -> None:
    labelled = replace(dataset, tiles={k: v for k, v in dataset.tiles.items() if v.label is not None})
    found = fit_temperatures(labelled, "all", model)
    from claire.data.preparing import prepare

    for mode in MODES:
        logits, labels = [], []
        for tile in labelled.tiles.values():
            prepared, _ = prepare(tile, model.manifest)
            logits.append(model.segment(prepared).logits[mode].reshape(2, -1).T)
            labels.append(tile.label.ravel())
        wanted = fit_temperature(np.concatenate(logits), np.concatenate(labels))
        assert found[mode] == pytest.approx(wanted, rel=1e-3)
