"""Report files: one analysis or a folder of them, without torch, and a sentence for whatever is wrong."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from claire.core.analysis import JSON_NAME, Analysis
from claire.core.errors import AnalysisError, EngineError, InputError
from claire.report.page import render_html
from claire.report.writing import FORMATS, tell_report, write_report, write_reports
from tests.reasoning.simulated import simulate
from tests.report.reading import Page, build_whole

BLOCKED = "torch", "transformers", "captum", "safetensors", "lightning", "llama_cpp", "streamlit", "rasterio"
WITHOUT = f"""
import sys
for name in {BLOCKED!r}:
    sys.modules[name] = None
from claire.cli.app import main
main(sys.argv[1:])
"""


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A folder with a whole analysis."""
    build_whole().save(tmp_path / "saved")
    return tmp_path / "saved"


@pytest.fixture
def several(tmp_path: Path) -> Path:
    """A folder with three analyses, a broken one, and things that are none."""
    folder = tmp_path / "several"
    for seed, name in enumerate(("b <i>", "a", "index")):
        simulate(seed, size=(8, 8), name=f"pair {seed}").save(folder / name)
    (folder / "broken").mkdir()
    (folder / "broken" / JSON_NAME).write_text("{", encoding="utf-8")
    (folder / "empty").mkdir()
    (folder / "notes.txt").write_text("nothing", encoding="utf-8")
    return folder


@pytest.mark.parametrize("kind", FORMATS)
def test_the_hash_is_that_of_the_file_and_the_same_every_time(saved: Path, tmp_path: Path, kind: str) -> None:
    first = write_report(saved, tmp_path / f"a.{kind}", questions=["How sure?"])
    second = write_report(saved, tmp_path / f"b.{kind}", questions=["How sure?"])
    assert first.file == f"a.{kind}"
    assert first.sha256 == second.sha256 == hashlib.sha256((tmp_path / first.file).read_bytes()).hexdigest()


def test_a_saved_analysis_reports_as_the_one_that_was_saved(saved: Path) -> None:
    assert render_html(tell_report(Analysis.load(saved))) == render_html(tell_report(build_whole()))


def test_what_a_question_needs_is_measured_before_anything_is_told(several: Path, tmp_path: Path) -> None:
    asked: list[tuple[str, str]] = []

    def measure(analysis: Analysis, question: str) -> Analysis:
        asked.append((analysis.tile.name, question))
        return replace(analysis, tile=replace(analysis.tile, name=f"measured {len(asked)}"))

    write_reports(several, tmp_path / "out", questions=["How sure?", "How much?"], measure=measure)
    assert len(asked) == 6
    assert asked[0][0].startswith("pair")
    assert asked[1] == ("measured 1", "How much?"), "what was measured for one question is there for the next"
    assert "measured 2" in (tmp_path / "out" / "a.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("engine", "question", "place"),
    [
        ("parrot", "Why?", "r.html"),
        ("template", " ", "r.html"),
        ("template", "?" * 5000, "r.html"),
        ("template", "Why?", "none/r.html"),
    ],
)
def test_nothing_is_measured_for_a_narrator_a_question_or_a_place_that_is_refused(
    saved: Path, tmp_path: Path, engine: str, question: str, place: str
) -> None:
    def measure(analysis: Analysis, question: str) -> Analysis:
        raise AssertionError(question)

    with pytest.raises((EngineError, InputError)):
        write_report(saved, tmp_path / place, engine, ["Why is there flood?", question], measure=measure)


@pytest.mark.parametrize("kind", FORMATS)
def test_neither_torch_nor_weights_nor_a_language_model_is_needed(saved: Path, tmp_path: Path, kind: str) -> None:
    out = tmp_path / f"report.{kind}"
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, "report", str(saved), "--out", str(out), "--json"],
        capture_output=True, text=True, check=False, cwd=Path(__file__).resolve().parents[2],
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["sha256"] == hashlib.sha256(out.read_bytes()).hexdigest()


@pytest.mark.parametrize("kind", FORMATS)
def test_a_folder_is_reported_one_by_one_and_what_is_broken_is_named(several: Path, tmp_path: Path, kind: Any) -> None:
    told: list[tuple[int, int]] = []
    batch = write_reports(several, tmp_path / "out", kind, progress=lambda *each: told.append(each))
    names = [f"a.{kind}", f"b <i>.{kind}", "index-report.html" if kind == "html" else "index.pdf"]
    assert [each.file for each in batch.files] == names
    assert [name for name, _ in batch.failed] == ["broken"]
    assert "damaged" in batch.failed[0][1]
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
    for each in (*batch.files, batch.index):
        assert hashlib.sha256((tmp_path / "out" / each.file).read_bytes()).hexdigest() == each.sha256
    page = Page((tmp_path / "out" / "index.html").read_bytes())
    assert [text for _, text in page.find("a")] == ["pair 1", "pair 0", "pair 2"]
    assert page.find("a")[1][0]["href"] == f"b%20%3Ci%3E.{kind}"
    assert len(page.find("img")) == 3
    assert "broken" in page.text


def test_a_folder_without_anything_to_report_is_a_sentence(several: Path, tmp_path: Path) -> None:
    with pytest.raises(AnalysisError, match="holds no saved analysis"):
        write_reports(tmp_path / "nowhere", tmp_path / "out")
    for each in ("a", "b <i>", "index"):
        (several / each / JSON_NAME).write_text("[]", encoding="utf-8")
    with pytest.raises(AnalysisError, match="None of the 4"):
        write_reports(several, tmp_path / "out")


def test_a_folder_does_not_become_one_file(several: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="several analyses"):
        write_reports(several, tmp_path / "report.pdf")
    assert not (tmp_path / "report.pdf").exists()


@pytest.mark.parametrize("name", ["report.docx", "report", ".html", "report.html.exe"])
def test_another_ending_is_refused(saved: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="ends in"):
        write_report(saved, tmp_path / name)


def test_a_place_that_cannot_be_written_is_a_sentence_and_leaves_nothing(saved: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        write_report(saved, tmp_path / "none" / "report.html")
    with pytest.raises(InputError, match="cannot be written"):
        write_reports(saved.parent, saved / JSON_NAME)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["saved"]


def test_an_unknown_narrator_is_a_sentence(saved: Path, tmp_path: Path) -> None:
    with pytest.raises(EngineError):
        write_report(saved, tmp_path / "a.html", "parrot")


def odd_values(rng: np.random.Generator) -> Any:
    choices = (None, -1, 1e308, "x", "<b>", [], {}, True, [1], ["x"], "#12345g", 10**30)
    return choices[int(rng.integers(len(choices)))]


@pytest.mark.parametrize("seed", range(3))
def test_an_altered_analysis_is_reported_or_refused_with_a_sentence(tmp_path: Path, seed: int) -> None:
    build_whole(size=(8, 7)).save(tmp_path)
    path = tmp_path / JSON_NAME
    whole, rng = path.read_text(encoding="utf-8"), np.random.default_rng(seed)
    hints: list[str] = []
    for _ in range(60):
        content = json.loads(whole)
        place, key = content, ""
        while isinstance(place, (dict, list)) and place:
            inside, key = place, list(place)[rng.integers(len(place))] if isinstance(place, dict) else len(place) - 1
            place = inside[key]
            if rng.random() < 0.15:
                break
        inside[key] = odd_values(rng)
        path.write_text(json.dumps(content), encoding="utf-8")
        try:
            render_html(tell_report(Analysis.load(tmp_path)))
        except AnalysisError as error:
            hints.append(error.hint)
    assert len(hints) > 20
    assert all(hints)
