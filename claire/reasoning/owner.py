"""The owner of a language model: one worker process, one queue, deadlines, cancelling, and a new process after a crash.

Who wants to use the model takes a turn, in the order of asking, and keeps it for a whole narrative: what two sessions
ask is never mixed, and what the model has read stays in its context from sentence to sentence.
"""

from __future__ import annotations

import atexit
import json
import logging
import os
import selectors
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from claire.core.errors import CancelledError, EngineError
from claire.core.settings import Settings
from claire.reasoning.grammar import check_grammar
from claire.reasoning.worker import CANCELLED, LATE, Completion, Load

GATEWAY = "claire.reasoning.llama"
CHILD_CODE = "import sys; sys.path[:] = sys.argv[2:]; from claire.reasoning.worker import main; main(sys.argv[1])"
KEPT_VARIABLES = ("PATH", "LD_LIBRARY_PATH", "HOME", "SYSTEMROOT", "TMPDIR")
"""Environment variables that the worker inherits; it gets no other."""
LOOK_SECONDS = 0.05
"""How often somebody who waits looks whether it was cancelled."""
STOP_SECONDS = 1.0
"""Time that a worker has to stop writing before it is replaced."""
LONGEST_LINE = 1_000_000
RETRY = "Ask again; the model is started anew."

_LOG = logging.getLogger(__name__)


class WorkerDiedError(EngineError):
    """The process of the model ended in the middle of its work."""


def _died() -> WorkerDiedError:
    return WorkerDiedError("The language model stopped working.", RETRY)


@dataclass
class Written:
    """What one completion came to; filled when it is over.

    Args:
        reason: Why it ended, see `claire.reasoning.worker`.
        tokens: Written.
        seconds: From the request to the last token.
        first: Seconds to the first token.
    """

    reason: str = ""
    tokens: int = 0
    seconds: float = 0.0
    first: float = 0.0


