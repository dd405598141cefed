"""The pages over the real pipeline, with a tiny network of random weights: whole, not good."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

torch = pytest.importorskip("torch")

from claire import pipeline  # noqa: E402 - torch may be absent
from claire.core.manifest import InputSpec, Manifest  # noqa: E402
from claire.data.examples import OPTICAL_BANDS, SAR_BANDS  # noqa: E402
from claire.models.checkpoint import save_checkpoint  # noqa: E402
from claire.models.network import NetworkConfig, build_network  # noqa: E402
from claire.ui.flow import is_learnt  # noqa: E402

pytestmark = pytest.mark.slow
SHAPE = {"widths": (8, 16, 16, 16), "depths": (1, 1, 1, 1), "stem": 4, "decoder": 8, "auxiliary": 8, "head_width": 8}
MANIFEST = Manifest(
    name="tiny",
    title="Random weights",
    scheme="flood",
    optical=InputSpec(OPTICAL_BANDS, "uint8", (80.0,) * 6, (30.0,) * 6, ((0, 1, 2), (3, 4, 5))),
    sar=InputSpec(SAR_BANDS, "uint8", (130.0,) * 2, (40.0,) * 2, ((0,), (1,))),
    network={"optical_bands": 6, "sar_bands": 2, "classes": 2, **SHAPE},
    temperature={"fused": 1.0, "optical": 1.0, "sar": 1.0},
)


@pytest.fixture
def app(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    torch.manual_seed(0)
    config = NetworkConfig.from_mapping(MANIFEST.network)
    save_checkpoint(build_network(config), replace(MANIFEST), tmp_path)
    monkeypatch.setenv("CLAIRE_CHECKPOINTS", str(tmp_path))
    monkeypatch.delenv("CLAIRE_DATA", raising=False)
    st.cache_data.clear()
    st.cache_resource.clear()
    opened = AppTest.from_file(str(root / "app.py"), default_timeout=120)
    opened.query_params["dataset"], opened.query_params["tile"] = "examples", "valley-1"
    yield opened.switch_page("pages/compare.py").run()
    st.cache_resource.clear()


def test_compare_shows_the_numbers_of_the_pipeline(app: AppTest) -> None:
    assert not app.exception
    assert not app.error
    choice = app.session_state["claire.choice"]
    analysis = pipeline.analyse(choice.tile, pipeline.load_model("tiny"))
    expected = [f"flood IoU {analysis.scores[mode].per_class[1].iou:.3f}" for mode in ("optical", "sar", "fused")]
    shown = [caption.value for caption in app.caption if "flood IoU" in caption.value]
    assert all(number in caption for number, caption in zip(expected, shown, strict=True))
    assert analysis.comparison.split()[0] in app.success[0].value


def test_a_pair_that_the_model_learnt_from_is_called_so(app: AppTest) -> None:
    choice = app.session_state["claire.choice"]
    (split,) = pipeline.ExamplesDataset().splits
    recipes = {
        True: {"data": "examples", "train_split": split},
        False: {"data": "ombria", "train_split": split},
    }
    for learnt, recipe in recipes.items():
        assert is_learnt(choice, replace(MANIFEST, training={"recipe": recipe})) is learnt
    assert not is_learnt(choice, replace(MANIFEST, training={"recipe": {"data": "examples"}})), "it has no such split"
    assert not is_learnt(replace(choice, dataset="", tile_id=""), replace(MANIFEST, training={"recipe": recipes[True]}))
    assert not [caption.value for caption in app.caption if "learnt from" in caption.value]


def test_altered_weights_are_not_used(app: AppTest) -> None:
    weights = Path(os.environ["CLAIRE_CHECKPOINTS"], "tiny.safetensors")
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    st.cache_resource.clear()
    app.run()
    assert not app.exception
    assert "No model is ready" in app.error[0].value
