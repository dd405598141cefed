"""Uploads: a pair becomes the chosen one; what is wrong is a sentence with a hint, in the user's own file names."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from claire.core.types import GeoReference
from claire.data.examples import generate_flood_pair
from claire.data.raster import write_geotiff

File = tuple[str, bytes, str]


def picture(name: str, bands: np.ndarray) -> File:
    """A PNG of (C, H, W) or (H, W)."""
    stream = io.BytesIO()
    Image.fromarray(np.moveaxis(bands, 0, -1) if bands.ndim == 3 else bands).save(stream, format="PNG")
    return name, stream.getvalue(), "image/png"


@pytest.fixture
def uploader(open_page: Any) -> AppTest:
    app = open_page("pages/explore.py")
    app.segmented_control(key="claire.source").set_value("Upload a pair").run()
    return app


def upload(app: AppTest, optical: list[File], sar: list[File], label: File | None = None) -> AppTest:
    app.file_uploader(key="claire.upload.optical").set_value(optical)
    app.file_uploader(key="claire.upload.sar").set_value(sar)
    if label:
        app.file_uploader(key="claire.upload.label").set_value(label)
    return app.run()


def flood_files(seed: int = 5) -> tuple[list[File], list[File], File]:
    """The generated pair as OMBRIA would store it, the later date first, as file pickers sort."""
    tile = generate_flood_pair(seed, 64)
    optical, sar = tile.optical.values, tile.sar.values
    return (
        [picture("S2_after_1.png", optical[3:]), picture("S2_before_1.png", optical[:3])],
        [picture("S1_after_1.png", sar[1]), picture("S1_before_1.png", sar[0])],
        picture("mask.png", tile.label * 255),
    )


def test_a_pair_of_two_dates_is_stacked_earlier_first_and_compared(uploader: AppTest, fakes: Any) -> None:
    app = upload(uploader, *flood_files())
    assert not app.exception
    assert not app.error
    assert app.subheader[0].value == "S2\\_before\\_1"
    app.switch_page("pages/compare.py").run()
    assert not app.exception
    assert fakes.calls["analyse"] == 1
    assert any("flood IoU" in caption.value for caption in app.caption)
    chosen = app.session_state["claire.choice"].tile
    expected = generate_flood_pair(5, 64)
    assert chosen.optical.bands == expected.optical.bands
    np.testing.assert_array_equal(chosen.optical.values, expected.optical.values)
    np.testing.assert_array_equal(chosen.sar.values, expected.sar.values)
    np.testing.assert_array_equal(chosen.label, expected.label)


def test_bands_can_be_assigned_otherwise(uploader: AppTest) -> None:
    app = upload(uploader, *flood_files())
    boxes = [box for box in app.selectbox if (box.key or "").startswith("claire.bands.sar")]
    assert [box.label for box in boxes] == ["VV\\_before", "VV\\_after"]
    first, second = (box.value for box in boxes)
    boxes[0].select(second)
    boxes[1].select(first)
    app.run()
    expected = generate_flood_pair(5, 64).sar.values[::-1]
    np.testing.assert_array_equal(app.session_state["claire.choice"].tile.sar.values, expected)


def test_units_are_shown_and_can_be_changed(uploader: AppTest) -> None:
    app = upload(uploader, *flood_files())
    box = next(box for box in app.selectbox if (box.key or "").startswith("claire.unit.sar"))
    assert box.value == "uint8"
    box.select("amplitude").run()
    assert app.session_state["claire.choice"].tile.sar.unit == "amplitude"


def test_a_pair_without_a_label_is_welcome(uploader: AppTest) -> None:
    optical, sar, _ = flood_files()
    app = upload(uploader, optical, sar)
    assert not app.error
    assert app.session_state["claire.choice"].tile.label is None


def test_a_text_file_is_a_sentence_and_a_hint_with_its_own_name(uploader: AppTest) -> None:
    _, sar, _ = flood_files()
    app = upload(uploader, [("notes.tif", b"I am no raster at all", "image/tiff")], sar)
    assert not app.exception
    assert "notes.tif" in app.error[0].value
    assert "GeoTIFF" in app.error[0].value
    assert tempfile.gettempdir() not in app.error[0].value


def test_a_label_of_another_size_is_a_sentence(uploader: AppTest) -> None:
    optical, sar, _ = flood_files()
    app = upload(uploader, optical, sar, picture("mask.png", np.ones((10, 12), np.uint8)))
    assert not app.exception
    assert len(app.error) == 1


def test_too_few_bands_are_said_on_the_page_and_on_compare(uploader: AppTest, fakes: Any) -> None:
    optical, sar, _ = flood_files()
    app = upload(uploader, optical[:1], sar)
    assert any("wants 6 bands" in warning.value for warning in app.warning)
    app.switch_page("pages/compare.py").run()
    assert "wants other bands" in app.error[0].value
    assert "analyse" not in fakes.calls


def test_a_file_name_with_markup_is_text(uploader: AppTest) -> None:
    optical, sar, _ = flood_files()
    app = upload(uploader, [("![x](http: y).png", *optical[0][1:]), optical[1]], sar)
    assert all("![x](" not in element.value for element in (*app.subheader, *app.caption, *app.markdown))


def test_nothing_is_left_behind(uploader: AppTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    upload(uploader, *flood_files())
    assert list(tmp_path.iterdir()) == []


def geotiff(name: str, values: np.ndarray, folder: Path, bands: tuple[str, ...] = ()) -> File:
    """A GeoTIFF without coordinates."""
    write_geotiff(folder / "file.tif", values, GeoReference(), descriptions=bands)
    return name, (folder / "file.tif").read_bytes(), "image/tiff"


def decibels(folder: Path) -> File:
    values = np.random.default_rng(0).normal(-12, 3, (2, 64, 64)).astype(np.float32)
    return geotiff("s1.tif", values, folder)


def counts(folder: Path, bands: tuple[str, ...] = ()) -> File:
    return geotiff("s2.tif", np.random.default_rng(0).integers(1, 255, (6, 64, 64), np.uint8), folder, bands)


def press(app: AppTest, label: str) -> AppTest:
    return next(button for button in app.button if button.label == label).click().run()


def find_upload(app: AppTest) -> Any:
    """The tile that is chosen, if it was uploaded."""
    if "claire.choice" not in app.session_state:
        return None
    choice = app.session_state["claire.choice"]
    return None if choice.dataset else choice.tile


def test_a_guessed_unit_waits_for_the_word_of_the_user(uploader: AppTest, tmp_path: Path) -> None:
    app = upload(uploader, [counts(tmp_path)], [decibels(tmp_path)])
    assert not app.error
    assert find_upload(app) is None
    assert any("guessed from them (SAR: -1" in caption.value for caption in app.caption)
    app.checkbox[0].check().run()
    assert app.session_state["claire.choice"].tile.sar.unit == "db"
    app.checkbox[0].uncheck().run()
    assert find_upload(app) is None


def test_files_in_each_others_place_can_be_swapped_and_back(uploader: AppTest, tmp_path: Path) -> None:
    app = upload(uploader, [decibels(tmp_path)], [counts(tmp_path)])
    assert "looks like SAR" in app.error[0].value
    assert "--" not in app.error[0].value
    assert find_upload(app) is None
    press(app, "Swap the two files")
    assert not app.error
    app.checkbox[0].check().run()
    tile = app.session_state["claire.choice"].tile
    assert (tile.name, len(tile.optical.bands), tile.sar.unit) == ("s2", 6, "db")
    press(app, "Swap them back")
    assert "looks like SAR" in app.error[0].value
    assert find_upload(app) is None


def test_files_that_would_fit_the_other_way_round_are_asked_about(uploader: AppTest) -> None:
    optical, sar, _ = flood_files()
    app = upload(uploader, sar, optical)
    assert any("other way round" in warning.value for warning in app.warning)
    press(app, "Swap the two files")
    assert not any("other way round" in warning.value for warning in app.warning)
    expected = generate_flood_pair(5, 64)
    np.testing.assert_array_equal(app.session_state["claire.choice"].tile.optical.values, expected.optical.values)


def test_bands_that_have_the_names_of_the_model_can_be_assigned_by_hand(uploader: AppTest, tmp_path: Path) -> None:
    names = generate_flood_pair(5, 32).optical.bands
    app = upload(uploader, [counts(tmp_path, names)], flood_files()[1][:1] * 2)
    assert not [box for box in app.selectbox if (box.key or "").startswith("claire.bands.optical")]
    next(t for t in app.toggle if t.label.startswith("Optical")).set_value(True).run()
    boxes = [box for box in app.selectbox if (box.key or "").startswith("claire.bands.optical")]
    assert tuple(box.value for box in boxes) == names


def test_a_band_without_a_counterpart_is_asked_for(uploader: AppTest, tmp_path: Path) -> None:
    given = ("B11", "B8", "B3", "B4", "B5", "B6")
    app = upload(uploader, [counts(tmp_path, given)], flood_files()[1])
    assert any("choose a band for every box" in warning.value for warning in app.warning)
    boxes = [box for box in app.selectbox if (box.key or "").startswith("claire.bands.optical")]
    assert [box.value for box in boxes] == ["B11", "B8", "B3", None, None, None]
    for box, band in zip(boxes[3:], given[3:], strict=True):
        box.select(band)
    app.run()
    assert app.session_state["claire.choice"].tile.optical.bands == generate_flood_pair(5, 32).optical.bands
