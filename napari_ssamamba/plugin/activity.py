"""Shows each job in napari's activity dock too, where it can be cancelled."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any

from napari.utils import cancelable_progress
from qtpy.QtCore import QObject, QTimer
from qtpy.QtWidgets import QApplication, QLabel, QStatusBar

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_ssamamba.events import Progress
    from napari_ssamamba.gui.job import Job
    from napari_ssamamba.gui.workflow import Workflow

STEPS = 100
"""A bar shows percents."""

MILLISECONDS_BEFORE_BAR = 1000
"""Shorter jobs, as each click on a pixel or a confusion starts, need no bar, which napari takes two
tenths of a second to make. And it lets the window work meanwhile, which the callback of a click
must not be interrupted by."""


class Activity(QObject):
    """One bar a kind of job; bars are made, moved and closed in the main thread.

    Parameters
    ----------
    workflow : Workflow
        Its Qt parent.
    """

    def __init__(self, workflow: Workflow) -> None:
        super().__init__(workflow)
        self._workflow = workflow
        self.bars: dict[str, _Bar] = {}
        self._sinks: dict[str, Any] = {}
        workflow.job_started.connect(self._started)
        workflow.job_progressed.connect(self._progressed)
        workflow.job_ended.connect(self._ended)

    def _started(self, kind: str, job: Any) -> None:
        self._ended(kind, "")
        QTimer.singleShot(MILLISECONDS_BEFORE_BAR, partial(self._add_bar, kind, job))

    def _add_bar(self, kind: str, job: Job) -> None:
        if self._workflow.job(kind) is not job:
            return
        # The bar is tqdm's, which would also print; the terminal is not ours to write to.
        sink = open(os.devnull, "w", encoding="utf-8")
        cancel = partial(self._workflow.cancel, kind)
        bar = _Bar(cancel, total=STEPS, desc=job.title, file=sink)
        hold_wheels()
        self._ended(kind, "")
        self.bars[kind], self._sinks[kind] = bar, sink
        if self._workflow.job(kind) is not job:  # it ended while the bar was made
            self._ended(kind, "")

    def _progressed(self, kind: str, event: Progress) -> None:
        bar = self.bars.get(kind)
        if bar is not None and (steps := int(event.fraction * STEPS)) != bar.n:
            bar.update(steps - bar.n)

    def _ended(self, kind: str, how: str) -> None:
        if bar := self.bars.pop(kind, None):
            bar.close()
            self._sinks.pop(kind).close()


class _Bar(cancelable_progress):
    """A bar whose Cancel ends its job; napari's own waits for the bar to be iterated."""

    def __init__(self, end_job: Callable[[], None], **how: Any) -> None:
        self._end_job = end_job
        super().__init__(**how)

    def cancel(self) -> None:
        """End the job, which closes the bar."""
        super().cancel()
        self._end_job()


def hold_wheels() -> None:
    """Stop the wheel that napari turns in the status bar of a window while that has a bar.

    It may be another window than the job's: napari takes the one that was used last. For each frame
    of the wheel, 30 a second, Qt puts the whole window together anew: where OpenGL is drawn in
    software, a training takes twice as long beside it.
    """
    for window in QApplication.topLevelWidgets():
        for status in window.findChildren(QStatusBar):
            for label in status.findChildren(QLabel):
                if (wheel := label.movie()) is not None:
                    wheel.setPaused(True)
