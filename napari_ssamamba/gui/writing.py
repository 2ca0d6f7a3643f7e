"""Writes the files that the user asked for, one after the other, whatever else begins or ends."""

from __future__ import annotations

import logging
import threading
from collections import deque
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject

from napari_ssamamba.events import result_of

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from napari_ssamamba.events import Progress
    from napari_ssamamba.gui.workflow import Workflow

WRITE = "write"
"""Kind of job, see `Workflow`; another scene does not end it."""

logger = logging.getLogger(__name__)


class Writing(QObject):
    """Of two writes into one file the later one stays; none is given up, unless it is cancelled.

    Parameters
    ----------
    workflow : Workflow
        Its Qt parent.
    """

    def __init__(self, workflow: Workflow) -> None:
        super().__init__(workflow)
        self._workflow = workflow
        self._waiting: deque[tuple[str, Callable[[], Any], Callable[[Any], None]]] = deque()
        self._turn = threading.Lock()  # of a write, also one that was cancelled in its last step
        workflow.job_ended.connect(self._job_ended)

    def write(
        self,
        title: str,
        start: Callable[[], Generator[Progress, None, Any]],
        on_result: Callable[[Any], None],
    ) -> None:
        """Write once what was asked for before is written; parameters as of `Workflow.run`."""
        self._waiting.append((title, start, on_result))
        self._begin()

    def finish(self) -> None:
        """Write at once, in this thread, what still waits."""
        while self._waiting:
            title, start, _ = self._waiting.popleft()
            try:
                result_of(start())
            except Exception:  # the window is about to close: the others are still to be written
                logger.exception("%s stopped", title)

    def _begin(self) -> None:
        if self._waiting and self._workflow.job(WRITE) is None:
            title, start, on_result = self._waiting.popleft()

            def in_turn() -> Generator[Progress, None, Any]:
                with self._turn:
                    return (yield from start())

            self._workflow.run(WRITE, title, in_turn, on_result=on_result)

    def _job_ended(self, kind: str, how: str) -> None:
        if kind == WRITE:
            self._begin()
