"""Attention and Why over the real pipeline with a tiny network of random weights: the right numbers, computed once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from claire import pipeline
from claire.core.errors import CancelledError
from claire.core.evidence import Explained
from claire.core.settings import Settings
from claire.core.types import Tile
from claire.data.examples import generate_flood_pair
from claire.explain.attention import compute_look
from claire.explain.targets import build_rectangle_zone
from claire.viz.evidence import describe_badge, describe_look, describe_share
from tests.app.test_pages import Folder, words_of

Open = Callable[..., AppTest]
SECONDS = 120.0


@pytest.fixture
def tile() -> Tile:
    return generate_flood_pair(seed=7, size=64)


@pytest.fixture
def open_small(root: Path, tiny_checkpoints: Path, tile: Tile, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """Opens a page about a small pair, or about another one."""
    monkeypatch.setenv("CLAIRE_CHECKPOINTS", str(tiny_checkpoints))

    def open_it(page: str, other: Tile | None = None) -> AppTest:
        st.cache_data.clear()
        st.cache_resource.clear()
        monkeypatch.setattr(pipeline, "find_datasets", lambda folders: [Folder(other or tile)])
        app = AppTest.from_file(str(root / "app.py"), default_timeout=60)
        app.query_params["dataset"], app.query_params["tile"] = "folder", "one"
        return app.switch_page(f"pages/{page}.py").run()

    yield open_it
    st.cache_data.clear()
    st.cache_resource.clear()


def run_job(app: AppTest, button: str) -> AppTest:
    """Press a button and wait for what it started."""
    app.button(key=button).click().run()
    end = time.monotonic() + SECONDS
    while (named := app.session_state["claire.why.job"]) is not None and time.monotonic() < end:
        while named.job.running and time.monotonic() < end:
            time.sleep(0.05)
        app.run()
    assert app.session_state["claire.why.job"] is None
    return app


def load(folder: Path) -> Any:
    return pipeline.load_model("tiny", Settings(checkpoints=folder))


def test_another_pixel_is_shown_without_running_the_network_again(
    open_small: Open, tile: Tile, tiny_checkpoints: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[object] = []
    real = pipeline.read_attention
    monkeypatch.setattr(pipeline, "read_attention", lambda *given: (calls.append(given), real(*given))[1])
    attention = real(tile, load(tiny_checkpoints))
    app = open_small("attention")
    for row, column, asking in ((5, 60, "optical"), (33, 2, "sar")):
        app.number_input(key="claire.attention.row.64.64").set_value(row)
        app.number_input(key="claire.attention.column.64.64").set_value(column)
        app.segmented_control(key="claire.attention.asking").set_value(asking).run()
        assert not app.exception
        expected = describe_look(compute_look(attention, row, column, asking), asking, (row, column))  # type: ignore[arg-type]
        assert expected in words_of(app)
    assert len(calls) == 1


def test_each_stage_can_be_looked_at(open_small: Open, tile: Tile, tiny_checkpoints: Path) -> None:
    app = open_small("attention")
    attention = pipeline.read_attention(tile, load(tiny_checkpoints))
    row, column = (app.number_input(key=f"claire.attention.{name}.64.64").value for name in ("row", "column"))
    for key, stages in (("claire.stage.Stage of the network.5", "2345"), ("claire.stage.Gate.8", "012345")):
        for stage in stages:
            app.segmented_control(key=key).set_value(stage).run()
            assert not app.exception
            assert not app.error
            if "network" in key:
                look = compute_look(attention, row, column, "optical", int(stage))
                assert describe_look(look, "optical", (row, column)) in words_of(app)


def test_what_has_no_attention_is_a_sentence(open_small: Open, tile: Tile) -> None:
    app = open_small("attention", replace(tile, sar=None))
    assert "no SAR file" in app.error[0].value
    app = open_small("attention")
    app.selectbox(key="claire.model").select("tiny-sar").run()
    assert not app.exception
    assert "reads one sensor" in app.error[0].value


def test_an_answer_has_the_numbers_of_the_pipeline(open_small: Open, tile: Tile, tiny_checkpoints: Path) -> None:
    app = open_small("why")
    app.selectbox(key="claire.why.method").select("saliency")
    app.segmented_control(key="claire.why.zone").set_value("Rectangle").run()
    for name, value in (("left", 4), ("top", 8), ("right", 40), ("bottom", 20)):
        app.number_input(key=f"claire.why.{name}.64.64").set_value(value)
    app.run()
    assert "**432 pixels**" in words_of(app)
    assert "Nothing has been computed" in words_of(app)
    run_job(app, "claire.why.run")
    model, zone = load(tiny_checkpoints), build_rectangle_zone((64, 64), 4, 8, 40, 20)
    wanted = pipeline.explain(tile, model, "flood", "saliency", zone=zone, full=False)
    assert not app.exception
    assert not app.error
    assert describe_badge(wanted.faithfulness) in words_of(app)
    assert wanted.share is not None
    assert describe_share(wanted.share) in "\n".join(chart.proto.alt for chart in app.get("plotly_chart"))
    run_job(app, "claire.why.full")
    assert describe_badge(pipeline.remeasure(tile, model, wanted).faithfulness) in words_of(app)
    run_job(app, "claire.why.bands")
    bands = pipeline.add_bands(tile, model, wanted).bands
    assert bands is not None
    charts = "\n".join(chart.proto.alt for chart in app.get("plotly_chart"))
    assert f"sar VV_after {bands.values[7, 1]:+.2f}" in charts
    app.selectbox(key="claire.why.method").select("gradcam_fused").run()
    assert "Nothing has been computed" in words_of(app)
    app.selectbox(key="claire.why.method").select("saliency").run()
    assert describe_share(wanted.share) in "\n".join(chart.proto.alt for chart in app.get("plotly_chart"))


def test_a_computation_can_be_cancelled(open_small: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    def endless(*_: Any, report: Any, cancelled: Any, **__: Any) -> None:
        while not cancelled():
            report(1, 9)
            time.sleep(0.01)
        raise CancelledError("The computation was cancelled.", "Start it again.")

    monkeypatch.setattr(pipeline, "explain", endless)
    app = open_small("why")
    app.button(key="claire.why.run").click().run()
    assert app.session_state["claire.why.job"].job.running
    run_job(app, "claire.why.cancel")
    assert not app.exception
    assert "Nothing was kept" in words_of(app)
    assert not app.button(key="claire.why.run").disabled


def test_a_fault_in_the_thread_is_a_card(open_small: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "explain", lambda *_, **__: 1 / 0)
    app = run_job(open_small("why"), "claire.why.run")
    assert not app.exception
    assert "Something went wrong inside CLAIRE" in app.error[0].value


def test_a_question_without_an_answer_is_a_sentence(open_small: Open, tile: Tile) -> None:
    app = open_small("why")
    app.segmented_control(key="claire.why.zone").set_value("Polygon").run()
    for corners, said in (("here", "cannot be read"), ("1,1 5,5", "no area"), ("100,1 200,1 150,90", "no pixel")):
        app.text_input(key="claire.why.corners.64.64").set_value(corners).run()
        assert not app.exception
        assert said in app.error[0].value, corners
        assert not [button for button in app.button if button.key == "claire.why.run"]
    app.segmented_control(key="claire.why.zone").set_value("Rectangle").run()
    app.number_input(key="claire.why.right.64.64").set_value(0).run()
    assert "no area" in app.error[0].value
    app = run_job(open_small("why", replace(tile, sar=None)), "claire.why.run")
    assert "no SAR data" in app.error[0].value


def test_a_region_is_what_the_map_shows_there(open_small: Open, tile: Tile, tiny_checkpoints: Path) -> None:
    app = open_small("why")
    app.segmented_control(key="claire.why.zone").set_value("Pixel").run()
    assert "**1 pixels**" in words_of(app)
    app.segmented_control(key="claire.why.zone").set_value("Region").run()
    from claire.explain.targets import build_region_zone

    analysis = pipeline.analyse(tile, load(tiny_checkpoints))
    region = build_region_zone(analysis.predictions["fused"], 32, 32)
    assert f"**{region.sum():,} pixels**" in words_of(app)


def test_an_answer_goes_into_the_report_of_its_own_pair(
    open_small: Open, tile: Tile, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[Explained, ...]] = []
    monkeypatch.setattr("claire.ui.words.offer_report", lambda subject, *_: told.append(subject.analysis.explained))
    app = open_small("why")
    app.selectbox(key="claire.why.method").select("saliency").run()
    run_job(app, "claire.why.run")
    app.switch_page("pages/reasoning.py").run()
    assert [answer.attribution.method for answer in told[-1]] == ["saliency"]
    monkeypatch.setattr(pipeline, "find_datasets", lambda folders: [Folder(generate_flood_pair(seed=8, size=64))])
    st.cache_resource.clear()
    del app.session_state["claire.choice"]
    app.run()
    assert not app.exception
    assert told[-1] == ()


def test_a_why_in_words_is_measured_first_and_kept_for_every_page(
    open_small: Open, tile: Tile, tiny_checkpoints: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("claire.reasoning.gguf.has_llama", lambda: False)
    app = open_small("reasoning")
    wait_for_words(app)
    assert not [fact for fact in story_of(app).facts if fact.kind == "contribution"]
    app.button(key="claire.words.measure").click().run()
    wait_for_words(app)
    assert not app.exception
    assert not app.error
    (exchanges,) = app.session_state["claire.words.chat"].values()
    ((question, answer),) = exchanges
    name = question.removeprefix("Why is there ").removesuffix("?")
    wanted = pipeline.explain(tile, load(tiny_checkpoints), name, full=False)
    assert wanted.share is not None
    told = {fact.modes[-1]: fact.value for fact in answer.facts if fact.kind == "contribution"}
    assert told == {"optical": pytest.approx(wanted.share.optical), "sar": pytest.approx(wanted.share.sar)}
    assert {fact.kind for fact in story_of(app).facts} >= {"contribution", "interaction", "attribution"}
    assert describe_badge(wanted.faithfulness) in words_of(app)
    app.switch_page("pages/why.py").run()
    app.selectbox(key="claire.why.class").select(name).run()
    assert app.button(key="claire.why.run").disabled


def wait_for_words(app: AppTest) -> None:
    """Run until nobody is writing."""
    end = time.monotonic() + SECONDS
    while (talk := app.session_state["claire.words.talk"]) is not None and time.monotonic() < end:
        while talk.job.running and time.monotonic() < end:
            time.sleep(0.05)
        app.run()
    assert app.session_state["claire.words.talk"] is None


def story_of(app: AppTest) -> Any:
    return list(app.session_state["claire.words.stories"].values())[-1]
