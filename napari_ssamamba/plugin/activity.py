"""Shows each job in napari's activity dock too."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from napari.utils import progress
from qtpy.QtCore import QObject

if TYPE_CHECKING:
    from napari_ssamamba.events import Progress
    from napari_ssamamba.gui.workflow import Workflow

STEPS = 100
"""A bar shows percents."""


class Activity(QObject):
    """One bar a kind of job; bars are made, moved and closed in the main thread.

    Parameters
    ----------
    workflow : Workflow
        Its Qt parent.
    """

    def __init__(self, workflow: Workflow) -> None:
        super().__init__(workflow)
        self.bars: dict[str, progress] = {}
        self._sinks: dict[str, Any] = {}
        workflow.job_started.connect(self._started)
        workflow.job_progressed.connect(self._progressed)
        workflow.job_ended.connect(self._ended)

    def _started(self, kind: str, job: Any) -> None:
        self._ended(kind, "")
        # The bar is tqdm's, which would also print; the terminal is not ours to write to.
        self._sinks[kind] = open(os.devnull, "w", encoding="utf-8")
        self.bars[kind] = progress(total=STEPS, desc=job.title, file=self._sinks[kind])

    def _progressed(self, kind: str, event: Progress) -> None:
        bar = self.bars.get(kind)
        if bar is not None and (steps := int(event.fraction * STEPS)) != bar.n:
            bar.update(steps - bar.n)

    def _ended(self, kind: str, how: str) -> None:
        if bar := self.bars.pop(kind, None):
            bar.close()
            self._sinks.pop(kind).close()
