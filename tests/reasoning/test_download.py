"""Downloads: cut off, resumed, altered, redirected, too large; only the right bytes become a model."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from claire.core.errors import EngineError
from claire.core.settings import Settings
from claire.reasoning import download as module
from claire.reasoning.download import download
from claire.reasoning.gguf import NANO, LanguageModel, place_of

CONTENT = b"GGUF" + bytes(range(256)) * 400
HALF = len(CONTENT) // 2


class Server(ThreadingHTTPServer):
    """Serves `CONTENT` as badly as it is told to."""

    how = "good"
    asked: list[str | None]


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.server.asked.append(wanted)
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and self.server.how != "no ranges" else 0
        how, body = self.server.how, CONTENT[start:]
        if how == "missing":
            self.send_error(404)
            return
        if how in ("loop", "elsewhere"):
            self.send_response(302)
            self.send_header("Location", self.path if how == "loop" else "ftp://127.0.0.1/x")
            self.end_headers()
            return
        body = {"page": b"<html>" + body, "altered": body[:-1] + b"?", "longer": body + b"more"}.get(how, body)
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:HALF] if how == "cut" and not start else body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server(("127.0.0.1", 0), Handler)
    made.asked = []
    threading.Thread(target=made.serve_forever, args=(0.02,), daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


@pytest.fixture
def model(server: Server) -> LanguageModel:
    url = f"http://127.0.0.1:{server.server_address[1]}/model.gguf"
    return LanguageModel("some", "some.gguf", hashlib.sha256(CONTENT).hexdigest(), len(CONTENT), "MIT", url)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path)


def fetch(model: LanguageModel, settings: Settings) -> Path:
    return download(model, settings, lambda done, total: None)


def test_a_model_arrives_whole_and_progress_is_told(model: LanguageModel, settings: Settings) -> None:
    heard: list[tuple[int, int]] = []
    path = download(model, settings, lambda done, total: heard.append((done, total)))
    assert path == place_of(model, settings)
    assert path.read_bytes() == CONTENT
    assert heard[-1] == (len(CONTENT), len(CONTENT))
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_a_model_that_is_there_is_not_fetched_again(model: LanguageModel, settings: Settings, server: Server) -> None:
    fetch(model, settings)
    fetch(model, settings)
    assert len(server.asked) == 1


def test_a_cut_download_goes_on_where_it_stopped(model: LanguageModel, settings: Settings, server: Server) -> None:
    server.how = "cut"
    assert fetch(model, settings).read_bytes() == CONTENT
    assert server.asked == [None, f"bytes={HALF}-"]


def test_what_an_earlier_run_left_is_used(model: LanguageModel, settings: Settings, server: Server) -> None:
    path = place_of(model, settings)
    path.parent.mkdir(parents=True)
    path.with_name(path.name + ".part").write_bytes(CONTENT[:1000])
    assert fetch(model, settings).read_bytes() == CONTENT
    assert server.asked == ["bytes=1000-"]


def test_a_server_without_ranges_starts_again(model: LanguageModel, settings: Settings, server: Server) -> None:
    server.how = "no ranges"
    path = place_of(model, settings)
    path.parent.mkdir(parents=True)
    path.with_name(path.name + ".part").write_bytes(b"GGUF-old")
    assert fetch(model, settings).read_bytes() == CONTENT


@pytest.mark.parametrize("how", ["page", "altered", "longer", "loop", "elsewhere", "missing"])
def test_nothing_wrong_ever_becomes_a_model(how: str, model: LanguageModel, settings: Settings, server: Server) -> None:
    server.how = how
    with pytest.raises(EngineError) as caught:
        fetch(model, settings)
    assert len(caught.value.message) < 200
    assert not place_of(model, settings).exists()
    server.how = "good"
    assert fetch(model, settings).read_bytes() == CONTENT


def test_a_full_disk_is_said_before_anything_is_fetched(
    model: LanguageModel, settings: Settings, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 10}))
    with pytest.raises(EngineError, match="are free"):
        fetch(model, settings)
    assert not server.asked


def test_what_comes_with_the_program_is_not_downloaded(settings: Settings) -> None:
    with pytest.raises(EngineError, match="comes with the program"):
        fetch(NANO, settings)
