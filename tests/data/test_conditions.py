"""Conditions: in any unit, seeded, on what was observed only, and as much as their name says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from claire.core.bands import Unit
from claire.core.errors import BandError, UnknownNameError
from claire.core.manifest import InputSpec, Manifest
from claire.core.types import Layer, Tile
from claire.data.conditions import CONDITIONS, GROUPS, LEVELS, apply_condition, describe_conditions, list_conditions
from claire.data.preparing import prepare

UNITS: tuple[tuple[Unit, Unit], ...] = (("uint8", "uint8"), ("reflectance", "db"), ("reflectance_x1e4", "power"))


def build(optical: Unit, sar: Unit, side: int = 40) -> tuple[Tile, Manifest]:
    """A pair of two optical dates and one of SAR with a gap each, and a manifest that reads it."""
    rng = np.random.default_rng(1)
    layers = []
    for unit, bands in ((optical, ("B3_before", "B8_before", "B3_after", "B8_after")), (sar, ("VV", "VH"))):
        low, high = LEVELS[unit]
        values = (low + (high - low) * rng.uniform(0.1, 0.6, (len(bands), side, side))).astype(np.float32)
        valid = np.ones(values.shape, bool)
        valid[:, :4, :4] = False
        layers.append(Layer(values, valid, bands, unit))
    specs = [
        InputSpec(layer.bands, layer.unit, (0.0,) * n, (1.0,) * n, dates)
        for layer, n, dates in ((layers[0], 4, ((0, 1), (2, 3))), (layers[1], 2, ((0, 1),)))
    ]
    return Tile("t", *layers, np.zeros((side, side), np.uint8)), Manifest("m", "M", "flood", *specs, {}, {})


def act(name: str, tile: Tile, manifest: Manifest, seed: int = 0) -> Tile:
    return apply_condition(tile, name, manifest, np.random.default_rng(seed))


def observe(tile: Tile, manifest: Manifest) -> tuple[np.ndarray, np.ndarray]:
    prepared, _ = prepare(tile, manifest)
    return prepared.optical_valid, prepared.sar_valid


@pytest.mark.parametrize("units", UNITS)
@pytest.mark.parametrize("name", CONDITIONS)
def test_every_condition_works_in_every_unit_and_never_fills_a_gap(name: str, units: tuple[Unit, Unit]) -> None:
    tile, manifest = build(*units)
    before = [layer.values.copy() for layer in (tile.optical, tile.sar) if layer is not None]
    damaged = act(name, tile, manifest)
    for layer, original in zip((tile.optical, tile.sar), before, strict=True):
        assert layer is not None
        np.testing.assert_array_equal(layer.values, original)
    optical, sar = observe(damaged, manifest)
    assert not optical[:, :4, :4].any()
    if not name.startswith("shift"):
        assert not sar[:, :4, :4].any()
    prepared, _ = prepare(damaged, manifest)
    assert np.isfinite(prepared.optical).all()
    assert np.isfinite(prepared.sar).all()


@pytest.mark.parametrize("name", CONDITIONS)
def test_the_same_seed_gives_the_same_damage(name: str) -> None:
    tile, manifest = build("uint8", "db")
    first, second = act(name, tile, manifest, 3), act(name, tile, manifest, 3)
    for one, two in ((first.optical, second.optical), (first.sar, second.sar)):
        assert (one is None) == (two is None)
        if one is not None and two is not None:
            np.testing.assert_array_equal(one.values, two.values)
            np.testing.assert_array_equal(one.valid, two.valid)


def test_a_sensor_that_is_missing_is_left_out_and_the_last_one_stays() -> None:
    tile, manifest = build("uint8", "db")
    assert act("no_optical", tile, manifest).optical is None
    assert act("no_sar", tile, manifest).sar is None
    alone = replace(tile, sar=None)
    assert act("no_optical", alone, manifest).optical is not None


@pytest.mark.parametrize("share", [25, 50, 75])
def test_random_values_are_masked_in_both_sensors_not_zeroed(share: int) -> None:
    tile, manifest = build("reflectance", "db", 120)
    before, after = observe(tile, manifest), observe(act(f"rmm_{share}", tile, manifest), manifest)
    for seen, left in zip(before, after, strict=True):
        assert left[seen].mean() == pytest.approx(1 - share / 100, abs=0.01)


def test_noise_moves_both_sensors_by_its_share_of_full_scale_and_stays_observed() -> None:
    tile, manifest = build("reflectance_x1e4", "db", 120)
    before = observe(tile, manifest)
    for name, share in (("nm_1", 0.05), ("nm_2", 0.1), ("nm_3", 0.2)):
        damaged = act(name, tile, manifest)
        np.testing.assert_array_equal(observe(damaged, manifest)[0], before[0])
        for layer, low, high in ((damaged.optical, 1e4 / 255, 1e4), (damaged.sar, -30.0, 0.0)):
            assert layer is not None
            values = layer.values[layer.valid]
            assert values.min() == pytest.approx(low)
            assert values.max() == pytest.approx(high)
            assert (values == high).mean() >= share / 2 - 0.01


def test_noise_is_stronger_by_level() -> None:
    tile, manifest = build("uint8", "uint8", 120)
    assert tile.sar is not None
    moved = []
    for name in ("nm_1", "nm_2", "nm_3"):
        layer = act(name, tile, manifest).sar
        assert layer is not None
        moved.append(float(np.abs(layer.values - tile.sar.values)[layer.valid].mean()))
    assert moved == sorted(moved)
    assert moved[0] > 5


@pytest.mark.parametrize("share", [10, 50, 90])
def test_clouds_cover_the_later_date_only_and_about_their_share(share: int) -> None:
    tile, manifest = build("reflectance", "db", 120)
    layer = act(f"cloud_thick_{share}", tile, manifest).optical
    assert layer is not None
    assert tile.optical is not None
    changed = np.abs(layer.values - tile.optical.values) > 1e-4
    assert not changed[:2].any()
    white = (layer.values[2:] > 0.62).all(axis=0)
    assert 0.2 * share / 100 < white.mean() <= share / 100 + 0.02


def test_a_covered_share_is_masked_in_the_later_date() -> None:
    tile, manifest = build("uint8", "uint8", 120)
    before = observe(tile, manifest)[0]
    after = observe(act("cloud_after_40", tile, manifest), manifest)[0]
    np.testing.assert_array_equal(before[:2], after[:2])
    assert 0.4 <= 1 - after[2:][before[2:]].mean() < 0.6


def test_fewer_looks_speckle_more_and_keep_the_mean_power() -> None:
    tile, manifest = build("reflectance", "power", 120)
    assert tile.sar is not None
    spreads = []
    for looks in (8, 4, 2, 1):
        layer = act(f"speckle_{looks}", tile, manifest).sar
        assert layer is not None
        ratio = layer.values / tile.sar.values
        assert ratio.mean() == pytest.approx(1, abs=0.02)
        assert ratio.var() == pytest.approx(1 / looks, rel=0.1)
        spreads.append(ratio.var())
    assert spreads == sorted(spreads)


@pytest.mark.parametrize("distance", [0.5, 1, 2, 4])
def test_a_ramp_of_sar_shows_by_how_much_it_was_shifted(distance: float) -> None:
    tile, manifest = build("reflectance", "power", 40)
    rows, columns = np.mgrid[0:40, 0:40].astype(np.float32)
    ramps = Layer(np.stack([rows, columns]), np.ones((2, 40, 40), bool), ("VV", "VH"), "power")
    layer = act(f"shift_{distance:g}", replace(tile, sar=ramps), manifest).sar
    assert layer is not None
    down, right = (ramps.values - layer.values)[:, 20, 20]
    assert np.hypot(down, right) == pytest.approx(distance, abs=1e-4)
    assert 0 < (~layer.valid).sum() < 2 * 40 * 40 / 2


def test_numbers_that_nobody_knows_cannot_be_noisy() -> None:
    tile, manifest = build("uint8", "uint8")
    assert tile.optical is not None
    strange = replace(tile, optical=replace(tile.optical, unit="as_given"))
    for name in ("nm_1", "cloud_thin_30"):
        with pytest.raises(BandError):
            act(name, strange, manifest)


def test_groups_name_conditions_and_every_condition_is_in_one() -> None:
    grouped = {name for names in GROUPS.values() for name in names}
    assert grouped == set(CONDITIONS)
    assert list_conditions(["all"]) == tuple(CONDITIONS)
    assert list_conditions(["emm", "shift_1", "clear"]) == ("clear", "no_optical", "no_sar", "shift_1")
    assert all(name in describe_conditions() for name in CONDITIONS)


def test_a_wrong_name_lists_conditions_and_groups() -> None:
    for names in ([], ["fog"]):
        with pytest.raises(UnknownNameError) as caught:
            list_conditions(names)
        assert "cloud_after_50" in caught.value.hint
        assert "emm" in caught.value.hint
    with pytest.raises(UnknownNameError):
        apply_condition(*build("uint8", "uint8")[:1], "emm", build("uint8", "uint8")[1], np.random.default_rng(0))
