"""The `landcover` data set: simulated scenes and real places together, dealt into folds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from claire.core.dataset import Dataset
from claire.core.errors import DatasetError, UnknownNameError
from claire.data.discovery import open_dataset
from claire.data.landcover import FOLDS, RECALL, LandCoverDataset, name_place

PLACES = ("11", "22", "33", "44", "55", "hill1", "hill2", "lake_l1c", "lake_l2a")


@pytest.fixture
def root(write: Any, tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for name in PLACES:
        place, _, level = name.partition("_")
        write(f"all/flat/{place}_s1.tif", rng.normal(-12, 3, (2, 8, 8)).astype(np.float32))
        write(f"all/flat/{place}_s2{level and '_' + level}.tif", rng.integers(1, 5000, (13, 8, 8), np.uint16))
        write(f"all/flat/{place}_label.tif", np.full((8, 8), 2, np.uint8))
    write("all/flat/11_s2cloudy.tif", rng.integers(5000, 9000, (13, 8, 8), np.uint16))
    write("all/flat/66_s1.tif", rng.normal(-12, 3, (2, 8, 8)).astype(np.float32))
    write("all/flat/66_s2.tif", rng.integers(1, 5000, (13, 8, 8), np.uint16))
    return tmp_path / "all"


def test_training_takes_scenes_and_labelled_places_and_leaves_the_unlabelled_out(root: Path) -> None:
    dataset = open_dataset("landcover", root)
    assert isinstance(dataset, LandCoverDataset)
    assert isinstance(dataset, Dataset)
    train, scenes = dataset.ids("train"), dataset.ids("simulated")
    recalled = scenes[::RECALL]
    assert train[: len(recalled)] == recalled
    assert len(train) - len(recalled) == len(PLACES) + 1, "every labelled tile and the cloudy one, but not 66"
    assert dataset.read("cloudy/flat/11_s2cloudy").label is not None
    assert not any("cloudy" in tile for tile in dataset.ids("places"))
    assert [tile for fold in range(1, 5) for tile in dataset.ids(f"cloudy-{fold}")] == ["cloudy/flat/11_s2cloudy"]


def test_folds_part_the_places_and_never_a_place(root: Path) -> None:
    dataset = LandCoverDataset(root)
    dealt = [dataset.ids(f"places-{fold}") for fold in range(1, FOLDS + 1)]
    assert sorted(sum(dealt, ())) == sorted(dataset.ids("places"))
    for fold, held_out in enumerate(dealt, 1):
        learnt = {name_place(tile) for tile in dataset.ids(f"train-{fold}")}
        assert not learnt & {name_place(tile) for tile in held_out}
    assert {name_place(tile) for tile in dataset.ids("places")} == {"11", "22", "33", "44", "55", "hill", "lake"}


def test_scenes_are_simulated_and_training_and_validation_share_none(root: Path) -> None:
    dataset = LandCoverDataset(root, scenes=3, side=32)
    assert len(dataset.ids("simulated")) == 3
    first, other = (dataset.read(dataset.ids(split)[0]) for split in ("simulated", "val"))
    assert first.shape == other.shape == (32, 32)
    assert first.optical is not None
    assert other.optical is not None
    assert not np.array_equal(first.optical.values, other.optical.values)


def test_without_real_places_the_scenes_are_all_there_is(tmp_path: Path) -> None:
    dataset = LandCoverDataset(tmp_path / "absent")
    assert dataset.ids("train") == dataset.ids("simulated")[::RECALL]
    with pytest.raises(DatasetError, match="no labelled real places"):
        dataset.ids("places-1")


def test_an_unknown_tile_or_split_is_refused(root: Path) -> None:
    dataset = LandCoverDataset(root)
    for call in (dataset.read, dataset.ids):
        with pytest.raises(UnknownNameError):
            call("nowhere")
    with pytest.raises(UnknownNameError):
        dataset.read("flat/99")
