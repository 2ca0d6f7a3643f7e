"""Work in the main thread that would hold the window if it were done at once."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, QTimer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SECONDS_A_TURN = 0.015
"""After so long the window may answer again."""


class Turns(QObject):
    """Does the steps of a piece of work in turns of the event loop.

    Parameters
    ----------
    request : callable
        Calls what it is given, tells of errors that users should know, and returns whether there
        was none; see `Workflow.request`.
    parent : QObject
    """

    def __init__(self, request: Callable[[Callable[[], object]], bool], parent: QObject) -> None:
        super().__init__(parent)
        self._request = request
        self._steps: Iterator[None] = iter(())
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._turn)

    def begin(self, steps: Iterator[None]) -> None:
        """Do these steps, from now on; what is left of those before is dropped."""
        self._steps = steps
        self._turn()

    def stop(self) -> None:
        """Drop what is left."""
        self._steps = iter(())
        self._timer.stop()

    def _turn(self) -> None:
        end = time.perf_counter() + SECONDS_A_TURN
        left = True

        def step() -> None:
            nonlocal left
            try:
                next(self._steps)
            except StopIteration:
                left = False

        while left and time.perf_counter() < end:
            if not self._request(step):
                self.stop()
                return
        if left:
            self._timer.start()
