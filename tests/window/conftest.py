"""What the tests in a real window share."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest
from qtpy.QtCore import QTimer

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytestqt.qtbot import QtBot


class StallGauge:
    """Measures how long the event loop was away, with a timer that wants to fire all the time."""

    def __init__(self, qtbot: QtBot) -> None:
        self._qtbot = qtbot
        self._timer = QTimer()
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._tick)
        self._last = 0.0
        self._gaps: list[float] = []

    def _tick(self) -> None:
        now = time.perf_counter()
        self._gaps.append(now - self._last)
        self._last = now

    def longest_ms(self, seconds: float, each: Callable[[], None] | None = None) -> float:
        """Run the event loop for a while, calling `each` every 30 ms; return the longest gap."""
        acts = QTimer()
        if each is not None:
            acts.setInterval(30)
            acts.timeout.connect(each)
            acts.start()
        self._gaps = []
        self._last = time.perf_counter()
        self._timer.start()
        self._qtbot.wait(int(1000 * seconds))
        self._timer.stop()
        acts.stop()
        return 1000 * max(self._gaps)


@pytest.fixture
def stall_gauge(qtbot: QtBot) -> StallGauge:
    return StallGauge(qtbot)


@pytest.fixture(autouse=True)
def _real_window() -> None:
    if not os.environ.get("DISPLAY") or os.environ.get("QT_QPA_PLATFORM") != "xcb":
        pytest.skip("no display: run with QT_QPA_PLATFORM=xcb, e.g. under xvfb-run")
