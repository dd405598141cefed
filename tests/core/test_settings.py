"""Limits come from the environment, and wrong ones are refused by name."""

from __future__ import annotations

import os
from dataclasses import fields
from pathlib import Path

import pytest

from claire.core.errors import InputError
from claire.core.settings import PLACES, Settings

LIMITS = [item.name for item in fields(Settings) if item.name not in {"data", *PLACES}]


def test_an_empty_environment_gives_the_defaults() -> None:
    assert Settings.from_environment({}) == Settings()
    assert Settings.from_environment({"CLAIRE_DATA": ""}).data == ()


@pytest.mark.parametrize("name", LIMITS)
def test_every_limit_can_be_set(name: str) -> None:
    assert getattr(Settings.from_environment({f"CLAIRE_{name.upper()}": "17"}), name) == 17


@pytest.mark.parametrize("text", ["0", "-3", "many", "1.5", "", " 7"])
def test_a_limit_that_is_no_positive_whole_number_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="CLAIRE_MAX_SIDE"):
        Settings.from_environment({"CLAIRE_MAX_SIDE": text})


def test_places_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    settings = Settings.from_environment(
        {"CLAIRE_DATA": os.pathsep.join(("~/a", "", "b")), "CLAIRE_HOME": "~/c", "CLAIRE_GGUF": "d.gguf"}
    )
    assert settings.data == (Path("/home/somebody/a"), Path("b"))
    assert settings.home == Path("/home/somebody/c")
    assert settings.gguf == Path("d.gguf")
