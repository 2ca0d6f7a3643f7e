"""How much main memory this process holds, as Linux tells it, and what it holds of files."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

STATUS = Path("/proc/self/status")
CLEAR = Path("/proc/self/clear_refs")
FORGET_PEAK = "5"
"""What makes Linux count the peak anew."""


def resident_mb() -> float | None:
    """Return the memory that is held now, pages of files included, in MB; None but on Linux."""
    return _figure("VmRSS")


def file_pages_mb() -> float | None:
    """Return how much of it are pages of files, e.g. of libraries, in MB; None but on Linux."""
    return _figure("RssFile")


def peak_mb() -> float | None:
    """Return the most that was held since `forget_peak`, in MB; None but on Linux."""
    return _figure("VmHWM")


def forget_peak() -> None:
    """Count the peak from now on."""
    if CLEAR.exists():
        CLEAR.write_text(FORGET_PEAK)


def forget_files(paths: Iterable[Path]) -> bool:
    """Let what the system keeps of files go; tell whether it does, which Linux alone does."""
    if sys.platform != "linux":
        return False
    for path in paths:
        with path.open("rb") as file:
            os.fsync(file.fileno())  # what is not on the disk yet would stay
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    return True


def _figure(name: str) -> float | None:
    if not STATUS.exists():
        return None
    found = re.search(rf"{name}:\s+(\d+) kB", STATUS.read_text())
    return None if found is None else int(found[1]) * 1024 / 1e6
