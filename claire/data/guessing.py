"""What a file does not say about itself: probable names of its bands and unit of its numbers.

A guess is always shown, as a notice; the user can overrule it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from claire.core.bands import GUESS_CODES, OFFSETS, STANDARD_ORDER, Modality, Unit
from claire.core.types import Notice

UNIT_TITLES: dict[Unit, str] = {
    "uint8": "8-bit picture values",
    "reflectance": "reflectance 0..1",
    "reflectance_x1e4": "reflectance x 10,000",
    "reflectance_offset": "reflectance with 0.1 added",
    "reflectance_x1e4_offset": "reflectance x 10,000 with 1,000 added",
    "db": "backscatter in dB",
    "power": "linear backscatter power",
    "amplitude": "backscatter amplitude",
    "as_given": "unknown numbers",
}

HIGHEST_REFLECTANCE = 2.0
"""Clouds and glints exceed 1; hardly anything exceeds 2."""

HIGHEST_POWER = 2.0
"""Median of calibrated power or amplitude stays far below; above are uncalibrated digital numbers."""

OFFSET_SINCE = 400
"""Processing baseline 04.00, the first of Sentinel-2 whose products carry the offset."""

DARKEST_PERCENTILE = 0.1
"""Of each band; below it lie damaged pixels."""

DARKEST_WITH_OFFSET = (0.09, 0.25)
"""Reflectance of the darkest pixels of the darkest band when 0.1 is added. Shadow and water are darker without it; a
thick cloud over the whole tile, of which nothing can be said, is brighter."""

DARKER_THAN_OFFSET = 0.05
"""Darkest pixels below this cannot have 0.1 added, whatever the metadata say; ground is hardly darker than -0.05."""

CIRRUS, VAPOUR = 10, 9
"""Positions of B10 and B9 in the standard order of 13 bands. B10 sees no ground and is the darkest band."""

_FILE_UNITS: dict[str, Unit] = {
    "db": "db",
    "decibel": "db",
    "decibels": "db",
    "power": "power",
    "intensity": "power",
    "amplitude": "amplitude",
    "reflectance": "reflectance",
}
_PRODUCT = re.compile(r"S2[A-D]_MSIL(?:1C|2A)_\d{8}T\d{6}_N(\d{4})")


def guess_bands(
    bands: tuple[str, ...],
    named: bool,
    modality: Modality,
    values: NDArray[Any] | None = None,
    valid: NDArray[np.bool_] | None = None,
) -> tuple[tuple[str, ...], Notice | None]:
    """Standard Sentinel-2 names for an unnamed optical file of 12 or 13 bands; other names are left as they are.

    So are those of 13 bands of which not B10 but the one before it is the darkest: there, B8A stands elsewhere.

    Args:
        bands: Names so far.
        named: True when they are the file's own.
        modality: Which sensor.
        values: (C, H, W), to look at the order.
        valid: (C, H, W) bool.
    """
    if named or modality == "sar" or len(bands) not in STANDARD_ORDER:
        return bands, None
    names = STANDARD_ORDER[len(bands)]
    if len(bands) > CIRRUS + 2 and values is not None and valid is not None:
        medians = [
            float(np.median(_thin(b)[_thin(v)])) if _thin(v).any() else 0 for b, v in zip(values, valid, strict=True)
        ]
        if np.argmin(medians) == VAPOUR and len(set(medians)) == len(medians):
            return bands, Notice(
                "bands_order",
                "The 13 unnamed bands are not in the standard order of Sentinel-2: the darkest, B10, is the 10th, "
                "not the 11th.",
            )
    level = "L2A" if len(bands) == 12 else "L1C"
    return names, Notice(
        "bands", f"The {len(bands)} optical bands have no names: taken as Sentinel-2 {level}, B1 to B12."
    )


def guess_unit(
    modality: Modality,
    values: NDArray[Any],
    valid: NDArray[np.bool_],
    file_units: Sequence[str] | None = None,
    tags: Mapping[str, str] | None = None,
) -> tuple[Unit, Notice | None]:
    """Guess what the numbers of a layer measure, from the file's own word, else the dtype and the statistics.

    Args:
        modality: Which sensor.
        values: (C, H, W).
        valid: (C, H, W) bool; other pixels are not looked at.
        file_units: Unit names in the file, if any.
        tags: Names and texts that may tell the Sentinel-2 product, and with it whether there is an offset.

    Returns:
        The unit, and a notice that says so; no notice where nothing was guessed.
    """
    stated = {_FILE_UNITS.get(text.strip().lower()) for text in file_units or ()}
    if len(stated) == 1 and (unit := stated.pop()) is not None:
        return unit, None
    if values.dtype == np.uint8:
        return "uint8", None
    unit = _guess_sar(values, valid) if modality == "sar" else _guess_optical(values, valid)
    source = "look like"
    if modality == "optical":
        unit, source = _find_offset(unit, values, valid, tags or {})
    title = modality.upper() if modality == "sar" else "Optical"
    return unit, Notice(
        GUESS_CODES[modality],
        f"{title} numbers {source} {UNIT_TITLES[unit]} ({unit}); say --{modality}-units if they are not.",
    )


def read_offset(tags: Mapping[str, str]) -> bool | None:
    """Whether the metadata say that an offset is in the numbers: True, False, or None where they do not say.

    Args:
        tags: Names and texts, of which `PROCESSING_BASELINE`, `BOA_ADD_OFFSET`, `RADIO_ADD_OFFSET` and names of
            products (`S2A_MSIL1C_20220301T..._N0400_...`) tell.

    Example:
        >>> read_offset({"PROCESSING_BASELINE": "04.00"}), read_offset({"BOA_ADD_OFFSET": "0"}), read_offset({})
        (True, False, None)
    """
    for key, text in tags.items():
        number = re.fullmatch(r"\s*N?([-+]?\d+(?:\.\d+)?)\s*", text)
        if number and "ADD_OFFSET" in key.upper():
            return float(number[1]) != 0
        if number and "BASELINE" in key.upper():
            # "04.00" and "N0400" are the same.
            return float(number[1]) * (100 if "." in number[1] else 1) >= OFFSET_SINCE
        if product := _PRODUCT.search(text):
            return int(product[1]) >= OFFSET_SINCE
    return None


def _find_offset(
    unit: Unit, values: NDArray[Any], valid: NDArray[np.bool_], tags: Mapping[str, str]
) -> tuple[Unit, str]:
    """The unit with or without offset, and the verb of the sentence: metadata are believed unless the pixels object."""
    with_offset = {plain: offset for offset, (plain, _) in OFFSETS.items()}
    if unit not in with_offset:
        return unit, "look like"
    stated = read_offset(tags)
    darkest = _compute_darkest(values, valid) / (1e4 if unit == "reflectance_x1e4" else 1.0)
    if stated is None:
        low, high = DARKEST_WITH_OFFSET
        return (with_offset[unit] if low < darkest <= high else unit), "look like"
    if stated and darkest < DARKER_THAN_OFFSET:
        return unit, "are too dark for the offset that the metadata name, and look like"
    return (with_offset[unit] if stated else unit), "are, by the metadata,"


def _compute_darkest(values: NDArray[Any], valid: NDArray[np.bool_]) -> float:
    """Darkest pixels of the darkest band, zeros left out: they are nodata in the products of Sentinel-2."""
    darkest = float("inf")
    for band, seen in zip(values, valid, strict=True):
        thin = _thin(band)
        chosen = thin[_thin(seen) & (thin != 0)]
        if chosen.size:
            darkest = min(darkest, float(np.percentile(chosen, DARKEST_PERCENTILE)))
    return darkest


def _thin(band: NDArray[Any]) -> NDArray[Any]:
    """At most about a million pixels of a band, evenly spread: enough for statistics."""
    step = max(1, int((band.size / 1e6) ** 0.5))
    return band[::step, ::step]


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
