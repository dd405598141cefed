"""Composites from band names alone."""

from __future__ import annotations

import pytest

from claire.core.bands import SENTINEL2_L1C
from claire.data.examples import OPTICAL_BANDS, SAR_BANDS
from claire.viz.composites import build_composites


def test_sentinel_2_starts_in_true_colour() -> None:
    first = build_composites(SENTINEL2_L1C)[0]
    assert (first.title, first.bands) == ("True colour", ("B4", "B3", "B2"))


def test_two_dates_give_a_composite_each_the_later_first() -> None:
    assert [c.bands for c in build_composites(OPTICAL_BANDS)] == [OPTICAL_BANDS[3:], OPTICAL_BANDS[:3]]
    assert [c.bands[0] for c in build_composites(SAR_BANDS)] == ["VV_after", "VV_before"]


@pytest.mark.parametrize("bands", [("x",), ("x", "y"), ("x", "y", "z", "w"), ("B2", "B4"), ("a_b_c",)])
def test_any_bands_give_a_composite_of_bands_that_exist(bands: tuple[str, ...]) -> None:
    composites = build_composites(bands)
    assert composites
    assert all(set(composite.bands) <= set(bands) for composite in composites)
    assert len({composite.title for composite in composites}) == len(composites)
