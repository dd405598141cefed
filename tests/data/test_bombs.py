"""Bombs are refused at once, in little memory, by a sentence."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from tests.data.bombs import write_bombs

LONGEST_SECONDS = 2
MOST_ADDED_BYTES = 700_000_000

PROGRAM = """
import json, resource, sys, time
from pathlib import Path
import numpy as np
from claire.core.errors import InputError
from claire.core.types import GeoReference
from claire.data import isolation
from claire.data.raster import describe_raster, read_raster, write_geotiff

def measure_peaks():
    return [1024 * resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]

folder = Path(sys.argv[1])
good = folder / "good.tif"
write_geotiff(good, np.ones((8, 8), np.uint8), GeoReference())
read_raster(good)
isolation.close()
before = measure_peaks()
read_raster(good)
found = {}
for path in sorted(folder.glob("bombs/*")):
    for read in (read_raster, describe_raster):
        start = time.perf_counter()
        try:
            read(path)
            said = ["read", "", ""]
        except InputError as error:
            said = [error.code, error.message, error.hint]
        found[f"{path.name}-{read.__name__}"] = [time.perf_counter() - start, *said]
isolation.close()
after = measure_peaks()
print(json.dumps({"found": found, "added": [b - a for a, b in zip(before, after)]}))
"""

with tempfile.TemporaryDirectory() as _folder:
    NAMES = [path.name for path in write_bombs(Path(_folder))]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("bombs")
    write_bombs(folder / "bombs")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder)], capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_there_are_enough_bombs() -> None:
    assert len(NAMES) >= 25


@pytest.mark.parametrize("door", ["read_raster", "describe_raster"])
@pytest.mark.parametrize("name", NAMES)
def test_a_bomb_is_refused_at_once_by_a_sentence(results: dict[str, Any], name: str, door: str) -> None:
    seconds, code, message, hint = results["found"][f"{name}-{door}"]
    assert code in {"budget", "format"}, code
    assert seconds <= LONGEST_SECONDS
    assert len(message) <= 200
    assert hint
    assert "/" not in message.replace("and/or", "")


def test_no_bomb_takes_memory_in_the_program_or_its_children(results: dict[str, Any]) -> None:
    assert max(results["added"]) <= MOST_ADDED_BYTES
