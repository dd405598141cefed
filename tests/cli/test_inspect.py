"""What `claire inspect` says of a file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from claire.cli.inspect import describe, render_text
from claire.core.errors import FormatError
from claire.core.types import GeoReference
from claire.data.raster import write_geotiff


@pytest.fixture
def sar(tmp_path: Path) -> Path:
    values = np.random.default_rng(0).normal(-12, 3, (2, 6, 8)).astype(np.float32)
    values[1] = np.nan
    place = GeoReference("EPSG:32629", (10.0, 0.0, 600_000.0, 0.0, -10.0, 5_000_000.0), metres=True)
    write_geotiff(tmp_path / "s1.tif", values, place, descriptions=("VV", "VH"), nodata=float("nan"))
    return tmp_path / "s1.tif"


def test_the_json_has_the_promised_keys_and_no_path(sar: Path) -> None:
    text = json.dumps(describe(sar, "sar"), allow_nan=False)
    content = json.loads(text)
    keys = {"width", "height", "bands", "dtype", "crs", "transform", "nodata", "units", "stats", "notices"}
    assert keys <= set(content)
    assert (content["bands"], content["nodata"], content["units"]) == (["VV", "VH"], "nan", "db")
    assert str(sar.parent) not in text


def test_the_text_says_what_the_file_is(sar: Path) -> None:
    lines = render_text(describe(sar, "sar")).splitlines()
    assert lines[0] == "s1.tif: GTiff, 8 x 6 pixels, 2 x float32, db"
    assert lines[1].startswith("EPSG:32629, first corner 600000, 5000000")
    assert lines[2] == "valid 50 %, nodata nan"
    assert lines[4].split() == ["VH", "no", "valid", "pixel"]
    assert lines[5].startswith("note: ")


def test_the_role_decides_what_is_guessed(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    write_geotiff(path, np.ones((12, 4, 4), np.uint16), GeoReference())
    assert describe(path)["bands"][-1] == "B12"
    assert describe(path, "sar")["bands"][-1] == "band12"
    assert describe(path, "label")["units"] == "class ids"
    assert "no coordinates" in render_text(describe(path))


def test_text_named_tif_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_text("hello")
    with pytest.raises(FormatError):
        describe(tmp_path / "a.tif")
