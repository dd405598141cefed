"""reason: whole chain from tile to checked sentences, through the real pipeline."""

from __future__ import annotations

from pathlib import Path

import pytest

from claire.core.errors import EngineError, InputError
from claire.core.facts import Token
from claire.core.settings import Settings
from claire.core.types import Tile
from claire.inference.engine import TorchSegmenter
from claire.pipeline import ENGINES, analyse, reason


def test_a_tile_is_told_from_files_to_words_and_tokens_come_as_they_are_made(tile: Tile, model: TorchSegmenter) -> None:
    heard: list[Token] = []
    narrative = reason(analyse(tile, model), listen=heard.append)
    assert "".join(token.text for token in heard) == narrative.text
    assert all(sentence.grounded for sentence in narrative.sentences)
    assert narrative.engine == "template" == ENGINES[0]
    assert narrative.tokens_per_second > 0


@pytest.mark.parametrize("engine", ["gpt", "phi3", "/srv/models/phi.gguf", "<|end|>.gguf", "x" * 5000])
def test_an_engine_that_is_not_there_is_said_without_its_folder(
    tile: Tile, model: TorchSegmenter, engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("claire.reasoning.gguf.has_llama", lambda: True)
    with pytest.raises(EngineError, match=r"There is no|is not there") as caught:
        reason(analyse(tile, model), engine, settings=Settings(home=tmp_path))
    assert caught.value.hint
    assert len(caught.value.message) <= 200
    assert "/srv" not in caught.value.message
    assert "<|" not in caught.value.message


@pytest.mark.parametrize("engine", ["nano", "phi3"])
def test_without_llama_the_template_answers_and_says_what_would_be_better(
    tile: Tile, model: TorchSegmenter, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("claire.reasoning.gguf.has_llama", lambda: False)
    narrative = reason(analyse(tile, model), engine)
    assert narrative.engine == "template"
    assert "llama-cpp-python is not installed" in narrative.notice
    assert "make reasoning" in narrative.notice
    assert narrative.text == reason(analyse(tile, model)).text
    assert reason(analyse(tile, model)).notice == ""


@pytest.mark.parametrize("question", ["", "  ", "x" * 11])
def test_a_question_has_limits(tile: Tile, model: TorchSegmenter, question: str) -> None:
    with pytest.raises(InputError) as caught:
        reason(analyse(tile, model), question=question, settings=Settings(max_question=10))
    assert caught.value.hint
