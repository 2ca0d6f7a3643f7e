"""Writes what changed, in the background and some seconds after it did."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.compat import isalive
from qtpy.QtCore import QObject, QTimer

from napari_ssamamba.events import Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from napari_ssamamba.gui.workflow import Workflow

SECONDS_TO_WRITE = 10.0
"""How long a write that has begun is waited for."""


class Keeper(QObject):
    """Keeps one thing that changes.

    Parameters
    ----------
    workflow : Workflow
        Its Qt parent.
    kind, title : str
        Of its jobs, see `Workflow.run`.
    milliseconds : int
        After so long what changed is written.
    write : callable
        Writes what changed since it was last called, in any thread; nothing where nothing did.
    refused : callable
        Told why that could not be: once, until it can.
    written : callable, optional
        Called after each write, in the main thread.
    """

    def __init__(
        self,
        workflow: Workflow,
        kind: str,
        title: str,
        milliseconds: int,
        write: Callable[[], None],
        refused: Callable[[OSError], None],
        written: Callable[[], None] | None = None,
    ) -> None:
        super().__init__(workflow)
        self._workflow = workflow
        self._kind, self._title = kind, title
        self._write, self._refuse, self._then = write, refused, written
        self._refused = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(milliseconds)
        self._timer.timeout.connect(self._keep)

    def change(self) -> None:
        """Tell that there is something to write."""
        if not self._timer.isActive():
            self._timer.start()

    def flush(self) -> None:
        """Write at once what changed since it was last written."""
        if isalive(self._timer):  # else the window is gone, but what it showed may not be kept yet
            self._timer.stop()
        if (running := self._workflow.job(self._kind)) is not None:
            self._workflow.cancel(self._kind)
            running.wait(SECONDS_TO_WRITE)
        self._tell(self._try())

    def _keep(self) -> None:
        def keeping() -> Generator[Progress, None, OSError | None]:
            yield Progress(text=self._title)
            return self._try()

        self._workflow.run(self._kind, self._title, keeping, on_result=self._tell)

    def _try(self) -> OSError | None:
        try:
            self._write()
        except OSError as error:
            return error
        return None

    def _tell(self, error: OSError | None) -> None:
        if error is not None and not self._refused:
            self._refuse(error)
        self._refused = error is not None
        if self._then is not None:
            self._then()
