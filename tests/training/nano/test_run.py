"""A training run of a tiny nano, from recipe to file."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer

from claire.core.errors import MissingFileError, RecipeError
from claire.reasoning.prompt import END, STATIC
from claire.training.nano.narratives import draw_texts
from claire.training.nano.recipe import NanoRecipe
from claire.training.nano.run import build_model, draw_batches, encode, get_id, get_rate, train_nano
from claire.training.nano.tokenizer import CONTROLS, PAD, build_tokenizer, list_slots, read_vocabulary
from tests.reasoning.gguf_reader import read_gguf

RECIPES = Path(__file__).resolve().parents[3] / "recipes"
TINY = NanoRecipe(
    "tiny", "Tiny", hidden=32, layers=1, heads=2, feed_forward=32, vocabulary=1024, context=256, steps=6, batch=2,
    warmup=2, precision="32-true",
)  # fmt: skip


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    texts = [part for text in itertools.islice(draw_texts(0), 40) for part in (text.prompt, text.answer)]
    return build_tokenizer(texts, TINY.vocabulary)


def test_the_recipe_in_the_repository_is_read() -> None:
    recipe = NanoRecipe.read(RECIPES / "nano.yaml")
    assert recipe.name == "nano"
    assert recipe.hidden % recipe.heads == 0


@pytest.mark.parametrize(
    "lines", ["name: nano", "name: a\ntitle: b\nstrange: 1", "name: phi3\ntitle: b", "name: a\ntitle: b\nhidden: 100",
              "name: a\ntitle: b\nprecision: int4", "name: a\ntitle: b\nheads: 5", "- a", "{"],
)  # fmt: skip
def test_a_wrong_recipe_is_said(lines: str, tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text(lines)
    with pytest.raises(RecipeError):
        NanoRecipe.read(tmp_path / "recipe.yaml")
    with pytest.raises(MissingFileError):
        NanoRecipe.read(tmp_path / "absent.yaml")


def test_slots_and_tags_are_one_token_and_every_text_comes_back(tokenizer: Tokenizer) -> None:
    for token in (*CONTROLS, *list_slots()):
        assert tokenizer.encode(f"a{token}b").tokens.count(token) == 1
    for text in (STATIC, "<1><A> covers <A.share>, 12.5 % of «é» 水\n", "<|user|> <Z.unknown>"):
        assert tokenizer.decode(tokenizer.encode(text).ids, skip_special_tokens=False) == text
    assert "12" not in tokenizer.encode("12.5").tokens


def test_the_vocabulary_of_a_file_has_every_id_once(tokenizer: Tokenizer) -> None:
    words = read_vocabulary(tokenizer, TINY.vocabulary)
    assert len(words.tokens) == len(set(words.tokens)) == TINY.vocabulary
    assert all(" " in merge for merge in words.merges)
    assert words.tokens[get_id(tokenizer, END)] == END


def test_only_the_answer_is_learned(tokenizer: Tokenizer) -> None:
    text = next(draw_texts(0))
    ids, read = encode(text, tokenizer, 4096)
    assert tokenizer.decode(ids[1:read], skip_special_tokens=False) == text.prompt
    assert tokenizer.decode(ids[read:], skip_special_tokens=False) == text.answer
    assert len(encode(text, tokenizer, 16)[0]) == 16


def test_the_rate_rises_and_falls() -> None:
    rates = [get_rate(step, TINY) for step in range(TINY.steps)]
    assert rates[:2] == [0.5, 1.0]
    assert rates[2:] == sorted(rates[2:], reverse=True)
    assert math.isclose(get_rate(TINY.steps, TINY), 0.05)


def test_batches_are_as_large_as_the_recipe_says(tokenizer: Tokenizer) -> None:
    batch = next(draw_batches(TINY, tokenizer, 0))
    assert len(batch) == TINY.batch
    assert all(len(ids) <= TINY.context for ids, _ in batch)


def test_a_run_goes_on_where_it_stopped_and_its_file_holds_the_weights(tmp_path: Path) -> None:
    pytest.importorskip("gguf")
    from claire.training.nano.export import export_gguf, list_tensors

    lines: list[str] = []
    train_nano(TINY, tmp_path, report=lines.append)
    assert lines[-1].startswith("step 6/6")
    model, tokens = train_nano(TINY, tmp_path, report=pytest.fail)
    assert not model.training
    path = export_gguf(model, tokens, TINY, tmp_path / "tiny.gguf")
    settings, tensors = read_gguf(path)
    assert settings["phi3.embedding_length"] == TINY.hidden
    assert settings["tokenizer.ggml.tokens"][get_id(tokens, PAD)] == PAD
    assert len(settings["tokenizer.ggml.tokens"]) == TINY.vocabulary
    weights = model.state_dict()
    assert set(tensors) == set(list_tensors(TINY.layers))
    for name, source in list_tensors(TINY.layers).items():
        wanted = weights[source].float().numpy()
        scale = np.abs(wanted).max() / 127  # a half of it is lost by rounding, and more as it is 16-bit itself
        np.testing.assert_allclose(tensors[name], wanted, atol=0.55 * scale + 1e-6)


def test_the_output_shares_the_weights_of_the_embedding(tokenizer: Tokenizer) -> None:
    model = build_model(TINY, tokenizer)
    assert model.lm_head.weight is model.model.embed_tokens.weight
    assert torch.isfinite(model(input_ids=torch.tensor([[0, 1, 2]])).logits).all()
