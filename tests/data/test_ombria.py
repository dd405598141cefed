"""OMBRIA in its original layouts: what is read, how it is split, and what is said about incomplete folders."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from claire.core.dataset import Dataset
from claire.core.errors import DatasetError, UnknownNameError
from claire.data.ombria import OPTICAL_BANDS, SAR_BANDS, OmbriaDataset

SIDE = 32
Pixels = NDArray[np.uint8]


def save(path: Path, pixels: Pixels) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def draw(seed: int) -> dict[str, Pixels]:
    """One chip; pictures are (H, W, 3) as PNG has them, radar and mask (H, W)."""
    rng = np.random.default_rng(seed)

    def smooth(*bands: int) -> Pixels:
        return np.kron(rng.integers(1, 255, (8, 8, *bands)), np.ones((4, 4, *(1 for _ in bands)))).astype(np.uint8)

    return {
        "optical_before": smooth(3),
        "optical_after": smooth(3),
        "sar_before": smooth(),
        "sar_after": smooth(),
        "mask": (smooth() > 150).astype(np.uint8) * 255,
    }


def write_official(root: Path, split: str, number: str, chip: dict[str, Pixels]) -> None:
    save(root / "OmbriaS2" / split / "BEFORE" / f"S2_before_{number}.png", chip["optical_before"])
    save(root / "OmbriaS2" / split / "AFTER" / f"S2_after_{number}.png", chip["optical_after"])
    save(root / "OmbriaS1" / split / "BEFORE" / f"S1_before_{number}.png", chip["sar_before"])
    save(root / "OmbriaS1" / split / "AFTER" / f"S1_after_{number}.png", chip["sar_after"])
    for sensor in ("S1", "S2"):
        save(root / f"Ombria{sensor}" / split / "MASK" / f"{sensor}_mask_{number}.png", chip["mask"])


def write_event(root: Path, event: str, number: int, chip: dict[str, Pixels]) -> None:
    for sensor, kind in (("Sentinel1", "sar"), ("Sentinel2", "optical")):
        folder = root / "2021" / event / sensor
        save(folder / "BEFORE" / f"imbefore_{number}.png", chip[f"{kind}_before"])
        save(folder / "AFTER" / f"imafter_{number}.png", chip[f"{kind}_after"])
        save(folder / "MASK" / f"gt_{number}.png", chip["mask"])


@pytest.fixture
def ombria(tmp_path: Path) -> Path:
    """Twenty train chips (the last a turned copy of the first), two test chips, three of two events."""
    root = tmp_path / "ombria"
    for number in range(1, 20):
        write_official(root, "train", f"{number:04}", draw(number))
    write_official(root, "train", "0020", {k: np.rot90(v).copy() for k, v in draw(1).items()})
    write_official(root, "test", "0001", draw(100))
    write_official(root, "test", "0002", draw(101))
    write_event(root, "ALBANIA", 2, draw(200))
    write_event(root, "ALBANIA", 10, draw(201))
    write_event(root, "TIMOR", 1, draw(202))
    return root


def assert_is_chip(dataset: OmbriaDataset, tile_id: str, chip: dict[str, Pixels]) -> None:
    tile = dataset.read(tile_id)
    assert tile.optical is not None
    assert tile.sar is not None
    wanted = np.concatenate([np.moveaxis(chip["optical_before"], 2, 0), np.moveaxis(chip["optical_after"], 2, 0)])
    np.testing.assert_array_equal(tile.optical.values, wanted)
    np.testing.assert_array_equal(tile.sar.values, np.stack([chip["sar_before"], chip["sar_after"]]))
    np.testing.assert_array_equal(tile.label, chip["mask"] // 255)
    assert (tile.optical.bands, tile.optical.unit) == (OPTICAL_BANDS, "uint8")
    assert (tile.sar.bands, tile.sar.unit) == (SAR_BANDS, "uint8")
    assert tile.name == f"OMBRIA {tile_id}"


def test_bands_are_b11_b8_b3_before_then_after(ombria: Path) -> None:
    assert OPTICAL_BANDS == ("B11_before", "B8_before", "B3_before", "B11_after", "B8_after", "B3_after")
    assert SAR_BANDS == ("VV_before", "VV_after")
    assert_is_chip(OmbriaDataset(ombria), "train/0003", draw(3))


def test_the_2021_events_are_read_alike(ombria: Path) -> None:
    dataset = OmbriaDataset(ombria)
    assert dataset.ids("2021") == ("2021/ALBANIA/2", "2021/ALBANIA/10", "2021/TIMOR/1")
    assert_is_chip(dataset, "2021/ALBANIA/10", draw(201))


def test_labels_are_background_and_flood_though_the_mask_has_one_value(tmp_path: Path) -> None:
    dry, wet = draw(0), draw(1)
    dry["mask"], wet["mask"] = np.zeros((SIDE, SIDE), np.uint8), np.full((SIDE, SIDE), 255, np.uint8)
    write_official(tmp_path, "test", "0001", dry)
    write_official(tmp_path, "test", "0002", wet)
    dataset = OmbriaDataset(tmp_path)
    labels = [dataset.read(tile_id).label for tile_id in dataset.ids("test")]
    assert [None if label is None else np.unique(label).tolist() for label in labels] == [[0], [1]]


def test_splits_are_disjoint_complete_and_repeatable(ombria: Path) -> None:
    dataset = OmbriaDataset(ombria)
    assert isinstance(dataset, Dataset)
    assert dataset.splits == ("train", "val", "official", "places_train", "places_val", "2021", "test")
    train, val, official = (dataset.ids(split) for split in ("train", "val", "official"))
    assert not set(train) & set(val)
    assert set(train) | set(val) == set(official) == {f"train/{number:04}" for number in range(1, 21)}
    assert 1 <= len(val) <= 3
    assert dataset.ids("test") == ("test/0001", "test/0002")
    assert set(dataset.ids()) == {*official, *dataset.ids("test"), *dataset.ids("2021")}
    assert OmbriaDataset(ombria).ids("val") == val


def test_the_split_by_places_holds_runs_of_neighbouring_chips_out(tmp_path: Path) -> None:
    for number in (1, 31, 32, 400, 405, 760):
        write_official(tmp_path, "train", f"{number:04}", draw(number))
    dataset = OmbriaDataset(tmp_path)
    assert dataset.ids("places_val") == ("train/0001", "train/0031", "train/0400", "train/0760")
    assert dataset.ids("places_train") == ("train/0032", "train/0405")


def test_a_turned_copy_is_on_the_side_of_its_original(ombria: Path) -> None:
    dataset = OmbriaDataset(ombria)
    assert [pair[:2] for pair in dataset.duplicates.pairs] == [("train/0001", "train/0020")]
    sides = {tile_id: split for split in ("train", "val") for tile_id in dataset.ids(split)}
    assert sides["train/0001"] == sides["train/0020"]


def test_only_the_splits_whose_folders_exist_are_offered(tmp_path: Path) -> None:
    write_event(tmp_path, "TIMOR", 1, draw(0))
    dataset = OmbriaDataset(tmp_path)
    assert dataset.splits == ("2021",)
    with pytest.raises(UnknownNameError) as caught:
        dataset.ids("val")
    assert "2021" in caught.value.hint


def test_an_unknown_split_lists_the_names(ombria: Path) -> None:
    with pytest.raises(UnknownNameError, match="'validation'") as caught:
        OmbriaDataset(ombria).ids("validation")
    assert all(name in caught.value.hint for name in ("train", "val", "official", "test", "2021"))


@pytest.mark.parametrize("tile_id", ["train/9999", "val/0001", "../secret", ""])
def test_an_unknown_chip_is_refused(ombria: Path, tile_id: str) -> None:
    with pytest.raises(UnknownNameError):
        OmbriaDataset(ombria).read(tile_id)


@pytest.mark.parametrize(
    "missing",
    [
        "OmbriaS2/train/BEFORE/S2_before_0007.png",
        "OmbriaS1/train/BEFORE/S1_before_0007.png",
        "OmbriaS1/train/AFTER/S1_after_0007.png",
        "OmbriaS2/train/MASK/S2_mask_0007.png",
    ],
)
def test_a_missing_file_is_named(ombria: Path, missing: str) -> None:
    (ombria / missing).unlink()
    with pytest.raises(DatasetError) as caught:
        OmbriaDataset(ombria)
    assert "/".join(missing.split("/")[-2:]) in caught.value.message
    assert "train/0007" in caught.value.message
    assert str(ombria) not in caught.value.message + caught.value.hint


def test_a_missing_file_of_an_event_is_named(ombria: Path) -> None:
    (ombria / "2021/TIMOR/Sentinel1/AFTER/imafter_1.png").unlink()
    with pytest.raises(DatasetError, match=r"2021/TIMOR/1 has no file AFTER/imafter_1\.png"):
        OmbriaDataset(ombria)


def test_another_folder_is_refused_with_what_was_looked_for(tmp_path: Path) -> None:
    assert not OmbriaDataset.is_ombria(tmp_path)
    with pytest.raises(DatasetError) as caught:
        OmbriaDataset(tmp_path)
    assert "OmbriaS1" in caught.value.hint
    assert "2021" in caught.value.hint
    assert str(tmp_path.parent) not in caught.value.message + caught.value.hint


@pytest.mark.slow
def test_the_real_chips_split_into_530_and_94_with_no_duplicate_on_both_sides(real_data: Path) -> None:
    if not OmbriaDataset.is_ombria(real_data / "ombria"):
        pytest.skip("No real OMBRIA; set CLAIRE_DATA to a folder that holds ombria/.")
    dataset = OmbriaDataset(real_data / "ombria")
    train, val, official = (dataset.ids(split) for split in ("train", "val", "official"))
    assert (len(official), len(train), len(val)) == (624, 530, 94)
    assert not set(train) & set(val)
    assert set(train) | set(val) == set(official)
    assert dataset.carve() == (train, val), "the listed chips are not those that are drawn"
    for one, other, _ in dataset.duplicates.pairs:
        assert (one in val) == (other in val)
    tile = dataset.read(val[0])
    assert tile.shape == (256, 256)
    assert tile.label is not None
    assert set(np.unique(tile.label)) <= {0, 1}
