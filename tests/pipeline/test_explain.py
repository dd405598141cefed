"""explain: one call for attribution, faithfulness and contribution, the same numbers on disk."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from claire.core.analysis import Analysis
from claire.core.errors import CancelledError, InputError, SensorError, UnknownNameError, ZoneError
from claire.core.settings import Settings
from claire.core.types import Tile
from claire.explain.attention import compute_look
from claire.explain.attributions import Options
from claire.inference.engine import TorchSegmenter
from claire.pipeline import (
    add_bands,
    analyse,
    analyse_explained,
    check_folder,
    explain,
    find_wanted,
    load_model,
    measure_first,
    read_attention,
    remeasure,
    tell_explained,
    write_explained,
)

QUICK = Options(steps=4, most_steps=4)


def test_without_a_region_the_zone_is_the_class_of_the_map(tile: Tile, model: TorchSegmenter) -> None:
    found = explain(tile, model, "flood", "saliency", options=QUICK, full=False)
    np.testing.assert_array_equal(found.attribution.zone, analyse(tile, model).predictions["fused"].classes == 1)
    assert found.share is not None
    assert found.share.class_name == "flood"
    assert found.share.value == pytest.approx(found.attribution.value, abs=1e-4)


def test_what_is_written_is_what_was_found_and_opens_again(tile: Tile, model: TorchSegmenter, tmp_path: Path) -> None:
    found = explain(tile, model, "flood", region=(0, 0, 20, 30), options=QUICK, full=False)
    analysis = analyse_explained(tile, model, found)
    files = write_explained(analysis, tmp_path / "new")
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == sorted(files.values())
    stored = json.loads((tmp_path / "new" / files["attribution"]).read_text(encoding="utf-8"))
    assert stored == json.loads(json.dumps({**tell_explained(analysis), "files": files}))
    for evidence in ("optical", "sar"):
        with Image.open(tmp_path / "new" / files[f"picture_{evidence}"]) as picture:
            assert picture.size == (48, 48)
        assert stored["pictures"][evidence].startswith("Integrated Gradients for flood")
    opened = Analysis.load(tmp_path / "new")
    assert tell_explained(opened) == tell_explained(analysis)
    for evidence, values in found.attribution.maps.items():
        np.testing.assert_array_equal(opened.explained[0].attribution.maps[evidence], values)
    assert opened.attention is not None
    for asking in ("optical", "sar"):
        look = compute_look(opened.attention, 3, 4, asking)  # type: ignore[arg-type]
        np.testing.assert_array_equal(look, compute_look(read_attention(tile, model), 3, 4, asking))  # type: ignore[arg-type]


def test_any_zone_can_be_asked_about_and_measured_further(tile: Tile, model: TorchSegmenter) -> None:
    zone = np.zeros(tile.shape, bool)
    zone[5:9, 7:20] = zone[30, 30] = True
    quick = explain(tile, model, "flood", "saliency", zone=zone, options=QUICK, full=False)
    np.testing.assert_array_equal(quick.attribution.zone, zone)
    full = remeasure(tile, model, quick, QUICK)
    assert full.attribution is quick.attribution
    again = explain(tile, model, "flood", "saliency", zone=zone, options=QUICK, full=True)
    assert repr(full.faithfulness) == repr(again.faithfulness), "NaN is not equal to itself"
    assert (full.faithfulness.full, quick.faithfulness.full) == (True, False)


def test_a_saved_analysis_is_measured_further_where_its_checkpoint_is_at_hand(
    tile: Tile, tiny_checkpoints: Path
) -> None:
    settings = Settings(checkpoints=tiny_checkpoints)
    analysis = analyse(tile, load_model("tiny", settings))
    more, problem = measure_first(analysis, "Why is there flood?", settings)
    assert not problem
    assert [each.attribution.class_name for each in more.explained] == ["flood"]
    assert measure_first(more, "Why is there flood?", settings) == (more, "")
    assert measure_first(analysis, "How much flood?", settings) == (analysis, "")
    fused = analyse(tile, load_model("tiny", settings), ("fused",))
    whole, problem = measure_first(fused, "What would happen without the optical?", settings)
    assert not problem
    assert set(whole.predictions) == {"fused", "optical", "sar"}
    np.testing.assert_array_equal(whole.predictions["fused"].classes, fused.predictions["fused"].classes)
    other = replace(analysis, provenance=replace(analysis.provenance, model_sha256="0" * 64))
    assert measure_first(other, "Why is there flood?", settings)[1].startswith("The checkpoint tiny is another one")
    gone = replace(analysis, provenance=replace(analysis.provenance, model="gone"))
    assert "gone" in measure_first(gone, "Why is there flood?", settings)[1]
    assert not find_wanted(replace(analysis, predictions={"sar": analysis.predictions["sar"]}), "Why is there flood?")


def test_bands_sum_to_what_the_sensors_sum_to(tile: Tile, model: TorchSegmenter) -> None:
    zone = np.zeros(tile.shape, bool)
    zone[10:20, 10:30] = True
    seen: list[tuple[int, int]] = []
    found = explain(tile, model, "flood", "saliency", zone=zone, full=False)
    bands, share = add_bands(tile, model, found, report=lambda *passes: seen.append(passes)).bands, found.share
    assert bands is not None
    assert share is not None
    assert bands.values[:, 1].sum() == pytest.approx(share.optical + share.sar, abs=1e-5)
    assert seen[-1] == (256, 256)


def test_attention_is_left_out_where_a_network_has_none(tile: Tile, sar_model: TorchSegmenter) -> None:
    found = explain(tile, sar_model, "flood", "saliency", region=(0, 0, 9, 9), mode="sar", full=False)
    analysis = analyse_explained(tile, sar_model, found)
    assert analysis.attention is None
    assert tell_explained(analysis)["trust"] is None


def test_the_map_of_one_sensor_needs_that_sensor_alone(tile: Tile, sar_model: TorchSegmenter) -> None:
    found = explain(
        replace(tile, optical=None), sar_model, "flood", "saliency", region=(0, 0, 9, 9), mode="sar", full=False
    )
    assert found.share is None
    assert found.as_dict()["contribution"] is None
    assert np.abs(found.attribution.maps["optical"]).max() == 0


def test_what_cannot_be_explained_is_said(
    tile: Tile, model: TorchSegmenter, sar_model: TorchSegmenter, tmp_path: Path
) -> None:
    with pytest.raises(SensorError):
        explain(replace(tile, sar=None), model, "flood")
    with pytest.raises(UnknownNameError, match="class"):
        explain(tile, model, "lava")
    with pytest.raises(UnknownNameError, match="method"):
        explain(tile, model, "flood", "magic")
    with pytest.raises(UnknownNameError, match="fused"):
        explain(tile, sar_model, "flood")
    with pytest.raises(ZoneError):
        explain(tile, model, "flood", region=(100, 100, 200, 200))
    with pytest.raises(CancelledError):
        explain(tile, model, "flood", "saliency", cancelled=lambda: True)
    found = analyse_explained(tile, model, explain(tile, model, "flood", "saliency", region=(0, 0, 9, 9), full=False))
    blocked = tmp_path / "file"
    blocked.write_text("", encoding="utf-8")
    for refuse in (lambda: write_explained(found, blocked), lambda: check_folder(blocked)):
        with pytest.raises(InputError, match="cannot be written"):
            refuse()
    check_folder(tmp_path)
    check_folder(tmp_path / "new")
