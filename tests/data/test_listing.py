"""Listing is bounded, shallow and sorted."""

from __future__ import annotations

from pathlib import Path

import pytest

from claire.core.errors import DatasetError
from claire.data import listing


def test_only_rasters_of_this_very_folder_are_listed_in_order(tmp_path: Path) -> None:
    for name in ("b.TIF", "a.png", ".hidden.tif", "notes.txt", "c.jp2"):
        (tmp_path / name).touch()
    (tmp_path / "deep.tif").mkdir()
    (tmp_path / "deep.tif" / "d.tif").touch()
    assert [path.name for path in listing.list_rasters(tmp_path)] == ["a.png", "b.TIF", "c.jp2"]
    assert listing.list_rasters(tmp_path / "absent") == ()


def test_a_folder_with_too_many_files_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "MOST_FILES", 3)
    for number in range(4):
        (tmp_path / f"{number}.tif").touch()
    with pytest.raises(DatasetError, match="more than 3"):
        listing.list_rasters(tmp_path)
