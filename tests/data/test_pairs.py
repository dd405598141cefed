"""The `pairs` layout: one flat folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from claire.core.dataset import Dataset
from claire.core.errors import DatasetError, UnknownNameError
from claire.data.pairs import PairsDataset


@pytest.fixture
def root(write: Any, tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for place in ("17", "lake_north"):
        write(f"flat/{place}_s1.tif", rng.normal(-12, 3, (2, 8, 8)).astype(np.float32))
        write(f"flat/{place}_s2.tif", rng.integers(0, 5000, (13, 8, 8), np.uint16))
    write("flat/17_s2cloudy.tif", rng.integers(5000, 9000, (13, 8, 8), np.uint16))
    write("flat/17_cloud.tif", np.eye(8, dtype=np.uint8))
    write("flat/17_label.tif", np.full((8, 8), 2, np.uint8))
    write("flat/sea_s1.tif", rng.normal(-20, 1, (1, 8, 8)).astype(np.float32))
    (tmp_path / "flat" / "notes_s2.txt").write_text("not a raster")
    return tmp_path / "flat"


def test_every_optical_file_makes_a_tile_and_lonely_sar_too(root: Path) -> None:
    dataset = PairsDataset(root)
    assert isinstance(dataset, Dataset)
    assert PairsDataset.recognises(root)
    assert dataset.ids() == ("17", "17_s2cloudy", "lake_north", "sea")
    clear, cloudy, lake, sea = (dataset.read(tile_id) for tile_id in dataset.ids())
    assert clear.optical is not None
    assert cloudy.optical is not None
    assert clear.sar is not None
    assert cloudy.sar is not None
    assert clear.optical.values.max() < 5000 <= cloudy.optical.values.min()
    np.testing.assert_array_equal(clear.sar.values, cloudy.sar.values)
    assert clear.sar.bands == ("VV", "VH")
    assert "taken as VV and VH" in " ".join(notice.message for notice in clear.notices)
    assert clear.label is not None
    assert cloudy.label is not None
    assert lake.label is None
    assert sea.optical is None


def test_cloud_masks_belong_to_the_place(root: Path) -> None:
    dataset = PairsDataset(root)
    np.testing.assert_array_equal(dataset.read_cloud("17_s2cloudy"), np.eye(8) == 1)
    assert dataset.read_cloud("lake_north") is None


def test_a_folder_without_a_pair_is_refused(root: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "empty", tmp_path, tmp_path / "absent"):
        assert not PairsDataset.recognises(folder)
        with pytest.raises(DatasetError, match="_s1") as caught:
            PairsDataset(folder)
        assert str(tmp_path.parent) not in caught.value.message
    assert root.is_dir()


def test_an_unknown_tile_or_split_is_refused(root: Path) -> None:
    dataset = PairsDataset(root)
    for call in (dataset.read, dataset.ids, dataset.read_cloud):
        with pytest.raises(UnknownNameError):
            call("nowhere")


def test_real_folders_are_read(real_data: Path) -> None:
    dataset = PairsDataset(real_data / "georef")
    assert "spain" in dataset.ids()
    assert len(dataset.ids()) == 6
    tile = dataset.read("ben1_s2_l2a")
    assert tile.label is not None
    assert tile.georeference.metres
