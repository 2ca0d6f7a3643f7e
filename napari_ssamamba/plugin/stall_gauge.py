"""How long the window does not answer."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from qtpy.QtCore import QTimer

from napari_ssamamba.plugin.waiting import run_for

if TYPE_CHECKING:
    from collections.abc import Callable

MILLISECONDS_BETWEEN_ACTS = 30


class StallGauge:
    """Measures how long the event loop was away, with a timer that wants to fire all the time."""

    def __init__(self) -> None:
        self._timer = QTimer()
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._tick)
        self._last = 0.0
        self._gaps: list[float] = []

    def _tick(self) -> None:
        now = time.perf_counter()
        self._gaps.append(now - self._last)
        self._last = now

    def start(self) -> None:
        """Begin to measure, whatever runs the event loop."""
        self._gaps = []
        self._last = time.perf_counter()
        self._timer.start()

    def stop(self) -> float:
        """Return the longest time, in ms, that the event loop was away since `start`."""
        self._tick()
        self._timer.stop()
        return 1000 * max(self._gaps)

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
