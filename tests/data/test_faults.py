"""Pairs that can be read but are wrong: each is put right with a notice, or refused with a reason, never silently."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from claire.core.bands import SENTINEL2_L1C, SENTINEL2_L2A, Unit
from claire.core.errors import (
    BandError,
    EmptyTileError,
    GridError,
    InputError,
    LabelError,
    SwapError,
)
from claire.core.manifest import InputSpec, Manifest
from claire.core.types import Layer, Prepared, Tile
from claire.data.faults import describe_swap, mask_fill, remove_offset
from claire.data.pairing import read_tile
from claire.data.preparing import prepare, select_bands

CRS = "EPSG:32629"
UTM = (10.0, 0.0, 600_000.0, 0.0, -10.0, 5_000_000.0)
SIZE = (24, 30)
DARK = np.array([1200, 900, 700, 500, 520, 400, 420, 380, 360, 150, 10, 180, 90])
"""Darkest digital numbers of the 13 bands of a plain L1C tile."""
Case = Callable[[np.random.Generator, Any], None]
CASES: dict[str, Case] = {}


def case(function: Case) -> Case:
    CASES[function.__name__] = function
    return function


def make_manifest(
    optical: tuple[str, ...] = ("B4", "B3", "B2"), unit: Unit = "reflectance_x1e4", sar: Unit = "db", sensor: str = ""
) -> Manifest:
    count = len(optical)
    return Manifest(
        name="tiny",
        title="For tests",
        scheme="flood",
        optical=InputSpec(optical, unit, (1000.0,) * count, (500.0,) * count, (tuple(range(count)),), sensor),
        sar=InputSpec(("VV", "VH"), sar, (-12.0, -18.0), (4.0, 4.0), ((0, 1),)),
        network={},
        temperature={},
    )


def decibels(rng: np.random.Generator, shape: tuple[int, int] = SIZE) -> Any:
    level = np.array([-11.0, -17.5])[:, None, None] + rng.uniform(-1, 1, (2, 1, 1))
    return (level + rng.normal(0, 2, (2, *shape))).astype(np.float32)


def sentinel2(rng: np.random.Generator, shape: tuple[int, int] = SIZE) -> Any:
    ground = rng.gamma(2.0, 400.0, (13, *shape)) * np.where(np.arange(13) == 10, 0.01, 1)[:, None, None]
    return (DARK[:, None, None] + ground).astype(np.uint16)


def codes(tile: Tile, *more: Any) -> set[str]:
    return {notice.code for notice in (*tile.notices, *more)}


def layer_of(tile: Tile, role: str) -> Layer:
    layer = getattr(tile, role)
    assert isinstance(layer, Layer)
    return layer


def refuses(kind: type[InputError], action: Callable[[], Any]) -> InputError:
    with pytest.raises(kind) as caught:
        action()
    assert caught.value.code == kind.code
    assert len(caught.value.message) <= 200
    assert caught.value.hint
    assert "/" not in caught.value.message
    return caught.value


def plain_optical(write: Any, shape: tuple[int, int] = SIZE, **place: Any) -> Path:
    path: Path = write("o.tif", np.full((3, *shape), 90, np.uint8), **({"crs": CRS, "transform": UTM} | place))
    return path


def east_and_north(transform: tuple[float, ...], shape: tuple[int, int]) -> Any:
    """(2, H, W): easting and northing of the pixel centres, less the first corner of `UTM`, always below 0."""
    row, col = np.mgrid[: shape[0], : shape[1]] + 0.5
    a, b, c, d, e, f = transform
    return np.stack([a * col + b * row + c - 600_000 - 9_000, d * col + e * row + f - 5_000_000 - 9_000])


# The cases. Each gets a seeded generator and the fixture that writes rasters.


@case
def another_grid(rng: np.random.Generator, write: Any) -> None:
    size = float(rng.uniform(6, 14))
    sar = (size, 0.0, 599_900.0 + rng.uniform(-9, 9), 0.0, -size, 5_000_100.0 + rng.uniform(-9, 9))
    path = write("s.tif", east_and_north(sar, (110, 110)).astype(np.float32), crs=CRS, transform=sar)
    tile = read_tile(plain_optical(write), path, sar_units="db")
    np.testing.assert_allclose(layer_of(tile, "sar").values, east_and_north(UTM, SIZE), atol=0.7)
    message = next(notice.message for notice in tile.notices if notice.code == "warped")
    assert "bilinear" in message
    assert "100 %" in message


@case
def part_of_the_place(rng: np.random.Generator, write: Any) -> None:
    right, down = (int(n) for n in rng.integers(2, 12, 2))
    values = decibels(rng)
    place = (10.0, 0.0, UTM[2] + 10 * right, 0.0, -10.0, UTM[5] - 10 * down)
    tile = read_tile(plain_optical(write), write("s.tif", values, crs=CRS, transform=place))
    seen = np.zeros(SIZE, bool)
    seen[down:, right:] = True
    sar = layer_of(tile, "sar")
    np.testing.assert_array_equal(sar.valid, np.stack([seen, seen]))
    np.testing.assert_allclose(sar.values[:, down:, right:], values[:, : SIZE[0] - down, : SIZE[1] - right], atol=1e-4)
    message = next(notice.message for notice in tile.notices if notice.code == "warped")
    assert f"{100 * seen.mean():.1f} %" in message
    assert "masked" in message


@case
def another_place(rng: np.random.Generator, write: Any) -> None:
    away = float(rng.choice([-1, 1]) * rng.uniform(285, 4e5))
    path = write("s.tif", decibels(rng), crs=CRS, transform=(10.0, 0.0, UTM[2] + away, 0.0, -10.0, UTM[5]))
    error = refuses(GridError, lambda: read_tile(plain_optical(write), path))
    assert "600000..600300" in error.message
    assert error.message.count("EPSG:32629") == 2


def swath(row: Any, col: Any, bend: float) -> tuple[Any, Any]:
    """Where a swath's pixels lie: stretched, turned and bent, as no affine can be."""
    x = 599_700 + 9.5 * col + 1.5 * row + bend * ((col - 60) / 60) ** 2 + 25 * np.sin(row / 40)
    y = 5_000_250 - 9.5 * row + 1.0 * col + bend * (row / 60 - 1) ** 2
    return x, y


