"""What every published data set keeps: one layout each, honest splits, and a sentence for whatever is wrong."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from claire.core.classes import IGNORE_INDEX
from claire.core.dataset import Dataset
from claire.core.errors import ClaireError, DatasetError, GridError, LabelError, UnknownNameError
from claire.data.discovery import find_datasets, open_dataset
from claire.data.folder import FolderDataset
from claire.data.raster import read_raster
from claire.data.sets.catalogue import ADAPTERS
from claire.data.sets.original import OriginalDataset, hold_back, hold_back_end
from tests.data.sets.layouts import LAYOUTS
from tests.data.writing import write_raster
from tests.sentences import check_sentences

pytestmark = pytest.mark.parametrize("name", LAYOUTS)

LABELLED = {
    "whu-opt-sar": "NH49E001013/00_01",
    "pie-rgb-sar": "pie_0",
    "openearthmap-sar": "train/TrainArea_001",
    "sen12ms": "ROIs1158_spring/1/10",
    "dfc2020": "ROIs0000_validation/0/7",
    "sen1floods11": "Ghana_103272",
    "bigearthnet-v2": "S2A_MSIL2A_20170613T101031_N9999_R022_T33UUP_26_57",
}
"""Data set -> a tile of it with both sensors and a label."""

EMPTIED = {
    "whu-opt-sar": ("test", ["optical/NH49E001014.tif", "optical/NH50E014003.tif"]),
    "pie-rgb-sar": ("val", ["val.txt"]),
    "openearthmap-sar": ("test", ["test"]),
    "sen12ms": ("test", ["ROIs1158_spring/s2_63"]),
    "dfc2020": ("test", ["ROIs0000_test"]),
    "sen1floods11": ("bolivia", ["flood_bolivia_data.csv"]),
    "bigearthnet-v2": ("test", [("BigEarthNet-S2/S2A_MSIL2A_20170613T101031_N9999_R022_T33UUP/"
                                "S2A_MSIL2A_20170613T101031_N9999_R022_T33UUP_27_57")]),
}  # fmt: skip
"""Data set -> an official split, and what must be lost for it not to be there."""


@pytest.fixture(scope="session")
def originals(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A tiny copy of every data set; not to be changed."""
    home = tmp_path_factory.mktemp("originals")
    return {name: write(home / name) for name, write in LAYOUTS.items()}


@pytest.fixture
def copy(name: str, originals: dict[str, Path], tmp_path: Path) -> Path:
    """A copy of the data set that may be spoilt."""
    return Path(shutil.copytree(originals[name], tmp_path / "copy"))


def check(error: ClaireError, *hidden: object) -> None:
    check_sentences(error.message, error.hint, *hidden)


def test_it_is_opened_by_name_and_found_for_the_page(name: str, originals: dict[str, Path]) -> None:
    root = originals[name]
    dataset = open_dataset(name, root)
    assert isinstance(dataset, Dataset)
    assert isinstance(dataset, OriginalDataset)
    assert (dataset.name, dataset.root) == (name, root)
    assert [(found.name, found.root) for found in find_datasets([root])] == [(name, root)]
    assert [other for other, adapter in ADAPTERS.items() if adapter.recognises(root)] == [name]
    assert not any(adapter.recognises(root.parent) for adapter in ADAPTERS.values())


def test_all_splits_of_a_complete_copy_are_there_and_do_not_overlap(name: str, originals: dict[str, Path]) -> None:
    dataset = ADAPTERS[name](originals[name])
    assert dataset.splits == dataset.official
    assert len(set(dataset.ids())) == len(dataset.ids())
    tenths = [split for split in dataset.splits if split.endswith("_tenth")]
    assert all(dataset.ids(tenth) == dataset.ids(tenth.removesuffix("_tenth"))[::10] for tenth in tenths)
    disjoint = [split for split in dataset.splits if split not in {"official", "validation", *tenths}]
    members = [tile_id for split in disjoint for tile_id in dataset.ids(split)]
    assert sorted(members) == sorted(dataset.ids())
    for whole in {"official", "validation"} & set(dataset.splits):
        assert sorted(dataset.ids(whole)) == sorted((*dataset.ids("train"), *dataset.ids("val")))


def test_a_tile_has_the_promised_bands_units_and_classes(name: str, originals: dict[str, Path]) -> None:
    dataset = ADAPTERS[name](originals[name])
    tile = dataset.read(LABELLED[name])
    assert tile.optical is not None
    assert tile.sar is not None
    assert tile.label is not None
    assert (tile.optical.bands, tile.optical.unit) == (dataset.optical_bands, dataset.optical_unit)
    assert (tile.sar.bands, tile.sar.unit) == (dataset.sar_bands, dataset.sar_unit)
    index = dataset.scheme.to_index(tile.label)
    assert set(np.unique(index)) - {IGNORE_INDEX} == set(range(len(dataset.scheme)))
    assert not {notice.code for notice in tile.notices} & {"optical_units", "sar_units", "warped", "pixelwise"}
    assert len(tile.sources) == len(dataset.find_files(LABELLED[name]).all) or name == "whu-opt-sar"


