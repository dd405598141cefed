"""A running app and a real browser."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from claire.data.examples import generate_flood_pair

CHROMIUM_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
START_SECONDS = 90


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here is a browser test."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def ombria_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four generated chips in the layout of OMBRIA, under a folder that holds data sets."""
    folder = tmp_path_factory.mktemp("data")
    for number in range(1, 5):
        tile = generate_flood_pair(100 + number, 128)
        optical, sar = np.moveaxis(tile.optical.values, 0, -1), tile.sar.values
        dates = ("BEFORE", optical[..., :3], sar[0]), ("AFTER", optical[..., 3:], sar[1])
        for date, colours, grey in dates:
            _store(folder / f"ombria/OmbriaS2/train/{date}/S2_{date.lower()}_{number:04d}.png", colours)
            _store(folder / f"ombria/OmbriaS1/train/{date}/S1_{date.lower()}_{number:04d}.png", grey)
        for sensor in ("S1", "S2"):
            _store(folder / f"ombria/Ombria{sensor}/train/MASK/{sensor}_mask_{number:04d}.png", tile.label * 255)
    return folder


@pytest.fixture(scope="session")
def start_app(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Path | None], str]]:
    """Starts the app with a data folder and gives its address; every app is stopped at the end."""
    running: list[subprocess.Popen[bytes]] = []

    def start(data: Path | None) -> str:
        port = _find_port()
        environment = {**os.environ, "CLAIRE_HOME": str(tmp_path_factory.mktemp("home"))}
        environment.pop("CLAIRE_DATA", None)
        if data is not None:
            environment["CLAIRE_DATA"] = str(data)
        log = tmp_path_factory.mktemp("log") / "streamlit.log"
        command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
        with log.open("wb") as stream:
            running.append(subprocess.Popen(command, cwd=root, env=environment, stdout=stream, stderr=stream))
        _wait_for(port, running[-1], log)
        return f"http://127.0.0.1:{port}"

    yield start
    for process in running:
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Any]:
    """Chromium with a fresh profile."""
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=list(CHROMIUM_FLAGS))
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A page of a private context; whatever it asks for outside this machine is a failure."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    opened = context.new_page()
    opened.set_default_timeout(240_000)
    strangers: list[str] = []
    opened.on("request", lambda request: _note_stranger(request.url, strangers))
    yield opened
    context.close()
    assert not strangers, f"The page asked for {strangers[:3]}."


def _note_stranger(url: str, strangers: list[str]) -> None:
    if not url.startswith(("http://127.0.0.1", "ws://127.0.0.1", "data:", "blob:")):
        strangers.append(url)


def _store(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.ascontiguousarray(pixels)).save(path)


def _find_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=2):
                return
        except OSError:
            time.sleep(0.2)
    pytest.fail(f"The app did not start: {log.read_text(errors='replace')[-2000:]}")
