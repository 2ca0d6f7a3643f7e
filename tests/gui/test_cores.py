"""The window leaves the cores to jobs, and no thread keeps others idle for itself."""

from __future__ import annotations

import ctypes
import itertools
import os
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from napari_ssamamba.events import Notice, Progress
from napari_ssamamba.gui.cores import end_idle_threads, leave_to_jobs, take_back
from napari_ssamamba.gui.job import Job

if TYPE_CHECKING:
    from collections.abc import Generator

GNU_OPENMP = pytest.mark.skipif(sys.platform != "linux", reason="GNU's OpenMP is Linux's")


class Numba:
    """What is asked of Numba, which has as many threads as the machine has cores."""

    def __init__(self, threads: int) -> None:
        self.threads = threads

    def get_num_threads(self) -> int:
        return self.threads

    def set_num_threads(self, threads: int) -> None:
        self.threads = threads


@pytest.fixture
def no_jobs(qtbot: Any) -> None:
    """Nothing of the tests before runs on."""
    qtbot.waitUntil(lambda: not Job._worker_set)


@pytest.fixture
def numba(no_jobs: None, monkeypatch: pytest.MonkeyPatch) -> Numba:
    known = Numba(5)
    monkeypatch.setitem(sys.modules, "numba", known)
    return known


def waiting(goes_on: threading.Event) -> Job:
    def work() -> Generator[Progress, None, None]:
        yield Progress(text="waiting")
        goes_on.wait(10)

    return Job("Waiting", work)


def test_labels_are_coloured_alone_until_all_jobs_are_done(qtbot: Any, numba: Numba) -> None:
    ends = [threading.Event() for _ in range(2)]
    jobs = [waiting(end) for end in ends]
    for job in jobs:
        job.start()
        assert numba.threads == 1
    ends[0].set()
    qtbot.waitUntil(lambda: jobs[0] not in Job._worker_set)
    assert numba.threads == 1
    ends[1].set()
    qtbot.waitUntil(lambda: jobs[1] not in Job._worker_set)
    assert numba.threads == 5


def test_the_real_one_can_be_asked() -> None:
    code = (
        "import numba; from napari_ssamamba.gui.cores import leave_to_jobs, take_back\n"
        "leave_to_jobs(); print(numba.get_num_threads())\n"
        "take_back(); print(numba.get_num_threads())"
    )
    with_three = os.environ | {"NUMBA_NUM_THREADS": "3"}  # these tests may run with one
    said = subprocess.run(
        [sys.executable, "-c", code], env=with_three, check=True, capture_output=True, text=True
    ).stdout
    assert said.split() == ["1", "3"]


@pytest.mark.usefixtures("no_jobs")
def test_without_numba_nothing_is_asked_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "numba", raising=False)
    leave_to_jobs()
    take_back()
    assert "numba" not in sys.modules


@GNU_OPENMP
def test_a_job_s_thread_keeps_no_others(qtbot: Any) -> None:
    """Those of PyTorch's loops; the thread itself stays for the next job."""
    counts: list[int] = []

    def work() -> Generator[Progress, None, None]:
        import torch

        ones = torch.ones(1 << 20).exp()
        openmp = ctypes.CDLL("libgomp.so.1", mode=os.RTLD_NOLOAD)
        threads = openmp.omp_get_max_threads()
        end_idle_threads()
        counts.append(n_threads())
        openmp.omp_set_num_threads(3)  # of this thread
        ones.exp()
        openmp.omp_set_num_threads(threads)
        counts.append(n_threads())
        yield Progress()

    job = Job("Counting", work)
    job.start()
    qtbot.waitUntil(lambda: job not in Job._worker_set)
    before, during = counts
    assert during == before + 2
    qtbot.waitUntil(lambda: n_threads() == before)


@pytest.mark.parametrize(("platform", "asked"), [("linux", ["libgomp.so.1"]), ("win32", [])])
def test_where_the_library_is_not_there_nothing_happens(
    platform: str, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_for = []

    def missing(name: str, mode: int) -> None:
        looked_for.append(name)
        raise OSError(name)

    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(os, "RTLD_NOLOAD", 4, raising=False)
    monkeypatch.setattr(ctypes, "CDLL", missing)
    end_idle_threads()
    assert looked_for == asked


def test_progress_is_told_five_times_a_second_but_for_what_lasts(
    qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a clock that each event puts forward by a twentieth of a second."""
    clock = SimpleNamespace(monotonic=itertools.count(10, 0.05).__next__)
    monkeypatch.setattr("napari_ssamamba.gui.job.time", clock)
    monkeypatch.setattr("napari_ssamamba.gui.job.lower_thread_priority", lambda: None)

    def work() -> Generator[Progress, None, None]:
        for n in range(40):
            yield Notice(text="told") if n in (6, 7) else Progress(done=n)

    told: list[Progress] = []
    job = Job("Counting", work)
    job.job_signals.progressed.connect(told.append)
    job.work()
    assert 8 <= sum(not event.lasting for event in told) <= 10
    assert sum(event.lasting for event in told) == 2


def n_threads() -> int:
    return len(list(Path("/proc/self/task").iterdir()))
