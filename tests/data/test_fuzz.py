"""Damaged files: a short run of `make fuzz`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.fuzz import judge_sentence, mutate, run, write_seeds
from claire.core.errors import FormatError
from claire.data.raster import read_raster


def test_damaged_files_are_read_or_refused_by_a_sentence(tmp_path: Path) -> None:
    report = run(200, 11, tmp_path)
    assert report.failures == []
    assert sum(report.outcomes.values()) == 200
    assert report.outcomes["read"] > 10
    assert report.outcomes["format"] > 10


def test_a_process_for_each_file_says_the_same_as_warm_ones(tmp_path: Path) -> None:
    (tmp_path / "warm").mkdir()
    (tmp_path / "fresh").mkdir()
    warm, fresh = run(16, 5, tmp_path / "warm"), run(16, 5, tmp_path / "fresh", warm=False)
    assert fresh.failures == []
    assert fresh.outcomes == warm.outcomes


def test_the_undamaged_files_are_read(tmp_path: Path) -> None:
    seeds = write_seeds(tmp_path)
    assert len(seeds) >= 12
    for path in seeds:
        assert read_raster(path).values.size > 0


def test_damage_is_the_same_for_the_same_seed() -> None:
    content = bytes(range(256)) * 4
    first, again = (mutate(content, np.random.default_rng(3)) for _ in range(2))
    assert first == again != content


@pytest.mark.parametrize(
    ("message", "hint"),
    [("x" * 201, "y"), ("x", ""), ("x\n", "y"), ("/home/a.tif is bad.", "y"), ("ValueError in x.", "y")],
)
def test_the_judge_finds_bad_sentences(message: str, hint: str) -> None:
    error = FormatError("", "")
    error.message, error.hint = message, hint  # the error itself would have shortened them
    assert judge_sentence(error, Path("/home/a.tif"))
