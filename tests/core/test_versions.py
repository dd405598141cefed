"""Floors are the lower bounds of the project, compared as numbers."""

from __future__ import annotations

import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from claire.core.versions import FLOORS, find_outdated, parse_version


def test_floors_are_the_lower_bounds_of_the_project(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [*project["dependencies"], *project["optional-dependencies"]["app"]]
    bounds = dict(re.match(r"([\w-]+)>=([\d.]+)", line).groups() for line in lines)  # type: ignore[union-attr]
    assert {name: parse_version(bounds[name]) for name in FLOORS} == dict(FLOORS)
    assert FLOORS["streamlit"] >= (1, 54)
    assert FLOORS["torch"] >= (2, 10)


def test_this_machine_is_new_enough() -> None:
    assert find_outdated() == {}


@pytest.mark.parametrize(
    ("version", "old"), [("2.9.1", True), ("2.10.0+cpu", False), ("2.10", False), ("10.0", False), ("none", True)]
)
def test_versions_are_compared_as_numbers(monkeypatch: pytest.MonkeyPatch, version: str, old: bool) -> None:
    monkeypatch.setattr(metadata, "version", lambda package: version)
    assert find_outdated(["torch"]) == ({"torch": version} if old else {})


def test_what_is_not_installed_is_below_every_floor(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(package: str) -> str:
        raise metadata.PackageNotFoundError(package)

    monkeypatch.setattr(metadata, "version", missing)
    assert find_outdated() == dict.fromkeys(FLOORS, "absent")
