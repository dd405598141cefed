"""Shapes, kinds of numbers, masks and grids of all sorts through the whole flow: what goes in comes out."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from claire.core.analysis import Analysis
from claire.core.bands import MODES
from claire.core.classes import IGNORE_INDEX
from claire.core.types import GeoReference
from claire.data.examples import OPTICAL_BANDS, SAR_BANDS
from claire.data.pairing import read_tile
from claire.data.raster import read_raster, write_geotiff
from claire.inference.engine import TorchSegmenter
from claire.pipeline import analyse, write_prediction

COORDINATE = st.floats(-1e6, 1e6, allow_nan=False)
SLOPE = st.floats(-30, 30, allow_nan=False)
GRIDS = st.tuples(SLOPE, SLOPE, COORDINATE, SLOPE, SLOPE, COORDINATE)
NOWHERE = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
"""In a GeoTIFF, and for GDAL, this grid cannot be told from none."""
SHAPES = st.tuples(st.integers(1, 40), st.integers(1, 40))
KINDS = st.sampled_from(["uint8", "uint16", "int16", "int32", "float32", "float64"])


def make_numbers(rng: np.random.Generator, bands: int, kind: str, seen: Any, nodata: float) -> Any:
    values = rng.integers(1, 250, (bands, *seen.shape)).astype(kind)
    return np.where(seen, values, values.dtype.type(nodata))


@given(seed=st.integers(0, 2**32 - 1), shape=SHAPES, kind=KINDS, grid=GRIDS, share=st.sampled_from([0.0, 0.2, 0.9]))
@settings(max_examples=30, deadline=None)
def test_size_masks_and_grid_of_the_maps_are_those_of_the_files(
    model: TorchSegmenter, seed: int, shape: tuple[int, int], kind: str, grid: Any, share: float
) -> None:
    a, b, _, d, e, _ = grid
    assume(abs(a * e - b * d) > 1e-2 and grid != NOWHERE)
    rng, nodata = np.random.default_rng(seed), (np.nan if kind.startswith("float") else 255)
    place = GeoReference("EPSG:32633", grid, metres=True)
    seen = {role: rng.random(shape) >= share for role in ("optical", "sar")}
    assume(all(mask.any() for mask in seen.values()))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for role, bands in (("optical", OPTICAL_BANDS), ("sar", SAR_BANDS)):
            values = make_numbers(rng, len(bands), kind, seen[role], nodata)
            write_geotiff(folder / f"{role}.tif", values, place, nodata=nodata, descriptions=bands)
        files = folder / "optical.tif", folder / "sar.tif"
        tile = read_tile(*files, optical_units="uint8", sar_units="uint8")
        analysis = analyse(tile, model)
        written = write_prediction(analysis, folder / "out")
        maps = {mode: read_raster(folder / "out" / written[f"class_{mode}"]) for mode in MODES}
        sure = {mode: read_raster(folder / "out" / written[f"confidence_{mode}"]) for mode in MODES}
    expected = {**seen, "fused": seen["optical"] | seen["sar"]}
    for mode in MODES:
        assert maps[mode].shape == sure[mode].shape == shape
        assert maps[mode].georeference == sure[mode].georeference == place
        np.testing.assert_array_equal(maps[mode].values[0] == IGNORE_INDEX, ~expected[mode])
        np.testing.assert_array_equal(sure[mode].valid[0], expected[mode])
    assert "masked" in {notice.code for notice in analysis.notices} or all(mask.all() for mask in seen.values())


@pytest.mark.parametrize("shape", [(1, 1), (1, 37), (37, 1), (3, 5), (33, 31)])
@pytest.mark.parametrize("number", [1, 128, 255])
def test_a_constant_tile_of_any_size_is_mapped(
    model: TorchSegmenter, tmp_path: Path, shape: tuple[int, int], number: int
) -> None:
    for role, bands in (("optical", OPTICAL_BANDS), ("sar", SAR_BANDS)):
        values = np.full((len(bands), *shape), number, np.uint8)
        write_geotiff(tmp_path / f"{role}.tif", values, GeoReference(), descriptions=bands)
    analysis = analyse(read_tile(tmp_path / "optical.tif", tmp_path / "sar.tif"), model)
    for prediction in analysis.predictions.values():
        assert prediction.classes.shape == shape
        assert np.isfinite(prediction.probabilities).all()
        assert prediction.valid.all()
    assert {area.area_m2 for areas in analysis.areas.values() for area in areas} == {None}
    assert "no_area" in {notice.code for notice in analysis.notices}


def test_notices_survive_the_disk(model: TorchSegmenter, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for role, bands in (("optical", OPTICAL_BANDS), ("sar", SAR_BANDS)):
        values = rng.integers(1, 255, (len(bands), 20, 20)).astype(np.uint8)
        values[:, :3] = 0
        write_geotiff(tmp_path / f"{role}.tif", values, GeoReference(), nodata=0, descriptions=bands)
    analysis = analyse(read_tile(tmp_path / "optical.tif", None), model)
    assert [notice.code for notice in analysis.notices] == ["masked", "no_area", "missing_sensor"]
    analysis.save(tmp_path / "saved")
    again = Analysis.load(tmp_path / "saved")
    assert again.notices == analysis.notices
    assert again.tile.notices == analysis.tile.notices
