"""Guesses of units: right on what the sensors deliver, and always said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from claire.data.guessing import guess_unit
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
