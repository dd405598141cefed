"""What the user says about an upload is kept in the words in which a command line says it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from claire.core.types import GeoReference
from claire.data.examples import OPTICAL_BANDS, generate_flood_pair
from claire.data.pairing import read_tile
from claire.data.raster import write_geotiff
from claire.ui.bands import rename_bands
from claire.ui.upload import Naming, tell_naming
from tests.app.fake_pipeline import MANIFEST


def test_reading_the_files_again_as_was_said_gives_the_renamed_bands(tmp_path: Path) -> None:
    tile = generate_flood_pair(7, 32)
    assert tile.optical is not None
    shuffled = [3, 0, 5, 1, 4, 2]
    path = tmp_path / "o.tif"
    write_geotiff(path, tile.optical.values[shuffled], GeoReference())
    plain = read_tile(path, None)
    assert plain.optical is not None
    picked = tuple(f"band{shuffled.index(place) + 1}" for place in range(len(OPTICAL_BANDS)))
    said = tell_naming(plain, {"optical": Naming(picked, "uint8")}, MANIFEST)
    assert said["optical_units"] == ("uint8",)
    again = read_tile(path, None, optical_bands=said["bands"], optical_units="uint8").optical
    renamed = rename_bands(plain.optical, picked, MANIFEST.optical, "uint8")
    assert again is not None
    for band in OPTICAL_BANDS:
        values = [layer.values[layer.bands.index(band)] for layer in (again, renamed)]
        np.testing.assert_array_equal(*values)


def test_nothing_is_said_where_nothing_was_named() -> None:
    tile = replace(generate_flood_pair(7, 32), sar=None)
    assert tell_naming(tile, {"optical": Naming(None, "as_given")}, MANIFEST) == {}
