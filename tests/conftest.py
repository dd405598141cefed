"""Fixtures that several test packages share."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

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


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Downloads and jobs of the tests never touch the user's own."""
    monkeypatch.setenv("CLAIRE_HOME", str(tmp_path_factory.mktemp("home")))
