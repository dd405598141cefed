"""Nothing that a file or a typed text names is opened, called or written: package and command line."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from claire.cli.app import main
from claire.core.errors import InputError
from claire.data.raster import describe_raster, read_raster
from tests.data.attacks import CANARY_TEXT, CANARY_VALUE, OWN_VALUES, Attack, count_calls, write_attacks, write_canary

with tempfile.TemporaryDirectory() as _folder:
    NAMES = [a.name for a in write_attacks(Path(_folder), write_canary(Path(_folder) / "canary.tif"), "http://x")]

PROCESSES = ("overview-file-inline-vrt-tif", "aux-overview-url-png", "gmljp2-jp2", "vrt-url-jpg", "typed-vsicurl")
"""Attacks that are also tried through a process of their own."""


@dataclass(frozen=True)
class Field:
    """Where the attacks lie, and what they tried to call."""

    folder: Path
    attacks: dict[str, Attack]
    calls: list[str]


@pytest.fixture(scope="module")
def field(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    folder = tmp_path_factory.mktemp("field")
    with count_calls() as (url, calls):
        found = write_attacks(folder / "attacks", write_canary(folder / "canary.tif"), url)
        yield Field(folder, {attack.name: attack for attack in found}, calls)


@pytest.fixture(autouse=True)
def nothing_left_behind(field: Field, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No call, and no new file beside the attack, in the working folder or in the folder for temporary files."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = list_files(field.folder)
    yield
    assert field.calls == []
    assert list_files(field.folder) == before
    assert list_files(tmp_path) == []


def list_files(folder: Path) -> list[tuple[Path, int]]:
    return [(path, path.lstat().st_size) for path in sorted(folder.rglob("*"))]


def assert_shows_nothing(text: str) -> None:
    assert CANARY_TEXT not in text
    assert f"{CANARY_VALUE}.0" not in text


def test_there_are_enough_cases() -> None:
    assert 2 * len(NAMES) >= 60


@pytest.mark.parametrize("name", NAMES)
def test_the_package_reads_the_file_itself_or_refuses_it(field: Field, name: str) -> None:
    path = field.attacks[name].path
    refusal = ""
    try:
        raster = read_raster(path)
        described = describe_raster(path)
    except InputError as error:
        refusal = error.message + error.hint
    if refusal:
        assert_shows_nothing(refusal)
        assert str(field.folder) not in refusal
        return
    assert_shows_nothing(repr(described))
    assert_shows_nothing(repr((raster.bands, raster.units, raster.georeference, raster.notices)))
    tolerance = 40 if raster.driver == "JPEG" else 0  # far from the canary
    assert np.abs(raster.values.astype(int) - OWN_VALUES).max() <= tolerance


@pytest.mark.parametrize("name", NAMES)
def test_the_command_line_shows_the_file_itself_or_refuses_it(
    field: Field, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(["inspect", "--json", "--pixels-sha256", "--", str(field.attacks[name].path)])
    out, err = capfd.readouterr()
    assert end.value.code in {0, 2}
    assert_shows_nothing(out + err)
    assert "Traceback" not in out + err


@pytest.mark.parametrize("name", PROCESSES)
def test_a_process_of_its_own_shows_the_file_itself_or_refuses_it(field: Field, name: str) -> None:
    code = "from claire.cli.app import main; main()"
    command = [sys.executable, "-c", code, "inspect", "--json", "--", str(field.attacks[name].path)]
    root = str(Path(__file__).resolve().parents[2])
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, env=os.environ | {"PYTHONPATH": root}
    )
    assert done.returncode in {0, 2}, done.stderr
    assert_shows_nothing(done.stdout + done.stderr)


def test_the_canary_is_seen_where_it_is_read(field: Field) -> None:
    """The checks above can fail: the canary itself shows both its marks."""
    described = repr(describe_raster(field.folder / "canary.tif"))
    assert CANARY_TEXT in described
    assert f"{CANARY_VALUE}.0" in described
