"""How long the window does not answer."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, QTimer

from napari_ssamamba.plugin.waiting import run_for

if TYPE_CHECKING:
    from collections.abc import Callable

MILLISECONDS_BETWEEN_ACTS = 30

MILLISECONDS_BETWEEN_TICKS = 2
"""Part of every gap. A timer without a pause would take a core, and the interpreter, for itself."""


class StallGauge:
    """Measures how long the event loop was away, with a timer that fires every 2 ms."""

    def __init__(self) -> None:
        self._timer = QTimer()
        self._timer.setInterval(MILLISECONDS_BETWEEN_TICKS)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)
        self._last = 0.0
        self._longest = 0.0

    def _tick(self) -> None:
        now = time.perf_counter()
        self._longest = max(self._longest, now - self._last)
        self._last = now

    def start(self) -> None:
        """Begin to measure, whatever runs the event loop."""
        self._longest = 0.0
        self._last = time.perf_counter()
        self._timer.start()

    def stop(self) -> float:
        """Return the longest time, in ms, that the event loop was away since `start`."""
        self._tick()
        self._timer.stop()
        return 1000 * self._longest

    def longest_ms(self, seconds: float, each: Callable[[], None] | None = None) -> float:
        """Run the event loop for a while, calling `each` every 30 ms; return the longest gap."""
        acts = QTimer()
        if each is not None:
            acts.setInterval(MILLISECONDS_BETWEEN_ACTS)
            acts.timeout.connect(each)
            acts.start()
        self.start()
        run_for(seconds)
        acts.stop()
        return self.stop()
