"""Memory that was freed goes back to the system (Linux, glibc), which keeps it for later else.

The blocks that are read and the arrays of a network are large, short-lived and of many sizes: what
glibc keeps of them came to a third of what a training held. It keeps a pool for each thread, and
gives back only what lies at a pool's end, unless it is asked for all.
"""

from __future__ import annotations

import ctypes
import platform
import time
from functools import cache
from threading import Lock

ARENA_MAX = -8
"""The option M_ARENA_MAX of glibc's malloc.h."""

POOLS = 2
"""For all threads together; glibc takes up to eight a core."""

SECONDS_BETWEEN = 0.5
"""Giving back takes about 10 ms, and a little again when the memory is taken anew."""

_lock = Lock()
_given_back = 0.0


def keep_few_pools() -> None:
    """Let threads share pools; before they start, as those that are there stay."""
    if (libc := _glibc()) is not None:
        libc.mallopt(ARENA_MAX, POOLS)


def give_back(*, at_once: bool = False) -> None:
    """Give back what was freed, now and then.

    Parameters
    ----------
    at_once : bool
        Also where the last time was just now.
    """
    global _given_back
    libc = _glibc()
    if libc is None or not _lock.acquire(blocking=False):
        return
    try:
        if at_once or time.monotonic() - _given_back >= SECONDS_BETWEEN:
            libc.malloc_trim(0)
            _given_back = time.monotonic()
    finally:
        _lock.release()


@cache
def _glibc() -> ctypes.CDLL | None:
    return ctypes.CDLL(None) if platform.libc_ver()[0] == "glibc" else None