@case
def control_points_only(rng: np.random.Generator, write: Any) -> None:
    from rasterio import crs as systems
    from rasterio.control import GroundControlPoint

    bend, shape = float(rng.uniform(80, 160)), (120, 120)
    row, col = np.mgrid[: shape[0], : shape[1]] + 0.5
    x, y = swath(row, col, bend)
    at = np.linspace(0, 120, 9)
    points = [
        GroundControlPoint(row=r, col=c, x=swath(r, c, bend)[0], y=swath(r, c, bend)[1], z=0) for r in at for c in at
    ]
    values = np.stack([x - 609_000, y - 5_009_000]).astype(np.float32)

    def locate(target: Any) -> None:
        target.gcps = points, systems.CRS.from_epsg(32629)

    tile = read_tile(plain_optical(write), write("s.tif", values, finish=locate), sar_units="db")
    expected, sar = east_and_north(UTM, SIZE), layer_of(tile, "sar")
    assert sar.valid.all()
    assert np.abs(sar.values - expected).max() < 10  # one pixel
    design = np.stack([[p.row for p in points], [p.col for p in points], np.ones(len(points))], axis=1)
    fitted = design @ np.linalg.lstsq(design, np.array([p.x for p in points]), rcond=None)[0]
    assert np.abs(fitted - [p.x for p in points]).max() > 50  # an affine is many pixels off
    assert {"gcps", "warped"} <= codes(tile)
    assert any("81 control points" in notice.message for notice in tile.notices)


