"""WHU-OPT-SAR: tiles of 256 pixels from scenes of any size, test scenes of the authors, labels as ids or colours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from claire.core.errors import DatasetError, LabelError
from claire.data.raster import read_raster
from claire.data.sets.whu import TEST_SCENES, WhuOptSarDataset
from tests.data.sets.layouts import draw_bytes, draw_ids, write_whu
from tests.data.writing import write_raster


@pytest.fixture(scope="module")
def whu(tmp_path_factory: pytest.TempPathFactory) -> WhuOptSarDataset:
    return WhuOptSarDataset(write_whu(tmp_path_factory.mktemp("whu")))


def test_only_whole_tiles_are_cut_and_all_of_a_scene_are_on_one_side(whu: WhuOptSarDataset) -> None:
    assert whu.ids("test") == tuple(f"{s}/00_0{column}" for s in ("NH49E001014", "NH50E014003") for column in (0, 1))
    assert whu.ids("train") == ("NH49E001013/00_00", "NH49E001013/00_01")
    assert whu.ids("val") == ("NH49E002013/00_00", "NH49E002013/00_01")
    assert len(TEST_SCENES) == 20


def test_near_infrared_is_data_though_the_file_calls_it_transparency(whu: WhuOptSarDataset) -> None:
    tile = whu.read("NH49E001013/00_01")
    assert tile.optical is not None
    np.testing.assert_array_equal(tile.optical.values, draw_bytes(0, 4, (270, 530))[:, :256, 256:512])
    assert tile.optical.bands[-1] == "nir"
    assert tile.optical.valid.all()


def test_a_label_in_colours_is_read_as_its_ids(whu: WhuOptSarDataset) -> None:
    wanted = draw_ids(1, (0, 10, 20, 30, 40, 50, 60, 70), (270, 530))[:256, :256]
    label = whu.read("NH49E001014/00_00").label
    np.testing.assert_array_equal(label, np.where(wanted == 0, 255, wanted))


def test_a_colour_of_no_class_is_named(tmp_path: Path) -> None:
    root = write_whu(tmp_path / "whu", scenes=["NH49E001013", "NH49E001014"])
    picture = read_raster(root / "lbl" / "NH49E001014.tif").values.copy()
    picture[:, 9, 9] = (1, 2, 3)
    write_raster(root / "lbl" / "NH49E001014.tif", picture)
    with pytest.raises(LabelError, match=r"lbl/NH49E001014\.tif holds the colour #010203, which WHU-OPT-SAR"):
        WhuOptSarDataset(root).read("NH49E001014/00_00")


def test_other_folder_names_are_known_and_empty_sar_edges_are_masked(tmp_path: Path) -> None:
    root = write_whu(tmp_path / "whu", scenes=["NH49E001013"])
    sar = draw_bytes(7, 1, (270, 530))
    sar[:, :, :40] = 0
    sar[:, 100, 100] = 0
    write_raster(root / "sar" / "NH49E001013.tif", sar)
    for old, new in (("optical", "opt"), ("lbl", "label")):
        (root / old).rename(root / new)
    tile = WhuOptSarDataset(root).read("NH49E001013/00_00")
    assert tile.sar is not None
    assert not tile.sar.valid[:, :, :40].any()
    assert tile.sar.valid[:, :, 40:].all(), "a dark pixel inside is a measurement"


def test_a_damaged_scene_is_named_when_the_folder_is_opened(tmp_path: Path) -> None:
    root = write_whu(tmp_path / "whu", scenes=["NH49E001013"])
    (root / "optical" / "NH49E001013.tif").write_bytes(b"no picture")
    with pytest.raises(DatasetError, match=r"NH49E001013\.tif"):
        WhuOptSarDataset(root)
