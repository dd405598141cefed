"""The process that owns a language model: reads requests from a pipe, writes pieces of text to another.

One JSON object per line each way. `load` comes first, then any number of `complete`, one after the other; `cancel` may
come at any time. A thread reads, the main thread computes. What a model prints goes to stderr, which nobody reads.

Run by `claire.reasoning.owner`; knows the protocol, not llama.cpp, which the module named on the command line brings.
"""

from __future__ import annotations

import importlib
import json
import os
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol, TextIO

Piece = str
"""Text of one token."""

TOGETHER_SECONDS = 0.01
"""Pieces that come faster than this travel together."""

LINE, END, FULL, CANCELLED, LATE = "line", "end", "full", "cancelled", "late"
"""Why a completion ended: a line break, the model's own end, the most tokens, somebody's wish, its deadline."""


@dataclass(frozen=True)
class Load:
    """A model to open.

    Args:
        path: Of the file.
        context: Tokens of its context.
        threads: To compute with.
        static: Text that every prompt begins with; its state is computed once and kept.
        repack: Lay the weights out for special instructions of the processor, which is faster for large models.
    """

    path: str
    context: int
    threads: int
    static: str
    repack: bool = False


@dataclass(frozen=True)
class Completion:
    """A text to go on with.

    Args:
        prompt: All that the model reads.
        grammar: GBNF that the text keeps to; who asks has checked it.
        temperature: 0 takes the likeliest token always.
        seed: Of the choice.
        most: Tokens.
        seconds: Time that it may take.
    """

    prompt: str
    grammar: str
    temperature: float
    seed: int
    most: int
    seconds: float


class Model(Protocol):
    """What a gateway module opens: llama.cpp, or the fake one of the tests."""

    @property
    def description(self) -> dict[str, Any]:
        """What the model is, for the answer to `load`."""
        ...

    def complete(self, request: Completion, should_stop: Callable[[], bool]) -> Iterator[Piece]:
        """Pieces of text; asks before each whether to stop."""
        ...


class Worker:
    """Answers requests.

    Args:
        open_model: Opens what `load` asks for.
        source: Requests.
        sink: Answers.
    """

    def __init__(self, open_model: Callable[[Load], Model], source: TextIO, sink: TextIO) -> None:
        self._open_model, self._source, self._sink = open_model, source, sink
        self._requests: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._cancelled: set[int] = set()

    def run(self) -> None:
        """Answer until the pipe is closed."""
        threading.Thread(target=self._listen, daemon=True).start()
        model: Model | None = None
        while (request := self._requests.get()) is not None:
            what, number = request.pop("do"), int(request.pop("id"))
            try:
                if what == "load":
                    model = self._open_model(Load(**request))
                    self._say(id=number, ready=model.description)
                elif model is not None:
                    self._complete(model, number, Completion(**request))
            except (ValueError, RuntimeError, OSError) as error:
                self._say(id=number, error=str(error)[:200])
            self._cancelled.discard(number)

    def _listen(self) -> None:
        for line in self._source:
            request = json.loads(line)
            if request["do"] == "cancel":
                self._cancelled.add(int(request["id"]))
            else:
                self._requests.put(request)
        # The other side is gone: what is being written now is for nobody.
        self._requests.put(None)
        os._exit(0)

    def _complete(self, model: Model, number: int, request: Completion) -> None:
        start = time.perf_counter()
        deadline = start + request.seconds
        reason, waiting, count, sent, first = "", "", 0, 0.0, 0.0

        def should_stop() -> bool:
            return number in self._cancelled or time.perf_counter() > deadline

        for piece in model.complete(request, should_stop):
            now = time.perf_counter()
            count, first = count + 1, first or now - start
            text = piece.partition("\n")[0]
            waiting += text
            if waiting and now - sent > TOGETHER_SECONDS:
                self._say(id=number, text=waiting)
                waiting, sent = "", now
            if len(text) < len(piece):
                reason = LINE
                break
            if should_stop():
                break
        seconds = time.perf_counter() - start
        if not reason:
            reason = CANCELLED if number in self._cancelled else LATE if time.perf_counter() > deadline else ""
        reason = reason or (FULL if count >= request.most else END)
        self._say(id=number, text=waiting, done=reason, tokens=count, seconds=seconds, first=first)

    def _say(self, **message: Any) -> None:
        self._sink.write(json.dumps(message) + "\n")
        self._sink.flush()


def main(gateway: str) -> None:
    """Answer on the pipes that this process was started with.

    Args:
        gateway: Name of the module that has `open_model`.
    """
    sink = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    Worker(importlib.import_module(gateway).open_model, sys.stdin, sink).run()