@case
def rational_polynomials_only(rng: np.random.Generator, write: Any) -> None:
    from rasterio.rpc import RPC

    bend, shape = float(rng.uniform(-0.1, 0.1)), (100, 100)
    one = [1.0] + [0.0] * 19
    line, sample = [0.0] * 20, [0.0] * 20
    line[2], sample[1], sample[4] = -1.0, 1.0, bend  # of 1, L, P, H, LP, ...
    model = RPC(
        err_bias=None, err_rand=None, height_off=120.0, height_scale=500.0, lat_off=45.0, lat_scale=0.01,
        line_den_coeff=one, line_num_coeff=line, line_off=49.5, line_scale=50.0, long_off=-8.0, long_scale=0.01,
        samp_den_coeff=one, samp_num_coeff=sample, samp_off=49.5, samp_scale=50.0,
    )  # fmt: skip

    def locate(target: Any) -> None:
        target.rpcs = model

    optical = (2e-4, 0.0, -8.006, 0.0, -2e-4, 45.005)
    row, col = np.mgrid[: SIZE[0], : SIZE[1]] + 0.5
    lon, lat = (optical[2] + 2e-4 * col + 8) / 0.01, (optical[5] - 2e-4 * row - 45) / 0.01
    expected = np.stack([49.5 + 50 * (lon + bend * lon * lat), 49.5 - 50 * lat]) - 200
    numbers = np.mgrid[: shape[0], : shape[1]].astype(np.float32)[::-1] - 200
    files = plain_optical(write, crs="EPSG:4326", transform=optical), write("s.tif", numbers, finish=locate)
    tile = read_tile(*files, sar_units="db")
    sar = layer_of(tile, "sar")
    assert sar.valid.all()
    assert np.abs(sar.values - expected).max() < 1
    assert {"rpcs", "warped", "no_area"} <= codes(tile)


@case
def a_turned_sheared_or_south_up_grid(rng: np.random.Generator, write: Any) -> None:
    turn, shear, south = (*rng.uniform(-3, 3, 2).tolist(), float(rng.choice([-1, 1])))
    grid = (9.0, turn, 600_100.0, shear, 9.0 * south, 4_999_900.0)
    sar = (10.0, 0.0, 599_000.0, 0.0, -10.0, 5_001_000.0)
    path = write("s.tif", east_and_north(sar, (220, 220)).astype(np.float32), crs=CRS, transform=sar)
    tile = read_tile(plain_optical(write, transform=grid), path, sar_units="db")
    assert tile.georeference.transform == grid
    np.testing.assert_allclose(layer_of(tile, "sar").values, east_and_north(grid, SIZE), atol=1.0)
    assert "warped" in codes(tile)


@case
def no_coordinates(rng: np.random.Generator, write: Any) -> None:
    values = decibels(rng)
    tile = read_tile(plain_optical(write, crs=None, transform=None), write("s.tif", values))
    assert tile.georeference.pixel_area_m2 is None
    np.testing.assert_array_equal(layer_of(tile, "sar").values, values)
    assert "no_area" in codes(tile)
    other = write("t.tif", decibels(rng, (SIZE[0], SIZE[1] + int(rng.integers(1, 9)))))
    refuses(GridError, lambda: read_tile(plain_optical(write, crs=None, transform=None), other))


@case
def sensors_swapped(rng: np.random.Generator, write: Any) -> None:
    optical, sar = write("o.tif", sentinel2(rng)[: rng.integers(12, 14)]), write("s.tif", decibels(rng))
    error = refuses(SwapError, lambda: read_tile(sar, optical))
    assert "optical" in error.message
    assert "SAR" in error.message
    refuses(SwapError, lambda: read_tile(sar, None))
    refuses(SwapError, lambda: read_tile(None, optical))
    counts = [write(f"{n}.tif", rng.integers(1, 255, (n, *SIZE), np.uint8)) for n in (3, 2)]
    with pytest.raises(SwapError):
        select_bands(read_tile(counts[1], counts[0]), make_manifest(unit="uint8", sar="uint8"))


