"""What is unusual about a file is named, its pixels are those of plain rasterio, and a plain file gets no notice."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from claire.core.errors import FormatError
from claire.data.raster import describe_raster, read_raster
from tests.data.odd_files import UTM, write_odd_files

REFERENCE = """
import hashlib, json, sys, warnings
import rasterio
warnings.simplefilter("ignore")
found = {}
for name in sys.argv[1:]:
    try:
        with rasterio.open(name) as source:
            pixels = source.read()
    except rasterio.errors.RasterioIOError:
        continue
    found[name] = hashlib.sha256(pixels.astype(pixels.dtype.newbyteorder("<")).tobytes()).hexdigest()
print(json.dumps(found))
"""

with tempfile.TemporaryDirectory() as _folder:
    NAMES = [path.name for path in write_odd_files(Path(_folder))]


@pytest.fixture(scope="module")
def odd_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, frozenset[str]]]:
    written = write_odd_files(tmp_path_factory.mktemp("odd"))
    return {path.name: (path, codes) for path, codes in written.items()}


@pytest.fixture(scope="module")
def reference(odd_files: dict[str, tuple[Path, frozenset[str]]]) -> dict[str, str]:
    """File name -> hash of what plain rasterio reads, in a process that knows nothing of CLAIRE."""
    paths = [str(path) for path, _ in odd_files.values()]
    command = [sys.executable, "-I", "-c", REFERENCE, *paths]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={})
    return {Path(name).name: found for name, found in json.loads(done.stdout).items()}


@pytest.mark.parametrize("name", NAMES)
def test_what_is_unusual_is_named_and_the_pixels_are_those_of_rasterio(
    odd_files: dict[str, tuple[Path, frozenset[str]]], reference: dict[str, str], name: str
) -> None:
    path, codes = odd_files[name]
    described = describe_raster(path, pixels_sha256=True)
    found = [notice["code"] for notice in described["notices"]]
    assert codes <= set(found)
    assert len(set(found)) == len(found)
    for notice in described["notices"]:
        assert len(notice["message"]) <= 200
        assert str(path.parent) not in notice["message"]
    json.dumps(described, allow_nan=False)
    assert described["pixels_sha256"] == reference[name]


def test_there_are_enough_odd_files(reference: dict[str, str]) -> None:
    assert len(reference) >= 55


def test_a_plain_file_is_not_called_odd(write: Any) -> None:
    import numpy as np

    values = np.random.default_rng(0).integers(1, 5000, (3, 20, 30), np.uint16)
    path = write("a.tif", values, compress="deflate", **UTM)
    assert [notice["code"] for notice in describe_raster(path)["notices"]] == ["optical_units"]


def test_damaged_pixels_are_shown_by_inspect_but_not_measured(
    odd_files: dict[str, tuple[Path, frozenset[str]]],
) -> None:
    with pytest.raises(FormatError, match="damaged"):
        read_raster(odd_files["damaged.png"][0])


@pytest.mark.parametrize("name", ["cmyk.tif", "cmyk.jpg"])
def test_print_colours_are_shown_by_inspect_but_not_measured(
    odd_files: dict[str, tuple[Path, frozenset[str]]], name: str
) -> None:
    with pytest.raises(FormatError, match="CMYK"):
        read_raster(odd_files[name][0])


def test_control_points_and_sensor_models_come_with_the_raster(
    odd_files: dict[str, tuple[Path, frozenset[str]]],
) -> None:
    located = read_raster(odd_files["gcps.tif"][0])
    assert len(located.gcps) == 9
    assert located.gcps[4] == (10.0, 15.0, 11.5, 49.0, 0.0)
    assert located.gcps_crs == "EPSG:4326"
    model = read_raster(odd_files["rpcs.tif"][0]).rpcs
    assert model is not None
    assert len(model["LINE_NUM_COEFF"].split()) == 20
