"""One spelling per band."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claire.core.bands import SENTINEL2_L1C, SENTINEL2_L2A, STANDARD_ORDER, normalise_band_name


@pytest.mark.parametrize("band", SENTINEL2_L1C)
def test_usual_spellings_of_a_band_are_one(band: str) -> None:
    number, suffix = band[1:].rstrip("A"), "A" if band.endswith("A") else ""
    spellings = [
        f"b{number}{suffix}",
        f"B{int(number):02}{suffix}",
        f" b{number}{suffix.lower()} ",
    ]
    assert {normalise_band_name(text) for text in spellings} == {band}


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("vv", "VV"),
        ("b11_BEFORE", "B11_before"),
        ("VV_after", "VV_after"),
        ("Blue", "Blue"),
        ("B", "B"),
        ("", ""),
        ("band1", "band1"),
    ],
)
def test_suffixes_and_other_names_are_kept(given: str, wanted: str) -> None:
    assert normalise_band_name(given) == wanted


@given(st.text(max_size=20))
def test_normalising_twice_changes_nothing_more(text: str) -> None:
    once = normalise_band_name(text)
    assert normalise_band_name(once) == once


def test_the_standard_order_is_that_of_the_products() -> None:
    assert {count: len(names) for count, names in STANDARD_ORDER.items()} == {12: 12, 13: 13}
    assert [band for band in SENTINEL2_L1C if band not in SENTINEL2_L2A] == ["B10"]
