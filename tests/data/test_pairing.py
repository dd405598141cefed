"""Optical, SAR and label on one grid: nothing silent, nothing invented."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claire.core.bands import SENTINEL2_L1C, SENTINEL2_L2A
from claire.core.classes import FLOOD, GLOBAL_10M
from claire.core.errors import (
    BandError,
    ClaireError,
    EmptyTileError,
    GridError,
    LabelError,
    MissingFileError,
    UnknownNameError,
)
from claire.core.provenance import compute_sha256
from claire.core.types import GeoReference, Tile
from claire.data.pairing import read_label, read_tile
from claire.data.raster import write_geotiff

UTM = (10.0, 0.0, 600_000.0, 0.0, -10.0, 5_000_000.0)
CRS = "EPSG:32629"


def moved(right: float, down: float) -> tuple[float, ...]:
    return (10.0, 0.0, UTM[2] + 10 * right, 0.0, -10.0, UTM[5] - 10 * down)


def codes(tile: Tile) -> set[str]:
    return {notice.code for notice in tile.notices}


def numbers(shape: tuple[int, ...], seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(-12, 4, shape).astype(np.float32)


def refuses(kind: type[ClaireError], *args: Any, **kwargs: Any) -> ClaireError:
    with pytest.raises(kind) as caught:
        read_tile(*args, **kwargs)
    assert len(caught.value.message) <= 200
    assert caught.value.hint
    assert "/" not in caught.value.message
    return caught.value


def test_a_pair_on_one_grid_is_taken_as_it_is(write: Any) -> None:
    optical, sar = np.ones((3, 8, 9), np.uint8), numbers((2, 8, 9))
    files = [write(f"{n}.tif", v, crs=CRS, transform=UTM) for n, v in (("o", optical), ("s", sar))]
    label = write("l.tif", np.eye(8, 9, dtype=np.uint8), crs=CRS, transform=UTM)
    tile = read_tile(*files, label)
    assert tile.optical is not None
    assert tile.sar is not None
    assert tile.label is not None
    np.testing.assert_array_equal(tile.optical.values, optical)
    np.testing.assert_array_equal(tile.sar.values, sar)
    np.testing.assert_array_equal(tile.label, np.eye(8, 9))
    assert tile.georeference == GeoReference(CRS, UTM, metres=True)
    assert (tile.name, tile.optical.unit, tile.sar.unit) == ("o", "uint8", "db")
    assert codes(tile) == {"sar_units"}
    assert tile.sources == {path.name: compute_sha256(path) for path in (*files, label)}
    assert tile.reading == {"optical": ("o.tif",), "sar": ("s.tif",), "label": ("l.tif",)}


def test_one_sensor_alone_makes_a_tile(write: Any) -> None:
    path = write("s.tif", numbers((2, 4, 4)), crs=CRS, transform=UTM)
    tile = read_tile(None, path)
    assert tile.optical is None
    assert tile.georeference.crs == CRS
    refuses(GridError, None, None)
    refuses(GridError, [], None)


def test_several_files_are_stacked_in_order(write: Any) -> None:
    before, after = (
        write(f"{n}/a.png", np.full((3, 5, 5), v, np.uint8), driver="PNG") for n, v in (("b", 1), ("a", 2))
    )
    tile = read_tile([before, after], None)
    assert tile.optical is not None
    assert tile.optical.values[:, 0, 0].tolist() == [1, 1, 1, 2, 2, 2]
    assert tile.optical.bands == tuple(f"band{i}" for i in range(1, 7))
    assert set(tile.sources) == {"a.png", "a.png (2)"}
    named = read_tile([before, after], None, optical_bands=("r", "g", "b", "r2", "g2", "b2"), name="mine")
    assert named.optical is not None
    assert named.optical.bands[3] == "r2"
    assert named.name == "mine"
    names = ("r", "g", "b", "r2", "g2", "b2")
    assert named.reading == {"optical": ("a.png", "a.png (2)"), "bands": names}
    assert read_tile(None, before, sar_units="db").reading == {"sar": ("a.png",), "sar_units": ("db",)}


def test_stacked_files_keep_their_names_when_these_differ(tmp_path: Path) -> None:
    place = GeoReference(CRS, UTM, metres=True)
    for name in ("VV", "VH"):
        write_geotiff(tmp_path / f"{name}.tif", numbers((1, 4, 4)), place, descriptions=(name,))
    both = read_tile(None, [tmp_path / "VV.tif", tmp_path / "VH.tif"]).sar
    assert both is not None
    assert both.bands == ("VV", "VH")
    clash = read_tile(None, [tmp_path / "VV.tif", tmp_path / "VV.tif"]).sar
    assert clash is not None
    assert clash.bands == ("band1", "band2")


@pytest.mark.parametrize(("count", "names"), [(12, SENTINEL2_L2A), (13, SENTINEL2_L1C), (4, None)])
def test_unnamed_sentinel_2_files_get_the_standard_order(write: Any, count: int, names: Any) -> None:
    tile = read_tile(write("o.tif", np.full((count, 4, 4), 900, np.uint16)), None)
    assert tile.optical is not None
    assert tile.optical.bands == (names or ("band1", "band2", "band3", "band4"))
    assert ("bands" in codes(tile)) == (names is not None)
    assert tile.optical.unit == "reflectance_x1e4"


def test_band_names_must_fit(write: Any) -> None:
    path = write("o.tif", np.ones((3, 4, 4), np.uint8))
    refuses(BandError, path, None, optical_bands=("B4", "B3"))
    refuses(BandError, path, None, optical_bands=("B4", "B3", "b03"))
    refuses(UnknownNameError, path, None, optical_units="furlong")


# Grids


@given(move=st.tuples(st.integers(-6, 6), st.integers(-6, 6)))
@settings(max_examples=15, deadline=None)
def test_a_moved_sar_file_is_brought_back(tmp_path_factory: pytest.TempPathFactory, move: tuple[int, int]) -> None:
    right, down = move
    folder = tmp_path_factory.mktemp("pair")
    sar = numbers((2, 20, 24))
    write_geotiff(folder / "o.tif", np.ones((3, 20, 24), np.uint8), GeoReference(CRS, UTM, metres=True))
    write_geotiff(folder / "s.tif", sar, GeoReference(CRS, moved(right, down), metres=True))  # type: ignore[arg-type]
    tile = read_tile(folder / "o.tif", folder / "s.tif")
    assert tile.sar is not None
    expected = np.zeros((20, 24), bool)
    expected[max(down, 0) : 20 + min(down, 0), max(right, 0) : 24 + min(right, 0)] = True
    np.testing.assert_array_equal(tile.sar.valid[0], expected)
    rolled = np.roll(sar, (down, right), axis=(1, 2))
    np.testing.assert_allclose(tile.sar.values[:, expected], rolled[:, expected], atol=1e-4)
    assert ("warped" in codes(tile)) == (move != (0, 0))
    if move != (0, 0):
        message = next(n.message for n in tile.notices if n.code == "warped")
        assert "bilinear" in message
        assert f"{100 * expected.mean():.1f} %" in message
        assert len(message) <= 200


def test_half_a_pixel_is_another_grid_and_a_rounding_error_is_not(write: Any) -> None:
    optical = write("o.tif", np.ones((3, 9, 9), np.uint8), crs=CRS, transform=UTM)
    half = write("h.tif", numbers((2, 9, 9)), crs=CRS, transform=moved(0.5, 0))
    hair = write("r.tif", numbers((2, 9, 9)), crs=CRS, transform=moved(1e-6, 0))
    assert "warped" in codes(read_tile(optical, half))
    assert "warped" not in codes(read_tile(optical, hair))


def test_a_coarser_sar_file_in_another_coordinate_system_is_warped(write: Any) -> None:
    optical = write("o.tif", np.ones((3, 30, 30), np.uint8), crs=CRS, transform=UTM)
    sar = write(
        "s.tif", np.full((1, 200, 200), -7.0, np.float32), crs="EPSG:4326", transform=(2e-4, 0, -7.75, 0, -2e-4, 45.17)
    )
    tile = read_tile(optical, sar)
    assert tile.sar is not None
    assert tile.sar.valid.all()
    np.testing.assert_allclose(tile.sar.values, -7.0, rtol=1e-6)


def test_files_of_two_places_are_refused_with_both_extents(write: Any) -> None:
    optical = write("o.tif", np.ones((3, 10, 10), np.uint8), crs=CRS, transform=UTM)
    near = write("near.tif", numbers((2, 10, 10)), crs=CRS, transform=moved(9.6, 0))
    far = write("far.tif", numbers((2, 10, 10)), crs="EPSG:32633", transform=UTM)
    for sar in (near, far):
        error = refuses(GridError, optical, sar)
        assert "600000..600100" in error.message
        assert error.message.count("EPSG") == 2


def test_without_coordinates_the_sizes_must_be_equal(write: Any) -> None:
    optical = write("o.tif", np.ones((3, 10, 10), np.uint8))
    error = refuses(GridError, optical, write("s.tif", numbers((2, 10, 11))))
    assert "11 x 10" in error.message
    assert "10 x 10" in error.message
    refuses(GridError, optical, None, write("l.tif", np.zeros((9, 10), np.uint8)))


def test_coordinates_of_one_file_serve_both(write: Any) -> None:
    optical = write("o.tif", np.ones((3, 10, 10), np.uint8))
    tile = read_tile(optical, write("s.tif", numbers((2, 10, 10)), crs=CRS, transform=UTM))
    assert tile.georeference == GeoReference(CRS, UTM, metres=True)
    assert {"coordinates", "pixelwise"} <= codes(tile)


def test_a_rotated_grid_is_kept(write: Any) -> None:
    turned = (8.0, 3.0, 600_000.0, 2.0, -9.0, 5_000_000.0)
    optical = write("o.tif", np.ones((3, 30, 30), np.uint8), crs=CRS, transform=turned)
    east = np.tile(10 * (np.arange(90, dtype=np.float32) + 0.5) - 200, (1, 90, 1))
    sar = write("s.tif", east, crs=CRS, transform=moved(-20, -20))
    tile = read_tile(optical, sar)
    assert tile.sar is not None
    assert tile.georeference.transform == turned
    r, q = np.mgrid[:30, :30] + 0.5
    # GDAL smooths a little when the turned grid's frame is larger: a tenth of a pixel of 10 m.
    np.testing.assert_allclose(tile.sar.values[0], 8.0 * q + 3.0 * r, atol=1.0)


# Masks and emptiness


@pytest.mark.parametrize("sensor", ["optical", "sar"])
def test_a_sensor_without_a_valid_pixel_has_nothing_to_map(write: Any, sensor: str) -> None:
    empty = write("e.tif", np.full((2, 6, 6), np.nan, np.float32))
    full = write("f.tif", numbers((2, 6, 6)))
    error = refuses(EmptyTileError, *((empty, full) if sensor == "optical" else (full, empty)))
    assert "nothing to map" in error.message
    assert "e.tif" in error.message


def test_masks_are_carried_into_the_tile(write: Any) -> None:
    sar = numbers((2, 6, 6))
    sar[0, 1, 2] = np.nan
    tile = read_tile(None, write("s.tif", sar, nodata=-9999))
    assert tile.sar is not None
    np.testing.assert_array_equal(tile.sar.valid, np.isfinite(sar))


# Kinds of numbers


def test_complex_sar_is_read_as_magnitude_with_a_notice(write: Any) -> None:
    values = (np.arange(16) * (3 + 4j)).reshape(1, 4, 4).astype(np.complex64)
    path = write("s.tif", values)
    tile = read_tile(None, path)
    assert tile.sar is not None
    np.testing.assert_allclose(tile.sar.values[0].ravel(), 5 * np.arange(16))
    assert "complex" in codes(tile)
    assert tile.sar.unit == "amplitude"
    refuses(BandError, path, None)


def test_a_palette_picture_is_no_measurement(write: Any) -> None:
    path = write("o.tif", np.eye(5, dtype=np.uint8), finish=lambda t: t.write_colormap(1, {1: (9, 9, 9, 255)}))
    refuses(BandError, path, None)
    assert read_label(path).ids.tolist() == np.eye(5).tolist()


def test_units_given_overrule_the_guess(write: Any) -> None:
    path = write("s.tif", np.full((1, 4, 4), 0.1, np.float32))
    guessed, given_ = read_tile(None, path), read_tile(None, path, sar_units="amplitude")
    assert guessed.sar is not None
    assert given_.sar is not None
    assert (guessed.sar.unit, given_.sar.unit) == ("power", "amplitude")
    assert "sar_units" not in codes(given_)


def test_a_missing_file_is_said_to_be_missing(write: Any, tmp_path: Path) -> None:
    refuses(MissingFileError, write("o.tif", np.ones((3, 4, 4), np.uint8)), tmp_path / "absent.tif")


# Labels


@pytest.mark.parametrize("dtype", ["uint8", "int16", "int32", "float32"])
def test_a_label_gives_its_ids_and_marks_what_is_missing(write: Any, dtype: str) -> None:
    values = np.array([[0, 1], [1, 0]]).astype(dtype)
    if dtype != "uint8":
        values[0, 0] = -1
    label = read_label(write("l.tif", values))
    expected = np.array([[255 if dtype != "uint8" else 0, 1], [1, 0]])
    np.testing.assert_array_equal(label.ids, expected)
    assert np.issubdtype(label.ids.dtype, np.integer)
    assert FLOOD.to_index(label.ids).tolist() == expected.tolist()


def test_a_nodata_of_zero_stays_an_id_and_another_one_does_not(write: Any) -> None:
    values = np.array([[0, 1], [2, 11]], np.uint8)
    assert read_label(write("a.tif", values, nodata=0)).ids.tolist() == values.tolist()
    assert read_label(write("b.tif", values, nodata=11)).ids.tolist() == [[0, 1], [2, 255]]
    assert GLOBAL_10M.to_index(read_label(write("b.tif", values, nodata=11)).ids).tolist() == [[255, 0], [1, 255]]


def test_not_a_number_in_a_label_is_not_labelled(write: Any) -> None:
    label = read_label(write("l.tif", np.array([[np.nan, 1.0], [0.0, 1.0]], np.float32)))
    assert label.ids.tolist() == [[255, 1], [0, 1]]
    assert [n.code for n in label.notices] == ["label_missing"]


def test_a_mask_of_0_and_255_is_read_as_two_classes_unless_255_is_nodata(write: Any) -> None:
    values = np.array([[0, 255], [255, 0]], np.uint8)
    assert read_label(write("m.png", values, driver="PNG")).ids.tolist() == [[0, 1], [1, 0]]
    assert read_label(write("m.tif", values, nodata=255)).ids.tolist() == values.tolist()


@pytest.mark.parametrize("values", [np.zeros((3, 4, 4), np.uint8), np.full((1, 4, 4), 0.5, np.float32)])
def test_what_is_not_a_map_of_ids_is_refused(write: Any, values: Any) -> None:
    with pytest.raises(LabelError) as caught:
        read_label(write("l.tif", values))
    assert caught.value.hint


def test_a_label_on_another_grid_is_resampled_without_new_ids_and_unknown_outside(write: Any) -> None:
    optical = write("o.tif", np.ones((3, 12, 12), np.uint8), crs=CRS, transform=UTM)
    ids = np.random.default_rng(1).choice(np.array([1, 2, 11], np.uint8), (12, 12))
    tile = read_tile(optical, None, write("l.tif", ids, crs=CRS, transform=moved(3.2, 0)))
    assert tile.label is not None
    assert set(np.unique(tile.label)) == {1, 2, 11, 255}
    np.testing.assert_array_equal(tile.label[:, :3], 255)
    np.testing.assert_array_equal(tile.label[:, 3:], ids[:, :9])


def test_real_pairs_are_brought_onto_one_grid(real_data: Path) -> None:
    georef = real_data / "georef"
    tile = read_tile(georef / "pakistan_s2_l2a.tif", georef / "pakistan_s1.tif", georef / "pakistan_label.tif")
    assert tile.sar is not None
    assert "warped" in codes(tile)
    assert 0.95 < tile.sar.valid.mean() < 1
    assert tile.sar.unit == "db"
