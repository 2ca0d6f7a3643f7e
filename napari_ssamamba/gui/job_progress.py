"""How far the job of one kind is, with its Cancel, Pause and Stop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_ssamamba.events import Progress
    from napari_ssamamba.gui.workflow import Workflow

BAR_STEPS = 1000
"""Resolution of the bar."""


class JobProgress(QWidget):
    """Bar, text and time left; hidden unless a job of the kind runs.

    Parameters
    ----------
    workflow : Workflow
    kind : str
        See `Workflow`.
    can_pause : bool
    stop : callable, optional
        Ends the work and keeps what it has done, where that can be.
    """

    def __init__(
        self,
        workflow: Workflow,
        kind: str,
        *,
        can_pause: bool = False,
        stop: Callable[[], None] | None = None,
    ) -> None:
        super().__init__()
        self._workflow = workflow
        self._kind = kind
        self.text = QLabel()
        self.text.setWordWrap(True)
        self.bar = QProgressBar()
        self.bar.setToolTip("How far the work is")
        self.pause = QPushButton("Pause")
        self.pause.setCheckable(True)
        self.pause.setVisible(can_pause)
        self.pause.setToolTip("Hold the work after the current step, or let it go on")
        self.cancel = QPushButton("Cancel")
        self.cancel.setToolTip("End the work; what was there before it is kept")
        self.stop = QPushButton("Stop")
        self.stop.setToolTip("End the work and keep what it has done; it can be continued")
        self.stop.setVisible(stop is not None)
        if stop is not None:
            self.stop.clicked.connect(lambda: stop())
        row = QHBoxLayout()
        row.addWidget(self.bar, 1)
        row.addWidget(self.pause)
        row.addWidget(self.stop)
        row.addWidget(self.cancel)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(row)
        layout.addWidget(self.text)
        self.pause.toggled.connect(self._pause)
        self.cancel.clicked.connect(self._cancel)
        workflow.job_started.connect(self._started)
        workflow.job_progressed.connect(self._progressed)
        workflow.job_ended.connect(self._ended)
        self.setVisible(workflow.job(kind) is not None)

    def _pause(self, paused: bool) -> None:
        self._workflow.pause(self._kind, paused)
        self.pause.setText("Resume" if paused else "Pause")

    def _cancel(self) -> None:
        self._workflow.cancel(self._kind)

    def _started(self, kind: str, job: object) -> None:
        if kind == self._kind:
            self.pause.setChecked(False)
            self.bar.setRange(0, 0)
            self.text.setText("Starting")
            self.show()

    def _progressed(self, kind: str, event: Progress) -> None:
        if kind != self._kind:
            return
        self.bar.setRange(0, BAR_STEPS if event.total > 0 else 0)
        self.bar.setValue(int(BAR_STEPS * event.fraction))
        left = "" if event.seconds_left is None else f" · {time_text(event.seconds_left)} left"
        self.text.setText(event.text + left)

    def _ended(self, kind: str, how: str) -> None:
        if kind == self._kind:
            self.hide()


def time_text(seconds: float) -> str:
    """Say how long, for the user: ``"12 s"``, ``"3 min 20 s"``, ``"2 h 5 min"``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
