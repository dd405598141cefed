"""The command line, the notebook, the app and Python give the same numbers for the same pair of files."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

import claire
from tests.notebooks.test_executed import NOTEBOOKS, execute

MODEL = "claire-flood"


def read_numbers(result: dict[str, Any]) -> dict[str, list[float | None]]:
    """What is compared, by mode: areas, confidences, scores and the confusion matrix."""
    return {
        mode: [
            *(c[key] for c in entry["classes"] for key in ("id", "area_share", "area_m2", "confidence")),
            *(entry["scores"][name] for name in ("miou", "oa", "kappa", "f1", "ece")),
            *(count for row in entry["scores"]["confusion"] for count in row),
        ]
        for mode, entry in result["modes"].items()
    }


def is_equal(numbers: list[float | None], wanted: list[float | None]) -> bool:
    """Equal up to the rounding of another number of threads; None stands for a number that does not exist."""
    return [n is None for n in numbers] == [w is None for w in wanted] and [n for n in numbers if n is not None] == (
        pytest.approx([w for w in wanted if w is not None], rel=1e-5)
    )


def analyse_in_python(pair: dict[str, Path]) -> dict[str, Any]:
    tile = claire.read_tile(pair["optical"], pair["sar"], pair["label"])
    return claire.analyse(tile, claire.load_model(MODEL)).as_dict()


def analyse_on_the_command_line(pair: dict[str, Path], out: Path) -> dict[str, Any]:
    files = [part for role, path in pair.items() for part in (f"--{role}", str(path))]
    command = [Path(sys.executable).with_name("claire"), "predict", *files, "--model", MODEL, "--mode", "all"]
    done = subprocess.run([*command, "--out", out, "--json"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def analyse_in_the_notebook(pair: dict[str, Path], out: Path) -> dict[str, Any]:
    files = ", ".join(f"{role}={str(path)!r}" for role, path in pair.items())
    replace = {
        "tile = ": f"tile = claire.read_tile(**{{k: __import__('pathlib').Path(v) for k, v in dict({files}).items()}})",
        "import tempfile": f"from pathlib import Path\nanalysis.save(Path({str(out)!r}))",
    }
    execute(NOTEBOOKS / "01_compare.ipynb", replace)
    result: dict[str, Any] = json.loads((out / "analysis.json").read_text(encoding="utf-8"))
    return result


def analyse_in_the_app(pair: dict[str, Path]) -> dict[str, Any]:
    def page(pair, model):  # type: ignore[no-untyped-def]  # its source runs where no name of this file is known
        import streamlit as st

        from claire import pipeline
        from claire.ui import cache, state

        tile = pipeline.read_tile(pair["optical"], pair["sar"], pair["label"])
        entry = cache.list_ready_models()[model]
        st.session_state["result"] = cache.analyse(state.choose(tile), entry).as_dict()

    app = AppTest.from_function(page, default_timeout=120, args=(pair, MODEL)).run()
    assert not app.exception, app.exception[0].message
    result: dict[str, Any] = app.session_state["result"]
    return result


@pytest.mark.slow
def test_four_ways_one_result(written_pair: dict[str, Path], tmp_path: Path) -> None:
    expected = read_numbers(analyse_in_python(written_pair))
    assert set(expected) == {"fused", "optical", "sar"}
    results = {
        "command line": analyse_on_the_command_line(written_pair, tmp_path / "command"),
        "notebook": analyse_in_the_notebook(written_pair, tmp_path / "notebook"),
        "app": analyse_in_the_app(written_pair),
    }
    for way, result in results.items():
        numbers = read_numbers(result)
        for mode, wanted in expected.items():
            assert is_equal(numbers[mode], wanted), f"{way}, {mode}: {numbers[mode]}, not {wanted}"
