"""The whole flow for one tile against step-by-step oracles; with one sensor, without label, to disk and back."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from claire.core.analysis import Analysis
from claire.core.bands import MODES
from claire.core.classes import IGNORE_INDEX
from claire.core.errors import BandError, EmptyTileError, LabelError, UnknownNameError
from claire.core.types import GeoReference, Layer, Notice, Tile
from claire.data.preparing import prepare
from claire.inference.engine import TorchSegmenter
from claire.inference.predicting import decide
from claire.pipeline import analyse


def hide(layer: Layer | None, rows: slice) -> Layer:
    assert layer is not None
    valid = layer.valid.copy()
    valid[:, rows] = False
    return replace(layer, valid=valid)


@pytest.fixture(scope="module")
def analysis(tile: Tile, model: TorchSegmenter) -> Analysis:
    return analyse(tile, model)


def test_maps_are_those_of_one_forward(analysis: Analysis, tile: Tile, model: TorchSegmenter) -> None:
    prepared, _ = prepare(tile, model.manifest)
    output = model.segment(prepared)
    assert tuple(analysis.predictions) == MODES
    for mode in MODES:
        wanted = decide(output, prepared, model.manifest, mode)
        np.testing.assert_array_equal(analysis.predictions[mode].classes, wanted.classes)
        np.testing.assert_allclose(analysis.predictions[mode].probabilities, wanted.probabilities, atol=1e-6)


def test_random_weights_still_draw_maps_with_two_classes(analysis: Analysis) -> None:
    assert {len(np.unique(p.classes)) for p in analysis.predictions.values()} == {2}
    assert analysis.disagreement is not None
    assert 0 < analysis.disagreement.mean() < 1


@pytest.mark.parametrize("mode", MODES)
def test_scores_equal_a_loop_over_the_pixels(analysis: Analysis, tile: Tile, mode: str) -> None:
    prediction, scores = analysis.predictions[mode], analysis.scores[mode]  # type: ignore[index]
    assert tile.label is not None
    confusion = [[0, 0], [0, 0]]
    bins: list[list[tuple[float, bool]]] = [[] for _ in range(15)]
    for row, column in np.ndindex(tile.shape):
        truth, found = int(tile.label[row, column]), int(prediction.classes[row, column])
        confusion[truth][found] += 1
        sure = float(prediction.probabilities[:, row, column].max())
        bins[min(14, math.ceil(sure * 15) - 1)].append((sure, truth == found))
    assert scores.confusion.tolist() == confusion
    ious = [confusion[k][k] / (sum(confusion[k]) + sum(row[k] for row in confusion) - confusion[k][k]) for k in (0, 1)]
    total = tile.shape[0] * tile.shape[1]
    assert [c.iou for c in scores.per_class] == pytest.approx(ious)
    assert scores.miou == pytest.approx(sum(ious) / 2)
    assert scores.oa == pytest.approx((confusion[0][0] + confusion[1][1]) / total)
    ece = sum(abs(sum(s for s, _ in b) - sum(r for _, r in b)) for b in bins) / total
    assert scores.ece == pytest.approx(ece, abs=1e-6)


def test_the_raw_calibration_is_that_without_temperature(tile: Tile, model: TorchSegmenter) -> None:
    plain = replace(model, manifest=replace(model.manifest, temperature=dict.fromkeys(MODES, 1.0)))
    tempered, untempered = analyse(tile, model), analyse(tile, plain)
    for mode in MODES:
        assert tempered.scores[mode].ece_raw == pytest.approx(untempered.scores[mode].ece, abs=1e-6)
    assert tempered.scores["fused"].ece != pytest.approx(tempered.scores["fused"].ece_raw, abs=1e-4)


def test_areas_and_disagreement_are_counts(analysis: Analysis) -> None:
    for mode, prediction in analysis.predictions.items():
        assert [a.pixels for a in analysis.areas[mode]] == [int((prediction.classes == k).sum()) for k in (0, 1)]
        assert sum(a.area_share for a in analysis.areas[mode]) == pytest.approx(1)
    differ = analysis.predictions["optical"].classes != analysis.predictions["sar"].classes
    np.testing.assert_array_equal(analysis.disagreement, differ)
    assert analysis.disagreement_share == pytest.approx(differ.mean())


def test_areas_in_square_metres_come_with_a_metric_grid(tile: Tile, model: TorchSegmenter) -> None:
    place = GeoReference("EPSG:32633", (20.0, 0.0, 5e5, 0.0, -10.0, 5e6), metres=True)
    areas = analyse(replace(tile, georeference=place), model).areas["fused"]
    assert [a.area_m2 for a in areas] == [200.0 * a.pixels for a in areas]


@pytest.mark.parametrize(("missing", "other"), [("sar", "optical"), ("optical", "sar")])
def test_without_a_sensor_its_map_is_empty_and_the_fused_map_rests_on_the_other(
    tile: Tile, model: TorchSegmenter, missing: str, other: str
) -> None:
    found = analyse(replace(tile, **{missing: None}), model)
    assert not found.predictions[missing].valid.any()  # type: ignore[index]
    assert (found.predictions[missing].classes == IGNORE_INDEX).all()  # type: ignore[index]
    assert found.predictions[other].valid.all()  # type: ignore[index]
    assert found.predictions["fused"].valid.all()
    assert math.isnan(found.scores[missing].miou)  # type: ignore[index]
    assert found.scores["fused"].confusion.sum() == tile.label.size  # type: ignore[union-attr]
    assert found.disagreement is not None
    assert not found.disagreement.any()
    assert "missing_sensor" in {notice.code for notice in found.notices}
    json.dumps(found.as_dict(), allow_nan=False)


def test_what_one_sensor_holds_does_not_change_the_map_of_the_other(tile: Tile, model: TorchSegmenter) -> None:
    whole = analyse(tile, model)
    for missing, other in (("sar", "optical"), ("optical", "sar")):
        alone = analyse(replace(tile, **{missing: None}), model)
        np.testing.assert_array_equal(alone.predictions[other].classes, whole.predictions[other].classes)  # type: ignore[index]


def test_without_a_label_there_are_maps_and_no_scores(tile: Tile, model: TorchSegmenter, analysis: Analysis) -> None:
    found = analyse(replace(tile, label=None), model)
    assert found.scores == {}
    np.testing.assert_array_equal(found.predictions["fused"].classes, analysis.predictions["fused"].classes)
    assert "scores" not in found.as_dict()["modes"]["fused"]


def test_masked_pixels_are_neither_mapped_nor_scored(tile: Tile, model: TorchSegmenter) -> None:
    hidden = replace(tile, optical=hide(tile.optical, slice(0, 10)), sar=hide(tile.sar, slice(0, 20)))
    found = analyse(hidden, model)
    width = tile.shape[1]
    for mode, rows in (("optical", 10), ("sar", 20), ("fused", 10)):
        assert (found.predictions[mode].classes[:rows] == IGNORE_INDEX).all()  # type: ignore[index]
        assert found.predictions[mode].valid[rows:].all()  # type: ignore[index]
        assert found.scores[mode].confusion.sum() == (tile.shape[0] - rows) * width  # type: ignore[index]
    assert found.disagreement is not None
    assert not found.disagreement[:20].any()


def test_pixels_that_are_not_labelled_do_not_count(tile: Tile, model: TorchSegmenter) -> None:
    assert tile.label is not None
    label = tile.label.copy()
    label[:, 30:] = 255
    found = analyse(replace(tile, label=label), model)
    assert found.scores["fused"].confusion.sum() == tile.shape[0] * 30


@pytest.mark.parametrize("missing", [None, "optical", "sar", "label"])
def test_from_disk_it_comes_back_equal(tile: Tile, model: TorchSegmenter, tmp_path: Path, missing: str | None) -> None:
    marked = replace(tile, notices=(Notice("a", "One."),), sources={"x.tif": "ab" * 32})
    before = analyse(replace(marked, **({missing: None} if missing else {})), model)
    before.save(tmp_path)
    after = Analysis.load(tmp_path)
    assert after.as_dict() == before.as_dict()
    for mode in MODES:
        np.testing.assert_array_equal(after.predictions[mode].classes, before.predictions[mode].classes)
        np.testing.assert_array_equal(after.predictions[mode].probabilities, before.predictions[mode].probabilities)
    for name in ("disagreement", "trust"):
        np.testing.assert_array_equal(getattr(after, name), getattr(before, name))


def test_trust_covers_the_tile_and_leaves_a_missing_sensor(tile: Tile, model: TorchSegmenter) -> None:
    both, no_sar = analyse(tile, model).trust, analyse(replace(tile, sar=None), model).trust
    assert both is not None
    assert no_sar is not None
    assert both.shape == no_sar.shape == tile.shape
    assert 0 < both.min() <= both.max() < 1
    assert no_sar.min() > 0.99


def test_provenance_says_which_weights_and_which_maps(tile: Tile, model: TorchSegmenter) -> None:
    provenance = analyse(replace(tile, sources={"x.tif": "ab"}), model, ("sar", "fused")).provenance
    assert provenance.model == "tiny"
    assert provenance.model_sha256 == model.manifest.sha256 != ""
    assert provenance.inputs == {"x.tif": "ab"}
    assert provenance.settings["modes"] == "sar,fused"


def test_the_analysis_keeps_what_the_manifest_says(tile: Tile, model: TorchSegmenter) -> None:
    manifest = replace(
        model.manifest, training={"class_pixels": [300, 100]}, limits=("Not for sea.",), failures=("Misses ponds.",)
    )
    kept = analyse(tile, replace(model, manifest=manifest)).model
    assert kept is not None
    assert kept.prevalence == (0.75, 0.25)
    assert kept.sensors == {"optical": "generated", "sar": "generated"}
    assert (kept.limits, kept.failures) == (manifest.limits, manifest.failures)
    bare = analyse(tile, model).model
    assert bare is not None
    assert bare.prevalence == ()


def test_observations_are_the_share_that_each_sensor_saw_on_each_date(tile: Tile, model: TorchSegmenter) -> None:
    assert tile.optical is not None
    values = tile.optical.values.copy()
    values[3:, :12] = 0  # the later date, a quarter of 48 rows
    found = analyse(replace(tile, optical=replace(tile.optical, values=values)), model).observations
    shares = {(each.modality, each.date): each.share for each in found}
    dark = 1 - float((tile.optical.values[3:, 12:] == 0).all(axis=0).sum() / tile.optical.values[0].size)
    assert shares["optical", "after"] == pytest.approx(dark - 0.25, abs=1e-6)
    assert set(shares) == {(sensor, date) for sensor in ("optical", "sar") for date in ("before", "after")}


def test_only_the_maps_asked_for_are_made(tile: Tile, model: TorchSegmenter, analysis: Analysis) -> None:
    found = analyse(tile, model, ("sar",))
    assert tuple(found.predictions) == ("sar",)
    assert found.disagreement is None
    np.testing.assert_array_equal(found.predictions["sar"].classes, analysis.predictions["sar"].classes)


def test_a_network_of_one_sensor_makes_its_map_and_refuses_the_others(tile: Tile, sar_model: TorchSegmenter) -> None:
    found = analyse(tile, sar_model)
    assert tuple(found.predictions) == ("sar",)
    assert found.trust is None
    with pytest.raises(UnknownNameError, match="'fused'") as caught:
        analyse(tile, sar_model, ("fused",))
    assert "sar" in caught.value.hint


def test_the_same_tile_gives_the_same_analysis(tile: Tile, model: TorchSegmenter, analysis: Analysis) -> None:
    assert analyse(tile, model).as_dict() == analysis.as_dict()


def test_wrong_tiles_are_refused_with_their_own_errors(tile: Tile, model: TorchSegmenter) -> None:
    assert tile.optical is not None
    one_band = Layer(tile.optical.values[:1], tile.optical.valid[:1], ("B3",), "uint8")
    with pytest.raises(BandError):
        analyse(replace(tile, optical=one_band), model)
    with pytest.raises(LabelError):
        analyse(replace(tile, label=np.full(tile.shape, 9, np.uint8)), model)
    with pytest.raises(EmptyTileError):
        analyse(replace(tile, sar=None, optical=hide(tile.optical, slice(None))), model)
