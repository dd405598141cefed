"""Reading processes: locked up, replaced when they fail, gone when their parent is."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

from claire.core.errors import BudgetError, EnvironmentUnsafeError, FormatError
from claire.core.settings import Settings
from claire.data import isolation, raster
from claire.data.isolation import Answer, ask, send_message
from claire.data.ring import SLOT_BYTES, SLOTS, make_ring, map_ring

LIMITS = Settings()
ONE_SECOND = Settings(read_seconds=1)
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def fresh_children() -> Any:
    """Each test begins and ends without a child."""
    isolation.close()
    yield
    isolation.close()


@pytest.fixture
def good(write: Any) -> Path:
    path: Path = write("good.tif", np.arange(60, dtype=np.uint16).reshape(3, 4, 5))
    return path


def find_children() -> list[int]:
    """Process ids of the reading children of this process, zombies included."""
    listing = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    return [int(number) for path in listing for number in path.read_text().split() if is_reader(int(number))]


def is_reader(number: int) -> bool:
    try:
        words = Path(f"/proc/{number}/cmdline").read_text()
        return "claire.data.reader" in words or Path(f"/proc/{number}/stat").read_text().split()[2] == "Z"
    except OSError:
        return False


def read_status(number: int, what: str) -> str:
    return Path(f"/proc/{number}/{what}").read_text()


# Locked up


def test_a_child_has_no_secrets_no_files_and_no_network(good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "canary")
    with (good.parent / "open").open("w"):
        raster.read_raster(good)
        (child,) = find_children()
        assert "canary" not in read_status(child, "cmdline")
        limits = read_status(child, "limits").splitlines()
    sizes = {line[:25].strip(): line[25:].split()[0] for line in limits}
    assert (sizes["Max file size"], sizes["Max core file size"]) == ("0", "0")
    assert "NoNewPrivs:\t1" in read_status(child, "status")


def test_a_child_inherits_listed_variables_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "canary")
    monkeypatch.setenv("PROJ_DATA", "/nowhere/proj")
    started: list[Any] = []
    popen = subprocess.Popen

    def watch(*arguments: Any, **options: Any) -> Any:
        started.append(options)
        return popen(*arguments, **options)

    monkeypatch.setattr(subprocess, "Popen", watch)
    with pytest.raises(FormatError):
        ask({"do": "nothing"}, "'a'", LIMITS, raster.SAFETY_OPTIONS)
    environment = started[0]["env"]
    assert set(environment) == {*isolation.CHILD_VARIABLES, *raster.SAFETY_OPTIONS, "PROJ_DATA"} | (
        set(isolation.KEPT_VARIABLES) & set(os.environ)
    )
    assert len(started[0]["pass_fds"]) == 1


def test_locking_up_takes_the_network_and_the_right_to_write(tmp_path: Path) -> None:
    code = (
        "import json, socket, sys, ctypes\n"
        "from claire.data.reader import lock_up\n"
        "free = ctypes.CDLL(None).unshare(0x10000000) == 0\n"
        "lock_up()\n"
        "said = {'free': free}\n"
        "try: socket.create_connection(('127.0.0.1', int(sys.argv[1])), 2); said['network'] = 'open'\n"
        "except OSError: said['network'] = 'shut'\n"
        "try: open(sys.argv[2], 'wb', 0).write(b'x'); said['disk'] = 'open'\n"
        "except OSError: said['disk'] = 'shut'\n"
        "print(json.dumps(said))"
    )
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-c", code, str(port), str(tmp_path / "a")], capture_output=True, text=True, cwd=ROOT
        )
    said = json.loads(done.stdout)
    assert said["disk"] == "shut"
    if not said["free"]:
        pytest.skip("This kernel grants no network namespaces.")
    assert said["network"] == "shut"


# Light


def test_a_child_loads_neither_torch_nor_streamlit() -> None:
    code = (
        "import socket, sys, threading\n"
        "from claire.data import reader\n"
        "ours, theirs = socket.socketpair()\n"
        "ours.close()\n"
        "try: reader.main(theirs.detach())\n"
        "except OSError: pass\n"
        "print(*({'torch', 'streamlit', 'typer', 'rasterio'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.stdout.split() == ["rasterio"], done.stderr


def test_nothing_starts_before_the_first_read() -> None:
    assert find_children() == []


def test_one_child_serves_many_files(good: Path) -> None:
    raster.read_raster(good)
    first = find_children()
    for _ in range(5):
        raster.read_raster(good)
    assert find_children() == first
    assert len(first) == 1


# Healing


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGSEGV])
def test_a_child_killed_while_idle_is_replaced_unnoticed(good: Path, sent: signal.Signals) -> None:
    raster.read_raster(good)
    (child,) = find_children()
    os.kill(child, sent)
    while read_status(child, "stat").split()[2] != "Z":
        time.sleep(0.01)
    assert raster.read_raster(good).shape == (4, 5)
    assert child not in find_children()


def test_a_child_that_dies_while_reading_is_a_sentence_and_the_next_file_is_read(good: Path) -> None:
    with pytest.raises(FormatError) as caught:
        ask({"do": "nothing"}, "'a.tif'", LIMITS, raster.SAFETY_OPTIONS)  # a request that ends the child
    assert len(caught.value.message) <= 200
    assert caught.value.hint
    assert find_children() == []
    assert raster.read_raster(good).shape == (4, 5)


def test_a_slow_child_is_stopped_and_the_next_file_is_read(good: Path) -> None:
    raster.read_raster(good)
    (child,) = find_children()
    os.kill(child, signal.SIGSTOP)
    start = time.monotonic()
    with pytest.raises(BudgetError, match="too long"):
        raster.read_raster(good, Settings(read_seconds=1))
    assert time.monotonic() - start < 3
    assert find_children() == []
    assert raster.read_raster(good).shape == (4, 5)


def test_memory_and_processor_time_are_limited() -> None:
    code = (
        "import numpy as np\nfrom claire.data.reader import limit, read_address_space\n"
        "limit(read_address_space() + 50_000_000, 0.1)\n"
        "try: np.ones(200_000_000, np.uint8)\nexcept MemoryError: print('no memory', flush=True)\n"
        "while True: pass"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=60, check=False
    )
    assert done.stdout.strip() == "no memory", done.stderr
    assert done.returncode == -signal.SIGXCPU


def test_a_child_is_replaced_after_many_files(good: Path) -> None:
    limits = Settings(files_per_reader=2)
    raster.read_raster(good, limits)
    first = find_children()
    raster.read_raster(good, limits)
    raster.read_raster(good, limits)
    assert find_children() != first


def test_children_that_cannot_start_are_said_to(good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(EnvironmentUnsafeError):
        raster.read_raster(good)


def test_a_child_whose_gdal_is_not_locked_down_reads_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    early = "import sys; sys.path[:] = sys.argv[2:]; import rasterio; rasterio.Env().__enter__().drivers(); "
    monkeypatch.setattr(isolation, "CHILD_CODE", early + isolation.CHILD_CODE)
    with pytest.raises(EnvironmentUnsafeError, match="drivers"):
        ask({"do": "describe"}, "'a'", LIMITS, {})
    assert find_children() == []


# Threads, forks, ends


def test_many_threads_share_few_children(good: Path) -> None:
    limits = Settings(readers=2)
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: raster.read_raster(good, limits).values.sum(), range(40)))
    assert set(results) == {np.arange(60).sum()}
    assert 1 <= len(find_children()) <= 2


def test_a_child_outlives_the_thread_that_needed_it_first(good: Path) -> None:
    thread = threading.Thread(target=raster.read_raster, args=(good,))
    thread.start()
    thread.join()
    (child,) = find_children()
    time.sleep(0.05)
    assert read_status(child, "stat").split()[2] != "Z"


@pytest.mark.parametrize("end", ["pass", "os._exit(0)", "os.kill(os.getpid(), 9)", "raise SystemExit(3)"])
def test_no_child_outlives_the_program(good: Path, end: str) -> None:
    code = (
        "import os, sys\nfrom pathlib import Path\nfrom claire.data import isolation, raster\n"
        "raster.read_raster(Path(sys.argv[1]))\n"
        f"print(isolation._POOL.idle[0].process.pid, flush=True)\n{end}"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(good)], capture_output=True, text=True, cwd=ROOT, check=False
    )
    child = int(done.stdout)
    for _ in range(200):
        if not is_reader(child):
            return
        time.sleep(0.01)
    pytest.fail("The child is still there.")


def test_a_forked_process_gets_children_of_its_own(good: Path) -> None:
    code = (
        "import os, sys\nfrom pathlib import Path\nfrom claire.data import raster\n"
        "path = Path(sys.argv[1])\nraster.read_raster(path)\n"
        "number = os.fork()\n"
        "total = sum(int(raster.read_raster(path).values.sum()) for _ in range(5))\n"
        "if number == 0: os._exit(0 if total == 5 * 1770 else 1)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(number, 0)[1]), total)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, str(good)], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.stdout.split() == ["0", str(5 * 1770)], done.stderr


# What a child says is not believed


def answer_as(monkeypatch: pytest.MonkeyPatch, *said: dict[str, Any] | bytes, limits: Settings = ONE_SECOND) -> Answer:
    """Let a made-up child say something."""
    ours, theirs = socket.socketpair()

    class Fake(isolation._Child):
        def __init__(self, *_: Any) -> None:
            self.files, self.settled, self.deadline, self.connection = 0, True, 0.0, ours
            self.ring = map_ring(make_ring(), write=False)
            self.process = subprocess.Popen([sys.executable, "-I", "-S", "-c", "input()"], stdin=subprocess.PIPE)

        def wait_until_ready(self, seconds: float) -> None:
            del seconds

        def kill(self) -> int:
            if self.process.stdin is not None:
                self.process.stdin.close()
            return super().kill()

    monkeypatch.setattr(isolation, "_Child", Fake)
    for message in said:
        if isinstance(message, bytes):
            theirs.sendall(message)
        else:
            send_message(theirs, message)
    try:
        return ask({"do": "read"}, "'a.tif'", limits, {})
    finally:
        isolation.close()
        theirs.close()


ARRAYS = {"state": "arrays", "shape": [2, 2, 3], "kinds": ["uint8", "bool"], "steps": [1, 1, 3]}
FILLED = {"state": "filled"}
DONE = {"state": "done", "content": {}}


@pytest.mark.parametrize(
    "said",
    [
        {"state": "done", "content": [1]},
        {"state": "done"},
        {"state": "dance"},
        {"state": "error", "code": "format", "message": "x" * 201, "hint": ""},
        {"state": "error", "code": "format", "message": "\x1b[31m", "hint": ""},
        {"state": "error", "code": "oops", "message": "a", "hint": "b"},
        {**ARRAYS, "kinds": ["object"]},
        {**ARRAYS, "kinds": []},
        {**ARRAYS, "kinds": [["uint8"]]},
        {**ARRAYS, "kinds": ["bool"] * 3},
        {**ARRAYS, "shape": [64, 10**4, 10**4], "kinds": ["float64"]},
        {**ARRAYS, "shape": [2, 3]},
        {**ARRAYS, "shape": [1, -2, 3]},
        {**ARRAYS, "shape": [65, 2, 3]},
        {**ARRAYS, "shape": [1, 10**5, 10**5]},
        {**ARRAYS, "shape": "text"},
        {**ARRAYS, "steps": [1, 0, 3]},
        {**ARRAYS, "steps": [1, -1, 3]},
        {**ARRAYS, "steps": [1, 2]},
        {**ARRAYS, "steps": [1, float("inf"), 3]},
        {"state": "arrays"},
        {"state": "filled"},
        {"state": "size", "bytes": "many"},
        {"state": "size", "bytes": float("inf")},
        (100_000).to_bytes(4, "big") + b"[" * 100_000,
        b"\xff\xff\xff\xff",
        b"\0\0\0\4nope",
        b"\0\0\0\2[]",
    ],
)
def test_nonsense_from_a_child_is_a_sentence(monkeypatch: pytest.MonkeyPatch, said: dict[str, Any] | bytes) -> None:
    with pytest.raises(FormatError) as caught:
        answer_as(monkeypatch, said)
    assert len(caught.value.message) <= 200


def test_a_false_claim_of_size_gives_no_more_time_than_the_largest_file_gets(monkeypatch: pytest.MonkeyPatch) -> None:
    start = time.monotonic()
    with pytest.raises(BudgetError, match="too long"):
        answer_as(
            monkeypatch, {"state": "size", "bytes": 10**15}, limits=Settings(read_seconds=1, max_decoded_bytes=10)
        )
    assert time.monotonic() - start < 3


def test_time_is_asked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    claim = {"state": "size", "bytes": 10**9}
    with pytest.raises(FormatError):
        answer_as(monkeypatch, claim, claim)


def test_pieces_make_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = answer_as(monkeypatch, ARRAYS, *[FILLED] * 4, DONE)
    assert [array.dtype.name for array in answer.arrays] == ["uint8", "bool"]
    assert {array.shape for array in answer.arrays} == {(2, 2, 3)}
    assert all(array.flags.writeable for array in answer.arrays)


@pytest.mark.parametrize("pieces", [0, 3, 5, 40])
def test_pieces_left_out_or_too_many_are_a_sentence(monkeypatch: pytest.MonkeyPatch, pieces: int) -> None:
    with pytest.raises(FormatError) as caught:
        answer_as(monkeypatch, ARRAYS, *[FILLED] * pieces, DONE)
    assert len(caught.value.message) <= 200


def test_arrays_are_asked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FormatError):
        answer_as(monkeypatch, ARRAYS, ARRAYS, *[FILLED] * 4, DONE)


@pytest.mark.parametrize(
    ("shape", "steps", "kinds"),
    [
        ([1, 1, SLOT_BYTES + 1], [1, 1, SLOT_BYTES + 1], ["uint8"]),
        ([1, 1, SLOT_BYTES], [1, 1, SLOT_BYTES], ["uint8", "bool"]),
        ([1, SLOTS, SLOT_BYTES], [1, SLOTS, SLOT_BYTES], ["uint8"]),
        ([2, 1000, 1000], [2, 1000, 1000], ["float64"]),
    ],
)
def test_a_piece_larger_than_a_slot_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, shape: list[int], steps: list[int], kinds: list[str]
) -> None:
    with pytest.raises(FormatError):
        answer_as(monkeypatch, {"state": "arrays", "shape": shape, "kinds": kinds, "steps": steps}, FILLED, DONE)


def test_steps_beyond_the_shape_end_at_the_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = answer_as(monkeypatch, {**ARRAYS, "steps": [10**15, 10**15, 10**15]}, FILLED, DONE)
    assert answer.arrays[0].shape == (2, 2, 3)


def test_too_little_memory_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(isolation, "_Delivery", fail)
    with pytest.raises(BudgetError, match="memory"):
        answer_as(monkeypatch, ARRAYS)


def test_the_memory_of_a_ring_cannot_be_pulled_away() -> None:
    handle = make_ring()
    try:
        for size in (0, 2 * SLOTS * SLOT_BYTES):
            with pytest.raises(PermissionError):
                os.ftruncate(handle, size)
    finally:
        os.close(handle)


def test_reading_again_leaves_no_file_open(good: Path) -> None:
    raster.read_raster(good)
    before = sorted(Path("/proc/self/fd").iterdir())
    for _ in range(3):
        raster.read_raster(good)
    assert sorted(Path("/proc/self/fd").iterdir()) == before


def test_a_child_reads_on_after_a_file_that_breaks_off_between_pieces(tmp_path: Path) -> None:
    path = tmp_path / "large.tif"
    values = np.random.default_rng(1).integers(0, 256, (1, 4096, 4096), dtype=np.uint8)
    profile = {"driver": "GTiff", "count": 1, "height": 4096, "width": 4096, "dtype": "uint8"}
    place = rasterio.Affine(10, 0, 0, 0, -10, 0)
    with rasterio.open(path, "w", **profile, tiled=True, compress="deflate", transform=place) as target:
        target.write(values)
    isolation.close()
    first = raster.read_raster(path)
    assert np.array_equal(first.values, values)
    (child,) = find_children()
    content = bytearray(path.read_bytes())
    middle = len(content) * 3 // 4
    content[middle : middle + 500_000] = bytes(500_000)
    broken = tmp_path / "broken.tif"
    broken.write_bytes(content)
    for _ in range(3):
        with pytest.raises(FormatError):
            raster.read_raster(broken)
        assert np.array_equal(raster.read_raster(path).values, values)
    assert find_children() == [child]


def test_pixels_are_private_and_writable(good: Path) -> None:
    first, second = raster.read_raster(good), raster.read_raster(good)
    first.values[:] = 0
    assert second.values.sum() == 1770
    assert raster.read_raster(good).values.sum() == 1770
