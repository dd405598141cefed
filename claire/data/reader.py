"""The program of a child process that reads untrusted rasters for `claire.data.isolation`.

It locks itself up before it imports anything that could be attacked, then answers one request after the other over the
socket that it was given. Whatever GDAL does wrong happens here, where there is nothing to take and nobody to call.
"""

from __future__ import annotations

import ctypes
import json
import math
import mmap
import os
import resource
import signal
import socket
from pathlib import Path
from typing import Any

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

    try:
        raster.check_environment()
    except ClaireError as error:
        send_message(connection, {"state": "error", **error.as_dict()})
        return
    idle_memory = read_address_space()
    send_message(connection, {"state": "ready"})
    while (request := _receive(connection)) is not None:
        _answer(connection, request, idle_memory)


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
    """The way back for what a request finds: `claire.data.raster` announces sizes here and gets its memory."""

    def __init__(self, connection: socket.socket, idle_memory: int, limits: Any) -> None:
        self.connection, self.limits = connection, limits
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

    def reserve(self, wanted: list[tuple[tuple[int, ...], str]]) -> list[Any]:
        """Arrays in memory that the other side sees, for (shape, dtype name) each."""
        from claire.data.isolation import lay_out, send_message, view_arrays

        parts, total = lay_out(wanted)
        self.allowed += total
        limit(self.allowed, self.seconds)
        send_message(self.connection, {"state": "memory", "arrays": [[list(shape), kind] for shape, kind in wanted]})
        _, handles, _, _ = socket.recv_fds(self.connection, 1, 1)
        memory = mmap.mmap(handles[0], max(total, 1))
        os.close(handles[0])
        return list(view_arrays(memory, parts))


def _answer(connection: socket.socket, request: dict[str, Any], idle_memory: int) -> None:
    from claire.core.errors import ClaireError
    from claire.core.settings import Settings
    from claire.data import raster
    from claire.data.isolation import send_message

    limits = Settings(**request["limits"])
    path = Path(request["path"])
    outlet = Connected(connection, idle_memory, limits)
    try:
        if request["do"] == "describe":
            content = raster.describe_here(path, request["role"], limits, request["hash"], outlet.announce)
        else:
            content = raster.read_here(path, limits, outlet.announce, outlet.reserve)
        said: dict[str, Any] = {"state": "done", "content": content}
    except ClaireError as error:
        said = {"state": "error", **error.as_dict()}
    limit(resource.RLIM_INFINITY, 60)
    send_message(connection, said)


def _receive(connection: socket.socket) -> dict[str, Any] | None:
    """The next request; None when the other side has gone."""
    head = connection.recv(4, socket.MSG_WAITALL)
    if len(head) < 4:
        return None
    text = connection.recv(int.from_bytes(head, "big"), socket.MSG_WAITALL)
    request: dict[str, Any] = json.loads(text)
    return request
