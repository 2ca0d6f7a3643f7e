"""The cores belong to the work in the background while there is some (Linux).

napari colours labels with Numba, on as many threads as there are cores, which then wait for the
next layer. They come from the library that PyTorch takes its own from, GNU's OpenMP; and where
threads of that, idle ones too, outnumber the cores, those of a training no longer wait for each
other awake: they sleep, and are woken thousands of times a second, which halves its speed.
"""

from __future__ import annotations

import ctypes
import os
import sys

SOFT = 1
"""The kind of pause after which OpenMP keeps its settings (omp.h)."""

_at_work: set[object] = set()
_before: int | None = None


def leave_to(work: object) -> None:
    """Let the calling thread, the window's, colour labels alone until this work is done.

    Parameters
    ----------
    work : object
        See `done_with`.
    """
    global _before
    numba = sys.modules.get("numba")
    if numba is not None and not _at_work:
        _before = numba.get_num_threads()
        numba.set_num_threads(1)
    _at_work.add(work)
    end_idle_threads()


def done_with(work: object) -> None:
    """Undo `leave_to`, once all work is done."""
    global _before
    _at_work.discard(work)
    if _before is not None and not _at_work:
        sys.modules["numba"].set_num_threads(_before)
        _before = None


def end_idle_threads() -> None:
    """End the threads that wait for the calling thread's next parallel loop; it starts new ones."""
    if sys.platform != "linux":
        return
    try:
        openmp = ctypes.CDLL("libgomp.so.1", mode=os.RTLD_NOLOAD)
    except OSError:  # nothing has loaded it
        return
    pause = getattr(openmp, "omp_pause_resource_all", None)
    if pause is not None:  # since GCC 9
        pause(SOFT)
