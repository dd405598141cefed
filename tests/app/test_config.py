"""The app tells nobody anything and listens to this machine only."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
import streamlit as st

from claire.core.versions import FLOORS, parse_version
from claire.ui.startup import OPTIONS

CLOSED = {
    ("client", "showErrorDetails"): "none",
    ("client", "showSidebarNavigation"): False,
    ("server", "address"): "127.0.0.1",
    ("server", "enableCORS"): True,
    ("server", "enableXsrfProtection"): True,
    ("server", "enableStaticServing"): False,
    ("browser", "gatherUsageStats"): False,
    ("client", "showErrorLinks"): False,
    ("server", "allowedHosts"): ["127.0.0.1", "localhost"],
}


def test_a_page_that_asks_how_far_a_job_is_does_not_stop_the_job(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)
    assert st.get_option("runner.postScriptGC") is False


@pytest.mark.parametrize(("section", "option"), CLOSED)
def test_the_door_is_closed(root: Path, section: str, option: str) -> None:
    settings = tomllib.loads((root / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    assert settings[section][option] == CLOSED[section, option]


@pytest.mark.parametrize("option", OPTIONS)
def test_what_the_start_up_check_wants_is_what_the_file_says(root: Path, option: str) -> None:
    section, name = option.split(".")
    assert CLOSED[section, name] in OPTIONS[option]


@pytest.mark.parametrize(("section", "option"), CLOSED)
def test_what_the_file_says_is_in_force(root: Path, section: str, option: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)
    assert st.get_option(f"{section}.{option}") == CLOSED[section, option]


def test_streamlit_is_new_enough() -> None:
    assert parse_version(st.__version__) >= FLOORS["streamlit"] >= (1, 54)


def test_uploads_are_limited(root: Path) -> None:
    settings = tomllib.loads((root / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    assert settings["server"]["maxUploadSize"] <= 1000


def test_pages_are_thin(root: Path) -> None:
    for page in (root / "app.py", *(root / "pages").glob("*.py")):
        lines = page.read_text(encoding="utf-8").splitlines()
        imported = {line.split()[1].split(".")[0] for line in lines if line.startswith(("import ", "from "))}
        assert imported <= {"streamlit", "claire"}, page.name
        assert 8 <= len(lines) <= 50, page.name
        assert page.stem.isidentifier()