@case
def wrong_number_of_bands(rng: np.random.Generator, write: Any) -> None:
    few = write("o.tif", sentinel2(rng)[: rng.integers(3, 9)])
    tile = read_tile(few, write("s.tif", decibels(rng)))
    assert "B4, B3, B2" in refuses(BandError, lambda: prepare(tile, make_manifest())).message
    single = read_tile(None, write("t.tif", decibels(rng)[:1]))
    refuses(BandError, lambda: prepare(single, make_manifest()))


@case
def wrong_order_of_bands(rng: np.random.Generator, write: Any) -> None:
    sar = read_tile(None, write("s.tif", decibels(rng)[::-1]))
    refuses(BandError, lambda: prepare(sar, make_manifest()))
    named = read_tile(None, write("s.tif", decibels(rng)[::-1]), sar_bands=("VV", "VH"))
    assert "sar_order" in codes(named, *prepare(named, make_manifest())[1])
    last = [band for band in range(13) if band != 8] + [8]  # B8A behind the others
    optical = read_tile(write("o.tif", sentinel2(rng)[last]), None)
    assert "bands_order" in codes(optical)
    refuses(BandError, lambda: prepare(optical, make_manifest()))


@case
def backscatter_as_power_or_amplitude(rng: np.random.Generator, write: Any) -> None:
    level = decibels(rng)
    unit, factor, scale = [("power", 10, 1.0), ("amplitude", 20, 400.0)][int(rng.integers(2))]
    linear = (scale * 10 ** (level / factor)).astype(np.float32)
    linear[:, 0, :3] = 0
    tile = read_tile(None, write("s.tif", linear))
    assert layer_of(tile, "sar").unit == unit
    chosen, found = select_bands(tile, make_manifest())
    sar = layer_of(chosen, "sar")
    seen = linear > 0
    np.testing.assert_array_equal(sar.valid, seen)
    np.testing.assert_allclose(sar.values[seen], level[seen] + factor * np.log10(scale), atol=1e-3)
    assert {"sar_units", "converted"} <= codes(tile, *found)


@case
def backscatter_as_8_bit(rng: np.random.Generator, write: Any) -> None:
    tile = read_tile(None, write("s.tif", rng.integers(1, 255, (2, *SIZE), np.uint8)))
    error = refuses(BandError, lambda: prepare(tile, make_manifest()))
    assert "uint8" in error.message
    assert "db" in error.message
    wrongly = read_tile(None, write("t.tif", 10 ** (decibels(rng) / 10)), sar_units="db")
    assert "converted" not in codes(wrongly, *prepare(wrongly, make_manifest())[1])


@case
def the_sentinel_2_offset(rng: np.random.Generator, write: Any) -> None:
    plain = sentinel2(rng)
    plain[:, :2, :2] = 0  # nodata stays 0 in the products
    l2a = bool(rng.integers(2))
    if l2a:
        plain = np.delete(plain, 10, axis=0)
    kind = str(rng.choice(["uint16", "int16", "float32"]))
    with_offset = np.where(plain == 0, 0, plain.astype(int) + 1000).astype(kind)
    if kind == "float32":
        with_offset /= 1e4
    tile = read_tile(write("o.tif", with_offset), None)
    assert layer_of(tile, "optical").unit == ("reflectance_offset" if kind == "float32" else "reflectance_x1e4_offset")
    bands = SENTINEL2_L2A if l2a else SENTINEL2_L1C
    chosen, found = select_bands(tile, make_manifest(bands, sensor="Sentinel-2 L1C"))
    optical = layer_of(chosen, "optical")
    np.testing.assert_array_equal(optical.valid, plain > 0)
    np.testing.assert_allclose(optical.values[optical.valid], plain[plain > 0], atol=1e-2 if kind == "float32" else 0)
    assert {"optical_units", "offset"} <= codes(tile, *found)
    assert ("level" in codes(tile, *found)) == l2a
    without = read_tile(write("p.tif", plain.astype("uint16")), None)
    assert layer_of(without, "optical").unit == "reflectance_x1e4"


