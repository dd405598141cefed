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

from claire.data.examples import generate_flood_pair

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
