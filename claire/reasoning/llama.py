"""The one gateway to llama-cpp-python. Imported in the worker process only, which may die of what it does.

A model file brings weights and a tokenizer; its chat template, if any, is never used.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import llama_cpp.llama_cpp as low
from llama_cpp import Llama, LlamaGrammar, StoppingCriteriaList

from claire.reasoning.prompt import END
from claire.reasoning.worker import Completion, Load, Piece


class LlamaModel:
    """One model with its one context.

    Args:
        load: What to open.
    """

    def __init__(self, load: Load) -> None:
        with _repacking(load.repack):
            self._llama = Llama(
                model_path=load.path,
                n_ctx=load.context,
                n_threads=load.threads,
                n_threads_batch=load.threads,
                n_gpu_layers=0,
                verbose=False,
            )
        self._last: tuple[str, list[int]] = ("", [])
        self._knows_marks = len(self._read("<1>")) == 2
        self._static = self._read(load.static)
        self._ends = {self._llama.token_eos(), *self._read(END)[1:]}
        self._llama.eval(self._static)
        self._state = self._llama.save_state()

    @property
    def llama(self) -> Llama:
        """The model of llama-cpp-python, for measuring it alone."""
        return self._llama

    @property
    def description(self) -> dict[str, Any]:
        """What the model is."""
        model = self._llama
        return {"context": model.n_ctx(), "vocabulary": model.n_vocab(), "static_tokens": len(self._static)}

    def complete(self, request: Completion, should_stop: Callable[[], bool]) -> Iterator[Piece]:
        """Write on from a prompt until the end of a line, the end mark, or one of the limits.

        Args:
            request: Prompt, grammar and limits.
            should_stop: Asked before every token.

        Yields:
            Pieces of text, one per token; a token may give none when it ends inside a character.
        """
        model = self._llama
        tokens = self._read_on(request.prompt)
        room = model.n_ctx() - len(tokens)
        if room < 1:
            raise ValueError("the prompt is longer than the context")
        kept = len(self._static)
        if tokens[:kept] == self._static and model.input_ids[: model.n_tokens][:kept].tolist() != self._static:
            model.load_state(self._state)
        model.set_seed(request.seed % 2**31)
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        stream = model.generate(
            tokens,
            temp=request.temperature,
            top_k=0,
            top_p=1.0,
            min_p=0.0,
            repeat_penalty=1.0,
            grammar=LlamaGrammar.from_string(request.grammar, verbose=False) if request.grammar else None,
            stopping_criteria=StoppingCriteriaList([lambda *_: should_stop()]),
        )
        for count, token in enumerate(stream, start=1):
            if token in self._ends:
                return
            yield decoder.decode(model.detokenize([token], special=False))
            if count >= min(request.most, room):
                return

    def _read_on(self, prompt: str) -> list[int]:
        """Tokens of a prompt; where it goes on after the last one with a mark of one token, only the rest is read."""
        before, tokens = self._last
        rest = prompt[len(before) :]
        if before and prompt.startswith(before) and rest.startswith("<") and self._knows_marks:
            tokens = tokens + [int(token) for token in self._llama.tokenize(rest.encode("utf-8"), False, True)]
        else:
            tokens = self._read(prompt)
        self._last = (prompt, tokens)
        return tokens

    def _read(self, text: str) -> list[int]:
        return [int(token) for token in self._llama.tokenize(text.encode("utf-8"), add_bos=True, special=True)]


@contextmanager
def _repacking(allowed: bool) -> Iterator[None]:
    """Whether weights may be laid out anew for special instructions of the processor.

    llama.cpp ends the process on virtual machines that announce AMX and do not have it; `Llama` has no argument for it.
    """
    original = low.llama_model_default_params

    def make_params() -> Any:
        params = original()
        params.use_extra_bufts = allowed
        return params

    low.llama_model_default_params = make_params
    try:
        yield
    finally:
        low.llama_model_default_params = original


def open_model(load: Load) -> LlamaModel:
    """Open a model file.

    Raises:
        ValueError: llama.cpp refuses it.
    """
    if not Path(load.path).is_file():
        raise ValueError("the file is not there")
    return LlamaModel(load)
