"""The door: what is read, what is refused, and that export equals import."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from claire.core.errors import BandError, BudgetError, ClaireError, FormatError, GridError, InputError, MissingFileError
from claire.core.settings import Settings
from claire.core.types import GeoReference
from claire.data import raster as door
from claire.data.raster import describe_raster, hash_file, read_raster, warp_gcps_to_grid, warp_to_grid, write_geotiff

UTM = (10.0, 0.0, 600_000.0, 0.0, -10.0, 5_000_000.0)
PLACE = GeoReference("EPSG:32629", UTM, metres=True)


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    """A fresh interpreter without the settings that this process has already put into its environment."""
    environment = {k: v for k, v in os.environ.items() if k not in door.SAFETY_OPTIONS}
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, timeout=120, env=environment
    )


# The environment


def test_importing_the_door_loads_no_rasterio() -> None:
    done = run_python("import sys, claire.data.raster, claire.data.pairing; print('rasterio' in sys.modules)")
    assert done.stdout.strip() == "False", done.stderr


def test_only_the_allowed_drivers_are_left() -> None:
    done = run_python(
        "import claire.data.raster as door; door.check_environment()\n"
        "import rasterio\nwith rasterio.Env() as env: print(sorted(env.drivers()))"
    )
    assert done.stdout.strip() == str(sorted(door.ALLOWED_DRIVERS)), done.stderr


def test_files_are_refused_when_gdal_was_started_before_the_door() -> None:
    done = run_python(
        "import rasterio\nwith rasterio.Env() as env: env.drivers()\nimport claire.data.raster as door\n"
        "try: door.check_environment()\n"
        "except door.EnvironmentUnsafeError as error: print(error.code, len(error.message))"
    )
    code, length = done.stdout.split()
    assert code == "unsafe"
    assert int(length) <= 200


def test_files_are_refused_when_a_safety_setting_is_changed_later() -> None:
    done = run_python(
        "import os, claire.data.raster as door\nos.environ['PROJ_NETWORK'] = 'ON'\n"
        "try: door.check_environment()\nexcept door.EnvironmentUnsafeError as error: print(error.message)"
    )
    assert "PROJ_NETWORK" in done.stdout


@pytest.mark.parametrize(("package", "old"), [("__version__", "1.3.11"), ("__gdal_version__", "3.9.3")])
def test_files_are_refused_when_the_libraries_are_too_old(package: str, old: str) -> None:
    done = run_python(
        f"import claire.data.raster as door, rasterio\nrasterio.{package} = {old!r}\n"
        "try: door.check_environment()\nexcept door.EnvironmentUnsafeError as error: print(error.message)"
    )
    assert old in done.stdout


# Formats


@pytest.mark.parametrize(
    ("driver", "name"), [("GTiff", "a.tif"), ("PNG", "a.png"), ("JP2OpenJPEG", "a.jp2"), ("GTiff", "wrong_ending.png")]
)
def test_lossless_formats_give_the_pixels_back(write: Any, driver: str, name: str) -> None:
    values = np.random.default_rng(3).integers(0, 256, (3, 20, 30), np.uint8)
    options = {"QUALITY": "100", "REVERSIBLE": "YES"} if driver == "JP2OpenJPEG" else {}
    raster = read_raster(write(name, values, driver=driver, **options))
    np.testing.assert_array_equal(raster.values, values)
    assert (raster.driver, raster.dtype, raster.named) == (driver, "uint8", False)
    assert raster.valid.all()
    assert raster.bands == ("band1", "band2", "band3")


def test_jpeg_is_read(write: Any) -> None:
    raster = read_raster(write("a.jpg", np.full((3, 16, 16), 90, np.uint8), driver="JPEG"))
    assert np.abs(raster.values.astype(int) - 90).max() <= 2


@pytest.mark.parametrize(
    "content",
    [b"", b"hello, I am text", b"<VRTDataset/>", b"GIF89a", b"PK\x03\x04", b"II*", b"<GDAL_WMS></GDAL_WMS>"],
)
def test_a_file_that_is_no_raster_is_refused_whatever_its_ending(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "text.tif"
    path.write_bytes(content)
    with pytest.raises(FormatError) as caught:
        read_raster(path)
    assert_is_kind(caught.value, tmp_path)
    assert "GeoTIFF" in caught.value.hint


@pytest.mark.parametrize(
    "name", ["absent.tif", ".", "nul\0byte.tif", "/vsicurl/http://127.0.0.1/x.tif", "new\nline" + 300 * "x"]
)
def test_what_is_not_a_file_is_missing(tmp_path: Path, name: str) -> None:
    with pytest.raises(MissingFileError) as caught:
        read_raster(tmp_path / name)
    assert_is_kind(caught.value, tmp_path)


def test_a_file_that_is_gone_when_it_is_hashed_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"'gone\.tif'"):
        hash_file(tmp_path / "gone.tif")


@pytest.mark.parametrize("keep", [8, 100, 400, 1000])
def test_a_file_cut_short_is_refused(write: Any, tmp_path: Path, keep: int) -> None:
    path = write("whole.tif", np.random.default_rng(0).random((2, 64, 64)), compress="deflate")
    cut = tmp_path / "cut.tif"
    cut.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(FormatError) as caught:
        read_raster(cut)
    assert_is_kind(caught.value, tmp_path)


def test_a_name_that_is_no_text_is_no_name(write: Any) -> None:
    path = write("a.tif", np.ones((1, 4, 4), np.uint8), finish=lambda t: t.set_band_description(1, "QQQQ"))
    path.write_bytes(path.read_bytes().replace(b"QQQQ", b"\xff\xfe\xfd\xfc"))
    raster = read_raster(path)
    assert (raster.bands, raster.named) == (("band1",), False)
    assert "names" in {notice.code for notice in raster.notices}
    np.testing.assert_array_equal(raster.values, 1)


@pytest.mark.parametrize(("driver", "name"), [("GTiff", "a.tif"), ("PNG", "a.png"), ("JPEG", "a.jpg")])
def test_files_with_wrong_bytes_are_read_or_refused_and_nothing_else(
    write: Any, tmp_path: Path, driver: str, name: str
) -> None:
    rng = np.random.default_rng(7)
    good = write(name, rng.integers(0, 255, (3, 20, 20), np.uint8), driver=driver).read_bytes()
    refused = 0
    for _ in range(60):
        content = bytearray(good)
        for place in rng.integers(0, min(len(content), 400), 4):
            content[place] = rng.integers(0, 256)
        (tmp_path / "mutant").write_bytes(content)
        try:
            read_raster(tmp_path / "mutant", Settings(max_pixels=1_000_000))
        except InputError as error:
            assert_is_kind(error, tmp_path)
            refused += 1
    assert refused


def assert_is_kind(error: ClaireError, folder: Path) -> None:
    """A sentence with a next step, short, on one line, that gives no folder away."""
    assert len(error.message) <= 200
    assert "\n" not in error.message
    assert error.hint
    assert str(folder) not in error.message + error.hint


# Budgets


@pytest.mark.parametrize(
    "limits",
    [
        Settings(max_side=29),
        Settings(max_bands=2),
        Settings(max_pixels=599),
        Settings(max_decoded_bytes=3 * 600 * 2 - 1),
        Settings(max_block_bytes=100),
    ],
)
def test_a_file_over_a_limit_is_refused_and_at_the_limit_is_read(write: Any, tmp_path: Path, limits: Settings) -> None:
    path = write("a.tif", np.zeros((3, 20, 30), np.uint16))
    with pytest.raises(BudgetError) as caught:
        read_raster(path, limits)
    assert_is_kind(caught.value, tmp_path)
    enough = Settings(max_side=30, max_bands=3, max_pixels=600, max_decoded_bytes=3600, max_block_bytes=3600)
    assert read_raster(path, enough).shape == (20, 30)


def test_the_limits_come_from_the_environment(write: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLAIRE_MAX_SIDE", "10")
    with pytest.raises(BudgetError, match="at most 10"):
        read_raster(write("a.tif", np.zeros((1, 20, 30), np.uint16)))


# Masks


@pytest.mark.parametrize("nodata", [0.0, -9999.0, float("nan"), 7.5])
def test_nodata_and_not_finite_numbers_are_not_valid(write: Any, nodata: float) -> None:
    values = np.random.default_rng(1).uniform(1, 5, (2, 9, 11)).astype(np.float32)
    values[0, 2, 3], values[1, 4, 5], values[0, 0, 0] = nodata, np.nan, np.inf
    expected = np.isfinite(values) & (values != nodata)
    raster = read_raster(write("a.tif", values, nodata=nodata))
    np.testing.assert_array_equal(raster.valid, expected)
    np.testing.assert_equal(raster.nodata, nodata)


def test_an_internal_mask_is_a_mask(write: Any) -> None:
    import rasterio

    mask = np.random.default_rng(2).random((17, 13)) > 0.5
    door.check_environment()
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK="YES"):
        path = write("a.tif", np.ones((3, 17, 13), np.uint16), finish=lambda t: t.write_mask(mask))
    assert [p.name for p in path.parent.iterdir()] == ["a.tif"]
    np.testing.assert_array_equal(read_raster(path).valid, np.broadcast_to(mask, (3, 17, 13)))


def test_transparency_is_a_mask_and_not_a_band(write: Any) -> None:
    values = np.random.default_rng(4).integers(0, 256, (4, 8, 8), np.uint8)
    values[3] = np.where(np.eye(8) > 0, 0, 255)
    raster = read_raster(write("a.png", values, driver="PNG"))
    np.testing.assert_array_equal(raster.values, values[:3])
    np.testing.assert_array_equal(raster.valid[1], np.eye(8) == 0)
    assert [n.code for n in raster.notices] == ["alpha"]


def test_a_fourth_band_with_a_name_is_data_even_when_marked_as_transparency(write: Any) -> None:
    def describe(target: Any) -> None:
        for number, name in enumerate(("B4", "B3", "B2", "B8"), start=1):
            target.set_band_description(number, name)

    values = np.random.default_rng(4).integers(0, 5, (4, 8, 8), np.uint8)
    raster = read_raster(write("a.tif", values, photometric="RGB", ALPHA="YES", finish=describe))
    assert raster.bands == ("B4", "B3", "B2", "B8")
    np.testing.assert_array_equal(raster.values, values)
    assert raster.valid.all()


# Kinds of numbers


@pytest.mark.parametrize(
    "dtype",
    ["uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float32", "float64", "complex64"],
)
@pytest.mark.parametrize("endian", ["LITTLE", "BIG"])
def test_every_kind_of_number_is_read_as_it_is(write: Any, dtype: str, endian: str) -> None:
    values = np.arange(2 * 5 * 7).reshape(2, 5, 7).astype(dtype)
    raster = read_raster(write("a.tif", values, ENDIANNESS=endian, BIGTIFF="YES"))
    np.testing.assert_array_equal(raster.values, values)
    assert raster.dtype == dtype
    assert raster.values.dtype == np.dtype(dtype)


def test_scale_and_offset_are_applied_with_a_notice(write: Any) -> None:
    def scale(target: Any) -> None:
        target.scales, target.offsets = (0.0001, 0.0001), (-0.1, -0.1)

    stored = np.array([[[0, 1000], [2000, 11000]]] * 2, np.uint16)
    raster = read_raster(write("a.tif", stored, nodata=0, finish=scale))
    np.testing.assert_allclose(raster.values, stored * 0.0001 - 0.1, atol=1e-6)
    np.testing.assert_array_equal(raster.valid, stored != 0)
    assert "scale" in {n.code for n in raster.notices}


def test_a_palette_is_read_as_indices_and_said_to_be_one(write: Any) -> None:
    path = write(
        "a.png", np.eye(6, dtype=np.uint8), driver="GTiff", finish=lambda t: t.write_colormap(1, {1: (9, 9, 9, 255)})
    )
    raster = read_raster(path)
    assert raster.palette
    np.testing.assert_array_equal(raster.values[0], np.eye(6))


def test_print_colours_are_refused(write: Any, tmp_path: Path) -> None:
    path = write("a.tif", np.zeros((4, 8, 8), np.uint8), photometric="CMYK")
    with pytest.raises(FormatError, match="CMYK") as caught:
        read_raster(path)
    assert_is_kind(caught.value, tmp_path)


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 1, 40), (2, 33, 1)])
def test_tiny_rasters_are_read(write: Any, shape: tuple[int, int, int]) -> None:
    values = np.random.default_rng(5).random(shape)
    np.testing.assert_array_equal(read_raster(write("a.tif", values)).values, values)


def test_names_are_normalised_and_hostile_names_cleaned(write: Any) -> None:
    def describe(target: Any) -> None:
        target.set_band_description(1, " b02 ")
        target.set_band_description(2, "x\x1b[31m\n" + 100 * "y")

    raster = read_raster(write("a.tif", np.zeros((2, 3, 3), np.uint8), finish=describe))
    assert raster.named
    assert raster.bands[0] == "B2"
    assert raster.bands[1].isprintable()
    assert len(raster.bands[1]) <= 40


def test_names_used_twice_are_no_names(write: Any) -> None:
    def describe(target: Any) -> None:
        target.set_band_description(1, "B2")
        target.set_band_description(2, "b02")

    raster = read_raster(write("a.tif", np.zeros((2, 3, 3), np.uint8), finish=describe))
    assert (raster.bands, raster.named) == (("band1", "band2"), False)


# Coordinates


@pytest.mark.parametrize(
    ("crs", "metres"),
    [("EPSG:32629", True), ("EPSG:4326", False), ("EPSG:3857", False), ("EPSG:2263", False), ("EPSG:3035", True)],
)
def test_areas_are_in_metres_only_where_they_are_true(write: Any, crs: str, metres: bool) -> None:
    place = read_raster(write("a.tif", np.zeros((1, 4, 4), np.uint8), crs=crs, transform=UTM)).georeference
    assert place == GeoReference(crs, UTM, metres)


def test_a_coordinate_system_without_a_number_comes_back_as_wkt_and_can_be_written(write: Any, tmp_path: Path) -> None:
    text = "+proj=laea +lat_0=12.5 +lon_0=3.25 +x_0=7 +datum=WGS84 +units=m"
    first = read_raster(write("a.tif", np.zeros((1, 4, 4), np.uint8), crs=text, transform=UTM)).georeference
    assert first.crs is not None
    assert first.crs.startswith("PROJCS")
    assert first.metres
    write_geotiff(tmp_path / "b.tif", np.zeros((4, 4), np.uint8), first)
    assert read_raster(tmp_path / "b.tif").georeference == first


def test_without_coordinates_everything_is_none(write: Any) -> None:
    assert read_raster(write("a.tif", np.zeros((1, 4, 4), np.uint8))).georeference == GeoReference()


def test_impossible_coordinates_are_ignored_with_a_notice(write: Any) -> None:
    path = write("a.tif", np.zeros((1, 4, 4), np.uint8), crs="EPSG:32629", transform=(0.0, 0.0, 5.0, 0.0, 0.0, 5.0))
    raster = read_raster(path)
    assert raster.georeference == GeoReference("EPSG:32629", None, False)
    assert "transform" in {n.code for n in raster.notices}


# Other files play no part


def test_files_beside_a_raster_change_nothing(write: Any) -> None:
    values = np.random.default_rng(8).integers(1, 200, (3, 16, 16), np.uint8)
    for name, driver in (("a.tif", "GTiff"), ("b.png", "PNG"), ("c.jpg", "JPEG"), ("d.jp2", "JP2OpenJPEG")):
        path = write(name, values, driver=driver)
        before = read_raster(path)
        xml = (
            "<PAMDataset><SRS>EPSG:4326</SRS><GeoTransform>1,2,0,3,0,4</GeoTransform>"
            '<PAMRasterBand band="1"><Description>B2</Description><NoDataValue>7</NoDataValue>'
            "</PAMRasterBand></PAMDataset>"
        )
        path.with_name(name + ".aux.xml").write_text(xml)
        for ending in (".tfw", ".wld", ".pgw", ".jgw", ".j2w"):
            path.with_suffix(ending).write_text("2\n0\n0\n-2\n100\n100\n")
        for ending in (".msk", ".ovr"):
            write(name + ending, np.zeros((1, 16, 16), np.uint8))
        after = read_raster(path)
        np.testing.assert_array_equal(before.values, after.values)
        np.testing.assert_array_equal(before.valid, after.valid)
        assert (before.georeference, before.bands, before.nodata) == (after.georeference, after.bands, after.nodata)


def test_a_raster_that_names_another_file_as_its_overview_does_not_open_it(write: Any, tmp_path: Path) -> None:
    pipe = tmp_path / "canary"
    os.mkfifo(pipe)  # opening it for reading would block until the time-out

    def lure(target: Any) -> None:
        target.update_tags(ns="OVERVIEWS", OVERVIEW_FILE=str(pipe))

    path = write("a.tif", np.arange(64, dtype=np.uint8).reshape(1, 8, 8), finish=lure)
    done = run_python(
        f"from pathlib import Path; from claire.data.raster import describe_raster, read_raster\n"
        f"print(read_raster(Path({str(path)!r})).values.sum()); describe_raster(Path({str(path)!r}))"
    )
    assert done.stdout.strip() == "2016", done.stderr


def test_reading_writes_nothing(write: Any) -> None:
    path = write("a.tif", np.ones((1, 9, 9), np.float32))
    describe_raster(path)
    assert [p.name for p in path.parent.iterdir()] == ["a.tif"]


# Describing


def test_a_description_is_strict_json_with_true_statistics(write: Any, tmp_path: Path) -> None:
    values = np.random.default_rng(6).normal(-12, 4, (2, 10, 12)).astype(np.float32)
    values[0, :3] = np.nan
    values[1] = np.nan
    path = write("a.tif", values, crs="EPSG:32629", transform=UTM, nodata=float("nan"))
    described = describe_raster(path, "sar")
    text = json.dumps(described, allow_nan=False)
    assert str(tmp_path) not in text
    assert {"width", "height", "bands", "dtype", "crs", "transform", "nodata", "units", "stats", "notices"} <= set(
        described
    )
    good = values[0, 3:].astype(np.float64)
    wanted = {"band": "band1", "min": good.min(), "max": good.max(), "mean": good.mean(), "std": good.std()}
    assert described["stats"][0] == pytest.approx(wanted)
    assert described["stats"][1]["mean"] is None
    assert (described["width"], described["height"], described["units"]) == (12, 10, "db")
    assert described["valid"] == pytest.approx(84 / 240)


# Writing


@given(
    values=st.sampled_from(["uint8", "uint16", "int16", "int32", "float32", "float64"]).flatmap(
        lambda kind: hnp.arrays(kind, st.tuples(st.integers(1, 4), st.integers(1, 40), st.integers(1, 40)))
    ),
    affine=st.tuples(
        st.floats(0.5, 100),
        st.floats(-3, 3),
        st.floats(-1e6, 1e6),
        st.floats(-3, 3),
        st.floats(-100, -5),
        st.floats(0, 1e7),
    ),
    crs=st.sampled_from([None, "EPSG:32629", "EPSG:4326"]),
    south_up=st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_export_equals_import(values: Any, affine: Any, crs: str | None, south_up: bool) -> None:
    transform = (*affine[:4], -affine[4], affine[5]) if south_up else affine
    place = GeoReference(crs, transform, crs == "EPSG:32629")
    names = tuple(f"B{i + 1}" for i in range(len(values)))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.tif"
        write_geotiff(path, values, place, descriptions=names)
        raster = read_raster(path)
        assert [p.name for p in Path(folder).iterdir()] == ["a.tif"]
    np.testing.assert_array_equal(raster.values, values)
    assert raster.values.dtype == values.dtype
    assert raster.georeference.crs == crs
    assert raster.georeference.transform == pytest.approx(transform, rel=1e-12, abs=1e-9)
    assert (raster.bands, raster.named) == (names, True)
    np.testing.assert_array_equal(raster.valid, np.isfinite(values))


def test_a_class_map_keeps_its_colours_and_ids(tmp_path: Path) -> None:
    import rasterio

    ids = np.random.default_rng(0).integers(0, 2, (30, 20), np.uint8)
    write_geotiff(tmp_path / "a.tif", ids, PLACE, nodata=255, colormap={0: (1, 2, 3), 1: (4, 5, 6)})
    raster = read_raster(tmp_path / "a.tif")
    np.testing.assert_array_equal(raster.values[0], ids)
    assert (raster.nodata, raster.palette, raster.georeference) == (255, True, PLACE)
    with rasterio.open(tmp_path / "a.tif") as source:
        assert source.colormap(1)[1] == (4, 5, 6, 255)
        assert source.profile["compress"] == "deflate"


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    write_geotiff(path, np.ones((4, 4), np.uint8), PLACE)
    before = path.read_bytes()
    with pytest.raises(InputError, match="cannot be written") as caught:
        write_geotiff(path, np.ones((4, 4), np.uint8), GeoReference("EPSG:99999999", UTM))
    assert_is_kind(caught.value, tmp_path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.tif"]
    with pytest.raises(InputError, match="cannot be written"):
        write_geotiff(tmp_path / "absent" / "a.tif", np.ones((4, 4), np.uint8), PLACE)


@pytest.mark.parametrize(
    "text", ["http://127.0.0.1:9/crs", "/etc/passwd", "+init=epsg:4326", "EPSG:4326+5773", "nonsense"]
)
def test_a_coordinate_system_is_never_taken_from_free_text(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError):
        write_geotiff(tmp_path / "a.tif", np.ones((4, 4), np.uint8), GeoReference(text, UTM))


# Warping


@given(
    values=hnp.arrays(np.float32, (2, 9, 12), elements=st.floats(-50, 50, width=32)),
    valid=hnp.arrays(bool, (2, 9, 12)),
    move=st.tuples(st.integers(-5, 5), st.integers(-5, 5)),
    resampling=st.sampled_from(["nearest", "bilinear"]),
)
@settings(max_examples=40, deadline=None)
def test_warping_by_whole_pixels_is_a_shifted_copy(values: Any, valid: Any, move: Any, resampling: Any) -> None:
    right, down = move
    target = GeoReference(PLACE.crs, (10.0, 0.0, UTM[2] + 10 * right, 0.0, -10.0, UTM[5] - 10 * down), metres=True)
    warped, mask, inside = warp_to_grid(values, valid, PLACE, target, (9, 12), resampling)
    for row in range(9):
        for col in range(12):
            r, c = row + down, col + right
            expected = 0 <= r < 9 and 0 <= c < 12
            assert inside[row, col] == expected
            for band in range(2):
                assert mask[band, row, col] == (expected and valid[band, r, c])
                wanted = values[band, r, c] if mask[band, row, col] else 0
                assert warped[band, row, col] == pytest.approx(wanted, abs=1e-5)


def test_warping_never_mixes_invalid_pixels_in() -> None:
    rng = np.random.default_rng(9)
    valid = rng.random((1, 30, 30)) > 0.4
    values = np.where(valid, 5.0, 1e9).astype(np.float32)
    target = GeoReference(PLACE.crs, (7.0, 1.0, UTM[2] + 13, 0.5, -8.0, UTM[5] - 11), metres=True)
    warped, mask, _ = warp_to_grid(values, valid, PLACE, target, (25, 25))
    assert mask.any()
    np.testing.assert_allclose(warped[mask], 5.0, rtol=1e-5)


def test_warping_a_plane_gives_the_plane() -> None:
    rows, cols = np.mgrid[:40, :40] + 0.5
    x, y = UTM[2] + 10 * cols, UTM[5] - 10 * rows
    plane = ((x - UTM[2]) * 0.3 - (UTM[5] - y) * 0.7)[None].astype(np.float64)
    a, b, c, d, e, f = (6.0, 2.0, UTM[2] + 90, 1.5, -7.0, UTM[5] - 80)
    target = GeoReference(PLACE.crs, (a, b, c, d, e, f), metres=True)
    warped, mask, _ = warp_to_grid(plane, np.ones_like(plane, bool), PLACE, target, (20, 20))
    r, q = np.mgrid[:20, :20] + 0.5
    wanted = (a * q + b * r + c - UTM[2]) * 0.3 - (UTM[5] - (d * q + e * r + f)) * 0.7
    inner = mask[0]
    assert inner.mean() > 0.9
    np.testing.assert_allclose(warped[0][inner], wanted[inner], atol=0.02)


def test_warping_from_another_coordinate_system_puts_pixels_where_they_belong() -> None:
    values = np.zeros((1, 60, 60), np.uint8)
    values[0, 20:40, 20:40] = 1
    target = GeoReference("EPSG:4326", (1e-4, 0.0, -7.735, 0.0, -1e-4, 45.15), False)
    ids, mask, inside = warp_to_grid(values, np.ones_like(values, bool), PLACE, target, (200, 200), "nearest")
    area = ids.sum() * 1e-4**2 * 111_320**2 * np.cos(np.radians(45.15))
    assert inside.any()
    assert mask[0].sum() == inside.sum()
    assert area == pytest.approx(200 * 200, rel=0.05)


def test_grids_that_cannot_be_related_are_refused() -> None:
    with pytest.raises(GridError):
        warp_to_grid(np.ones((1, 4, 4)), np.ones((1, 4, 4), bool), GeoReference("nonsense", UTM), PLACE, (4, 4))


def test_real_tiles_are_read_as_rasterio_reads_them(real_data: Path) -> None:
    import rasterio

    for path in sorted((real_data / "georef").glob("*.tif")):
        raster = read_raster(path)
        with warnings.catch_warnings(action="ignore"), rasterio.open(path) as source:
            np.testing.assert_array_equal(raster.values, source.read())
            assert raster.georeference.transform == tuple(source.transform)[:6]


def test_a_picture_of_transparency_alone_is_refused(write: Any) -> None:
    def mark(target: Any) -> None:
        from rasterio.enums import ColorInterp

        target.colorinterp = [ColorInterp.alpha]

    with pytest.raises(BandError):
        read_raster(write("a.tif", np.ones((1, 4, 4), np.uint8), finish=mark))


# Places without a transform


def bent(row: Any, col: Any) -> tuple[Any, Any]:
    """A place that no affine gives."""
    return 600_000 + 9 * col + row + 0.05 * (col - 40) ** 2, 5_000_000 - 9 * row + 0.04 * (row - 30) ** 2


@pytest.mark.parametrize("count", [6, 30])
def test_control_points_are_followed_by_a_spline_or_where_they_are_many_by_a_polynomial(count: int) -> None:
    row, col = np.mgrid[:80, :80] + 0.5
    at = np.linspace(0, 80, count)
    points = [(r, c, *bent(r, c), 0.0) for r in at.tolist() for c in at.tolist()]
    target = GeoReference("EPSG:32629", (10.0, 0.0, 600_150.0, 0.0, -10.0, 4_999_900.0))
    values = np.stack(bent(row, col))
    warped, valid, inside = warp_gcps_to_grid(
        values, np.ones(values.shape, bool), points, "EPSG:32629", None, target, (30, 40)
    )
    r, c = np.mgrid[:30, :40] + 0.5
    assert valid.all()
    assert inside.all()
    assert np.abs(warped[0] - (600_150 + 10 * c)).max() < 3
    assert np.abs(warped[1] - (4_999_900 - 10 * r)).max() < 3


def test_points_in_degrees_locate_on_a_grid_in_metres() -> None:
    corners = [(0.0, 0.0, -9.001, 45.001), (0.0, 50.0, -8.999, 45.001), (50.0, 0.0, -9.001, 44.999)]
    points = [(*corner, 0.0) for corner in (*corners, (50.0, 50.0, -8.999, 44.999))]
    east = np.tile(np.arange(50.0), (1, 50, 1))
    grid = GeoReference("EPSG:32629", (10.0, 0.0, 499_960.0, 0.0, -10.0, 4_983_000.0))  # the meridian of the zone
    warped, valid, _ = warp_gcps_to_grid(east, np.ones(east.shape, bool), points, "EPSG:4326", None, grid, (8, 8))
    seen = valid[0].any(axis=0)
    assert seen.all()
    # 0.002 degrees of longitude at 45 degrees are 157.7 m, thus 3.15 m per pixel.
    middle = warped[0][valid[0]].mean()
    assert abs(middle - 24.5) < 1


def test_too_few_points_and_strange_systems_are_refused() -> None:
    values, valid = np.ones((1, 5, 5)), np.ones((1, 5, 5), bool)
    grid = GeoReference("EPSG:32629", (10.0, 0.0, 600_000.0, 0.0, -10.0, 5_000_000.0))
    points = [(0.0, 0.0, 1.0, 1.0, 0.0), (5.0, 5.0, 2.0, 2.0, 0.0)]
    for crs, some in (("EPSG:32629", points), ("EPSG:0", [*points, (0.0, 5.0, 2.0, 1.0, 0.0)])):
        with pytest.raises(GridError) as caught:
            warp_gcps_to_grid(values, valid, some, crs, None, grid, (5, 5))
        assert caught.value.hint
