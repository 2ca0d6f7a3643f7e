"""Keeps work while it is done: in the background, some seconds after it changed."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, ClassVar

from qtpy.compat import isalive
from qtpy.QtCore import QTimer

from napari_ssamamba.events import Progress
from napari_ssamamba.gui.offered_work import OfferedWork
from napari_ssamamba.project.user_data import data_folder

if TYPE_CHECKING:
    from collections.abc import Generator

    from napari_ssamamba.gui.workflow import Workflow

SECONDS_TO_WRITE = 10.0
"""How long a write that has begun is waited for."""

NO_MEMORY = "there is too little memory"

SLOW = "it is still being written after {:g} seconds"

NOT_KEPT = "{}: {} cannot be kept there for the case of a crash ({}). {}"


class KeptJobs(OfferedWork):
    """One kind of work that is kept while it is done; what it is, a subclass says.

    Parameters
    ----------
    workflow : Workflow
        Its Qt parent.
    milliseconds : int
        After so long what changed is written.

    Attributes
    ----------
    what : str
        The work, for the user.
    remedy : str
        What to do where it cannot be kept.
    """

    what: ClassVar[str]
    remedy: ClassVar[str]

    def __init__(self, workflow: Workflow, milliseconds: int) -> None:
        super().__init__(workflow)
        self._kind, self._title = f"keeping {self.what}", f"Keeping {self.what}"  # of the jobs
        self._refused = False
        self._writing = threading.Lock()  # a second write would begin the first one's files anew
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(milliseconds)
        self._timer.timeout.connect(self._keep)

    # --- for subclasses --------------------------------------------------------------------

    def write(self) -> None:
        """Write what changed since the last time, or is in no file any more, one thread at a time.

        Raises
        ------
        OSError, MemoryError
            Where it could not be written.
        """
        raise NotImplementedError

    def written(self) -> None:
        """Do what follows a write, in the main thread."""

    # --- keeping ---------------------------------------------------------------------------

    def change(self) -> None:
        """Tell that there is something to write."""
        if not self._timer.isActive():
            self._timer.start()

    def flush(self) -> None:
        """Write at once what changed since it was last written."""
        if isalive(self._timer):  # else the window is gone, but what it showed may not be kept yet
            self._timer.stop()
        self._workflow.cancel(self._kind)
        self._tell(self._refusal())

    def _keep(self) -> None:
        if self._workflow.job(self._kind) is not None:  # a slow disk
            self._timer.start()
            return

        def keeping() -> Generator[Progress, None, Exception | None]:
            yield Progress(text=self._title)
            return self._refusal()

        self._workflow.run(self._kind, self._title, keeping, on_result=self._tell)

    def _refusal(self) -> Exception | None:
        """Write, once nobody else does; return why that could not be."""
        if not self._writing.acquire(timeout=SECONDS_TO_WRITE):
            return TimeoutError(SLOW.format(SECONDS_TO_WRITE))
        try:
            self.write()
        except (OSError, MemoryError) as error:
            return error
        finally:
            self._writing.release()
        return None

    def _tell(self, error: Exception | None) -> None:
        """Tell the user that it cannot be kept, once until it can."""
        if error is not None and not self._refused:
            text = NOT_KEPT.format(data_folder(), self.what, str(error) or NO_MEMORY, self.remedy)
            self._workflow.told.emit("error", text)
        self._refused = error is not None
        self.written()
        if not all(kept.path.exists() for kept in self.offered):  # the oldest made room
            self.list_again()
