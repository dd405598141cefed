"""Long computations beside the page: they report progress, can be cancelled, and never touch Streamlit.

The page asks a job how far it is; the job's own thread only computes. A job that nobody asks about any more stops by
itself, so that a closed browser does not keep a model busy.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

from claire.core.errors import CancelledError

Result = TypeVar("Result")
Report: TypeAlias = Callable[[int, int], None]
Cancelled: TypeAlias = Callable[[], bool]

LOCK_SECONDS = 0.1
"""How long to wait for a model before asking again whether somebody wants to stop."""


@dataclass(frozen=True)
class Progress:
    """How far a job is.

    Args:
        done: Forward passes so far.
        total: Forward passes expected; 0 before the first.
    """

    done: int = 0
    total: int = 0

    @property
    def share(self) -> float:
        """0..1."""
        return min(1.0, self.done / self.total) if self.total else 0.0


class Job(Generic[Result]):
    """One computation in a thread of its own; it starts at once.

    Args:
        work: Gets a function to report passes done and expected, and one that says whether to stop.
        patience: Seconds after which it stops when nobody has asked about it.
    """

    def __init__(self, work: Callable[[Report, Cancelled], Result], patience: float) -> None:
        self._progress, self._patience = Progress(), patience
        self._stop, self._asked = threading.Event(), time.monotonic()
        executor = ThreadPoolExecutor(1, thread_name_prefix="claire-job")
        self._future = executor.submit(work, self._report, self._is_cancelled)
        executor.shutdown(wait=False)

    @property
    def running(self) -> bool:
        """Whether it is still at work; asking keeps it alive."""
        self._asked = time.monotonic()
        return not self._future.done()

    @property
    def progress(self) -> Progress:
        """How far it is."""
        return self._progress

    def cancel(self) -> None:
        """Ask it to stop before its next forward pass."""
        self._stop.set()

    def collect(self) -> Result:
        """What came out; whatever went wrong in the thread is raised here. Waits for the end.

        Raises:
            CancelledError: It was stopped.
        """
        return self._future.result()

    def _report(self, done: int, total: int) -> None:
        self._progress = Progress(done, total)

    def _is_cancelled(self) -> bool:
        return self._stop.is_set() or time.monotonic() - self._asked > self._patience


@contextmanager
def holding(lock: threading.Lock, cancelled: Cancelled) -> Iterator[None]:
    """Hold a lock, waiting for it only as long as nobody wants to stop.

    Raises:
        CancelledError: Somebody asked to stop before it was free.
    """
    while not lock.acquire(timeout=LOCK_SECONDS):
        if cancelled():
            raise CancelledError("The computation was cancelled.", "Start it again when you want its result.")
    try:
        yield
    finally:
        lock.release()