@case
def one_of_two_dates_with_the_offset(rng: np.random.Generator, write: Any) -> None:
    before, after = sentinel2(rng), sentinel2(rng)
    files = [write("before.tif", before), write("after.tif", after + np.uint16(1000))]
    tile = read_tile(files, None)
    optical = layer_of(tile, "optical")
    assert optical.unit == "reflectance_x1e4"
    np.testing.assert_array_equal(optical.values, np.concatenate([before, after]))
    assert "offset" in codes(tile)
    single = [write(f"B{i}.tif", before[i : i + 1]) for i in (0, 3, 11)]  # one file for each band, the first one bright
    stacked = read_tile(single, None)
    np.testing.assert_array_equal(layer_of(stacked, "optical").values, before[[0, 3, 11]])
    assert layer_of(stacked, "optical").unit == "reflectance_x1e4"
    assert "offset_unsure" in codes(stacked)


@case
def the_offset_by_metadata(rng: np.random.Generator, write: Any) -> None:
    bright = sentinel2(rng)[:10] + np.uint16(800)  # the pixels alone would not tell
    for tag, expected in (("04.00", "reflectance_x1e4_offset"), ("02.13", "reflectance_x1e4")):
        path = write("o.tif", bright, finish=lambda t, tag=tag: t.update_tags(PROCESSING_BASELINE=tag))
        tile = read_tile(path, None)
        assert layer_of(tile, "optical").unit == expected
        assert any("by the metadata" in notice.message for notice in tile.notices)
    product = "S2A_MSIL1C_20220301T110000_N0400_R094_T29TNE"
    assert layer_of(read_tile(write(f"{product}.tif", bright), None), "optical").unit == "reflectance_x1e4_offset"
    dark = write("o.tif", sentinel2(rng), finish=lambda t: t.update_tags(BOA_ADD_OFFSET="-1000"))
    tile = read_tile(dark, None)
    assert layer_of(tile, "optical").unit == "reflectance_x1e4"
    assert any("too dark" in notice.message for notice in tile.notices)
    newer, older = write(f"{product}.tif", bright), write("old.tif", sentinel2(rng)[:10])
    both = layer_of(read_tile([newer, older], None, name=product), "optical")
    assert both.unit == "reflectance_x1e4"
    np.testing.assert_array_equal(both.values[:10], bright.astype(int) - 1000)


@case
def complex_backscatter(rng: np.random.Generator, write: Any) -> None:
    level, phase = decibels(rng), rng.uniform(0, 6.28, (2, *SIZE))
    values = (10 ** (level / 20) * np.exp(1j * phase)).astype(np.complex64)
    tile = read_tile(None, write("s.tif", values))
    chosen, found = select_bands(tile, make_manifest())
    np.testing.assert_allclose(layer_of(chosen, "sar").values, level, atol=1e-3)
    assert {"complex", "converted"} <= codes(tile, *found)
    refuses(BandError, lambda: read_tile(None, write("s.tif", values), sar_units="db"))


@case
def undeclared_fill(rng: np.random.Generator, write: Any) -> None:
    values, wide = decibels(rng), int(rng.integers(2, 8))
    mark = float(rng.choice([-9999.0, -32768.0, -3.4028234663852886e38, 0.0]))
    values[:, :, :wide] = mark
    tile = read_tile(None, write("s.tif", values))
    sar = layer_of(tile, "sar")
    assert not sar.valid[:, :, :wide].any()
    assert sar.valid[:, :, wide:].all()
    assert sar.unit == "db"
    assert {"fill", "masked"} <= codes(tile)


