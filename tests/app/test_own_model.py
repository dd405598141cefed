"""A stranger's folder from the command line to the pages: checked, trained, mapped and shown, without any code."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

torch = pytest.importorskip("torch")

from claire.cli.app import main  # noqa: E402 - torch may be absent
from claire.core.manifest import Manifest  # noqa: E402
from claire.ui.flow import is_learnt  # noqa: E402
from tests.training.own_folder import CLASSES, CORRUPT, OPTICAL, PAIRS, write_folder  # noqa: E402

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def valley(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("data") / "valley").parent


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs a command with --json: its document and what went to stderr."""

    def run(*arguments: object) -> tuple[dict[str, Any], str]:
        with pytest.raises(SystemExit) as ended:
            main([*map(str, arguments), "--json"])
        out, err = capsys.readouterr()
        assert ended.value.code == 0, out + err
        return json.loads(out), err

    return run


def test_a_strangers_folder_trains_predicts_and_shows_in_the_app(
    valley: Path, tmp_path: Path, root: Path, ask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoints = tmp_path / "checkpoints"
    monkeypatch.setenv("CLAIRE_CHECKPOINTS", str(checkpoints))
    monkeypatch.setenv("CLAIRE_DATA", str(valley))

    trained, progress = ask("train", "--config", valley / "dataset.toml", "--runs", tmp_path / "runs")
    assert [item["tile"] for item in trained["check"]["left_out"]] == [CORRUPT]
    assert f"left out  {CORRUPT}" in progress
    assert sum(trained["check"]["tiles"].values()) == PAIRS - 1
    assert [json.loads(line)["epoch"] for line in progress.splitlines() if line.startswith('{"epoch"')] == [8, 16]
    assert trained["scores"]["fused"]["clear"]["oa"] > 0.5, "five classes, plain to see: chance is 0.2"
    assert "could not be used" in (checkpoints / "my-valley.md").read_text(encoding="utf-8")

    files = {role: valley / role / "place-00.tif" for role in ("optical", "sar", "label")}
    given = [part for role, path in files.items() for part in (f"--{role}", path)]
    named = ("--model", "my-valley", "--bands", ",".join(OPTICAL), "--sar-bands", "VV,VH")
    predicted, _ = ask("predict", *given, *named, "--out", tmp_path / "map")
    found = predicted["modes"]["fused"]["classes"]
    assert {each["id"]: each["name"] for each in found} == CLASSES
    assert (tmp_path / "map" / "class_fused.tif").is_file()

    st.cache_data.clear()
    st.cache_resource.clear()
    app = AppTest.from_file(str(root / "app.py"), default_timeout=120)
    app.query_params["dataset"], app.query_params["tile"] = "folder", "place-00"
    app.switch_page("pages/compare.py").run()
    assert not app.exception
    assert not app.error, app.error[0].value
    shown = " ".join(str(block.value) for block in (*app.markdown, *app.caption)).lower()
    assert all(name in shown for name in CLASSES.values()), shown
    learnt = trained["check"]["splits"]["train"]
    assert ("learnt from this pair" in shown) is ("place-00" in learnt)
    manifest = Manifest.read(checkpoints / "my-valley.json")
    choice = app.session_state["claire.choice"]
    assert [is_learnt(replace(choice, tile_id=name), manifest) for name in (learnt[1], "place-03")] == [True, False]
    assert str(valley) not in (checkpoints / "my-valley.json").read_text(encoding="utf-8")
    st.cache_resource.clear()


def test_the_check_alone_trains_nothing(valley: Path, tmp_path: Path, ask: Any) -> None:
    found, _ = ask("train", "--config", valley / "dataset.toml", "--check", "--out", tmp_path / "none")
    assert [item["tile"] for item in found["left_out"]] == [CORRUPT]
    assert {row["name"] for row in found["classes"]} == set(CLASSES.values())
    assert not (tmp_path / "none").exists()


def test_a_recipe_of_published_data_has_no_check(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["train", "--config", str(root / "recipes" / "flood.yaml"), "--check"])
    assert ended.value.code == 2
    assert "TOML" in capsys.readouterr().err
