"""nano as it is shipped: the file, and through llama.cpp where llama-cpp-python is installed."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from claire.core.errors import EngineError
from claire.core.provenance import compute_sha256
from claire.core.settings import Settings
from claire.reasoning.facts import build_facts
from claire.reasoning.gguf import NANO, check_header, find_file, has_llama, place_of
from claire.reasoning.language import LanguageNarrator, open_language_narrator
from claire.reasoning.owner import ModelOwner, close_all
from claire.reasoning.prompt import STATIC, build_prompt
from claire.reasoning.topics import build_plan
from claire.reasoning.worker import Load
from tests.reasoning.gguf_reader import read_gguf
from tests.reasoning.simulated import simulate
from tests.reasoning.tally import Tally

LARGEST = 6_000_000
QUESTIONS = ("How much is there?", "Which sensor led?", "How sure are you?")
needs_llama = pytest.mark.skipif(not has_llama(), reason="llama-cpp-python is not installed; see `make reasoning`.")


@pytest.fixture(scope="module")
def owner() -> Iterator[ModelOwner]:
    settings = Settings()
    made = open_language_narrator(find_file("nano", settings), settings).owner
    yield made
    close_all()


def narrate(owner: ModelOwner, seed: int, *, greedy: bool = False) -> str:
    narrator = LanguageNarrator("nano", owner, seed=seed, temperature=0.0 if greedy else 0.7)
    return "".join(token.text for token in narrator.narrate(build_facts(simulate(seed))))


def test_the_shipped_file_is_the_pinned_one_and_small() -> None:
    path = place_of(NANO, Settings())
    assert compute_sha256(path) == NANO.sha256
    assert path.stat().st_size == NANO.bytes <= LARGEST
    check_header(path, Settings())


def test_the_shipped_file_is_a_phi3_without_a_chat_template() -> None:
    settings, tensors = read_gguf(place_of(NANO, Settings()))
    assert settings["general.architecture"] == "phi3"
    assert "phi-3" not in settings["general.name"]
    assert "tokenizer.chat_template" not in settings
    assert all(np.isfinite(values).all() for values in tensors.values())


def test_another_file_in_its_place_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("claire.reasoning.gguf.has_llama", lambda: True)
    settings = Settings(checkpoints=tmp_path)
    with pytest.raises(EngineError, match="is not there"):
        find_file("nano", settings)
    content = bytearray(place_of(NANO, Settings()).read_bytes())
    content[-1] ^= 1
    (tmp_path / NANO.file).write_bytes(content)
    with pytest.raises(EngineError, match="not what it should be"):
        find_file("nano", settings)
    (tmp_path / NANO.file).write_bytes(b"<html>")
    with pytest.raises(EngineError, match="no GGUF"):
        find_file("nano", settings)


def test_any_gguf_is_found_by_its_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("claire.reasoning.gguf.has_llama", lambda: True)
    own = tmp_path / "own.gguf"
    own.write_bytes(b"GGUF\x03\x00\x00\x00")
    assert not find_file(str(own), Settings()).exact
    with pytest.raises(EngineError, match="too large"):
        find_file(str(own), Settings(max_gguf_bytes=7))


@needs_llama
def test_narratives_are_right_cover_what_matters_and_differ(owner: ModelOwner) -> None:
    tally = Tally()
    for seed in range(20):
        tally.add(simulate(seed), LanguageNarrator("nano", owner, seed=seed))
    tally.judge()


@needs_llama
def test_real_chips_are_told_without_a_wrong_claim(owner: ModelOwner, real_data: Path) -> None:
    from claire.pipeline import analyse, load_model, open_dataset

    if not (real_data / "ombria").is_dir():
        pytest.skip("There is no OMBRIA among the real tiles.")
    dataset, model, tally = open_dataset("ombria", real_data / "ombria"), load_model(), Tally()
    for tile_id in dataset.ids("val")[::40]:
        tally.add(analyse(dataset.read(tile_id), model), LanguageNarrator("nano", owner))
    tally.judge()


@needs_llama
def test_the_same_facts_are_worded_otherwise_by_another_seed(owner: ModelOwner) -> None:
    facts = build_facts(simulate(8))
    texts = {
        "".join(token.text for token in LanguageNarrator("nano", owner, seed=seed).narrate(facts)) for seed in range(4)
    }
    assert len(texts) == 4
    assert narrate(owner, 8) == narrate(owner, 8)


@needs_llama
def test_greedy_texts_of_eight_sessions_at_once_equal_those_alone(owner: ModelOwner) -> None:
    def answer(place: int) -> str:
        narrator = LanguageNarrator("nano", owner, temperature=0.0)
        facts, question = build_facts(simulate(place % 5)), QUESTIONS[place % len(QUESTIONS)]
        return "".join(token.text for token in narrator.narrate(facts, question))

    def ask(session: int) -> None:
        together[session] = [answer(session + turn) for turn in range(5)]

    together: dict[int, list[str]] = {}
    alone = [answer(place) for place in range(12)]
    threads = [threading.Thread(target=ask, args=(session,)) for session in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert together == {session: alone[session : session + 5] for session in range(8)}


@needs_llama
def test_after_a_cancel_and_after_a_kill_the_next_request_is_served(owner: ModelOwner) -> None:
    rng, facts, cut = random.Random(0), build_facts(simulate(8)), 0
    for _ in range(10):
        tokens = LanguageNarrator("nano", owner).narrate(facts)
        list(islice(tokens, rng.randint(1, 40)))  # in how few pieces a text comes depends on how fast they are read
        cut += tokens.gi_frame is not None  # type: ignore[attr-defined]
        tokens.close()  # type: ignore[attr-defined]
        start = time.monotonic()
        next(LanguageNarrator("nano", owner).narrate(facts))
        assert time.monotonic() - start < 2
    assert cut, "all texts ended before they were cut"
    starts = owner.starts
    os.kill(owner.pid or 0, signal.SIGKILL)
    assert narrate(owner, 3)
    assert owner.starts == starts + 1


@needs_llama
def test_llama_predicts_the_tokens_that_transformers_predicts() -> None:
    """The oracle: the same weights in `Phi3ForCausalLM`."""
    from claire.reasoning.llama import open_model
    from tests.reasoning.phi3_oracle import build_oracle, predict

    path = place_of(NANO, Settings())
    model, network = open_model(Load(str(path), 2048, 1, STATIC)).llama, build_oracle(path)
    same = total = 0
    for seed in range(4):
        plan = build_plan(build_facts(simulate(seed)))
        text = build_prompt(plan).text + "".join(f"{each.mark}{each.wordings[0]}\n" for each in plan.topics[:6])
        tokens = model.tokenize(text.encode(), add_bos=True, special=True)
        wanted = predict(network, tokens)
        start = len(tokens) - 60
        model.reset()
        model.eval(tokens[:start])
        for place in range(start, len(tokens)):
            model.eval(tokens[place : place + 1])
            same += int(np.argmax(np.ctypeslib.as_array(model._ctx.get_logits(), (model.n_vocab(),)))) == wanted[place]
            total += 1
    assert same / total >= 0.99
