"""The previous model keeps serving when a new one fails."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from claire import pipeline
from claire.ui.cache import list_models

LINK = {"dataset": "examples", "tile": "valley-1"}


@pytest.fixture
def two(fakes: Any) -> Any:
    """Two models; the second cannot be loaded."""
    fakes.entries = [fakes.entries[0], replace(fakes.entries[0], name="newer", sha256="1" * 64)]
    fakes.broken = {"newer"}
    return fakes


def pick(app: AppTest, name: str) -> AppTest:
    app.sidebar.selectbox(key="claire.model").select(name)
    return app.run()


def caption_of(app: AppTest) -> str:
    return next(caption.value for caption in app.caption if "model **" in caption.value)


def test_a_model_that_fails_is_a_card_and_the_last_one_stays_in_use(open_page: Any, two: Any) -> None:
    app = pick(open_page("pages/compare.py", **LINK), "newer")
    assert not app.exception
    assert "'newer' are damaged" in app.error[0].value.replace("\\", "")
    assert any("fake\\-flood" in info.value and "stays in use" in info.value for info in app.info)
    assert "fake\\-flood" in caption_of(app)
    assert len(app.get("plotly_chart")) == 2
    assert two.calls["analyse"] == 1


def test_the_model_works_again_when_its_files_do(open_page: Any, two: Any) -> None:
    app = pick(open_page("pages/compare.py", **LINK), "newer")
    two.broken = set()
    app.run()
    assert not app.error
    assert "newer" in caption_of(app)


def test_the_first_model_that_fails_is_a_card_and_nothing_is_drawn(open_page: Any, two: Any) -> None:
    two.broken = {"newer", "fake-flood"}
    app = open_page("pages/compare.py", **LINK)
    assert not app.exception
    assert len(app.error) == 1
    assert "damaged" in app.error[0].value
    assert "analyse" not in two.calls


def test_a_model_whose_files_were_spoiled_is_served_from_memory(open_page: Any, fakes: Any) -> None:
    app = open_page("pages/compare.py", **LINK)
    fakes.entries = [replace(fakes.entries[0], status="altered")]
    fakes.broken = {"fake-flood"}
    list_models.clear()
    app.run()
    assert not app.exception
    assert "fake\\-flood" in caption_of(app)
    assert fakes.calls["load_model"] == 1


def test_a_file_that_was_exchanged_meanwhile_is_not_taken_for_the_old_one(
    open_page: Any, fakes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_page("pages/compare.py", **LINK)
    st.cache_resource.clear()
    listed = fakes.entries[0]
    fakes.entries = [replace(listed, sha256="2" * 64)]
    monkeypatch.setattr(pipeline, "list_models", lambda: [listed])
    app.run()
    assert "replaced while it was in use" in app.error[0].value
