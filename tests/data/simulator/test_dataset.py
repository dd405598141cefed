"""Simulated data sets: splits that share nothing, a gallery that is kept, healed and does without a disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from claire.core.classes import FLOOD, GLOBAL_10M
from claire.core.dataset import Dataset
from claire.core.errors import UnknownNameError
from claire.data.discovery import open_dataset
from claire.data.simulator import dataset as module
from claire.data.simulator.dataset import (
    FIRST_FLOOD,
    FIRST_SEEDS,
    GALLERY,
    GalleryDataset,
    SimulatedDataset,
    SimulatedFloodsDataset,
)
from claire.data.simulator.parameters import SETTINGS


def test_splits_of_simulated_scenes_share_no_scene() -> None:
    made = SimulatedDataset(tiles=3, size=32)
    assert isinstance(made, Dataset)
    assert made.splits == ("train", "val", "test")
    assert [len(made.ids(split)) for split in made.splits] == [3, 1, 1]
    assert set(made.ids()) == {each for split in made.splits for each in made.ids(split)}
    labels = [made.read(each).label for each in made.ids()]
    for number, one in enumerate(labels):
        assert not any(np.array_equal(one, other) for other in labels[number + 1 :])
    assert np.array_equal(made.read("val-000000").label, labels[3])


@pytest.mark.parametrize("name", ["train-000003", "train-00000²", "other-000000", "train-0", "", "../x"])
def test_unknown_scenes_are_named(name: str) -> None:
    with pytest.raises(UnknownNameError):
        SimulatedDataset(tiles=3, size=32).read(name)
    with pytest.raises(UnknownNameError):
        SimulatedDataset(tiles=3, size=32).ids("all")


def test_generated_data_sets_open_by_name_without_a_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLAIRE_SIMULATED_TILES", "5")
    assert len(open_dataset("simulated", Path("nowhere")).ids("train")) == 5
    assert open_dataset("gallery", Path("nowhere")).name == "gallery"


def test_simulated_floods_open_by_name_and_their_splits_share_no_pair() -> None:
    made = SimulatedFloodsDataset(tiles=3, size=32)
    assert isinstance(made, Dataset)
    assert made.scheme == FLOOD
    assert made.splits == ("train", "val", "test")
    assert made.ids("train") == ("train-000000", "train-000001", "train-000002")
    tiles = [made.read(each) for each in made.ids()]
    pictures = [tile.sar.values for tile in tiles if tile.sar is not None]
    assert len(pictures) == 5
    for number, one in enumerate(pictures):
        assert not any(np.array_equal(one, other) for other in pictures[number + 1 :])
    assert all(FLOOD.to_index(tile.label).max() <= 1 for tile in tiles if tile.label is not None)
    with pytest.raises(UnknownNameError):
        made.read("train-000003")


def test_no_flood_has_the_seed_of_a_scene() -> None:
    starts = sorted([*FIRST_SEEDS.values(), *(FIRST_FLOOD + first for first in FIRST_SEEDS.values())])
    assert min(np.diff(starts)) >= 1_000_000


def test_simulated_floods_are_as_many_and_as_large_as_the_settings_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLAIRE_FLOOD_TILES", "4")
    monkeypatch.setenv("CLAIRE_FLOOD_SIDE", "32")
    made = open_dataset("simulated-floods", Path("nowhere"))
    assert len(made.ids("train")) == 4
    assert made.read("val-000000").shape == (32, 32)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> GalleryDataset:
    monkeypatch.setattr(module, "GALLERY_SIDE", 32)
    return GalleryDataset(tmp_path)


def test_the_gallery_is_of_24_scenes_of_all_kinds() -> None:
    assert len(GALLERY) == 24
    assert {setting for setting, _ in GALLERY.values()} <= set(SETTINGS)
    assert len({setting for setting, _ in GALLERY.values()}) >= 12


def test_a_scene_of_the_gallery_is_simulated_once(small: GalleryDataset, monkeypatch: pytest.MonkeyPatch) -> None:
    first = small.read("coast-1")
    monkeypatch.setattr(module, "simulate_scene", lambda *_: pytest.fail("it was kept"))
    again = small.read("coast-1")
    assert first.optical is not None
    assert again.optical is not None
    assert np.array_equal(first.optical.values, again.optical.values)
    assert np.array_equal(first.label, again.label)
    assert first.georeference == again.georeference
    assert GLOBAL_10M.to_index(again.label).max() < 8


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 broken", b"x" * 5000])
def test_a_damaged_scene_is_made_anew(small: GalleryDataset, content: bytes) -> None:
    first = small.read("city-1")
    (path,) = small.root.iterdir()
    path.write_bytes(content)
    assert np.array_equal(small.read("city-1").label, first.label)
    assert path.stat().st_size > 10_000


def test_a_kept_scene_of_another_shape_is_made_anew(small: GalleryDataset) -> None:
    first = small.read("city-1")
    (path,) = small.root.iterdir()
    np.savez(path, optical=np.zeros((6, 8, 8), np.uint16), sar=np.zeros((2, 8, 8)), label=np.zeros(2), latitude=1.0)
    assert np.array_equal(small.read("city-1").label, first.label)


def test_the_gallery_does_without_a_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "GALLERY_SIDE", 32)
    (tmp_path / "gallery").write_text("in the way", encoding="utf-8")
    assert GalleryDataset(tmp_path).read("city-1").shape == (32, 32)


def test_unknown_names_of_the_gallery_are_refused(small: GalleryDataset) -> None:
    with pytest.raises(UnknownNameError):
        small.read("../city-1")
    with pytest.raises(UnknownNameError):
        small.ids("train")
