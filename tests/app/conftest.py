"""Pages under test: the real `app.py` and `pages/`, a fake pipeline, no data folder."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from claire import pipeline

_spec = importlib.util.spec_from_file_location("claire_fake_pipeline", Path(__file__).with_name("fake_pipeline.py"))
fake_pipeline = importlib.util.module_from_spec(_spec)
sys.modules[_spec.name] = fake_pipeline
_spec.loader.exec_module(fake_pipeline)


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Stands in for `claire.pipeline` and counts its calls."""
    fake = fake_pipeline.FakePipeline()
    for name in ("list_models", "load_model", "analyse", "read_attention"):
        monkeypatch.setattr(pipeline, name, getattr(fake, name))
    monkeypatch.setattr("claire.pipeline.whatif.analyse", fake.analyse)
    monkeypatch.setattr(pipeline, "find_datasets", lambda folders: fake.datasets)
    monkeypatch.delenv("CLAIRE_DATA", raising=False)
    monkeypatch.setenv("CLAIRE_HOME", str(tmp_path))
    _forget()
    yield fake
    _forget()


@pytest.fixture
def open_page(root: Path, fakes: Any) -> Callable[..., AppTest]:
    """Opens a page as a browser would, by its address."""

    def open_it(page: str = "app.py", **parameters: str) -> AppTest:
        app = AppTest.from_file(str(root / "app.py"), default_timeout=30)
        for name, value in parameters.items():
            app.query_params[name] = value
        if page != "app.py":
            app.switch_page(page)
        return app.run()

    return open_it


def _forget() -> None:
    st.cache_data.clear()
    st.cache_resource.clear()


@pytest.fixture
def page(request: pytest.FixtureRequest, open_page: Callable[..., AppTest]) -> AppTest:
    """The page that a test module names `PAGE`, opened about a pair."""
    opened = open_page(request.module.PAGE, dataset="examples", tile="valley-1")
    assert not opened.exception
    assert not opened.error
    return opened
