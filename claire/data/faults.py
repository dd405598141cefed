"""Faults of a readable pair: numbers that stand for nothing, sensors that changed places.

Each is found in the pixels, because the files do not say so themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from claire.core.bands import OFFSETS, Modality, Unit, normalise_band_name
from claire.core.types import Layer, Notice

SENTINELS = (-9999.0, -99999.0, -32768.0, -32767.0, -999.0, 1e20, -1e20)
"""Numbers with which programs mark missing pixels, often without declaring them. No dB, power or reflectance is so."""

LARGEST_MEASUREMENT = 1e30
"""Floats beyond are limits of their type, such as -3.4e38, and no measurements."""

SMALLEST_FILL = 0.005
"""Share of the pixels that exact zeros along the border must have to be a fill: single ones can be measured."""

DECIBELS = (-60.0, 0.0)
"""Where the median of backscatter in dB lies."""

MOST_SAR_BANDS = 8
"""Two dates of four polarisations; a file with more bands that are neither dB nor 8-bit pictures is optical."""

_POLARISATIONS = frozenset({"VV", "VH", "HH", "HV"})


def mask_fill(
    values: NDArray[Any], valid: NDArray[np.bool_], modality: Modality, called: str
) -> tuple[NDArray[np.bool_], tuple[Notice, ...]]:
    """Find missing pixels that the file does not declare.

    Args:
        values: (C, H, W), real numbers.
        valid: (C, H, W) bool, by the file's own word.
        modality: Which sensor; a border of 0 dB is looked for in SAR alone.
        called: The file name between quotes, for the notice.

    Returns:
        (C, H, W) bool, less what was found, and what the user should know.
    """
    if values.dtype.kind not in "if" or values.dtype.itemsize < 2:
        return valid, ()
    filled, marks = _find_sentinels(values, valid)
    border = _find_border(values, valid & ~filled) if modality == "sar" and values.dtype.kind == "f" else None
    if border is not None:
        filled |= border
        marks.append("a border of 0 dB")
    if not marks:
        return valid, ()
    share = 100 * float((filled & valid).any(axis=0).mean())
    message = f"{called} holds {', '.join(marks)} on {share:.3g} % of its pixels: taken as missing and masked."
    return valid & ~filled, (Notice("fill", message),)


def remove_offset(
    values: NDArray[Any], valid: NDArray[np.bool_], unit: Unit
) -> tuple[NDArray[Any], NDArray[np.bool_], Unit]:
    """Subtract what products of Sentinel-2 since processing baseline 04.00 carry.

    Args:
        values: (C, H, W) in `unit`.
        valid: (C, H, W) bool.
        unit: One of `OFFSETS`.

    Returns:
        (C, H, W) int32 or float32, the mask less the zeros (nodata in these products), and the unit without offset.
    """
    plain, offset = OFFSETS[unit]
    kind = np.int32 if values.dtype.kind in "iu" else np.float32
    without: NDArray[Any] = (values.astype(np.float64) - offset).astype(kind)
    return without, valid & (values != 0), plain


def describe_swap(layers: Mapping[Modality, Layer]) -> str | None:
    """Say which layers hold what the other sensor measures; None when nothing speaks for it.

    Args:
        layers: Modality -> layer; those whose unit the user stated are better left out.

    Example:
        >>> layer = Layer(np.full((2, 4, 4), -12.5), np.ones((2, 4, 4), bool), ("band1", "band2"), "db")
        >>> describe_swap({"optical": layer})
        'The optical file looks like SAR (2 bands, negative as dB)'
        >>> describe_swap({"sar": layer})
    """
    found = []
    if (optical := layers.get("optical")) is not None and (reason := _resembles_sar(optical)):
        found.append(f"the optical file looks like SAR ({reason})")
    if (sar := layers.get("sar")) is not None and (reason := _resembles_optical(sar)):
        found.append(f"the SAR file looks like optical ({reason})")
    sentence = " and ".join(found)
    return sentence[0].upper() + sentence[1:] if sentence else None


def find_edges(blank: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Parts of a mask that reach the border of the picture.

    Args:
        blank: (H, W) bool.

    Returns:
        (H, W) bool, True on the connected parts (by sides, not corners) that touch the first or last row or column.
    """
    from scipy import ndimage  # here, because few files need it and every reading process would wait for it

    parts, _ = ndimage.label(blank)
    edge = np.unique(np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]]))
    reached: NDArray[np.bool_] = np.isin(parts, edge[edge > 0])
    return reached


def _find_sentinels(values: NDArray[Any], valid: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], list[str]]:
    filled = np.zeros(values.shape, bool)
    marks: list[str] = []
    smallest, largest = float(np.fmin.reduce(values, axis=None)), float(np.fmax.reduce(values, axis=None))
    if smallest > max(s for s in SENTINELS if s < 0) and largest < min(s for s in SENTINELS if s > 0):
        return filled, marks  # the rule, and quicker than looking for each
    limits = np.finfo(values.dtype) if values.dtype.kind == "f" else np.iinfo(values.dtype)
    lowest, highest = float(limits.min), float(limits.max)
    for sentinel in (s for s in SENTINELS if lowest <= s <= highest):
        here = (values == values.dtype.type(sentinel)) & valid
        if here.any():
            filled |= here
            marks.append(f"{sentinel:g}")
    if highest > LARGEST_MEASUREMENT and values.dtype.kind == "f":
        with np.errstate(invalid="ignore"):
            here = (np.abs(values) >= LARGEST_MEASUREMENT) & valid
        if here.any():
            filled |= here
            marks.append(f"{float(values[here][0]):.3g}")
    return filled, marks


def _find_border(values: NDArray[Any], valid: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
    """(H, W) bool: exact zeros in all bands that reach the border of a dB file; None where there are none."""
    blank = ((values == 0) | ~valid).all(axis=0) & valid.any(axis=0)
    if not blank.any() or blank.all() or not _is_decibel(values, valid & ~blank):
        return None
    border = find_edges(blank)
    return border if border.mean() >= SMALLEST_FILL else None


def _is_decibel(values: NDArray[Any], valid: NDArray[np.bool_]) -> bool:
    chosen = values[valid]
    if chosen.size == 0 or chosen.dtype.kind not in "if":
        return False
    low, high = DECIBELS
    return bool(low < np.median(chosen) < high and (chosen < 0).mean() > 0.5)


def _resembles_sar(layer: Layer) -> str | None:
    stems = {normalise_band_name(band).partition("_")[0] for band in layer.bands}
    if stems <= _POLARISATIONS:
        return f"bands {', '.join(sorted(stems))}"
    if len(layer.bands) <= MOST_SAR_BANDS and _is_decibel(layer.values, layer.valid):
        return f"{len(layer.bands)} bands, negative as dB"
    return None


def _resembles_optical(layer: Layer) -> str | None:
    stems = [normalise_band_name(band).partition("_")[0] for band in layer.bands]
    named = [stem for stem in stems if stem[:1] == "B" and stem[1:].rstrip("A").isdecimal()]
    if named:
        return f"bands {', '.join(named[:4])}"
    if (
        len(layer.bands) > MOST_SAR_BANDS
        and layer.values.dtype != np.uint8
        and not _is_decibel(layer.values, layer.valid)
    ):
        return f"{len(layer.bands)} bands, not negative as dB"
    return None
