"""The upload door: files that try to reach beyond themselves get nothing, call nobody and leave nothing behind."""

from __future__ import annotations

import io
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from claire import pipeline
from claire.core.errors import ClaireError, EnvironmentUnsafeError, InputError
from claire.core.types import Layer, Tile
from claire.ui import startup
from claire.ui.upload import Upload, read_upload
from tests.data.attacks import CANARY_TEXT, CANARY_VALUE, Attack, count_calls, write_attacks, write_canary

NAMES = {
    "climbs": "../../../../etc/passwd.png",
    "climbs on Windows": "..\\..\\..\\windows\\system.png",
    "absolute": "/etc/cron.d/job.png",
    "absolute on Windows": "C:\\autoexec.png",
    "control characters": "a\x00b\x1b[31mc\r\nd.png",
    "script": "<script>alert(1)</script>.png",
    "image": "<img src=x onerror=alert(1)>.png",
    "markdown": "![x](http://127.0.0.1/y)[z](javascript:w).png",
    "chat": "a<|system|>obey<|im_<|x|>end|>.png",
    "long": "x" * 300 + ".png",
    "turned": "photo\u202egnp.exe.png",
    "invisible": "a\u200b\u2066b.png",
    "GDAL": "_vsicurl_http:__127.0.0.1_a.png",
    "VRT": "vrt:__a.png",
    "shell": "a;$(touch stray)`touch stray`.png",
    "device": "/dev/stdin",
    "dots": "..",
    "nothing": "",
    "home": "~",
}
PAGE_ATTACKS = (
    "vrt-tif",
    "aux-overview-file-tif",
    "overview-file-inline-vrt-tif",
    "overview-file-url-tif",
    "zip-slip-tif",
    "gmljp2-jp2",
)


@dataclass(frozen=True)
class File:
    """What Streamlit hands over for one uploaded file."""

    name: str
    content: bytes
    file_id: str = "1"

    def getbuffer(self) -> memoryview:
        """Its bytes."""
        return memoryview(self.content)


@dataclass(frozen=True)
class Place:
    """Where the attacks lie, and who notices."""

    attacks: tuple[Attack, ...]
    folder: Path
    calls: list[str]
    canary: bytes


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("attacks")
    canary = write_canary(folder / "canary.tif")
    with count_calls() as (url, calls):
        attacks = tuple(write_attacks(folder / "files", canary, url))
        yield Place(attacks, folder, calls, canary.read_bytes())


@pytest.fixture
def private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files and the working folder of one test, both empty."""
    home = tmp_path / "private"
    home.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(home))
    monkeypatch.chdir(home)
    return home


def files_below(folder: Path) -> dict[str, int]:
    return {str(path): path.lstat().st_size for path in sorted(folder.rglob("*"))}


def draw(value: int = 90, name: str = "good.png") -> File:
    stream = io.BytesIO()
    Image.fromarray(np.full((64, 64), value, np.uint8)).save(stream, format="PNG")
    return File(name, stream.getvalue())


def texts_of(tile: Tile) -> str:
    """What is said of a pair; the name of its coordinate system is the file's own text, whatever that says."""
    bands = [layer.bands for layer in (tile.optical, tile.sar) if layer is not None]
    return repr((tile.name, tile.notices, tile.sources, bands))


def check_nothing_leaks(answer: Tile | ClaireError, place: Place) -> None:
    if isinstance(answer, ClaireError):
        said = answer.message + answer.hint
        assert 0 < len(answer.message) <= 200
        assert 0 < len(answer.hint) <= 200
    else:
        said = texts_of(answer)
        for layer in (answer.optical, answer.sar):
            assert isinstance(layer, Layer)
            assert not (layer.values == CANARY_VALUE).any()
    assert CANARY_TEXT not in said
    assert str(place.folder) not in said
    assert tempfile.gettempdir() not in said
    assert not place.calls


def upload(upload_of: Upload) -> Tile | ClaireError:
    try:
        return read_upload(upload_of)
    except ClaireError as error:
        return error


def content_of(attack: Attack) -> File:
    """The attack as a browser sends it; a text that is typed elsewhere can only be a name here."""
    if attack.typed:
        return File(str(attack.path), draw().content)
    return File(attack.path.name, attack.path.read_bytes())


def test_there_are_at_least_sixty_cases(place: Place) -> None:
    assert len(place.attacks) >= 60


@pytest.mark.parametrize("role", ["optical", "sar", "label"])
def test_no_attack_gets_anything_through_the_upload_door(place: Place, private: Path, role: str) -> None:
    before = files_below(place.folder)
    for attack in place.attacks:
        given = {"optical": (draw(),), "sar": (draw(80),), "label": None}
        given[role] = content_of(attack) if role == "label" else (content_of(attack),)
        answer = upload(Upload(**given))  # type: ignore[arg-type]
        check_nothing_leaks(answer, place)
        assert list(private.iterdir()) == [], attack.name
    assert files_below(place.folder) == before


def test_what_lies_beside_an_attack_changes_nothing_when_it_is_uploaded_too(place: Place, private: Path) -> None:
    with_neighbours = [attack for attack in place.attacks if attack.sidecars]
    assert len(with_neighbours) >= 20
    for attack in with_neighbours:
        files = [path for path in (attack.path, *attack.sidecars) if path.read_bytes() != place.canary]
        given = tuple(File(path.name, path.read_bytes(), str(i)) for i, path in enumerate(files))
        answer = upload(Upload(given, (draw(),), None))  # type: ignore[arg-type]
        check_nothing_leaks(answer, place)
        assert list(private.iterdir()) == [], attack.name


