"""Bands of a pair against those a model wants."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from claire.core.manifest import InputSpec, Manifest
from claire.data.examples import OPTICAL_BANDS, SAR_BANDS, generate_flood_pair
from claire.ui.bands import find_missing, match_bands, rename_bands

MANIFEST = Manifest(
    name="m",
    title="m",
    scheme="flood",
    optical=InputSpec(OPTICAL_BANDS, "uint8", (0.0,) * 6, (1.0,) * 6, ((0, 1, 2), (3, 4, 5))),
    sar=InputSpec(SAR_BANDS, "uint8", (0.0,) * 2, (1.0,) * 2, ((0,), (1,))),
    network={},
    temperature={},
)


def test_order_does_not_matter_but_names_do() -> None:
    tile = generate_flood_pair(1, 32)
    turned = replace(tile.optical, values=tile.optical.values[::-1], bands=tile.optical.bands[::-1])
    assert find_missing(replace(tile, optical=turned), MANIFEST) == ()
    renamed = replace(tile.sar, bands=("band1", "band2"))
    assert find_missing(replace(tile, sar=renamed), MANIFEST) == ("sar",)


def test_a_missing_sensor_is_no_misfit() -> None:
    assert find_missing(replace(generate_flood_pair(1, 32), optical=None), MANIFEST) == ()


def test_picked_bands_get_the_names_of_the_model() -> None:
    layer = replace(generate_flood_pair(1, 32).sar, bands=("band1", "band2"))
    renamed = rename_bands(layer, ("band2", "band1"), MANIFEST.sar, "uint8")
    assert renamed.bands == SAR_BANDS
    np.testing.assert_array_equal(renamed.values, layer.values[::-1])


def test_bands_start_with_those_of_that_name_and_where_none_is_in_order() -> None:
    assert match_bands(("B3_after", "x", "B3_before"), ("b03_before", "B3_after")) == ("B3_before", "B3_after")
    assert match_bands(("B2", "B3", "B8"), ("B8_before", "B3_before", "B8_after")) == ("B8", "B3", None)
    assert match_bands(("band1", "band2", "band3"), ("VV", "VH")) == ("band1", "band2")
