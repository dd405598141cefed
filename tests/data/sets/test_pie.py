"""PIE-RGB-SAR: the authors' lists, background as a class, labels as ids or colours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from claire.core.classes import PIE_RGB_SAR
from claire.core.errors import DatasetError
from claire.data.sets.pie import PieRgbSarDataset
from tests.data.sets.layouts import draw_ids, write_pie


def test_the_lists_decide_and_a_coloured_label_means_the_same(tmp_path: Path) -> None:
    dataset = PieRgbSarDataset(write_pie(tmp_path / "pie"))
    assert (dataset.ids("train"), dataset.ids("val")) == (("pie_0", "pie_1"), ("pie_2", "pie_3"))
    for number in (2, 3):
        label = dataset.read(f"pie_{number}").label
        np.testing.assert_array_equal(label, draw_ids(number, range(6)))
    assert PIE_RGB_SAR.ignore_ids == ()


def test_a_listed_tile_that_is_not_there_is_named(tmp_path: Path) -> None:
    root = write_pie(tmp_path / "pie")
    (root / "val.txt").write_text("pie_2\npie_9.tif\n", encoding="utf-8")
    with pytest.raises(DatasetError, match=r"val\.txt names 'pie_9', but there is no such tile in 'pie'"):
        PieRgbSarDataset(root).ids("val")
    (root / "val.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DatasetError, match=r"val\.txt cannot be read as text"):
        PieRgbSarDataset(root).ids("val")