def test_the_files_are_read_value_by_value(name: str, originals: dict[str, Path]) -> None:
    dataset = ADAPTERS[name](originals[name])
    tile, files = dataset.read(LABELLED[name]), dataset.find_files(LABELLED[name])
    assert tile.sar is not None
    sar = np.concatenate([read_raster(path).values for path in files.sar])
    window = np.s_[:, :256, 256:512] if name == "whu-opt-sar" else np.s_[:]
    np.testing.assert_array_equal(tile.sar.values, sar[window])
    assert tile.sar.values.dtype == (np.float32 if dataset.sar_unit == "db" else np.uint8)


def test_another_folder_is_refused_with_what_was_looked_for(name: str, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    with pytest.raises(DatasetError, match="looked for") as caught:
        open_dataset(name, tmp_path / "elsewhere")
    assert "elsewhere" in caught.value.message
    check(caught.value, tmp_path)


def test_a_split_that_the_copy_lacks_is_said_with_what_was_looked_for(name: str, copy: Path) -> None:
    split, lost = EMPTIED[name]
    for part in lost:
        shutil.rmtree(copy / part) if (copy / part).is_dir() else (copy / part).unlink()
    dataset = ADAPTERS[name](copy)
    assert split not in dataset.splits
    with pytest.raises(DatasetError, match=f"'{split}'.* 'copy': looked for ") as caught:
        dataset.ids(split)
    check(caught.value, copy.parent)
    with pytest.raises(UnknownNameError) as unknown:
        dataset.ids("holiday")
    assert all(each in unknown.value.hint for each in dataset.official)
    check(unknown.value, copy.parent)


def test_a_label_value_that_the_data_set_does_not_have_is_named_with_its_file(name: str, copy: Path) -> None:
    dataset = ADAPTERS[name](copy)
    path = dataset.find_files(LABELLED[name]).label
    assert path is not None
    label = read_raster(path, transparency=False).values.copy()
    label[0, 5, 5] = 77
    write_raster(path, label)
    with pytest.raises(LabelError, match=" holds 77, which ") as caught:
        dataset.read(LABELLED[name])
    assert caught.value.message.startswith("The label ")
    assert path.name[:20] in caught.value.message
    check(caught.value, copy.parent)


@pytest.mark.parametrize("role", ["sar", "label"])
def test_files_of_different_size_are_refused_with_both_sizes(name: str, role: str, copy: Path) -> None:
    dataset = ADAPTERS[name](copy)
    files = dataset.find_files(LABELLED[name])
    path = files.sar[0] if role == "sar" else files.label
    assert path is not None
    values: Any = read_raster(path, transparency=False).values[:, :, :-4]
    write_raster(path, values)
    with pytest.raises(GridError, match="looked for") as caught:
        dataset.read(LABELLED[name])
    assert f"is {values.shape[2]} x {values.shape[1]} pixels" in caught.value.message
    check(caught.value, copy.parent)


@pytest.mark.parametrize("role", ["sar", "label"])
def test_a_missing_file_is_named(name: str, role: str, copy: Path) -> None:
    dataset = ADAPTERS[name](copy)
    files = dataset.find_files(LABELLED[name])
    path = files.sar[0] if role == "sar" else files.label
    assert path is not None
    path.unlink()
    with pytest.raises(DatasetError, match="has no file") as caught:
        dataset.read(LABELLED[name])
    assert path.parent.name[:20] in caught.value.message
    check(caught.value, copy.parent)


@pytest.mark.parametrize("tile_id", ["nothing", "../secret", "", "a/b/c"])
def test_an_unknown_tile_is_refused(name: str, tile_id: str, originals: dict[str, Path]) -> None:
    with pytest.raises(UnknownNameError) as caught:
        ADAPTERS[name](originals[name]).read(tile_id)
    check(caught.value, originals[name].parent)


def test_it_is_not_taken_for_the_layout_of_strangers(name: str, originals: dict[str, Path]) -> None:
    assert not FolderDataset.recognises(originals[name]) or name == "whu-opt-sar"


def test_held_back_names_are_a_tenth_and_never_all(name: str) -> None:
    many = [f"{name}-{number:03}" for number in range(40)]
    assert len(hold_back(many)) == len(hold_back_end(many)) == 4
    assert hold_back_end(many) == frozenset(many[-4:])
    for few in ([], many[:1]):
        assert not hold_back(few)
        assert not hold_back_end(few)
    assert hold_back(many[:2]) == hold_back_end(many[:2]) == {many[1]}