class _Process:
    """A worker and the pipes to it."""

    def __init__(self, gateway: str) -> None:
        environment = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
        self.process = subprocess.Popen(
            [sys.executable, "-c", CHILD_CODE, gateway, *(path or "." for path in sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**environment, "LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"},
        )
        self._selector = selectors.DefaultSelector()
        self._selector.register(self.process.stdout, selectors.EVENT_READ)  # type: ignore[arg-type]
        self._rest = b""
        self._lines: deque[dict[str, Any]] = deque()

    def send(self, **message: Any) -> None:
        """Write one message.

        Raises:
            WorkerDiedError: Nobody reads it.
        """
        try:
            self.process.stdin.write(json.dumps(message).encode() + b"\n")  # type: ignore[union-attr]
            self.process.stdin.flush()  # type: ignore[union-attr]
        except OSError as error:
            raise _died() from error

    def receive(self, seconds: float) -> dict[str, Any] | None:
        """The next message, or None when none came in time.

        Raises:
            WorkerDiedError: There will be none.
        """
        if not self._lines and self._selector.select(max(seconds, 0.0)):
            piece = os.read(self.process.stdout.fileno(), 65536)  # type: ignore[union-attr]
            if not piece or len(self._rest) > LONGEST_LINE:
                raise _died()
            *lines, self._rest = (self._rest + piece).split(b"\n")
            try:
                self._lines.extend(json.loads(line) for line in lines)
            except ValueError as error:
                raise _died() from error
        return self._lines.popleft() if self._lines else None

    def kill(self) -> None:
        """End it, whatever it does."""
        self._selector.close()
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            try:
                pipe.close()  # type: ignore[union-attr]
            except OSError:
                _LOG.debug("A pipe to the worker was closed already.")


@dataclass
class ModelOwner:
    """Starts, asks and restarts the worker of one model.

    Args:
        load: The model.
        settings: Limits.
        gateway: Module that opens it; another one in tests.
    """

    load: Load
    settings: Settings
    gateway: str = GATEWAY
    description: dict[str, Any] = field(default_factory=dict)
    starts: int = 0
    _process: _Process | None = None
    _queue: deque[object] = field(default_factory=deque)
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _number: int = 0

    @property
    def pid(self) -> int | None:
        """Process id of the worker, while it runs."""
        return self._process.process.pid if self._process else None

    @contextmanager
    def turn(self, should_stop: Callable[[], bool] = lambda: False) -> Iterator[Turn]:
        """Wait for the model and have it alone.

        Args:
            should_stop: Looked at while waiting and while the model writes.

        Raises:
            EngineError: Too many wait already, or the deadline passed.
            CancelledError: Somebody asked to stop.
        """
        deadline = time.monotonic() + self.settings.narrate_seconds
        ticket = object()
        with self._changed:
            if len(self._queue) >= self.settings.narrate_queue:
                raise EngineError(
                    "Too many questions wait for the language model.", "Ask again in a moment, or use the template."
                )
            self._queue.append(ticket)
        try:
            with self._changed:
                while self._queue[0] is not ticket:
                    self._changed.wait(LOOK_SECONDS)
                    _look(deadline, should_stop)
            yield Turn(self, deadline, should_stop)
        finally:
            with self._changed:
                self._queue.remove(ticket)
                self._changed.notify_all()

    def ensure(self, deadline: float) -> _Process:
        """The worker, started and ready; only for who has the turn.

        Raises:
            EngineError: The model cannot be opened, or takes too long.
        """
        if self._process is not None and self._process.process.poll() is None:
            return self._process
        try:
            return self._start(deadline)
        except WorkerDiedError as error:
            if not self.load.repack:
                raise EngineError("The language model cannot be opened.", "Check the file, or use nano.") from error
        # Some processors cannot do what llama.cpp believes they can.
        self.load = replace(self.load, repack=False)
        return self.ensure(deadline)

    def _start(self, deadline: float) -> _Process:
        self.close()
        process = self._process = _Process(self.gateway)
        self.starts += 1
        opened = False
        limit = max(deadline, time.monotonic() + self.settings.model_start_seconds)
        try:
            process.send(do="load", id=self.next_number(), **asdict(self.load))
            while (answer := process.receive(LOOK_SECONDS)) is None:
                if time.monotonic() > limit:
                    raise EngineError(
                        "The language model takes too long to open.", "Raise CLAIRE_MODEL_START_SECONDS, or use nano."
                    )
            if "ready" not in answer:
                raise EngineError("The language model cannot be opened.", "Check the file, or use nano.")
            self.description = dict(answer["ready"])
            opened = True
        finally:
            if not opened:
                self.close()
        return process

    def next_number(self) -> int:
        """A number that no request had."""
        self._number += 1
        return self._number

    def close(self) -> None:
        """End the worker; the next turn starts another."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()


@dataclass
class Turn:
    """The right to use the model until the block ends.

    Args:
        owner: Of the model.
        deadline: By `time.monotonic`.
        should_stop: Looked at while the model writes.
    """

    owner: ModelOwner
    deadline: float
    should_stop: Callable[[], bool]

    def complete(
        self, prompt: str, grammar: str, written: Written, *, temperature: float = 0.0, seed: int = 0, most: int = 200
    ) -> Iterator[str]:
        """Text after a prompt, to the end of its line; ends early when the caller stops listening.

        Args:
            prompt: All that the model reads.
            grammar: GBNF, or "".
            written: Receives how it ended.
            temperature: 0 takes the likeliest token always.
            seed: Of the choice.
            most: Tokens.

        Raises:
            EngineError: The deadline passed, the grammar is wrong, or the worker died.
            CancelledError: Somebody asked to stop.
        """
        if grammar:
            check_grammar(grammar)
        process = self.owner.ensure(self.deadline)
        number = self.owner.next_number()
        left = max(self.deadline - time.monotonic(), 0.0)
        request = Completion(prompt, grammar, temperature, seed, most, left)
        process.send(do="complete", id=number, **asdict(request))
        over = False
        try:
            while not over:
                answer = process.receive(LOOK_SECONDS)
                if answer is None:
                    _look(self.deadline + STOP_SECONDS, self.should_stop)
                    continue
                over = _note(answer, written)
                if answer.get("text"):
                    yield str(answer["text"])
                if not over and self.should_stop():
                    raise CancelledError("The narrative was stopped.", "Ask again for all of it.")
            if written.reason == LATE:
                raise _make_late()
            if written.reason == CANCELLED:
                raise CancelledError("The narrative was stopped.", "Ask again for all of it.")
        except WorkerDiedError:
            over = True
            self.owner.close()
            raise
        finally:
            if not over:
                self._stop(process, number)

    def _stop(self, process: _Process, number: int) -> None:
        """Let the worker stop writing, so that the next turn finds it idle; replace it when it does not."""
        limit = time.monotonic() + STOP_SECONDS
        try:
            process.send(do="cancel", id=number)
            while time.monotonic() < limit:
                answer = process.receive(LOOK_SECONDS)
                if answer is not None and ("done" in answer or "error" in answer):
                    return
        except WorkerDiedError:
            _LOG.debug("The worker ended while it was stopped.")
        self.owner.close()


def _note(answer: dict[str, Any], written: Written) -> bool:
    if "error" in answer:
        raise EngineError(f"The language model gave up: {answer['error']}.", "Use the engine template.")
    if "done" not in answer:
        return False
    written.reason, written.tokens = str(answer["done"]), int(answer["tokens"])
    written.seconds, written.first = float(answer["seconds"]), float(answer["first"])
    return True


def _look(deadline: float, should_stop: Callable[[], bool]) -> None:
    if should_stop():
        raise CancelledError("The narrative was stopped.", "Ask again for all of it.")
    if time.monotonic() > deadline:
        raise _make_late()


def _make_late() -> EngineError:
    return EngineError(
        "The language model did not finish in time.", "Raise CLAIRE_NARRATE_SECONDS, or use nano or the template."
    )


_OWNERS: dict[tuple[Load, str], ModelOwner] = {}
_LOCK = threading.Lock()


def get_owner(load: Load, settings: Settings, gateway: str = GATEWAY) -> ModelOwner:
    """The one owner of a model in this process; asking for another model closes those that nobody waits for."""
    with _LOCK:
        key = (load, gateway)
        if key not in _OWNERS:
            for other in [each for each in _OWNERS if not _OWNERS[each]._queue]:
                _OWNERS.pop(other).close()
            _OWNERS[key] = ModelOwner(load, settings, gateway)
        return _OWNERS[key]


def close_all() -> None:
    """End every worker."""
    with _LOCK:
        while _OWNERS:
            _OWNERS.popitem()[1].close()


atexit.register(close_all)
os.register_at_fork(after_in_child=_OWNERS.clear)
