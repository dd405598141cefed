"""Bands and units: what a channel of an optical or SAR array measures."""

from __future__ import annotations

from typing import Any, Literal, get_args

from claire.core.errors import UnknownNameError

Role = Literal["optical", "sar", "label"]
"""What a raster is used as."""

Modality = Literal["optical", "sar"]
MODALITIES: tuple[Modality, ...] = get_args(Modality)

Mode = Literal["fused", "optical", "sar"]
"""Which evidence a class map rests on."""
MODES: tuple[Mode, ...] = get_args(Mode)

Unit = Literal[
    "uint8",
    "reflectance",
    "reflectance_x1e4",
    "reflectance_offset",
    "reflectance_x1e4_offset",
    "db",
    "power",
    "amplitude",
    "as_given",
]
"""`uint8`: 0..255 of an 8-bit picture; `reflectance`: 0..1; `reflectance_x1e4`: Sentinel-2 digital numbers; both with
`_offset`: 0.1 or 1000 added, as in Sentinel-2 products since processing baseline 04.00; `db`, `power`, `amplitude`:
backscatter; `as_given`: unknown, never converted."""
UNITS: tuple[Unit, ...] = get_args(Unit)

UNITS_OF: dict[Modality, tuple[Unit, ...]] = {
    "optical": (
        "uint8",
        "reflectance",
        "reflectance_x1e4",
        "reflectance_offset",
        "reflectance_x1e4_offset",
        "as_given",
    ),
    "sar": ("db", "power", "amplitude", "uint8", "as_given"),
}
"""Units that make sense for each sensor."""

GUESS_CODES: dict[Modality, str] = {"optical": "optical_units", "sar": "sar_units"}
"""Codes of the notices that a unit was guessed from the numbers, so that it waits for the user's word."""

OFFSETS: dict[Unit, tuple[Unit, float]] = {
    "reflectance_offset": ("reflectance", 0.1),
    "reflectance_x1e4_offset": ("reflectance_x1e4", 1000.0),
}
"""Unit with an offset -> the unit without it, and what is to be subtracted."""

SENTINEL2_L1C = ("B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B9", "B10", "B11", "B12")
SENTINEL2_L2A = tuple(band for band in SENTINEL2_L1C if band != "B10")
CLOUD_BANDS = ("B2", "B3", "B4", "B8", "B11", "B12")
"""What clouds are told by: visible, near and shortwave infrared."""

STANDARD_ORDER: dict[int, tuple[str, ...]] = {12: SENTINEL2_L2A, 13: SENTINEL2_L1C}
"""Names of the bands of an unnamed Sentinel-2 file, by their number."""


def normalise_band_name(name: str) -> str:
    """One spelling per band: `b02` and `B2` are `B2`; other names lose their outer blanks only.

    `band2` stays what it is: it counts bands of a file and says nothing of what they measure.

    Example:
        >>> normalise_band_name("b08"), normalise_band_name("b8a"), normalise_band_name("B11_before")
        ('B8', 'B8A', 'B11_before')
    """
    text = name.strip()
    stem, underscore, suffix = text.partition("_")
    compact = stem.upper().replace(" ", "")
    digits = compact[1:].rstrip("A")
    if compact.startswith("B") and digits.isdecimal():
        stem = "B" + str(int(digits)) + ("A" if compact.endswith("A") else "")
    elif compact in {"VV", "VH", "HH", "HV"}:
        stem = compact
    return stem + underscore + suffix.lower() if underscore else stem


def get_choice(kind: Any, given: str, what: str) -> Any:
    """The given text when it is one of the values of a `Literal` type.

    Raises:
        UnknownNameError: It is not; lists the right ones.
    """
    if given not in get_args(kind):
        raise UnknownNameError.among(what, given, get_args(kind))
    return given
