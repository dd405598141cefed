"""BigEarthNet v2: the table that joins the sensors, bands of three sizes, codes of CORINE, backscatter as floats."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from claire.core.classes import CORINE_19
from claire.core.errors import DatasetError, LabelError
from claire.data.raster import read_raster
from claire.data.sets.bigearthnet import CODES, UNUSED, BigEarthNetDataset
from tests.data.sets.layouts import write_bigearthnet, write_metadata
from tests.data.writing import write_raster
from tests.sentences import check_sentences

PATCH = "S2A_MSIL2A_20170613T101031_N9999_R022_T33UUP_26_57"


@pytest.mark.parametrize("parquet", [True, False], ids=["parquet", "csv"])
def test_the_table_gives_split_and_sar_patch(parquet: bool, tmp_path: Path) -> None:
    dataset = BigEarthNetDataset(write_bigearthnet(tmp_path / "ben", parquet=parquet))
    assert dataset.ids("train") == (PATCH,)
    assert dataset.ids("val") == (PATCH.replace("26_57", "26_58"),)
    names = [path.name for path in dataset.find_files(PATCH).sar]
    assert names == [f"S1A_IW_GRDH_1SDV_20170613T165043_33UUP_61_39_{band}.tif" for band in ("VV", "VH")]


def test_backscatter_stays_float_and_bands_come_onto_ten_metres(tmp_path: Path) -> None:
    dataset = BigEarthNetDataset(write_bigearthnet(tmp_path / "ben"))
    tile, files = dataset.read(PATCH), dataset.find_files(PATCH)
    assert tile.optical is not None
    assert tile.sar is not None
    assert tile.sar.values.dtype == np.float32
    assert (tile.sar.values % 1 != 0).mean() > 0.9
    assert tile.optical.bands[:2] == ("B2", "B3")
    np.testing.assert_array_equal(tile.optical.values[0], read_raster(files.optical[0]).values[0])
    coarse = read_raster(files.optical[tile.optical.bands.index("B9")]).values
    warped = tile.optical.values[tile.optical.bands.index("B9")]
    assert warped.shape == (24, 24)
    assert coarse.min() <= warped.min() <= warped.max() <= coarse.max()


def test_codes_of_corine_become_nineteen_classes_and_the_others_are_not_scored(tmp_path: Path) -> None:
    dataset = BigEarthNetDataset(write_bigearthnet(tmp_path / "ben"))
    path = dataset.find_files(PATCH).label
    assert path is not None
    codes, label = read_raster(path).values[0], dataset.read(PATCH).label
    known = {code: number for number, gathered in CODES.items() for code in gathered}
    np.testing.assert_array_equal(label, np.vectorize(lambda code: known.get(code, 255))(codes))
    assert sorted(CODES) == [land_class.id for land_class in CORINE_19.classes]
    assert len(known) == sum(map(len, CODES.values()))
    assert not set(known) & set(UNUSED)
    write_raster(path, np.where(codes == 111, 113, codes).astype(np.uint16))
    with pytest.raises(LabelError, match=r"_reference_map\.tif holds 113|holds 113"):
        dataset.read(PATCH)


def test_a_table_that_is_missing_damaged_or_another_is_said(tmp_path: Path) -> None:
    root = write_bigearthnet(tmp_path / "ben")
    (root / "metadata.parquet").write_bytes(b"PAR1 no table")
    with pytest.raises(DatasetError, match="cannot be read") as damaged:
        BigEarthNetDataset(root)
    (root / "metadata.parquet").unlink()
    with pytest.raises(DatasetError, match=r"looked for metadata\.parquet and metadata\.csv") as missing:
        BigEarthNetDataset(root)
    write_metadata(root, [], parquet=False)
    (root / "metadata.csv").write_text("patch,split\n", encoding="utf-8")
    with pytest.raises(DatasetError, match="looked for patch_id, split, s1_name") as other:
        BigEarthNetDataset(root)
    for error in (damaged.value, missing.value, other.value):
        check_sentences(error.message, error.hint, tmp_path)
