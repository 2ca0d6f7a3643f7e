"""Which program began something that is in a file, and whether it may still be at it."""

from __future__ import annotations

import hashlib
import os
import platform
import uuid
from contextlib import suppress
from functools import cache

CLOCKS_DIFFER = 60.0
"""Seconds: when a program started is known less exactly than when a file was written."""


@cache
def machine() -> str:
    """Name the machine, or the container, in which numbers of processes mean the same."""
    told = platform.node(), uuid.getnode()
    numbering = ""
    with suppress(OSError):  # Linux alone has it
        numbering = os.readlink("/proc/self/ns/pid")
    return hashlib.sha256(repr((told, numbering)).encode()).hexdigest()[:8]


def is_running(process: int, wrote: float) -> bool:
    """Tell whether a program of this machine may be running; another may have its number.

    Parameters
    ----------
    process : int
        Its number.
    wrote : float
        When it wrote a file, in seconds since 1970.
    """
    import psutil

    try:
        started: float = psutil.Process(process).create_time()
        return started < wrote + CLOCKS_DIFFER
    except psutil.NoSuchProcess:
        return False
    except psutil.Error:
        return True
