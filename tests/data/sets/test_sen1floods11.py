"""Sen1Floods11: lists without header, missing SAR and missing labels, the folders of the bucket."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from claire.core.errors import DatasetError
from claire.data.sets.sen1floods11 import Sen1Floods11Dataset
from tests.data.sets.layouts import draw_ids, write_sen1floods11


def test_missing_sar_and_missing_labels_stay_missing(tmp_path: Path) -> None:
    tile = Sen1Floods11Dataset(write_sen1floods11(tmp_path / "floods")).read("Ghana_103272")
    assert tile.sar is not None
    assert tile.label is not None
    assert not tile.sar.valid[:, :4].any()
    assert tile.sar.valid[:, 4:].all()
    drawn = draw_ids(0, (-1, 0, 1))
    np.testing.assert_array_equal(tile.label, np.where(drawn < 0, 255, drawn))
    assert tile.georeference.crs == "EPSG:4326"


def test_the_folders_of_the_bucket_are_known(tmp_path: Path) -> None:
    home, lists = "v1.1/data/flood_events/HandLabeled", "v1.1/splits/flood_handlabeled"
    dataset = Sen1Floods11Dataset(write_sen1floods11(tmp_path / "floods", home, lists))
    assert dataset.ids("train") == ("Ghana_103272", "India_1018317")
    assert dataset.ids("bolivia") == ("Bolivia_103757",)
    assert dataset.read("Bolivia_103757").shape == (32, 32)


def test_a_listed_chip_that_is_not_there_is_named(tmp_path: Path) -> None:
    root = write_sen1floods11(tmp_path / "floods")
    (root / "S2Hand" / "USA_86502_S2Hand.tif").unlink()
    with pytest.raises(DatasetError, match=r"flood_valid_data\.csv names 'USA_86502', but there is no such tile"):
        Sen1Floods11Dataset(root).ids("val")