@case
def missing_pixels(rng: np.random.Generator, write: Any) -> None:
    values = decibels(rng)
    hidden = rng.random(values.shape) < 0.2
    mark = float(rng.choice([np.nan, np.inf, -7777.0]))
    nodata = mark if mark == -7777.0 else None
    tile = read_tile(None, write("s.tif", np.where(hidden, np.float32(mark), values), nodata=nodata))
    np.testing.assert_array_equal(layer_of(tile, "sar").valid, ~hidden)
    assert layer_of(tile, "sar").unit == "db"
    assert "masked" in codes(tile)
    prepared, _ = prepare(tile, make_manifest())
    np.testing.assert_array_equal(prepared.sar_valid, ~hidden)
    assert not prepared.sar[hidden].any()
    everything = write("t.tif", np.full_like(values, mark), nodata=nodata)
    assert "nothing to map" in refuses(EmptyTileError, lambda: read_tile(None, everything)).message


@case
def masks_inside_the_file(rng: np.random.Generator, write: Any) -> None:
    shown = rng.random(SIZE) < 0.7
    shown[0, 0] = False
    values = rng.integers(1, 255, (3, *SIZE), np.uint8)
    files = [write("a.png", np.concatenate([values, 255 * shown[None].astype(np.uint8)]), driver="PNG")]
    files.append(write("m.tif", values, finish=lambda t: t.write_mask(shown)))
    for path in files:
        tile = read_tile(path, None)
        np.testing.assert_array_equal(layer_of(tile, "optical").valid, np.stack([shown] * 3))
        assert "masked" in codes(tile)


@case
def odd_sizes(rng: np.random.Generator, write: Any) -> None:
    for shape in ((1, 1), (1, int(rng.integers(2, 40))), (int(rng.integers(2, 40)), 1)):
        tile = read_tile(write("o.tif", np.full((3, *shape), 900, np.uint16)), write("s.tif", decibels(rng, shape)))
        named = read_tile(write("o.tif", np.full((12, *shape), 900, np.uint16)), write("s.tif", decibels(rng, shape)))
        assert tile.shape == named.shape == shape
        prepared, _ = prepare(named, make_manifest())
        assert isinstance(prepared, Prepared)
        assert np.isfinite(prepared.optical).all()
        assert "no_area" in codes(named)


@case
def a_label_that_does_not_fit(rng: np.random.Generator, write: Any) -> None:
    optical = plain_optical(write)
    ids = rng.integers(0, 2, SIZE).astype(np.uint8)
    right = int(rng.integers(1, 20))
    place = (10.0, 0.0, UTM[2] + 10 * right, 0.0, -10.0, UTM[5])
    tile = read_tile(optical, None, write("l.tif", ids, crs=CRS, transform=place), optical_bands=("B4", "B3", "B2"))
    assert tile.label is not None
    np.testing.assert_array_equal(tile.label[:, right:], ids[:, : SIZE[1] - right])
    assert (tile.label[:, :right] == 255).all()
    assert "warped" in codes(tile)
    refuses(GridError, lambda: read_tile(optical, None, write("m.tif", ids[:-1])))
    ids[2, 3] = rng.integers(2, 250)
    strange = read_tile(optical, None, write("n.tif", ids, crs=CRS, transform=UTM), optical_bands=("B4", "B3", "B2"))
    refuses(LabelError, lambda: prepare(strange, make_manifest(unit="uint8")))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", CASES)
def test_a_fault_is_put_right_with_a_notice_or_refused_with_a_reason(name: str, seed: int, write: Any) -> None:
    CASES[name](np.random.default_rng([seed, len(name)]), write)


# The parts


def test_sixteen_kinds_of_faults_and_more_are_tried() -> None:
    assert len(CASES) >= 16