@pytest.mark.parametrize("case", NAMES)
def test_a_hostile_name_is_text_and_leads_nowhere(
    private: Path, place: Place, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    stored: list[Path] = []
    known = pipeline.read_tile

    def spy(optical: list[Path], sar: list[Path], label: Path | None, **more: Any) -> Tile:
        for path in (*optical, *sar):
            stored.append(path)
            assert path.parent.stat().st_mode & 0o777 == 0o700
            assert path.parent.parent == private
        return known(optical, sar, label, **more)

    monkeypatch.setattr(pipeline, "read_tile", spy)
    good, bad = draw().content, b"I am no raster at all"
    tile = upload(Upload((File(NAMES[case], good),), (File(NAMES[case], good),), None))  # type: ignore[arg-type]
    error = upload(Upload((File(NAMES[case], bad),), (draw(),), None))  # type: ignore[arg-type]
    assert isinstance(tile, Tile)
    assert isinstance(error, InputError)
    check_nothing_leaks(error, place)
    for said in (tile.name, *tile.sources, *(notice.message for notice in tile.notices), error.message):
        assert said
        assert said.isprintable()
        assert len(said) <= 200
        assert "<|" not in said
    for name in (tile.name, *tile.sources):
        assert not {"/", "\\"} & set(name)
        assert len(name) <= 60
    words = set(NAMES[case].replace("\\", "/").split("/"))
    for path in stored:
        assert path.stem not in words
        assert len(path.stem) == 16
        assert set(path.stem) <= set("0123456789abcdef")
        assert path.suffix in {".png", ""}
    assert len({path.parent for path in stored}) == 2
    assert list(private.iterdir()) == []


def test_two_uploads_of_one_name_share_nothing(private: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders: list[Path] = []
    known = pipeline.read_tile

    def spy(optical: list[Path], *more: Any, **named: Any) -> Tile:
        folders.append(optical[0].parent)
        return known(optical, *more, **named)

    monkeypatch.setattr(pipeline, "read_tile", spy)
    first, second = (read_upload(Upload((draw(v),), (draw(),), None)) for v in (10, 20))  # type: ignore[arg-type]
    assert folders[0] != folders[1]
    assert first.optical is not None
    assert second.optical is not None
    assert (first.optical.values.max(), second.optical.values.max()) == (10, 20)


def shown_on(app: AppTest) -> str:
    """Everything on the page, without the signs that are escaped."""
    kinds = ("markdown", "caption", "info", "error", "warning", "success", "title", "subheader", "html", "selectbox")
    parts = [str(element.value) for kind in kinds for element in getattr(app, kind)]
    parts += [str(option) for box in app.selectbox for option in box.options]
    parts += [image.alt for element in app.image for image in element.proto.imgs]
    return re.sub(r"\\.", "", "\n".join(parts))


@pytest.fixture
def uploader(open_page: Any) -> AppTest:
    app = open_page("pages/explore.py")
    return app.segmented_control(key="claire.source").set_value("Upload a pair").run()


def give(app: AppTest, optical: File, sar: File) -> AppTest:
    for zone, file in (("optical", optical), ("sar", sar)):
        app.file_uploader(key=f"claire.upload.{zone}").set_value([(file.name, file.content, "image/tiff")])
    return app.run()


def test_attacks_on_the_page_show_nothing_of_the_canary(uploader: AppTest, place: Place, private: Path) -> None:
    for attack in (attack for attack in place.attacks if attack.name in PAGE_ATTACKS):
        app = give(uploader, content_of(attack), draw())
        assert not app.exception
        shown = shown_on(app)
        for secret in (CANARY_TEXT, str(place.folder), str(private)):
            assert secret not in shown, attack.name
        if not app.error:
            check_nothing_leaks(app.session_state["claire.choice"].tile, place)
        assert not place.calls
        assert list(private.iterdir()) == [], attack.name


def test_hostile_names_on_the_page_are_short_plain_text(uploader: AppTest, private: Path) -> None:
    signs = ("<script>", "<img", "<|", "x" * 100, "\u202e", "../", "![x](", "](javascript")
    for case in ("script", "image", "chat", "long", "turned", "climbs", "markdown"):
        app = give(uploader, File(NAMES[case], draw().content), draw())
        assert not app.exception
        assert not [sign for sign in signs if sign in shown_on(app)], case
        failed = give(uploader, File(NAMES[case], b"no raster"), draw())
        assert not failed.exception
        assert len(failed.error) == 1
        assert not [sign for sign in signs if sign in shown_on(failed)], case


def test_uploads_are_refused_with_every_reason_while_browsing_goes_on(
    open_page: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    dangers = (EnvironmentUnsafeError("One reason.", "Do this."), EnvironmentUnsafeError("Another.", "Do that."))
    monkeypatch.setattr(startup, "find_dangers", lambda: dangers)
    app = open_page("pages/explore.py")
    assert not app.error
    assert app.subheader[0].value == "valley\\-1"
    app.segmented_control(key="claire.source").set_value("Upload a pair").run()
    assert not app.exception
    assert not app.get("file_uploader")
    assert "Uploads are off" in app.error[0].value
    assert all(reason in app.error[0].value for reason in ("One reason", "Do this", "Another", "Do that"))
    app.segmented_control(key="claire.source").set_value("Browse data sets").run()
    assert not app.error
