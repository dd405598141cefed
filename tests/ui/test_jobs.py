"""Jobs: progress while they run, cancelled when asked or forgotten, faults raised where their result is read."""

from __future__ import annotations

import threading
import time

import pytest

from claire.core.errors import CancelledError, ZoneError
from claire.ui.jobs import Cancelled, Job, Progress, Report, holding

SECONDS = 10.0


def wait(job: Job[str]) -> None:
    end = time.monotonic() + SECONDS
    while job.running and time.monotonic() < end:
        time.sleep(0.005)
    assert not job.running


def patient(report: Report, cancelled: Cancelled) -> str:
    """Works until somebody stops it."""
    for done in range(10**6):
        if cancelled():
            raise CancelledError("Stopped.", "Again.")
        report(done, 100)
        time.sleep(0.005)
    return "never"


def test_a_job_reports_and_gives_its_result() -> None:
    def work(report: Report, cancelled: Cancelled) -> str:
        report(3, 4)
        return "found"

    job = Job(work, SECONDS)
    wait(job)
    assert job.progress == Progress(3, 4)
    assert job.progress.share == 0.75
    assert job.collect() == "found"
    assert Progress().share == 0
    assert Progress(9, 4).share == 1


def test_a_cancelled_job_stops_and_says_so() -> None:
    job = Job(patient, SECONDS)
    assert job.running
    job.cancel()
    wait(job)
    with pytest.raises(CancelledError):
        job.collect()


def test_a_job_that_nobody_asks_about_stops_by_itself() -> None:
    job = Job(patient, 0.05)
    with pytest.raises(CancelledError):
        job.collect()


def test_asking_keeps_a_job_alive() -> None:
    job = Job(patient, 0.3)
    for _ in range(12):
        assert job.running
        time.sleep(0.05)
    job.cancel()
    wait(job)


@pytest.mark.parametrize("error", [ZoneError("Empty.", "Fill it."), RuntimeError("a fault")])
def test_what_went_wrong_in_the_thread_is_raised_where_it_is_read(error: Exception) -> None:
    def work(report: Report, cancelled: Cancelled) -> str:
        raise error

    job = Job(work, SECONDS)
    with pytest.raises(type(error)):
        job.collect()


def test_waiting_for_a_busy_model_can_be_cancelled() -> None:
    lock = threading.Lock()
    with lock, pytest.raises(CancelledError), holding(lock, lambda: True):
        raise AssertionError
    assert not lock.locked()
    with holding(lock, lambda: False):
        assert lock.locked()
    with pytest.raises(ArithmeticError), holding(lock, lambda: False):
        raise ArithmeticError
    assert not lock.locked()
