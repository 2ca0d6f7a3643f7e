"""How much main memory this process holds, as Linux tells it."""

from __future__ import annotations

import re
from pathlib import Path

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


def _figure(name: str) -> float | None:
    if not STATUS.exists():
        return None
    found = re.search(rf"{name}:\s+(\d+) kB", STATUS.read_text())
    return None if found is None else int(found[1]) * 1024 / 1e6
