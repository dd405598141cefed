"""Scenes as files: the folder layout that the rest of the program reads, on one grid, never over another data set."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from claire.core.errors import InputError
from claire.data.discovery import find_datasets
from claire.data.folder import FolderDataset
from claire.data.raster import read_raster
from claire.data.simulator.files import write_scenes
from claire.data.simulator.parameters import BANDS
from claire.data.simulator.scene import Options, simulate_scene
from tests.sentences import check_sentences

PARTS = ("optical", "cloudy", "cloud", "sar", "label", "dem")


def test_written_scenes_are_a_data_set_that_reads_back_equal(tmp_path: Path) -> None:
    files = write_scenes(3, 2, Options(40), tmp_path)
    assert sorted(files) == sorted(["dataset.toml", *(f"{p}/scene-00000{n}.tif" for p in PARTS for n in (3, 4))])
    assert all((tmp_path / name).is_file() for name in files)
    (found,) = find_datasets([tmp_path])
    assert isinstance(found, FolderDataset)
    assert found.scheme is not None
    assert found.scheme.name == "global-10m"
    tile, scene = found.read("scene-000004"), simulate_scene(4, Options(40))
    assert tile.optical is not None
    assert tile.sar is not None
    assert np.array_equal(tile.optical.values, scene.optical)
    assert (tile.optical.bands, tile.optical.unit) == (BANDS, "reflectance_x1e4")
    assert np.array_equal(tile.sar.values, scene.sar)
    assert tile.sar.unit == "db"
    assert np.array_equal(tile.label, scene.label)
    assert tile.georeference.pixel_area_m2 == 100


def test_all_files_of_a_scene_share_their_grid(tmp_path: Path) -> None:
    write_scenes(8, 1, Options(33), tmp_path)
    rasters = [read_raster(tmp_path / part / "scene-000008.tif") for part in PARTS]
    assert len({raster.georeference for raster in rasters}) == 1
    assert {raster.values.shape[1:] for raster in rasters} == {(33, 33)}
    assert str(rasters[0].georeference.crs).startswith("EPSG:32")


def test_the_offset_is_told_in_the_description(tmp_path: Path) -> None:
    write_scenes(8, 1, Options(32, offset=True), tmp_path)
    tile = FolderDataset(tmp_path).read("scene-000008")
    assert tile.optical is not None
    assert tile.optical.unit == "reflectance_x1e4_offset"


def test_another_data_set_is_never_written_over(tmp_path: Path) -> None:
    (tmp_path / "dataset.toml").write_text('title = "mine"\n', encoding="utf-8")
    with pytest.raises(InputError, match="another data set") as caught:
        write_scenes(0, 1, Options(32), tmp_path)
    check_sentences(caught.value.message, caught.value.hint)
    assert (tmp_path / "dataset.toml").read_text(encoding="utf-8") == 'title = "mine"\n'


@pytest.mark.parametrize("count", [0, -1, 10**9])
def test_a_wrong_count_is_a_sentence(tmp_path: Path, count: int) -> None:
    with pytest.raises(InputError, match="scenes") as caught:
        write_scenes(0, count, Options(32), tmp_path / "new")
    check_sentences(caught.value.message, caught.value.hint)
    assert not (tmp_path / "new").exists()


def test_a_file_in_the_way_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("x", encoding="utf-8")
    with pytest.raises(InputError, match="cannot be written") as caught:
        write_scenes(0, 1, Options(32), tmp_path / "taken")
    check_sentences(caught.value.message, caught.value.hint)
