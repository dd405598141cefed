"""OpenEarthMap-SAR: splits by folder, sensors that the contest did not give, empty SAR edges."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from claire.data.sets.openearthmap import OpenEarthMapSarDataset
from tests.data.sets.layouts import write_openearthmap


def test_folders_are_splits_and_the_end_of_train_is_held_back(tmp_path: Path) -> None:
    dataset = OpenEarthMapSarDataset(write_openearthmap(tmp_path / "oem"))
    assert dataset.ids("train") == ("train/TrainArea_000", "train/TrainArea_001")
    assert dataset.ids("val") == ("train/TrainArea_002",)
    assert dataset.ids("contest_val") == ("val/ValArea_001",)
    assert dataset.ids("test") == ("test/TestArea_001",)


def test_sar_that_was_not_acquired_is_masked_and_never_called_backscatter(tmp_path: Path) -> None:
    tile = OpenEarthMapSarDataset(write_openearthmap(tmp_path / "oem")).read("train/TrainArea_000")
    assert tile.sar is not None
    assert (tile.sar.bands, tile.sar.unit) == (("amplitude",), "uint8")
    missing = np.zeros(tile.shape, bool)
    missing[:6, :9] = True
    np.testing.assert_array_equal(~tile.sar.valid[0], missing)


def test_a_split_without_optical_and_labels_gives_sar_alone(tmp_path: Path) -> None:
    tile = OpenEarthMapSarDataset(write_openearthmap(tmp_path / "oem")).read("val/ValArea_001")
    assert tile.sar is not None
    assert tile.optical is None
    assert tile.label is None
