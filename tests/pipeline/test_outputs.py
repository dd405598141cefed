"""What `claire predict` leaves on disk, read back through the door for untrusted files."""

from __future__ import annotations

import struct
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from claire.core.analysis import Analysis
from claire.core.bands import MODES
from claire.core.classes import IGNORE_INDEX
from claire.core.errors import InputError
from claire.core.types import GeoReference, Tile
from claire.data.raster import read_raster
from claire.inference.engine import TorchSegmenter
from claire.pipeline import analyse, read_tile, write_prediction

PLACE = GeoReference("EPSG:32633", (10.0, 0.0, 500_000.0, 0.0, -10.0, 5_000_000.0), metres=True)


@pytest.fixture(scope="module")
def analysis(tile: Tile, model: TorchSegmenter) -> Analysis:
    """Of a placed tile whose upper five rows neither sensor saw."""
    assert tile.optical is not None
    assert tile.sar is not None
    layers = {}
    for name, layer in (("optical", tile.optical), ("sar", tile.sar)):
        valid = layer.valid.copy()
        valid[:, :5] = False
        layers[name] = replace(layer, valid=valid)
    return analyse(replace(tile, georeference=PLACE, **layers), model)


@pytest.fixture(scope="module")
def written(analysis: Analysis, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    folder = tmp_path_factory.mktemp("results") / "new" / "deep"
    return folder, write_prediction(analysis, folder)


def test_every_file_that_is_named_is_there_and_no_other(written: tuple[Path, dict[str, str]]) -> None:
    folder, files = written
    kinds = [f"{kind}_{mode}" for mode in MODES for kind in ("class", "confidence", "overlay")]
    assert sorted(files) == sorted([*kinds, "analysis", "arrays"])
    assert sorted(path.name for path in folder.iterdir()) == sorted(files.values())
    assert files["class_fused"] == "class_fused.tif"
    assert files["analysis"] == "analysis.json"
    assert files["arrays"] == "arrays.npz"


@pytest.mark.parametrize("mode", MODES)
def test_the_class_raster_keeps_place_and_ids(
    written: tuple[Path, dict[str, str]], analysis: Analysis, mode: str
) -> None:
    raster = read_raster(written[0] / f"class_{mode}.tif")
    prediction = analysis.predictions[mode]  # type: ignore[index]
    assert raster.values.dtype == np.uint8
    assert raster.georeference == PLACE
    assert raster.nodata == IGNORE_INDEX
    np.testing.assert_array_equal(raster.valid[0], prediction.valid)
    ids = np.array([c.id for c in analysis.scheme.classes])
    np.testing.assert_array_equal(raster.values[0][prediction.valid], ids[prediction.classes[prediction.valid]])
    assert (raster.values[0][:5] == IGNORE_INDEX).all()


@pytest.mark.parametrize("mode", MODES)
def test_the_confidence_raster_is_the_probability_shown(
    written: tuple[Path, dict[str, str]], analysis: Analysis, mode: str
) -> None:
    raster = read_raster(written[0] / f"confidence_{mode}.tif")
    prediction = analysis.predictions[mode]  # type: ignore[index]
    assert raster.georeference == PLACE
    np.testing.assert_array_equal(raster.valid[0], prediction.valid)
    wanted = prediction.probabilities.max(axis=0)
    np.testing.assert_array_equal(raster.values[0][prediction.valid], wanted[prediction.valid])
    assert np.isnan(raster.values[0][:5]).all()


def test_overlays_are_pictures_of_the_tile(written: tuple[Path, dict[str, str]], tile: Tile) -> None:
    for mode in MODES:
        with Image.open(written[0] / f"overlay_{mode}.png") as picture:
            assert picture.size == tile.shape[::-1]
            assert len(np.unique(np.asarray(picture.convert("RGB")).reshape(-1, 3), axis=0)) > 10


def test_the_folder_opens_as_the_analysis(written: tuple[Path, dict[str, str]], analysis: Analysis) -> None:
    assert Analysis.load(written[0]).as_dict() == analysis.as_dict()


def test_without_optical_the_overlay_rests_on_sar(tile: Tile, model: TorchSegmenter, tmp_path: Path) -> None:
    files = write_prediction(analyse(replace(tile, optical=None), model), tmp_path)
    assert {f"overlay_{mode}" for mode in MODES} <= set(files)
    assert not read_raster(tmp_path / "class_optical.tif").valid.any()


def test_writing_twice_gives_the_same_files(tile: Tile, sar_model: TorchSegmenter, tmp_path: Path) -> None:
    analysis = analyse(tile, sar_model)
    first = {path: (tmp_path / path).read_bytes() for path in write_prediction(analysis, tmp_path).values()}
    second = {path: (tmp_path / path).read_bytes() for path in write_prediction(analysis, tmp_path).values()}
    assert first.keys() == second.keys()
    assert {p for p in first if first[p] != second[p]} <= {"arrays.npz"}  # a zip file holds the time


@pytest.mark.parametrize("kind", ["a file", "inside a file"])
def test_a_folder_that_cannot_be_made_is_an_error_of_the_input(
    tile: Tile, sar_model: TorchSegmenter, tmp_path: Path, kind: str
) -> None:
    (tmp_path / "taken").write_text("mine", encoding="utf-8")
    folder = tmp_path / "taken" if kind == "a file" else tmp_path / "taken" / "results"
    with pytest.raises(InputError) as caught:
        write_prediction(analyse(tile, sar_model), folder)
    assert folder.name in caught.value.message
    assert str(tmp_path) not in caught.value.message + caught.value.hint
    assert (tmp_path / "taken").read_text(encoding="utf-8") == "mine"


SECRET = "secret-7f3a"
TIFF_TAGS = {"GPS": 34853, "EXIF": 34665, "XMP": 700, "IPTC": 33723, "photoshop": 34377, "artist": 315, "made by": 271}


def test_exports_hold_no_path_and_nothing_that_the_files_said_beside_their_pixels(
    model: TorchSegmenter, tmp_path: Path
) -> None:
    place = tmp_path / "private-place"
    place.mkdir()
    rng = np.random.default_rng(0)
    exif = Image.Exif()
    exif[270], exif[315], exif[305] = f"/home/{SECRET}/a", SECRET, SECRET
    exif.get_ifd(0x8825)[1] = "N"
    optical, sar = [], []
    for date in ("before", "after"):
        optical.append(place / f"o_{date}.jpg")
        colours = rng.integers(0, 255, (64, 64, 3), np.uint8)
        Image.fromarray(colours).save(optical[-1], exif=exif, comment=SECRET.encode(), quality=95)
        sar.append(place / f"s_{date}.tif")
        tags = TiffImagePlugin.ImageFileDirectory_v2()
        tags[270], tags[315], tags[305] = f"/home/{SECRET}/b", SECRET, SECRET
        Image.fromarray(rng.integers(0, 255, (64, 64), np.uint8)).save(sar[-1], tiffinfo=tags)
    wanted = model.manifest
    tile = read_tile(
        optical,
        sar,
        optical_bands=wanted.optical.bands,
        sar_bands=wanted.sar.bands,
        optical_units="uint8",
        sar_units="uint8",
    )
    results = tmp_path / "results"
    files = write_prediction(analyse(tile, model), results)
    for name in files.values():
        content = (results / name).read_bytes()
        if name.endswith(".npz"):
            with zipfile.ZipFile(results / name) as archive:
                content += b"".join(archive.read(member) for member in archive.namelist())
        for secret in (SECRET, str(tmp_path), "private-place", str(Path.home())):
            assert secret.encode() not in content, name
        assert "/" not in name
        if name.endswith(".png"):
            assert _list_chunks(content) <= {b"IHDR", b"PLTE", b"tRNS", b"sRGB", b"IDAT", b"IEND"}
        if name.endswith(".tif"):
            with Image.open(results / name) as picture:
                assert not set(picture.tag_v2) & set(TIFF_TAGS.values())


def _list_chunks(content: bytes) -> set[bytes]:
    place, found = 8, set()
    while place < len(content):
        found.add(content[place + 4 : place + 8])
        place += 12 + int(struct.unpack(">I", content[place : place + 4])[0])
    return found
