"""Guesses of units: right on what the sensors deliver, and always said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from claire.core.bands import SENTINEL2_L1C
from claire.data.guessing import guess_bands, guess_unit, read_offset
from claire.data.raster import read_raster

RNG = np.random.default_rng(0)
POWER = RNG.gamma(4.0, 0.02, (2, 30, 30))


@pytest.mark.parametrize(
    ("values", "unit"),
    [
        (10 * np.log10(POWER), "db"),
        (POWER, "power"),
        ((POWER * 65535).astype(np.uint16), "amplitude"),
        (np.sqrt(POWER) * 1000, "amplitude"),
        ((POWER * 255).astype(np.uint8), "uint8"),
        (POWER.astype(np.complex64), "amplitude"),
    ],
)
def test_sar_units_are_told_apart(values: np.ndarray, unit: str) -> None:
    guess, notice = guess_unit("sar", values, np.ones(values.shape, bool))
    assert guess == unit
    assert (notice is None) == (unit == "uint8")


@pytest.mark.parametrize(
    ("values", "unit"),
    [
        (RNG.integers(0, 256, (3, 9, 9), np.uint8), "uint8"),
        (RNG.integers(200, 6000, (3, 9, 9), np.uint16), "reflectance_x1e4"),
        (RNG.integers(-20, 6000, (3, 9, 9)).astype(np.int16), "reflectance_x1e4"),
        (RNG.uniform(0, 1.3, (3, 9, 9)), "reflectance"),
        (RNG.uniform(0, 6000, (3, 9, 9)), "reflectance_x1e4"),
        (RNG.uniform(0, 100, (3, 9, 9)), "as_given"),
    ],
)
def test_optical_units_are_told_apart(values: np.ndarray, unit: str) -> None:
    guess, notice = guess_unit("optical", values, np.ones(values.shape, bool))
    assert guess == unit
    assert (notice is None) == (unit == "uint8")


def test_invalid_pixels_do_not_sway_the_guess() -> None:
    values = POWER.copy()
    values[0, :15] = -9999
    assert guess_unit("sar", values, values > -1)[0] == "power"
    assert guess_unit("sar", values, np.zeros(values.shape, bool))[0] == "as_given"


def test_the_word_of_the_file_counts_more_than_its_numbers() -> None:
    assert guess_unit("sar", POWER, np.ones(POWER.shape, bool), ("dB", "dB")) == ("db", None)


def test_real_tiles_are_guessed_right(real_data: Path) -> None:
    for path in sorted(real_data.glob("*/*_s1.tif")):
        raster = read_raster(path)
        assert guess_unit("sar", raster.values, raster.valid)[0] == "db", path.name
    for path in sorted(real_data.glob("*/*_s2*.tif")):
        raster = read_raster(path)
        assert guess_unit("optical", raster.values, raster.valid)[0] == "reflectance_x1e4", path.name


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({"PROCESSING_BASELINE": "04.00"}, True),
        ({"processing_baseline": "N0509"}, True),
        ({"PROCESSING_BASELINE": "02.14"}, False),
        ({"BOA_ADD_OFFSET_B1": "-1000"}, True),
        ({"RADIO_ADD_OFFSET": "0"}, False),
        ({"PRODUCT_URI": "S2B_MSIL2A_20220301T105859_N0400_R094_T29TNE_20220301T131031.SAFE"}, True),
        ({"file": "S2A_MSIL1C_20190301T105859_N0207_R094_T29TNE.tif"}, False),
        ({"TIFFTAG_IMAGEDESCRIPTION": "a field in March", "PROCESSING_BASELINE": "?"}, None),
    ],
)
def test_metadata_tell_whether_there_is_an_offset(tags: dict[str, str], expected: bool | None) -> None:
    assert read_offset(tags) is expected


@pytest.mark.parametrize(("lowest", "unit"), [(10, ""), (800, ""), (1010, "_offset"), (2400, "_offset"), (2600, "")])
@pytest.mark.parametrize("scale", [1, 10_000])
def test_only_a_tile_without_dark_pixels_is_taken_to_have_the_offset(lowest: int, unit: str, scale: int) -> None:
    values = np.random.default_rng(1).integers(lowest, lowest + 3000, (4, 40, 40)).astype(np.float32)
    values[:, 0] = 0
    found, notice = guess_unit("optical", values / scale, np.ones(values.shape, bool))
    assert found == ("reflectance_x1e4" if scale == 1 else "reflectance") + unit
    assert notice is not None
    assert found in notice.message


def test_thirteen_bands_in_another_order_are_not_named() -> None:
    values = np.random.default_rng(0).integers(500, 3000, (13, 9, 9)).astype(np.uint16)
    names, valid = tuple(f"band{i}" for i in range(1, 14)), np.ones((13, 9, 9), bool)
    for darkest, expected in ((10, SENTINEL2_L1C), (9, names), (12, SENTINEL2_L1C)):
        dark = values.copy()
        dark[darkest] //= 100
        assert guess_bands(names, False, "optical", dark, valid)[0] == expected
    constant = np.full_like(values, 900)
    assert guess_bands(names, False, "optical", constant, valid)[0] == SENTINEL2_L1C
    assert guess_bands(names, False, "optical", values, ~valid)[0] == SENTINEL2_L1C
