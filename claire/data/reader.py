"""The program of a child process that reads untrusted rasters for `claire.data.isolation`.

It locks itself up before it imports anything that could be attacked, then answers one request after the other over the
socket that it was given. Whatever GDAL does wrong happens here, where there is nothing to take and nobody to call.
"""

from __future__ import annotations

import ctypes
import json
import math
import mmap
import resource
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from claire.data.ring import Piece, Shape

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS = 1, 4, 38
CLONE_NEWNET, CLONE_NEWUSER = 0x40000000, 0x10000000
MOST_OPEN_FILES = 64
MEGABYTE = 1_000_000


def main(handle: int) -> None:
    """Answer requests until the other side hangs up.

    Args:
        handle: File descriptor of the socket.
    """
    lock_up()
    connection = socket.socket(fileno=handle)
    from claire.core.errors import ClaireError
    from claire.data import raster
    from claire.data.isolation import send_message
    from claire.data.ring import map_ring

    try:
        raster.check_environment()
    except ClaireError as error:
        send_message(connection, {"state": "error", **error.as_dict()})
        return
    send_message(connection, {"state": "ready"})
    _, handles, _, _ = socket.recv_fds(connection, 1, 1)
    if not handles:
        return
    ring = map_ring(handles[0], write=True)
    idle_memory = read_address_space()
    while (request := _receive(connection)) is not None:
        _answer(connection, ring, request, idle_memory)


def lock_up() -> None:
    """Give up what a reader does not need: the network, writing, core dumps, more files, and life without its parent.

    The network is left by moving into an empty network namespace. That needs a privilege or unprivileged user
    namespaces; where the kernel grants neither, the network stays within reach, and what keeps GDAL from it are the
    options that `claire.data.raster.check_environment` verifies.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    if libc.unshare(CLONE_NEWNET) != 0:
        libc.unshare(CLONE_NEWUSER | CLONE_NEWNET)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (MOST_OPEN_FILES, MOST_OPEN_FILES))
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def read_address_space() -> int:
    """Bytes of address space that this process has taken."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()


def limit(memory: int, seconds: float) -> None:
    """Set how much address space this process may hold, and how much longer it may compute.

    Args:
        memory: Bytes in all.
        seconds: Processor seconds from now on; then the kernel ends the process.
    """
    used = resource.getrusage(resource.RUSAGE_SELF)
    spent = used.ru_utime + used.ru_stime
    resource.setrlimit(resource.RLIMIT_AS, (memory, resource.RLIM_INFINITY))
    resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(spent + seconds), resource.RLIM_INFINITY))


class Connected:
    """The way back for what a request finds: `claire.data.raster` announces sizes here and hands over pixels."""

    def __init__(self, connection: socket.socket, ring: mmap.mmap, idle_memory: int, limits: Any) -> None:
        self.connection, self.ring, self.limits = connection, ring, limits
        self.waiting = 0  # pieces that the other side has not said to have taken
        self.allowed = idle_memory + limits.read_memory_mb * MEGABYTE
        self.seconds = float(limits.read_seconds)
        limit(self.allowed, self.seconds)

    def announce(self, size: int, working: int) -> None:
        """A file within the limits: so many bytes when decoded, so many that working on them takes."""
        from claire.data.isolation import send_message

        self.seconds += size / self.limits.read_bytes_per_second
        self.allowed += working
        limit(self.allowed, self.seconds)
        send_message(self.connection, {"state": "size", "bytes": size})

    def hand_over(self, shape: Shape, kinds: list[str], steps: Shape) -> Iterator[tuple[Piece, list[NDArray[Any]]]]:
        """Let arrays of (C, H, W) `shape` be filled piece by piece: each piece, and where to write its part of each."""
        from claire.data.isolation import send_message
        from claire.data.ring import SLOTS, cut, view_slot

        send_message(self.connection, {"state": "arrays", "shape": shape, "kinds": kinds, "steps": steps})
        for number, piece in enumerate(cut(shape, steps)):
            self.wait_until_taken(SLOTS - 1)
            yield piece, view_slot(self.ring, number, piece, kinds)
            send_message(self.connection, {"state": "filled"})
            self.waiting += 1

    def wait_until_taken(self, remaining: int) -> None:
        """Wait until no more than so many pieces wait to be taken; the process ends when the other side has gone."""
        while self.waiting > remaining:
            taken = len(self.connection.recv(self.waiting - remaining))
            if not taken:
                raise SystemExit
            self.waiting -= taken


def _answer(connection: socket.socket, ring: mmap.mmap, request: dict[str, Any], idle_memory: int) -> None:
    from claire.core.errors import ClaireError
    from claire.core.settings import Settings
    from claire.data import raster
    from claire.data.isolation import send_message

    limits = Settings(**request["limits"])
    path = Path(request["path"])
    outlet = Connected(connection, ring, idle_memory, limits)
    try:
        if request["do"] == "describe":
            content = raster.describe_here(path, request["role"], limits, request["hash"], outlet.announce)
        else:
            content = raster.read_here(
                path, limits, outlet.announce, outlet.hand_over, request.get("transparency", True)
            )
        said: dict[str, Any] = {"state": "done", "content": content}
    except ClaireError as error:
        said = {"state": "error", **error.as_dict()}
    limit(resource.RLIM_INFINITY, 60)
    send_message(connection, said)
    outlet.wait_until_taken(0)


def _receive(connection: socket.socket) -> dict[str, Any] | None:
    """The next request; None when the other side has gone."""
    head = connection.recv(4, socket.MSG_WAITALL)
    if len(head) < 4:
        return None
    text = connection.recv(int.from_bytes(head, "big"), socket.MSG_WAITALL)
    request: dict[str, Any] = json.loads(text)
    return request