@pytest.mark.parametrize("unit", ["reflectance_x1e4_offset", "reflectance_offset"])
def test_the_offset_is_subtracted_and_a_zero_is_nodata(unit: Unit) -> None:
    offset = 1000 if unit == "reflectance_x1e4_offset" else 0.1
    values = (np.array([[[0, 1, 2, 65.535]]]) * offset).astype(np.uint16 if offset == 1000 else np.float32)
    values[0, 0, 1] -= values[0, 0, 1] // 2  # darker than black: below 0 without the offset
    plain, valid, name = remove_offset(values, np.array([[[True, True, False, True]]]), unit)
    np.testing.assert_allclose(plain, values.astype(float) - offset, atol=1e-6)
    assert valid.tolist() == [[[False, True, False, True]]]
    assert f"{name}_offset" == unit


@pytest.mark.parametrize("kind", ["uint8", "uint16", "int16", "float16", "float32", "float64", "complex64"])
def test_numbers_without_a_mark_stay_as_they_are(kind: str) -> None:
    values = np.random.default_rng(0).integers(0, 100, (2, 9, 9)).astype(kind)
    valid = np.random.default_rng(1).random(values.shape) < 0.5
    found, notices = mask_fill(values, valid, "sar", "'s.tif'")
    np.testing.assert_array_equal(found, valid)
    assert notices == ()


def test_zero_decibels_inside_the_picture_are_measured_and_along_the_border_in_number_are_not() -> None:
    values = np.full((2, 40, 40), -12.0, np.float32)
    values[:, 10:20, 10:20] = 0
    everywhere = np.ones(values.shape, bool)
    assert mask_fill(values, everywhere, "sar", "'s'")[0].all()
    values[:, 0, :3] = 0  # too few to be a fill
    assert mask_fill(values, everywhere, "sar", "'s'")[0].all()
    values[:, 0] = 0
    found, notices = mask_fill(values, everywhere, "sar", "'s'")
    np.testing.assert_array_equal(found[:, 0], False)
    assert found[:, 1:].all()
    assert [notice.code for notice in notices] == ["fill"]
    assert mask_fill(values, everywhere, "optical", "'s'")[0].all()


@pytest.mark.parametrize(
    ("optical", "sar", "swapped"),
    [
        (("B4", "B3"), ("VV", "VH"), False),
        (("VV", "VH"), ("VV", "VH"), True),
        (("B4", "B3"), ("b04_before", "B3"), True),
        (("band1", "band2"), ("band1", "band2"), False),
    ],
)
def test_names_of_bands_betray_a_sensor(optical: tuple[str, ...], sar: tuple[str, ...], swapped: bool) -> None:
    values, valid = np.full((2, 4, 4), 7.0), np.ones((2, 4, 4), bool)
    layers = {"optical": Layer(values, valid, optical), "sar": Layer(values, valid, sar)}
    assert (describe_swap(layers) is not None) == swapped  # type: ignore[arg-type]


def test_real_pairs_are_taken_as_they_are(real_data: Path) -> None:
    for optical in sorted(real_data.glob("*/*_s2*.tif")):
        tile = read_tile(optical, optical.with_name(optical.name.partition("_s2")[0] + "_s1.tif"))
        assert not codes(tile) & {"fill", "offset", "bands_order"}, optical.name
        assert layer_of(tile, "optical").unit == "reflectance_x1e4", optical.name
        assert layer_of(tile, "sar").unit == "db", optical.name


def test_real_pairs_with_the_offset_are_told_and_come_back_equal(real_data: Path, write: Any) -> None:
    for path in sorted(real_data.glob("*/*_s2*.tif")):
        plain = layer_of(read_tile(path, None), "optical")
        raised = write("o.tif", plain.values + plain.values.dtype.type(1000))
        tile = read_tile(raised, None)
        assert layer_of(tile, "optical").unit == "reflectance_x1e4_offset", path.name
        chosen, notices = select_bands(tile, make_manifest(plain.bands))
        np.testing.assert_array_equal(layer_of(chosen, "optical").values, plain.values)
        assert "offset" in codes(chosen, *notices)
