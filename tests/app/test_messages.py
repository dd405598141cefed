"""What the upload door says of each wrong pair: one sentence and a hint, on a card."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from claire.core.errors import ClaireError
from claire.core.types import GeoReference
from claire.data.raster import write_geotiff
from claire.ui.faults import show_error
from claire.ui.text import as_text
from tests.sentences import all_kinds, check_sentences

UTM = ("EPSG:32633", (10.0, 0.0, 500_000.0, 0.0, -10.0, 5_000_000.0))
FAR = ("EPSG:32633", (10.0, 0.0, 900_000.0, 0.0, -10.0, 1_000_000.0))
Content = Callable[[Path], bytes]


def raster(values: Any, place: tuple[Any, ...] = (None, None)) -> Content:
    def build(folder: Path) -> bytes:
        write_geotiff(folder / "x.tif", np.asarray(values), GeoReference(*place))
        content = (folder / "x.tif").read_bytes()
        (folder / "x.tif").unlink()
        return content

    return build


def fixed(content: bytes) -> Content:
    return lambda folder: content


GOOD = raster(np.arange(64 * 64, dtype=np.uint8).reshape(1, 64, 64) % 200 + 1)
NOTHING = raster(np.full((1, 64, 64), np.nan, np.float32))
WRONG: dict[str, tuple[str, Content, Content, Content | None]] = {
    "text": ("format", fixed(b"hello"), GOOD, None),
    "empty file": ("format", GOOD, fixed(b""), None),
    "cut off": ("format", lambda folder: GOOD(folder)[:300], GOOD, None),
    "virtual raster": ("format", fixed(b"<VRTDataset rasterXSize='1' rasterYSize='1'/>"), GOOD, None),
    "archive": ("format", fixed(b"PK\x03\x04" + b"\0" * 100), GOOD, None),
    "too many bands": ("budget", raster(np.ones((65, 8, 8), np.uint8)), GOOD, None),
    "other size": ("grid", GOOD, raster(np.ones((1, 20, 64), np.uint8)), None),
    "far apart": (
        "grid",
        raster(np.ones((1, 64, 64), np.uint8), UTM),
        raster(np.ones((1, 64, 64), np.uint8), FAR),
        None,
    ),
    "label of another size": ("grid", GOOD, GOOD, raster(np.ones((1, 20, 64), np.uint8))),
    "label of fractions": ("label", GOOD, GOOD, raster(np.full((1, 64, 64), 0.5, np.float32))),
}
NAME = "Über <b>[x](y)</b> " + "long " * 30 + ".tif"


def test_a_wrong_pair_is_one_card_with_one_sentence_and_a_hint(
    open_page: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[ClaireError] = []
    monkeypatch.setattr("claire.ui.faults.show_error", lambda error: (said.append(error), show_error(error)))
    app = open_page("pages/explore.py")
    app.segmented_control(key="claire.source").set_value("Upload a pair").run()
    for case, (code, optical, sar, label) in WRONG.items():
        said.clear()
        app.file_uploader(key="claire.upload.optical").set_value([(NAME, optical(tmp_path), "image/tiff")])
        app.file_uploader(key="claire.upload.sar").set_value([("sar.tif", sar(tmp_path), "image/tiff")])
        if label:
            app.file_uploader(key="claire.upload.label").set_value(("label.tif", label(tmp_path), "image/tiff"))
        app.run()
        assert not app.exception, case
        assert len(app.error) == 1, case
        assert "fault" not in app.error[0].value, case
        (error,) = said
        assert error.code == code, case
        check_sentences(error.message, error.hint, tempfile.gettempdir(), tmp_path)


def test_every_kind_of_error_is_a_card_with_its_sentence_and_hint() -> None:
    def page() -> None:
        from claire.ui.faults import error_boundary
        from tests.sentences import all_kinds

        for kind in all_kinds():
            with error_boundary():
                raise kind(f"What is *wrong* with {kind.code}.", "What to do.")

    app = AppTest.from_function(page).run()
    assert not app.exception
    for kind, error in zip(all_kinds(), app.error, strict=True):
        assert f"What is \\*wrong\\* with {as_text(kind.code)}" in error.value
        assert "What to do" in error.value
        assert kind.__name__ not in error.value
