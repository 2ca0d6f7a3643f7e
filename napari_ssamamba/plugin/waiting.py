"""Letting the window work from within a program that drives it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from qtpy.QtCore import QEventLoop, QTimer

if TYPE_CHECKING:
    from collections.abc import Callable

MILLISECONDS_BETWEEN_LOOKS = 50
LONGEST_SECONDS = 600.0


def run_for(seconds: float) -> None:
    """Run the event loop for a while."""
    loop = QEventLoop()
    QTimer.singleShot(round(1000 * seconds), loop.quit)
    loop.exec()


def run_until(
    holds: Callable[[], bool],
    seconds: float = LONGEST_SECONDS,
    look_every_ms: int = MILLISECONDS_BETWEEN_LOOKS,
) -> None:
    """Run the event loop until something holds.

    Raises
    ------
    TimeoutError
        Where it does not hold in time.
    """
    loop, timer = QEventLoop(), QTimer()
    deadline = time.monotonic() + seconds
    timer.timeout.connect(lambda: (holds() or time.monotonic() > deadline) and loop.quit())
    timer.start(look_every_ms)
    loop.exec()
    timer.stop()
    if not holds():
        raise TimeoutError(f"the window was not ready after {seconds:.0f} s")
