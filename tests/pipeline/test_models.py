"""Names -> models, from the folder of the settings or of the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from claire.core.errors import UnknownNameError
from claire.core.segmenter import Segmenter
from claire.core.settings import Settings
from claire.core.types import Tile
from claire.pipeline import analyse, list_models, load_model


def test_the_environment_names_the_folder(tiny_checkpoints: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLAIRE_CHECKPOINTS", str(tiny_checkpoints))
    assert [(entry.name, entry.status) for entry in list_models()] == [("tiny", "ready"), ("tiny-sar", "ready")]
    loaded = load_model("tiny")
    assert isinstance(loaded, Segmenter)
    assert loaded.sha256 == loaded.manifest.sha256 == list_models()[0].sha256


def test_limits_of_the_settings_reach_the_model(tiny_checkpoints: Path, tile: Tile) -> None:
    whole, cut = (
        load_model("tiny", Settings(checkpoints=tiny_checkpoints, window=window, overlap=32)) for window in (256, 64)
    )
    assert (whole.settings.window, cut.settings.window) == (256, 64)
    assert analyse(tile, cut).as_dict() == analyse(tile, whole).as_dict()  # 48 pixels fit into either window


def test_an_unknown_model_lists_the_known_ones(tiny_checkpoints: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="'nano'") as caught:
        load_model("nano", Settings(checkpoints=tiny_checkpoints))
    assert "tiny, tiny-sar" in caught.value.hint
    with pytest.raises(UnknownNameError) as caught:
        load_model("tiny", Settings(checkpoints=tmp_path / "absent"))
    assert "none" in caught.value.hint
