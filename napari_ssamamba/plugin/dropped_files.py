"""Files that napari hands over one by one, as those of one scene."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QObject

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari_ssamamba.gui.workflow import Workflow


class DroppedFiles(QObject):
    """Gathers the files that are handed over in one turn of the event loop, and opens them at once.

    napari calls a reader once for each file that is dropped without Shift; the files may be tiles
    of one scene, or a header and its data.

    Parameters
    ----------
    workflow : Workflow
    """

    def __init__(self, workflow: Workflow) -> None:
        super().__init__(workflow)
        self._workflow = workflow
        self._paths: list[Path] = []
        self._turn: QObject | None = None

    def add(self, paths: Sequence[Path]) -> None:
        """Take files, to be opened with the others of this turn.

        napari's progress bar handles events between two files, so that a timer of no time would
        fire there. Qt deletes an object later than that: once whoever asked for it has returned.
        """
        self._paths += [path for path in paths if path not in self._paths]
        if self._turn is None:
            self._turn = QObject()
            self._turn.destroyed.connect(self._open)
            self._turn.deleteLater()

    def _open(self) -> None:
        paths, self._paths, self._turn = self._paths, [], None
        self._workflow.open(paths)
