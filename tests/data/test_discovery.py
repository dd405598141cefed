"""Finding data sets: three layouts, one level, never an exception for a strange folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from claire.core.dataset import Dataset
from claire.core.errors import DatasetError, UnknownNameError
from claire.data.discovery import find_datasets, open_dataset


@pytest.fixture
def home(write: Any, tmp_path: Path) -> Path:
    pixels, ones = np.zeros((3, 8, 8), np.uint8), np.ones((1, 8, 8), np.uint8)
    for sensor, values in (("S1", ones), ("S2", pixels)):
        for when in ("before", "after", "mask"):
            one = values if when != "mask" else ones
            write(f"data/floods/Ombria{sensor}/train/{when.upper()}/{sensor}_{when}_0001.png", one, driver="PNG")
    write("data/mine/optical/a.tif", pixels)
    write("data/mine/sar/a.tif", ones)
    write("data/flat/a_s1.tif", ones)
    write("data/flat/a_s2.tif", pixels)
    write("data/deep/deeper/a_s1.tif", ones)
    write("data/deep/deeper/a_s2.tif", pixels)
    (tmp_path / "data" / "broken" / "optical").mkdir(parents=True)
    (tmp_path / "data" / "broken" / "sar").mkdir()
    return tmp_path / "data"


def test_every_layout_is_found_one_level_down_and_no_deeper(home: Path) -> None:
    found = find_datasets([home, home, home / "absent"])
    assert [(dataset.name, dataset.root.name) for dataset in found] == [
        ("pairs", "flat"),
        ("ombria", "floods"),
        ("folder", "mine"),
    ]
    assert all(isinstance(dataset, Dataset) for dataset in found)


def test_a_data_set_given_itself_is_found(home: Path) -> None:
    assert [dataset.name for dataset in find_datasets([home / "mine", home / "deep" / "deeper"])] == ["folder", "pairs"]


def test_opening_by_name_says_what_is_wrong(home: Path) -> None:
    assert open_dataset("pairs", home / "flat").ids() == ("a",)
    with pytest.raises(UnknownNameError) as caught:
        open_dataset("zip", home)
    assert caught.value.hint == (
        "Choose one of: bigearthnet-v2, dfc2020, folder, gallery, landcover, ombria, openearthmap-sar, pairs, "
        "pie-rgb-sar, sen12ms, sen1floods11, simulated, simulated-floods and 1 more."
    )
    for layout, root in (("folder", home / "absent"), ("folder", home / "broken"), ("ombria", home / "flat")):
        with pytest.raises(DatasetError):
            open_dataset(layout, root)


def test_real_folders_are_found(real_data: Path) -> None:
    assert {dataset.name for dataset in find_datasets([real_data])} >= {"ombria", "pairs"}
