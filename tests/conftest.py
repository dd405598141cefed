"""Fixtures that several test packages share."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from claire.core.types import GeoReference
from claire.data.examples import generate_flood_pair
from claire.data.raster import write_geotiff

ROOT = Path(__file__).resolve().parents[1]
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder of the repository."""
    return ROOT


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of the machine's Chromium; without one the test is skipped, or fails where CLAIRE_REQUIRE_BROWSER is set."""
    for name in CHROMIUM_NAMES:
        if path := shutil.which(name):
            return path
    message = "There is no Chromium on this machine; `make browser` installs it where it may."
    if os.environ.get("CLAIRE_REQUIRE_BROWSER"):
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real tiles; the test is skipped without it."""
    candidates = [Path(p) for p in os.environ.get("CLAIRE_DATA", "").split(os.pathsep) if p]
    candidates.append(ROOT.parent / "shared" / "data")
    for folder in candidates:
        if (folder / "georef").is_dir():
            return folder
    pytest.skip("No folder of real tiles; set CLAIRE_DATA to one that holds georef/.")


@pytest.fixture
def written_pair(tmp_path: Path) -> dict[str, Path]:
    """A generated pair of 64 x 64 pixels with its label, as three GeoTIFFs in metres."""
    tile = generate_flood_pair(seed=7, size=64)
    assert tile.optical is not None
    assert tile.sar is not None
    assert tile.label is not None
    place = GeoReference("EPSG:32633", (10.0, 0.0, 500_000.0, 0.0, -10.0, 5_000_000.0), metres=True)
    pixels = {"optical": tile.optical, "sar": tile.sar}
    written = {}
    for role, layer in pixels.items():
        written[role] = tmp_path / "pair" / f"{role}.tif"
        written[role].parent.mkdir(exist_ok=True)
        write_geotiff(written[role], layer.values, place, descriptions=layer.bands)
    written["label"] = tmp_path / "pair" / "label.tif"
    write_geotiff(written["label"], tile.label, place)
    return written


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Downloads and jobs of the tests never touch the user's own."""
    monkeypatch.setenv("CLAIRE_HOME", str(tmp_path_factory.mktemp("home")))


@pytest.fixture(scope="session")
def tiny_checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoints folder with `tiny`, all three maps, and `tiny-sar`, one map; random weights. Do not change it."""
    from tests.tiny_model import save_tiny

    folder = tmp_path_factory.mktemp("checkpoints")
    save_tiny(folder)
    save_tiny(folder, "tiny-sar", fusion="sar")
    return folder
