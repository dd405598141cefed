"""Child processes that read untrusted rasters, and what may come back from them.

A child is a light interpreter that runs `claire.data.reader`: an environment of listed variables, no open files but one
socket, no network where the kernel allows it, limits on memory, processor time and wall clock. It is warm: started at
the first read, used again, replaced when it dies, is too slow, or has read many files. What it says is believed no more
than the file: JSON of bounded length, and numbers in memory that the parent made, measured and sealed (`ring`), from
where they are copied into arrays of the parent.
"""

from __future__ import annotations

import atexit
import json
import logging
import mmap
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from claire.core.errors import BandError, BudgetError, ClaireError, EnvironmentUnsafeError, FormatError, InputError
from claire.core.settings import Settings
from claire.data.ring import DTYPES, cut, make_ring, map_ring, view_slot

LONGEST_MESSAGE = 8_000_000
"""Bytes of JSON that a child may send; ten thousand ground control points take one million."""

LONGEST_SENTENCE = 200
BUSY = 4
"""Times that decoding may take longer by the clock than by the processor, which the kernel limits in the child."""

MOST_ARRAYS = 2
"""Values and a mask."""

KEPT_VARIABLES = ("LD_LIBRARY_PATH", "GDAL_DATA", "PROJ_DATA", "PROJ_LIB")
"""Environment variables that children inherit: where their libraries lie, nothing else."""

CHILD_VARIABLES = {
    "LC_ALL": "C.UTF-8",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "2",
    "MALLOC_PERTURB_": "255",
    "GDAL_NUM_THREADS": "1",
}
"""One thread: more would take address space, and GDAL decodes damaged blocks otherwise in several. `MALLOC_PERTURB_`
wipes what the C library hands out: where a PNG is damaged, GDAL shows as pixels what lay there before."""

CHILD_CODE = "import sys; sys.path[:] = sys.argv[2:]; from claire.data.reader import main; main(int(sys.argv[1]))"

