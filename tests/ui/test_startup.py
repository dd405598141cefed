"""Each reason not to take files from strangers is found and said."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import metadata
from typing import Any

import pytest
import streamlit as st

from claire.core.errors import EnvironmentUnsafeError
from claire.core.versions import FLOORS
from claire.data import raster
from claire.ui.startup import OPTIONS, find_dangers

UNSAFE: dict[str, object] = {
    "client.showErrorDetails": "full",
    "server.address": "0.0.0.0",  # noqa: S104 - the very thing that is refused
    "server.enableCORS": False,
    "server.enableXsrfProtection": False,
    "server.enableStaticServing": True,
    "browser.gatherUsageStats": True,
    "server.maxUploadSize": 5000,
}


@pytest.fixture(autouse=True)
def anew() -> Iterator[None]:
    find_dangers.cache_clear()
    yield
    find_dangers.cache_clear()


def set_option(monkeypatch: pytest.MonkeyPatch, option: str, value: object) -> None:
    """As if Streamlit had been started with it."""
    known = st.get_option
    monkeypatch.setattr(st, "get_option", lambda name: value if name == option else known(name))


def test_this_program_is_safe() -> None:
    assert find_dangers() == ()


@pytest.mark.parametrize("option", UNSAFE)
def test_an_open_option_is_a_danger_by_name(monkeypatch: pytest.MonkeyPatch, option: str) -> None:
    set_option(monkeypatch, option, UNSAFE[option])
    (danger,) = find_dangers()
    assert option in danger.message + danger.hint


@pytest.mark.parametrize(
    ("option", "value"), [("server.address", None), ("client.showErrorDetails", True), ("server.enableCORS", None)]
)
def test_an_option_that_is_not_set_is_a_danger(monkeypatch: pytest.MonkeyPatch, option: str, value: object) -> None:
    set_option(monkeypatch, option, value)
    assert [option in danger.message for danger in find_dangers()] == [True]


def test_every_option_that_is_wanted_has_a_case() -> None:
    assert set(OPTIONS) < set(UNSAFE)


@pytest.mark.parametrize("package", FLOORS)
def test_an_old_package_is_a_danger(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    known = metadata.version
    monkeypatch.setattr(metadata, "version", lambda name: "0.0.1" if name == package else known(name))
    (danger,) = find_dangers()
    assert package in danger.message
    assert "0.0.1" in danger.message


def test_a_raster_library_that_is_not_locked_down_is_a_danger(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise EnvironmentUnsafeError("GDAL has 3 drivers too many.", "Start again.")

    monkeypatch.setattr(raster, "check_environment", refuse)
    assert [danger.message for danger in find_dangers()] == ["GDAL has 3 drivers too many."]


def test_all_reasons_are_said_together_and_each_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "version", lambda name: "0.0.1" * 500)
    monkeypatch.setattr(st, "get_option", lambda name: 10**9 if name == "server.maxUploadSize" else "x" * 500)
    dangers = find_dangers()
    assert len(dangers) == len(FLOORS) + len(UNSAFE)
    assert all(len(danger.message) <= 200 and danger.hint for danger in dangers)


def test_the_check_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Any] = []
    monkeypatch.setattr(raster, "check_environment", lambda: calls.append(1))
    find_dangers()
    find_dangers()
    assert len(calls) == 1
