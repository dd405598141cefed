"""Damage by description: neutral changes nothing, gaps stay gaps, seeds decide, curves stop when asked."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from claire.core.analysis import Analysis
from claire.core.bands import MODES
from claire.core.errors import BandError, CancelledError, EmptyTileError, InputError, SensorError, UnknownNameError
from claire.core.manifest import InputSpec
from claire.core.types import Layer, Tile
from claire.core.whatif import WhatIf
from claire.data.preparing import prepare
from claire.data.simulator.scene import Options, simulate_scene
from claire.inference.engine import TorchSegmenter
from claire.pipeline import analyse, apply_what_if, compute_curve, what_if

EVERYTHING = WhatIf(0.5, 0.8, 0.6, 1.0, 2.0, -2.0, "optical", 1.5, -0.5, dropped=("B8_before",), seed=3)


@pytest.fixture(scope="module")
def undamaged(tile: Tile, model: TorchSegmenter) -> Analysis:
    return analyse(tile, model)


def layer_of(tile: Tile, sensor: str) -> Layer:
    layer = getattr(tile, sensor)
    assert isinstance(layer, Layer)
    return layer


def test_without_damage_the_pair_is_exactly_the_same(tile: Tile, model: TorchSegmenter, undamaged: Analysis) -> None:
    for harmless in (WhatIf(), WhatIf(cloud_share=0.9, cloud_thickness=0), WhatIf(shifted="optical", seed=5)):
        same = apply_what_if(tile, model.manifest, harmless)
        for sensor in ("optical", "sar"):
            np.testing.assert_array_equal(layer_of(same, sensor).values, layer_of(tile, sensor).values)
    result = what_if(tile, model, undamaged=undamaged)
    for mode in MODES:
        np.testing.assert_array_equal(result.damaged.predictions[mode].classes, undamaged.predictions[mode].classes)
        assert result.measure(mode).changed == 0
        assert result.measure(mode).miou == undamaged.scores[mode].miou


@pytest.mark.parametrize(
    ("damage", "sensor"),
    [
        (WhatIf(cloud_share=0.4), "optical"),
        (WhatIf(blur=1.0), "optical"),
        (WhatIf(shifted="optical", shift_right=2), "optical"),
        (WhatIf(speckle_looks=2), "sar"),
        (WhatIf(sar_offset_db=3), "sar"),
        (WhatIf(shift_down=1.5), "sar"),
    ],
)
def test_damage_hits_its_sensor_and_leaves_the_other_and_its_map(
    tile: Tile, model: TorchSegmenter, undamaged: Analysis, damage: WhatIf, sensor: str
) -> None:
    other = {"optical": "sar", "sar": "optical"}[sensor]
    result = what_if(tile, model, damage, undamaged=undamaged)
    damaged = result.damaged.tile
    np.testing.assert_array_equal(layer_of(damaged, other).values, layer_of(tile, other).values)
    assert (layer_of(damaged, sensor).values != layer_of(tile, sensor).values).mean() > 0.05
    assert result.measure(other).changed == 0  # type: ignore[arg-type]
    assert result.measure(sensor).changed > 0  # type: ignore[arg-type]


def test_only_the_later_date_gets_clouds_and_more_cover_contains_less(tile: Tile, model: TorchSegmenter) -> None:
    original = layer_of(tile, "optical").values
    touched = []
    for share in (0.2, 0.5, 0.8):
        chosen = WhatIf(cloud_share=share, cloud_shadow=0)
        values = layer_of(apply_what_if(tile, model.manifest, chosen), "optical").values
        np.testing.assert_array_equal(values[:3], original[:3])
        touched.append((values[3:] != original[3:]).any(axis=0))
        assert touched[-1].mean() == pytest.approx(share, abs=0.05)
    assert not (touched[0] & ~touched[1]).any()
    assert not (touched[1] & ~touched[2]).any()


def test_the_same_description_damages_alike_and_another_seed_does_not(tile: Tile, model: TorchSegmenter) -> None:
    one, same, other = (
        apply_what_if(tile, model.manifest, chosen) for chosen in (EVERYTHING, EVERYTHING, replace(EVERYTHING, seed=4))
    )
    for sensor in ("optical", "sar"):
        np.testing.assert_array_equal(layer_of(one, sensor).values, layer_of(same, sensor).values)
        assert (layer_of(one, sensor).values != layer_of(other, sensor).values).any()


def test_what_was_not_observed_stays_so_and_what_was_stays_observed(tile: Tile, model: TorchSegmenter) -> None:
    optical, sar = layer_of(tile, "optical"), layer_of(tile, "sar")
    values, counts = optical.values.copy(), sar.values.copy()
    values[3:, :10], counts[1, :, :7] = 0, 0  # nothing observed on the later date
    holed = replace(tile, optical=replace(optical, values=values), sar=replace(sar, values=counts))
    black = WhatIf(cloud_share=0.6, cloud_shadow=1.0, blur=1.0, speckle_looks=1, sar_offset_db=-12)
    found = analyse(apply_what_if(holed, model.manifest, black), model).observations
    wanted = analyse(holed, model).observations
    assert found == wanted


@pytest.mark.parametrize(("off", "sensor", "other"), [("optical_on", "optical", "sar"), ("sar_on", "sar", "optical")])
def test_a_sensor_that_is_off_is_a_missing_sensor(
    tile: Tile, model: TorchSegmenter, off: str, sensor: str, other: str
) -> None:
    found = what_if(tile, model, WhatIf(**{off: False})).damaged  # type: ignore[arg-type]
    wanted = analyse(replace(tile, **{sensor: None}), model)  # type: ignore[arg-type]
    np.testing.assert_array_equal(found.predictions["fused"].classes, wanted.predictions["fused"].classes)
    assert not found.predictions[sensor].valid.any()  # type: ignore[index]
    assert found.predictions[other].valid.all()  # type: ignore[index]


def test_a_dropped_band_is_a_gap_in_that_band_alone(tile: Tile, model: TorchSegmenter) -> None:
    damaged = layer_of(apply_what_if(tile, model.manifest, WhatIf(dropped=("B8_after",))), "optical")
    seen = damaged.valid.all(axis=(1, 2))
    assert [band for band, there in zip(damaged.bands, seen, strict=True) if not there] == ["B8_after"]
    assert not damaged.valid[damaged.bands.index("B8_after")].any()


def test_a_cloud_that_is_left_out_stays_out_whatever_else_is_lost(model: TorchSegmenter) -> None:
    tile = simulate_scene(1, Options(size=64, clouds="broken")).as_tile("cloudy", cloudy=True)
    tile = replace(tile, label=None)
    bands = layer_of(tile, "optical").bands
    optical = InputSpec(bands, "reflectance_x1e4", (0.0,) * 6, (1.0,) * 6, (tuple(range(6)),), "", True)
    sar = InputSpec(("VV", "VH"), "db", (0.0,) * 2, (1.0,) * 2, ((0, 1),))
    manifest = replace(model.manifest, optical=optical, sar=sar)
    clouds = ~prepare(tile, manifest)[0].optical_valid
    assert 0.05 < clouds.mean() < 0.95
    for damage in (WhatIf(), WhatIf(dropped=("B11",)), WhatIf(blur=2.0)):
        prepared, _ = prepare(apply_what_if(tile, manifest, damage), manifest)
        assert not prepared.optical_valid[clouds].any()


def test_all_bands_of_a_sensor_dropped_is_that_sensor_off(tile: Tile, model: TorchSegmenter) -> None:
    bands = model.manifest.sar.bands
    dropped, off = (what_if(tile, model, each).damaged for each in (WhatIf(dropped=bands), WhatIf(sar_on=False)))
    np.testing.assert_array_equal(dropped.predictions["fused"].classes, off.predictions["fused"].classes)


def test_the_shift_leaves_the_label_and_what_slid_out_is_not_mapped(tile: Tile, model: TorchSegmenter) -> None:
    found = what_if(tile, model, WhatIf(shifted="sar", shift_right=5)).damaged
    np.testing.assert_array_equal(found.tile.label, tile.label)  # type: ignore[arg-type]
    assert not found.predictions["sar"].valid[:, :5].any()
    assert found.predictions["sar"].valid[:, 5:].all()
    assert found.predictions["fused"].valid.all()


def test_scores_of_the_damaged_map_are_against_the_label_and_without_one_there_are_none(
    tile: Tile, model: TorchSegmenter
) -> None:
    result = what_if(tile, model, WhatIf(cloud_share=0.7))
    hit = (result.damaged.predictions["fused"].classes == tile.label).mean()
    assert result.damaged.scores["fused"].oa == pytest.approx(hit)
    bare = what_if(replace(tile, label=None), model, WhatIf(cloud_share=0.7))
    assert bare.damaged.scores == {}
    assert np.isnan(bare.measure("fused").miou)


def test_provenance_keeps_the_damage(tile: Tile, model: TorchSegmenter) -> None:
    provenance = what_if(tile, model, EVERYTHING).damaged.provenance
    assert WhatIf.from_dict(json.loads(provenance.settings["what_if"])) == EVERYTHING
    assert provenance.seed == 3


def test_counts_of_eight_bits_are_said_to_have_a_nominal_span_only_where_it_matters(
    tile: Tile, model: TorchSegmenter
) -> None:
    for chosen, wanted in ((WhatIf(sar_offset_db=1), True), (WhatIf(speckle_looks=3), True), (WhatIf(blur=1), False)):
        codes = {notice.code for notice in apply_what_if(tile, model.manifest, chosen).notices}
        assert ("nominal_db" in codes) == wanted


@pytest.mark.parametrize(
    ("damage", "error", "said"),
    [
        (WhatIf(optical_on=False, sar_on=False), SensorError, "No sensor is left"),
        (WhatIf(dropped=("B99",)), UnknownNameError, "B99"),
    ],
)
def test_damage_that_makes_no_sense_is_a_sentence(
    tile: Tile, model: TorchSegmenter, damage: WhatIf, error: type[InputError], said: str
) -> None:
    with pytest.raises(error, match=said) as caught:
        what_if(tile, model, damage)
    assert caught.value.hint


def test_a_missing_sensor_cannot_be_damaged_and_is_named(tile: Tile, model: TorchSegmenter) -> None:
    no_optical, no_sar = replace(tile, optical=None), replace(tile, sar=None)
    for pair, chosen in (
        (no_optical, WhatIf(cloud_share=0.1)),
        (no_optical, WhatIf(shifted="optical", shift_down=1)),
        (no_sar, WhatIf(speckle_looks=4)),
    ):
        with pytest.raises(SensorError, match="does not have"):
            what_if(pair, model, chosen)
    with pytest.raises(SensorError, match="No sensor is left"):
        what_if(no_sar, model, WhatIf(optical_on=False))
    bands = (*model.manifest.optical.bands, *model.manifest.sar.bands)
    with pytest.raises(EmptyTileError):
        what_if(tile, model, WhatIf(dropped=bands))


def test_numbers_of_unknown_unit_get_no_clouds_and_no_decibel(tile: Tile, model: TorchSegmenter) -> None:
    manifest = replace(
        model.manifest,
        optical=replace(model.manifest.optical, unit="as_given"),
        sar=replace(model.manifest.sar, unit="as_given"),
    )
    unknown = replace(
        tile,
        optical=replace(layer_of(tile, "optical"), unit="as_given"),
        sar=replace(layer_of(tile, "sar"), unit="as_given"),
    )
    for chosen in (WhatIf(cloud_share=0.5), WhatIf(sar_offset_db=1), WhatIf(speckle_looks=4)):
        with pytest.raises(BandError, match="Nobody knows"):
            apply_what_if(unknown, manifest, chosen)
    assert apply_what_if(unknown, manifest, WhatIf(blur=1, shift_right=1)).optical is not None


def test_a_curve_is_one_what_if_per_value(tile: Tile, model: TorchSegmenter, undamaged: Analysis) -> None:
    said: list[tuple[int, int]] = []
    curve = compute_curve(
        tile, model, "cloud_share", (0, 0.5, 1), undamaged=undamaged, report=lambda *done: said.append(done)
    )
    assert said == [(1, 3), (2, 3), (3, 3)]
    assert curve.scored
    for point in curve.points:
        result = what_if(tile, model, WhatIf(cloud_share=point.value), undamaged=undamaged)
        assert dict(point.outcomes) == {mode: result.measure(mode) for mode in MODES}
        trust = result.damaged.trust
        assert trust is not None
        assert point.sar_trust == pytest.approx(1 - trust.mean())
    assert curve.points[0].outcomes["fused"].changed == 0


def test_a_curve_can_be_stopped_before_its_first_value_and_between(tile: Tile, model: TorchSegmenter) -> None:
    done: list[int] = []
    with pytest.raises(CancelledError):
        compute_curve(
            tile,
            model,
            "blur",
            report=lambda count, total: done.append(count),
            cancelled=lambda: len(done) >= 2,
        )
    assert done == [1, 2]
    with pytest.raises(CancelledError):
        compute_curve(tile, model, "blur", cancelled=lambda: True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"factor": "fog"}, "no factor called"),
        ({"factor": "cloud_thickness"}, "while cloud cover is 0"),
        ({"factor": "cloud_shadow"}, "while cloud cover is 0"),
        ({"factor": "cloud_share", "description": WhatIf(cloud_thickness=0)}, "while cloud thickness is 0"),
        ({"factor": "blur", "description": WhatIf(optical_on=False)}, "while the optical sensor is off"),
        ({"factor": "shift_down", "description": WhatIf(sar_on=False)}, "while SAR is off"),
        ({"factor": "blur", "values": (1,)}, "rise or fall"),
        ({"factor": "blur", "values": (1, 3, 2)}, "rise or fall"),
        ({"factor": "blur", "values": (1, 100)}, "is wanted"),
    ],
)
def test_a_curve_that_can_show_nothing_is_a_sentence(
    tile: Tile, model: TorchSegmenter, arguments: dict[str, Any], said: str
) -> None:
    with pytest.raises(InputError, match=said) as caught:
        compute_curve(tile, model, **arguments)
    assert caught.value.hint


def test_a_curve_over_a_missing_sensor_is_a_sentence(tile: Tile, model: TorchSegmenter) -> None:
    with pytest.raises(SensorError, match="does not have"):
        compute_curve(replace(tile, sar=None), model, "speckle_looks")


def test_a_network_of_one_sensor_has_a_curve_without_lead(tile: Tile, sar_model: TorchSegmenter) -> None:
    curve = compute_curve(tile, sar_model, "speckle_looks", (64, 1))
    assert set(curve.points[0].outcomes) == {"sar"}
    assert curve.takeover is None
    assert curve.handover is None
