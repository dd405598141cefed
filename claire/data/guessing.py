"""What a file does not say about itself: probable names of its bands and unit of its numbers.

A guess is always shown, as a notice; the user can overrule it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from claire.core.bands import STANDARD_ORDER, Modality, Unit
from claire.core.types import Notice

UNIT_TITLES: dict[Unit, str] = {
    "uint8": "8-bit picture values",
    "reflectance": "reflectance 0..1",
    "reflectance_x1e4": "reflectance x 10,000",
    "db": "backscatter in dB",
    "power": "linear backscatter power",
    "amplitude": "backscatter amplitude",
    "as_given": "unknown numbers",
}

HIGHEST_REFLECTANCE = 2.0
"""Clouds and glints exceed 1; hardly anything exceeds 2."""

HIGHEST_POWER = 2.0
"""Median of calibrated power or amplitude stays far below; above are uncalibrated digital numbers."""

_FILE_UNITS: dict[str, Unit] = {"db": "db", "decibel": "db", "decibels": "db", "reflectance": "reflectance"}


def guess_bands(bands: tuple[str, ...], named: bool, modality: Modality) -> tuple[tuple[str, ...], Notice | None]:
    """Standard Sentinel-2 names for an unnamed optical file of 12 or 13 bands; other names are left as they are."""
    if named or modality == "sar" or len(bands) not in STANDARD_ORDER:
        return bands, None
    names = STANDARD_ORDER[len(bands)]
    level = "L2A" if len(bands) == 12 else "L1C"
    return names, Notice(
        "bands", f"The {len(bands)} optical bands have no names: taken as Sentinel-2 {level}, B1 to B12."
    )


def guess_unit(
    modality: Modality, values: NDArray[Any], valid: NDArray[np.bool_], file_units: Sequence[str] | None = None
) -> tuple[Unit, Notice | None]:
    """Guess what the numbers of a layer measure, from the file's own word, else the dtype and the statistics.

    Args:
        modality: Which sensor.
        values: (C, H, W).
        valid: (C, H, W) bool; other pixels are not looked at.
        file_units: Unit names in the file, if any.

    Returns:
        The unit, and a notice that says so; no notice where nothing was guessed.
    """
    stated = {_FILE_UNITS.get(text.strip().lower()) for text in file_units or ()}
    if len(stated) == 1 and (unit := stated.pop()) is not None:
        return unit, None
    if values.dtype == np.uint8:
        return "uint8", None
    unit = _guess_sar(values, valid) if modality == "sar" else _guess_optical(values, valid)
    option = f"--{modality}-units"
    return unit, Notice("units", f"{modality.upper() if modality == 'sar' else 'Optical'} numbers look like "
                        f"{UNIT_TITLES[unit]} ({unit}); say {option} if they are not.")  # fmt: skip


def _guess_sar(values: NDArray[Any], valid: NDArray[np.bool_]) -> Unit:
    if values.dtype.kind == "c":
        return "amplitude"
    chosen = values[valid]
    if chosen.size == 0:
        return "as_given"
    if float(np.mean(chosen < 0)) > 0.01:
        return "db"
    if values.dtype.kind in "iu" or float(np.median(chosen)) > HIGHEST_POWER:
        return "amplitude"
    return "power"


def _guess_optical(values: NDArray[Any], valid: NDArray[np.bool_]) -> Unit:
    chosen = values[valid]
    if chosen.size == 0 or values.dtype.kind == "c":
        return "as_given"
    if values.dtype.kind in "iu":
        return "reflectance_x1e4" if values.dtype.itemsize > 1 else "as_given"
    if float(np.percentile(chosen, 99.9)) <= HIGHEST_REFLECTANCE:
        return "reflectance"
    return "reflectance_x1e4" if float(chosen.max()) > 300 else "as_given"
