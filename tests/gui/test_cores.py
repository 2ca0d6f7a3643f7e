"""The window's thread leaves the cores to jobs, and no thread keeps others idle for itself."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from napari_ssamamba.events import Progress
from napari_ssamamba.gui import cores
from napari_ssamamba.gui.cores import done_with, end_idle_threads, leave_to
from napari_ssamamba.gui.job import Job

if TYPE_CHECKING:
    from collections.abc import Generator

numba = pytest.importorskip("numba")

pytestmark = pytest.mark.skipif(numba.config.NUMBA_NUM_THREADS < 2, reason="one core")

GNU_OPENMP = pytest.mark.skipif(sys.platform != "linux", reason="GNU's OpenMP is Linux's")


def test_labels_are_coloured_alone_until_all_work_is_done() -> None:
    before = numba.get_num_threads()
    leave_to("first")
    leave_to("second")
    assert numba.get_num_threads() == 1
    done_with("first")
    assert numba.get_num_threads() == 1
    done_with("second")
    assert numba.get_num_threads() == before > 1


def test_a_user_s_choice_comes_back() -> None:
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        leave_to("work")
        done_with("work")
        assert numba.get_num_threads() == 1
    finally:
        numba.set_num_threads(before)


def test_a_job_takes_the_cores_and_gives_them_back(qtbot: Any) -> None:
    before = numba.get_num_threads()
    goes_on = threading.Event()

    def work() -> Generator[Progress, None, int]:
        yield Progress(text="waiting")
        goes_on.wait(10)
        return 1

    job = Job("Waiting", work)
    job.start()
    during = numba.get_num_threads()
    goes_on.set()
    qtbot.waitUntil(lambda: not cores._at_work, timeout=5000)
    assert (during, numba.get_num_threads()) == (1, before)


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
    qtbot.waitUntil(lambda: not cores._at_work, timeout=20000)
    before, during = counts
    assert during == before + 2
    qtbot.waitUntil(lambda: n_threads() == before, timeout=5000)


@GNU_OPENMP
def test_where_nothing_has_loaded_the_library_nothing_happens(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(name: str, mode: int) -> None:
        raise OSError(name)

    monkeypatch.setattr(cores.ctypes, "CDLL", missing)
    end_idle_threads()


def n_threads() -> int:
    return len(list(Path("/proc/self/task").iterdir()))
