"""The `folder` layout: anybody's tiles, with or without a description."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from claire.core.dataset import Dataset
from claire.core.errors import DatasetError, LabelError, UnknownNameError
from claire.data.folder import FolderDataset

TOML = """
title = "Floods of our valley"
optical = { bands = ["b04", "B3", "B2"], unit = "reflectance_x1e4" }
sar = { bands = ["VV", "VH"], unit = "amplitude" }
classes = [{ id = 0, name = "dry", color = "#d9d2c5" }, { id = 7, name = "flood", color = "#0072b2" }]
ignore = [255]
splits = { train = ["b", "a"], test = ["c"] }
"""


@pytest.fixture
def root(write: Any, tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for stem in "abc":
        write(f"set/optical/{stem}.tif", rng.integers(0, 5000, (3, 8, 8), np.uint16))
        write(f"set/sar/{stem}.tif", rng.normal(-12, 3, (2, 8, 8)).astype(np.float32))
    write("set/label/a.png", np.full((8, 8), 7, np.uint8), driver="PNG")
    return tmp_path / "set"


def test_files_of_equal_names_make_tiles(root: Path) -> None:
    dataset = FolderDataset(root)
    assert isinstance(dataset, Dataset)
    assert FolderDataset.recognises(root)
    assert dataset.ids() == dataset.ids("all") == ("a", "b", "c")
    assert (dataset.splits, dataset.scheme, dataset.title) == (("all",), None, "set: 3 tiles")
    a, b = dataset.read("a"), dataset.read("b")
    assert a.name == "a"
    assert a.label is not None
    assert b.label is None
    assert set(a.sources) == {"a.tif", "a.tif (2)", "a.png"}


def test_the_description_names_bands_units_classes_and_splits(root: Path) -> None:
    (root / "dataset.toml").write_text(TOML)
    dataset = FolderDataset(root)
    tile = dataset.read("a")
    assert tile.optical is not None
    assert tile.sar is not None
    assert (tile.optical.bands, tile.optical.unit) == (("B4", "B3", "B2"), "reflectance_x1e4")
    assert (tile.sar.bands, tile.sar.unit) == (("VV", "VH"), "amplitude")
    assert dataset.title == "Floods of our valley"
    assert (dataset.splits, dataset.ids("train"), dataset.ids("test")) == (("train", "test"), ("a", "b"), ("c",))
    assert dataset.scheme is not None
    assert dataset.scheme.names == ("dry", "flood")
    assert tile.label is not None
    assert (dataset.scheme.to_index(tile.label) == 1).all()


def test_a_sensor_may_be_missing_from_one_place(root: Path) -> None:
    (root / "sar" / "b.tif").unlink()
    assert FolderDataset(root).read("b").sar is None


@pytest.mark.parametrize(
    "text",
    [
        "title = ",
        "optical = 3",
        "optical = { bands = 'B2' }",
        "sar = { unit = 'furlong' }",
        "classes = 3",
        "classes = [{ id = 'x', name = 'a', color = '#000000' }]",
        "classes = [{ id = 1, name = 'a', color = 'red; evil' }]",
        "splits = { train = ['nowhere'] }",
        "splits = 1",
    ],
)
def test_a_wrong_description_is_refused_with_a_hint(root: Path, text: str) -> None:
    (root / "dataset.toml").write_text(text)
    with pytest.raises(DatasetError) as caught:
        FolderDataset(root)
    assert caught.value.hint
    assert len(caught.value.message) <= 200
    assert str(root.parent) not in caught.value.message


def test_wrong_class_schemes_are_refused(root: Path) -> None:
    (root / "dataset.toml").write_text("scheme = 'nonsense'")
    with pytest.raises(UnknownNameError, match="nonsense"):
        FolderDataset(root)
    (root / "dataset.toml").write_text("classes = [{ id = 300, name = 'a', color = '#000000' }]")
    with pytest.raises(LabelError):
        FolderDataset(root)


def test_a_folder_laid_out_otherwise_is_refused_saying_what_was_looked_for(root: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert not FolderDataset.recognises(tmp_path / "empty")
    with pytest.raises(DatasetError, match="empty/optical"):
        FolderDataset(tmp_path / "empty")
    for path in sorted((root / "sar").iterdir()):
        path.rename(path.with_name("s1_" + path.name))
    with pytest.raises(DatasetError, match="'s1_a'"):
        FolderDataset(root)


def test_two_files_of_one_name_are_refused(root: Path, write: Any) -> None:
    write("set/optical/a.png", np.zeros((3, 8, 8), np.uint8), driver="PNG")
    with pytest.raises(DatasetError, match=r"a\.png"):
        FolderDataset(root)


@pytest.mark.parametrize("tile_id", ["z", "../optical/a", ""])
def test_an_unknown_tile_or_split_is_refused(root: Path, tile_id: str) -> None:
    dataset = FolderDataset(root)
    with pytest.raises(UnknownNameError):
        dataset.read(tile_id)
    with pytest.raises(UnknownNameError):
        dataset.ids(tile_id or "val")
