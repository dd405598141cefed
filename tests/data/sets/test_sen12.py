"""SEN12MS and DFC2020: held-out scenes, the first band of a label, ids in the order of their numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from claire.data.raster import read_raster
from claire.data.sets.sen12 import HELD_OUT, Dfc2020Dataset, Sen12MsDataset
from tests.data.sets.layouts import write_dfc2020, write_sen12ms


def test_scenes_of_the_authors_are_held_out_and_scenes_are_never_divided(tmp_path: Path) -> None:
    dataset = Sen12MsDataset(write_sen12ms(tmp_path / "sen12ms"))
    assert sum(map(len, HELD_OUT.values())) == 26
    assert dataset.ids("test") == ("ROIs1158_spring/63/5",)
    assert dataset.ids("train") == tuple(f"ROIs1158_spring/1/{patch}" for patch in (1, 2, 10))
    assert dataset.ids("val") == ("ROIs2017_winter/8/3",)


def test_the_patch_without_sar_is_left_out(tmp_path: Path) -> None:
    dataset = Sen12MsDataset(write_sen12ms(tmp_path / "sen12ms"))
    assert not any("1868" in tile_id for tile_id in dataset.ids())


def test_land_cover_is_the_first_of_four_bands(tmp_path: Path) -> None:
    dataset = Sen12MsDataset(write_sen12ms(tmp_path / "sen12ms"))
    path = tmp_path / "sen12ms/ROIs1158_spring/lc_1/ROIs1158_spring_lc_1_p10.tif"
    bands = read_raster(path, transparency=False).values
    assert bands.shape[0] == 4
    label = dataset.read("ROIs1158_spring/1/10").label
    np.testing.assert_array_equal(label, np.where(bands[0] == 0, 255, bands[0]))


def test_the_test_folder_of_the_contest_stays_unseen_and_absent_classes_are_not_scored(tmp_path: Path) -> None:
    dataset = Dfc2020Dataset(write_dfc2020(tmp_path / "dfc2020"))
    assert dataset.ids("validation") == tuple(f"ROIs0000_validation/0/{patch}" for patch in (0, 7, 12))
    assert (dataset.ids("train"), dataset.ids("val")) == (dataset.ids("validation")[:2], dataset.ids("validation")[2:])
    assert dataset.ids("test") == ("ROIs0000_test/0/1", "ROIs0000_test/0/4")
    label = dataset.read("ROIs0000_test/0/4").label
    assert label is not None
    assert set(np.unique(label)) == {1, 2, 4, 5, 6, 7, 9, 10, 255}
