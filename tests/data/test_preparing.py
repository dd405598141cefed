"""Tile + manifest -> Prepared: bands by name, units by formula, masks, normalisation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from claire.core.bands import Unit
from claire.core.classes import IGNORE_INDEX
from claire.core.errors import BandError, EmptyTileError, LabelError
from claire.core.manifest import InputSpec, Manifest
from claire.core.types import GeoReference, Layer, Notice, Tile
from claire.data.preparing import compute_valid, normalise, prepare, select_bands

OPTICAL = ("B3_before", "B8_before", "B3_after", "B8_after")
SAR = ("VV", "VH")


def make_manifest(optical: Unit = "reflectance_x1e4", sar: Unit = "db") -> Manifest:
    return Manifest(
        name="tiny",
        title="For tests",
        scheme="flood",
        optical=InputSpec(OPTICAL, optical, (1.0, 2.0, 3.0, 4.0), (1.0, 0.5, 2.0, 4.0), ((0, 1), (2, 3))),
        sar=InputSpec(SAR, sar, (-12.0, -18.0), (2.0, 3.0), ((0, 1),)),
        network={},
        temperature={},
    )


def make_layer(bands: tuple[str, ...], unit: Unit, values: NDArray[Any] | None = None) -> Layer:
    if values is None:
        values = np.random.default_rng(len(bands)).uniform(1, 200, (len(bands), 5, 7)).astype(np.float32)
    return Layer(values, np.ones(values.shape, bool), bands, unit)


def make_tile(**changes: Any) -> Tile:
    layers = {"optical": make_layer(OPTICAL, "reflectance_x1e4"), "sar": make_layer(SAR, "db")}
    return Tile(**{"name": "place", **layers, **changes})


@given(order=st.permutations(range(4)), extra=st.integers(0, 4))
def test_bands_are_taken_by_name_in_any_order(order: list[int], extra: int) -> None:
    tile = make_tile()
    assert tile.optical is not None
    values, names = list(tile.optical.values[order]), [OPTICAL[i] for i in order]
    values.insert(extra, np.full((5, 7), 9.0, np.float32))
    names.insert(extra, "B11_after")
    shuffled = replace(tile, optical=make_layer(tuple(names), "reflectance_x1e4", np.stack(values)))
    expected, found = (prepare(each, make_manifest())[0] for each in (tile, shuffled))
    np.testing.assert_array_equal(found.optical, expected.optical)
    np.testing.assert_array_equal(found.optical_valid, expected.optical_valid)


def test_other_spellings_of_a_band_are_the_same_band() -> None:
    spelled = ("b03_BEFORE", " B08_Before", "B03_after", "b8_after")
    tile = make_tile(optical=make_layer(spelled, "reflectance_x1e4"))
    expected, _ = prepare(make_tile(), make_manifest())
    np.testing.assert_array_equal(prepare(tile, make_manifest())[0].optical, expected.optical)
    chosen, _ = select_bands(tile, make_manifest())
    assert chosen.optical is not None
    assert chosen.optical.bands == OPTICAL


POSITIVE = st.floats(1e-6, 1e6)
FORMULAS: list[tuple[str, Unit, Unit, Any]] = [
    ("optical", "reflectance", "reflectance_x1e4", lambda x: x * 1e4),
    ("optical", "reflectance_x1e4", "reflectance", lambda x: x / 1e4),
    ("sar", "power", "db", lambda x: 10 * np.log10(x)),
    ("sar", "amplitude", "db", lambda x: 20 * np.log10(x)),
    ("sar", "db", "db", lambda x: x),
    ("optical", "uint8", "uint8", lambda x: x),
]


@pytest.mark.parametrize(("modality", "given_unit", "wanted", "formula"), FORMULAS)
@given(number=POSITIVE)
def test_units_follow_their_formulas(
    modality: str, given_unit: Unit, wanted: Unit, formula: Any, number: float
) -> None:
    bands = OPTICAL if modality == "optical" else SAR
    values = np.full((len(bands), 2, 2), number, np.float64)
    tile = Tile("place", **{"optical": None, "sar": None, modality: make_layer(bands, given_unit, values)})
    chosen, _ = select_bands(tile, make_manifest(**{modality: wanted}))
    layer = getattr(chosen, modality)
    assert layer.unit == wanted
    np.testing.assert_allclose(layer.values, formula(number), rtol=1e-5, atol=1e-5)


def test_whole_numbers_are_converted_without_rounding() -> None:
    values = np.full((4, 2, 2), 123, np.uint16)
    tile = Tile("place", make_layer(OPTICAL, "reflectance_x1e4", values), None)
    chosen, _ = select_bands(tile, make_manifest(optical="reflectance"))
    assert chosen.optical is not None
    np.testing.assert_allclose(chosen.optical.values, 0.0123, rtol=1e-6)


def test_power_that_has_no_logarithm_is_not_observed() -> None:
    values = np.ones((2, 1, 3), np.float32)
    values[0, 0] = 0.5, 0.0, -0.1
    prepared, _ = prepare(make_tile(optical=None, sar=make_layer(SAR, "power", values)), make_manifest())
    np.testing.assert_array_equal(prepared.sar_valid[0, 0], [True, False, False])
    assert prepared.sar_valid[1].all()
    assert prepared.sar[0, 0, 1] == prepared.sar[0, 0, 2] == 0


@pytest.mark.parametrize(
    ("modality", "given_unit", "wanted"),
    [
        ("optical", "as_given", "uint8"),
        ("optical", "uint8", "reflectance"),
        ("sar", "db", "power"),
        ("sar", "uint8", "db"),
    ],
)
def test_units_that_cannot_be_converted_are_refused_with_the_option(
    modality: str, given_unit: Unit, wanted: Unit
) -> None:
    bands = OPTICAL if modality == "optical" else SAR
    tile = Tile("place", **{"optical": None, "sar": None, modality: make_layer(bands, given_unit)})
    with pytest.raises(BandError) as caught:
        select_bands(tile, make_manifest(**{modality: wanted}))
    assert given_unit in caught.value.message
    assert wanted in caught.value.message
    assert f"--{modality}-units" in caught.value.hint


def test_missing_bands_are_said_with_what_is_there_and_what_to_do() -> None:
    tile = make_tile(optical=make_layer(("B3_before", "B2"), "reflectance_x1e4"))
    with pytest.raises(BandError) as caught:
        prepare(tile, make_manifest())
    message = (
        "The model wants 4 optical bands (B3_before, B8_before, B3_after, B8_after), but the file has 2: B3_before, B2."
    )
    assert caught.value.message == message
    assert caught.value.hint == "Give a file with these bands, or name its bands in order with --bands."
    with pytest.raises(BandError) as caught:
        prepare(make_tile(sar=make_layer(("VV",), "db")), make_manifest())
    assert "--sar-bands" in caught.value.hint


def test_a_file_with_many_bands_of_long_names_is_said_in_one_short_sentence() -> None:
    names = tuple(f"{number} {'long' * 9}" for number in range(60))
    with pytest.raises(BandError) as caught:
        prepare(make_tile(optical=make_layer(names, "reflectance_x1e4")), make_manifest())
    assert len(caught.value.message) <= 200


def test_unnamed_sar_bands_are_taken_in_order_with_a_notice_but_unnamed_optical_bands_are_not() -> None:
    tile = make_tile(sar=make_layer(("band1", "band2"), "db"))
    expected, _ = prepare(make_tile(), make_manifest())
    found, notices = prepare(tile, make_manifest())
    np.testing.assert_array_equal(found.sar, expected.sar)
    assert [notice.code for notice in notices if notice.code != "far"] == ["sar_order"]
    with pytest.raises(BandError):
        prepare(make_tile(sar=make_layer(("band1",), "db")), make_manifest())
    with pytest.raises(BandError):
        prepare(make_tile(optical=make_layer(("band1", "band2", "band3", "band4"), "uint8")), make_manifest("uint8"))


@pytest.mark.parametrize("unit", ["uint8", "reflectance", "reflectance_x1e4"])
def test_a_date_whose_bands_are_all_zero_is_not_observed_on_that_date_only(unit: Unit) -> None:
    values = np.full((4, 1, 4), 0.5, np.float32)
    values[0:2, 0, 0] = 0  # all bands of the first date
    values[2:4, 0, 1] = 0  # all bands of the second date
    values[(0, 2), 0, 2] = 0  # one band of each: a measurement
    tile = make_tile(optical=make_layer(OPTICAL, unit, values), sar=None)
    prepared, _ = prepare(tile, make_manifest(optical=unit))
    np.testing.assert_array_equal(prepared.optical_valid[:, 0, 0], [False, False, True, True])
    np.testing.assert_array_equal(prepared.optical_valid[:, 0, 1], [True, True, False, False])
    assert prepared.optical_valid[:, 0, 2:].all()


@pytest.mark.parametrize("unit", ["db", "power", "amplitude", "as_given"])
def test_zero_is_a_measurement_in_other_units(unit: Unit) -> None:
    spec = replace(make_manifest().sar, unit=unit)
    assert compute_valid(np.zeros((2, 3, 3)), np.ones((2, 3, 3), bool), spec).all()


@given(seed=st.integers(0, 2**32 - 1))
def test_the_mask_equals_its_brute_force(seed: int) -> None:
    rng = np.random.default_rng(seed)
    spec = make_manifest("uint8").optical
    values = rng.choice([0.0, 1.0, np.nan, np.inf], (4, 3, 3), p=[0.6, 0.2, 0.1, 0.1])
    valid = rng.random((4, 3, 3)) < 0.8
    before = valid.copy()
    found = compute_valid(values, valid, spec)
    for band, row, column in np.ndindex(found.shape):
        date = next(date for date in spec.dates if band in date)
        blank = all(values[other, row, column] == 0 for other in date)
        wanted = valid[band, row, column] and np.isfinite(values[band, row, column]) and not blank
        assert found[band, row, column] == wanted
    np.testing.assert_array_equal(valid, before)


def test_leading_axes_are_treated_one_by_one() -> None:
    rng = np.random.default_rng(0)
    spec = make_manifest("uint8").optical
    values = rng.integers(0, 3, (5, 4, 6, 6)).astype(np.float32)
    valid = rng.random(values.shape) < 0.9
    together = compute_valid(values, valid, spec)
    for number in range(5):
        np.testing.assert_array_equal(together[number], compute_valid(values[number], valid[number], spec))
    scaled, _ = normalise(values, together, spec)
    np.testing.assert_array_equal(scaled[2], normalise(values[2], together[2], spec)[0])


def test_normalised_with_its_own_statistics_has_zero_mean_and_unit_spread() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal((500, 900, 1500), (20, 50, 300), (64, 64, 3)).transpose(2, 0, 1)
    valid = rng.random(values.shape) < 0.7
    mean, std = ([float(f(v[m])) for v, m in zip(values, valid, strict=True)] for f in (np.mean, np.std))
    spec = InputSpec(("a", "b", "c"), "as_given", tuple(mean), tuple(std), ((0, 1, 2),))
    scaled, mask = normalise(np.where(valid, values, np.nan), valid, spec)
    assert scaled.dtype == np.float32
    np.testing.assert_array_equal(mask, valid)
    assert (scaled[~valid] == 0).all()
    for band, seen in zip(scaled, valid, strict=True):
        assert band[seen].mean() == pytest.approx(0, abs=1e-4)
        assert band[seen].std() == pytest.approx(1, abs=1e-4)


def test_what_is_masked_in_the_file_is_masked_and_zero_in_what_the_network_reads() -> None:
    tile = make_tile()
    assert tile.optical is not None
    valid = np.random.default_rng(1).random((4, 5, 7)) < 0.5
    values = np.where(valid, tile.optical.values, np.nan)
    prepared, _ = prepare(replace(tile, optical=Layer(values, valid, OPTICAL, "reflectance_x1e4")), make_manifest())
    np.testing.assert_array_equal(prepared.optical_valid, valid)
    assert (prepared.optical[~valid] == 0).all()
    np.testing.assert_array_equal(prepared.valid("optical"), valid.any(axis=0))
    assert prepared.sar_valid.all()


@pytest.mark.parametrize(("missing", "title"), [("optical", "optical"), ("sar", "SAR")])
def test_a_missing_sensor_becomes_all_invalid_with_a_notice(missing: str, title: str) -> None:
    prepared, notices = prepare(make_tile(**{missing: None}), make_manifest())
    assert not getattr(prepared, f"{missing}_valid").any()
    assert not getattr(prepared, missing).any()
    other = {"optical": "sar", "sar": "optical"}[missing]
    assert getattr(prepared, f"{other}_valid").all()
    assert prepared.optical.shape == (4, 5, 7)
    assert prepared.sar.shape == (2, 5, 7)
    assert notices[0].code == "missing_sensor"
    assert title in notices[0].message


def test_a_tile_of_nothing_but_nodata_is_refused_by_name() -> None:
    tile = make_tile(optical=make_layer(OPTICAL, "reflectance_x1e4", np.zeros((4, 5, 7))), sar=None)
    with pytest.raises(EmptyTileError, match="'place'"):
        prepare(tile, make_manifest())
    hidden = Layer(np.ones((2, 5, 7)), np.zeros((2, 5, 7), bool), SAR, "db")
    with pytest.raises(EmptyTileError):
        prepare(replace(tile, sar=hidden), make_manifest())
    prepared, _ = prepare(replace(tile, sar=make_layer(SAR, "db")), make_manifest())
    assert prepared.valid("fused").all()


def test_labels_become_indices_and_strange_ids_are_refused() -> None:
    label = np.zeros((5, 7), np.int32)
    label[0, :3] = 1, 255, 0
    prepared, _ = prepare(make_tile(label=label), make_manifest())
    assert prepared.label is not None
    np.testing.assert_array_equal(prepared.label[0, :3], [1, IGNORE_INDEX, 0])
    label[1, 1] = 42
    with pytest.raises(LabelError, match="42"):
        prepare(make_tile(label=label), make_manifest())


def test_the_selected_tile_keeps_place_notices_and_sources() -> None:
    place = GeoReference("EPSG:32633", (10.0, 0.0, 5.0, 0.0, -10.0, 7.0), metres=True)
    tile = make_tile(georeference=place, notices=(Notice("a", "b."),), sources={"x.tif": "0" * 64})
    chosen, notices = select_bands(tile, make_manifest())
    assert (chosen.georeference, chosen.notices, chosen.sources) == (place, tile.notices, tile.sources)
    assert notices == ()
    assert prepare(tile, make_manifest())[0].georeference == place


def make_cloudy(share: float) -> tuple[Tile, Manifest]:
    """A tile whose left part is cloud over grass, and a model that leaves clouds out."""
    bands = ("B2", "B3", "B4", "B8", "B11", "B12")
    values = np.broadcast_to(np.array([1000, 1200, 1000, 3500, 2400, 1500])[:, None, None], (6, 20, 40)).copy()
    values[:, :, : round(40 * share)] = np.array([5500, 5400, 5500, 6000, 4200, 3200])[:, None, None]
    optical = InputSpec(bands, "reflectance_x1e4", (0.0,) * 6, (1e3,) * 6, (tuple(range(6)),), "", True)
    radar = np.random.default_rng(0).normal(-12, 1, (2, 20, 40))
    tile = make_tile(optical=make_layer(bands, "reflectance_x1e4", values), sar=make_layer(SAR, "db", radar))
    return tile, replace(make_manifest(), optical=optical)


def test_clouds_are_left_out_and_said_where_the_model_wants_it() -> None:
    tile, manifest = make_cloudy(0.5)
    prepared, notices = prepare(tile, manifest)
    assert not prepared.optical_valid[:, :, :20].any()
    assert not prepared.optical[:, :, :20].any()
    assert prepared.optical_valid[:, :, 24:].all()
    assert prepared.sar_valid.all()
    (notice,) = (each for each in notices if each.code == "clouds")
    assert notice.message.startswith("60 % of the optical picture looks like cloud")
    assert "rests on SAR" in notice.message
    plain, said = prepare(tile, replace(manifest, optical=replace(manifest.optical, screen_clouds=False)))
    assert plain.optical_valid.all()
    assert "clouds" not in {each.code for each in said}
    assert "clouds" not in {each.code for each in prepare(make_cloudy(0.0)[0], manifest)[1]}


def test_noise_is_left_out_and_said_where_the_model_wants_it() -> None:
    tile, manifest = make_cloudy(0.0)
    noise = np.random.default_rng(0).uniform(0, 1e4, (6, 20, 40))
    tile = replace(tile, optical=make_layer(manifest.optical.bands, "reflectance_x1e4", noise))
    spec = replace(manifest.optical, screen_noise=True)
    prepared, notices = prepare(tile, replace(manifest, optical=spec))
    assert not prepared.optical_valid.any()
    assert prepared.sar_valid.all()
    (notice,) = (each for each in notices if each.code == "noise")
    assert notice.message.startswith("100 % of the optical picture is noise")
    assert "noise" not in {each.code for each in prepare(tile, manifest)[1]}
    with pytest.raises(EmptyTileError, match="nothing but noise"):
        prepare(replace(tile, sar=None), replace(manifest, optical=spec))


def test_nothing_but_clouds_needs_sar() -> None:
    tile, manifest = make_cloudy(1.0)
    prepared, _ = prepare(tile, manifest)
    assert not prepared.optical_valid.any()
    assert prepared.valid("fused").all()
    with pytest.raises(EmptyTileError, match="nothing but clouds"):
        prepare(replace(tile, sar=None), manifest)