ERRORS: dict[str, type[ClaireError]] = {
    kind.code: kind for kind in (InputError, FormatError, BudgetError, BandError, EnvironmentUnsafeError)
}
"""Code -> error that a child may report."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Answer:
    """What a child found.

    Args:
        content: JSON document.
        arrays: In the order of the child; private to this process.
    """

    content: dict[str, Any]
    arrays: tuple[NDArray[Any], ...]


def ask(request: Mapping[str, Any], name: str, limits: Settings, safety: Mapping[str, str]) -> Answer:
    """Let a child answer one request.

    Args:
        request: JSON document for `claire.data.reader`.
        name: Quoted name of the file, for messages.
        limits: Time, memory and number of children.
        safety: Environment variables that lock GDAL down.

    Raises:
        InputError: What the child says is wrong, or that it died or took too long.
        EnvironmentUnsafeError: Children cannot be started, or GDAL is not locked down in them.
    """
    with _POOL.child(limits, safety) as child:
        child.deadline = time.monotonic() + limits.read_seconds
        child.settled = False
        try:
            child.send({**request, "limits": limits.limits})
            return _converse(child, limits)
        except ClaireError:
            raise
        except TimeoutError as error:
            child.kill()
            raise BudgetError(
                f"{name} takes too long to read, which damaged and hostile files do.",
                "Export the file again, or raise CLAIRE_READ_SECONDS.",
            ) from error
        except MemoryError as error:
            child.kill()
            raise BudgetError(
                f"{name} needs more memory than there is.", "Cut out a smaller piece, or free some memory."
            ) from error
        except (OSError, EOFError, ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
            status = child.kill()
            _LOG.info("A reading process ended with status %s (%s).", status, type(error).__name__)
            raise FormatError(
                f"{name} cannot be read: the process that read it had to be stopped.",
                "The file is damaged or harmful; export or download it again.",
            ) from error


def close() -> None:
    """End all idle children; the next read starts new ones."""
    _POOL.close()


def _converse(child: _Child, limits: Settings) -> Answer:
    """Follow what a child says about one file to the end."""
    delivery: _Delivery | None = None
    announced = False
    while True:
        said = child.receive()
        state = said["state"]
        if state == "size" and not announced:  # the file is within its limits: larger ones get more time
            announced = True
            size = min(int(said["bytes"]), limits.max_decoded_bytes)
            child.deadline += BUSY * size / limits.read_bytes_per_second
        elif state == "arrays" and delivery is None:
            delivery = _Delivery(said["shape"], said["kinds"], said["steps"], limits)
        elif state == "filled" and delivery is not None:
            delivery.take(child.ring)
            child.acknowledge()
        elif state == "error":
            error = _rebuild_error(said)
            child.settled = True
            raise error
        elif state == "done":
            content = said["content"]
            if not isinstance(content, dict):
                raise TypeError("content")
            arrays = () if delivery is None else delivery.finish()
            child.settled = True
            return Answer(content, arrays)
        else:
            raise ValueError("state")


def _rebuild_error(said: Mapping[str, Any]) -> ClaireError:
    message, hint = str(said["message"]), str(said["hint"])
    if max(len(message), len(hint)) > LONGEST_SENTENCE or not (message + hint).isprintable():
        raise ValueError("message")
    return ERRORS[said["code"]](message, hint)


class _Delivery:
    """Arrays that a child delivers in pieces.

    Which piece comes next and where it lies follows from the first words, so that a child cannot fill one twice, leave
    one out, or name a place outside: it can only say that the next one is there.

    Args:
        shape: (C, H, W) of all arrays, as the child says.
        kinds: Their dtype names.
        steps: (bands, rows, columns) of a piece.
        limits: What may be asked for.
    """

    def __init__(self, shape: Sequence[Any], kinds: Sequence[Any], steps: Sequence[Any], limits: Settings) -> None:
        bands, height, width = (int(n) for n in shape)
        deep, high, wide = (int(n) for n in steps)
        if min(bands, height, width, deep, high, wide) < 1 or height * width > limits.max_pixels:
            raise ValueError("shape")
        if bands > limits.max_bands:
            raise ValueError("bands")
        if not 1 <= len(kinds) <= MOST_ARRAYS or not DTYPES.issuperset(kinds):
            raise ValueError("dtype")
        self.kinds = [str(kind) for kind in kinds]
        sizes = [np.dtype(kind).itemsize for kind in self.kinds]
        if bands * height * width * sum(sizes) > 9 * limits.max_decoded_bytes:  # a byte may become eight, and a mask
            raise ValueError("bytes")
        self.arrays = tuple(np.empty((bands, height, width), kind) for kind in self.kinds)
        self.pieces = enumerate(cut((bands, height, width), (deep, high, wide)))

    def take(self, ring: mmap.mmap) -> None:
        """Copy the next piece out of its slot, which the child may overwrite afterwards."""
        number, piece = next(self.pieces, (-1, None))
        if piece is None:
            raise ValueError("pieces")
        for array, found in zip(self.arrays, view_slot(ring, number, piece, self.kinds), strict=True):
            if found.dtype == bool:  # a byte that is neither 0 nor 1 is no bool
                np.not_equal(found.view(np.uint8), 0, out=array[piece])
            else:
                array[piece] = found

    def finish(self) -> tuple[NDArray[Any], ...]:
        """The arrays, complete."""
        if next(self.pieces, None) is not None:
            raise ValueError("pieces")
        return self.arrays


def send_message(connection: socket.socket, content: Mapping[str, Any]) -> None:
    """Send one JSON document with its length in front."""
    text = json.dumps(content).encode()
    connection.sendall(len(text).to_bytes(4, "big") + text)


class _Child:
    """One reading process and the socket to it."""

    def __init__(self, starter: ThreadPoolExecutor, safety: Mapping[str, str]) -> None:
        self.files = 0
        self.settled = True  # False between a request and the last word about it
        self.deadline = 0.0
        self.ring: mmap.mmap
        self.connection, theirs = socket.socketpair()
        kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
        home = str(Path(__file__).resolve().parents[2])
        folders = [home, *(p for p in sys.path if Path(p).is_absolute() and p != home)]
        command = [sys.executable, "-I", "-S", "-c", CHILD_CODE, str(theirs.fileno()), *folders]
        try:
            # By a thread that lives as long as this process: the kernel ends a child with the thread that started it.
            self.process: subprocess.Popen[bytes] = starter.submit(
                subprocess.Popen,
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                cwd="/",
                env={**CHILD_VARIABLES, **safety, **kept},
                start_new_session=True,
            ).result()
        except OSError:
            self.connection.close()
            raise
        finally:
            theirs.close()

    def wait_until_ready(self, seconds: float) -> None:
        """Wait for the first word of a new child: GDAL is locked down, or not."""
        self.deadline = time.monotonic() + seconds
        said = self.receive()
        if said["state"] == "error":
            raise _rebuild_error(said)
        handle = make_ring()
        try:
            socket.send_fds(self.connection, [b"r"], [handle])
        except OSError:
            os.close(handle)
            raise
        self.ring = map_ring(handle, write=False)

    def send(self, content: Mapping[str, Any]) -> None:
        self.connection.settimeout(max(self.deadline - time.monotonic(), 0.001))
        send_message(self.connection, content)

    def acknowledge(self) -> None:
        """Tell that the oldest filled slot is free again."""
        self.connection.settimeout(max(self.deadline - time.monotonic(), 0.001))
        self.connection.sendall(b"f")

    def receive(self) -> dict[str, Any]:
        """One JSON document before the deadline."""
        length = int.from_bytes(self._receive_bytes(4), "big")
        if length > LONGEST_MESSAGE:
            raise ValueError("length")
        said = json.loads(self._receive_bytes(length))
        if not isinstance(said, dict):
            raise TypeError("message")
        return said

    def _receive_bytes(self, count: int) -> bytes:
        content = bytearray()
        while len(content) < count:
            self.connection.settimeout(max(self.deadline - time.monotonic(), 0.001))
            piece = self.connection.recv(min(count - len(content), 1 << 16))
            if not piece:
                raise EOFError
            content += piece
        return bytes(content)

    def kill(self) -> int:
        """End the process and collect it; its exit status."""
        self.connection.close()
        self.process.kill()
        return self.process.wait()


@dataclass
class _Pool:
    """Idle children and the number of busy ones."""

    idle: list[_Child] = field(default_factory=list)
    busy: int = 0
    changed: threading.Condition = field(default_factory=threading.Condition)
    starter: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "claire-reader"))

    @contextmanager
    def child(self, limits: Settings, safety: Mapping[str, str]) -> Iterator[_Child]:
        """A child for one file; goes back when it is still alive, and is replaced when it is not."""
        with self.changed:
            self.changed.wait_for(lambda: self.busy < limits.readers)
            self.busy += 1
        child = None
        try:
            child = self._take() or self._start(limits, safety)
            yield child
        finally:
            with self.changed:
                self.busy -= 1
                self.changed.notify()
                if child is not None:
                    self._put_back(child, limits)

    def _take(self) -> _Child | None:
        with self.changed:
            while self.idle:
                child = self.idle.pop()
                if child.process.poll() is None:
                    return child
                child.kill()
        return None

    def _start(self, limits: Settings, safety: Mapping[str, str]) -> _Child:
        child = None
        try:
            child = _Child(self.starter, safety)
            child.wait_until_ready(limits.reader_start_seconds)
        except ClaireError:
            if child is not None:
                child.kill()
            raise
        except (OSError, EOFError, RuntimeError, ValueError, KeyError, TypeError) as error:
            if child is not None:
                child.kill()
            raise EnvironmentUnsafeError(
                "The separate process that reads files cannot be started.", "Free some memory and start again."
            ) from error
        return child

    def _put_back(self, child: _Child, limits: Settings) -> None:
        child.files += 1
        if child.process.returncode is not None:
            return
        if child.files >= limits.files_per_reader or len(self.idle) >= limits.readers or not child.settled:
            child.kill()
        else:
            self.idle.append(child)

    def close(self) -> None:
        with self.changed:
            while self.idle:
                self.idle.pop().kill()


_POOL = _Pool()


def _forget() -> None:
    """After a fork the children belong to the other process: leave them alone and begin anew."""
    global _POOL
    for child in _POOL.idle:
        child.connection.close()
        child.process.returncode = 0  # not ours to wait for
    _POOL = _Pool()


atexit.register(close)
os.register_at_fork(after_in_child=_forget)
