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

_before: int | None = None
"""Numba's threads for the window, while it colours alone."""


def leave_to_jobs() -> None:
    """Let the calling thread, the window's, colour labels alone until `take_back`."""
    global _before
    numba = sys.modules.get("numba")
    if numba is not None and _before is None:
        _before = numba.get_num_threads()
        numba.set_num_threads(1)
    end_idle_threads()


def take_back() -> None:
    """Undo `leave_to_jobs`, in the same thread."""
    global _before
    if _before is not None:
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
