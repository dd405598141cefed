"""The command line, the notebook, the app and Python give the same numbers for the same pair of files."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

import claire
from claire import pipeline
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


def run_command(name: str, pair: dict[str, Path], out: Path, *more: str) -> dict[str, Any]:
    files = [part for role, path in pair.items() for part in (f"--{role}", str(path))]
    command = [Path(sys.executable).with_name("claire"), name, *files, "--model", MODEL, *more, "--out", out, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
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
        "command line": run_command("predict", written_pair, tmp_path / "command", "--mode", "all"),
        "notebook": analyse_in_the_notebook(written_pair, tmp_path / "notebook"),
        "app": analyse_in_the_app(written_pair),
    }
    for way, result in results.items():
        numbers = read_numbers(result)
        for mode, wanted in expected.items():
            assert is_equal(numbers[mode], wanted), f"{way}, {mode}: {numbers[mode]}, not {wanted}"


def explain_in_the_notebook(pair: dict[str, Path], out: Path) -> dict[str, Any]:
    files = ", ".join(f"{role}=Path({str(path)!r})" for role, path in pair.items())
    replace = {
        "tile = ": f"from pathlib import Path\ntile = claire.read_tile({files})\nmodel = claire.load_model({MODEL!r})",
        "import tempfile": f"pipeline.write_explained(analysis, Path({str(out)!r}))",
    }
    execute(NOTEBOOKS / "02_why.ipynb", replace)
    result: dict[str, Any] = json.loads((out / "attribution.json").read_text(encoding="utf-8"))
    return result


def explain_in_the_app(pair: dict[str, Path]) -> dict[str, Any]:
    def page(pair, model):  # type: ignore[no-untyped-def]  # its source runs where no name of this file is known
        import streamlit as st

        from claire import pipeline, ui
        from claire.ui import cache, flow, state

        choice = state.find_choice() or state.choose(pipeline.read_tile(pair["optical"], pair["sar"]))
        entry = cache.list_ready_models()[model]
        subject = flow.Subject(choice, entry, cache.analyse(choice, entry))
        question = ui.ask_question(subject)
        answer = state.find_answer(question.key)
        if answer is not None:
            attention = cache.read_attention(choice, entry, 0, 0)
            st.session_state["result"] = pipeline.tell_explained(
                subject.analysis.with_evidence(answer, attention=attention)
            )

    app = AppTest.from_function(page, default_timeout=120, args=(pair, MODEL)).run()
    app.button(key="claire.why.run").click().run()
    end = time.monotonic() + 300
    while "result" not in app.session_state and time.monotonic() < end:
        time.sleep(0.2)
        app.run()
    assert not app.exception, app.exception[0].message
    result: dict[str, Any] = app.session_state["result"]
    return result


def read_answer(result: dict[str, Any]) -> list[float | None]:
    """What is compared: attribution per band, contribution, faithfulness, trust and attention."""
    named = ("value", "baseline_value", "completeness_gap", "infidelity", "deletion_auc", "insertion_auc", "random_auc")
    parts = [
        *result["attribution"].values(),
        result["contribution"],
        result["trust"],
        *result["concentration"].values(),
    ]
    numbers = [value for part in parts for _, value in sorted(part.items()) if not isinstance(value, str)]
    return [*(result[name] for name in named), *numbers]


@pytest.mark.slow
def test_why_is_answered_alike_on_the_page_on_the_command_line_in_the_notebook_and_in_python(
    written_pair: dict[str, Path], tmp_path: Path
) -> None:
    pair = {role: path for role, path in written_pair.items() if role != "label"}
    tile, model = claire.read_tile(pair["optical"], pair["sar"]), claire.load_model(MODEL)
    explained = pipeline.explain(tile, model, "flood", full=False)
    expected = read_answer(pipeline.tell_explained(pipeline.analyse_explained(tile, model, explained)))
    assert len(expected) > 25
    results = {
        "command line": run_command("explain", pair, tmp_path / "command", "--class", "flood", "--quick"),
        "notebook": explain_in_the_notebook(pair, tmp_path / "notebook"),
        "app": explain_in_the_app(pair),
    }
    for way, result in results.items():
        assert result["badge"] == explained.faithfulness.badge
        numbers = read_answer(result)
        assert [n is None for n in numbers] == [w is None for w in expected], way
        for number, wanted in zip(numbers, expected, strict=True):
            assert number == pytest.approx(wanted, rel=1e-3, abs=1e-3), f"{way}: {number}, not {wanted}"
