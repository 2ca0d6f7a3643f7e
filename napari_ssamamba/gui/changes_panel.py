"""Retraining with the corrections, and what that changed in the map."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QLabel,
    QPushButton,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from napari_ssamamba.gui.changes_model import ChangesModel
from napari_ssamamba.gui.connections import connect
from napari_ssamamba.gui.job_progress import JobProgress
from napari_ssamamba.gui.plot_colors import BROKEN_COLOR, ELSEWHERE_COLOR, FIXED_COLOR

if TYPE_CHECKING:
    from napari_ssamamba.gui.workflow import Workflow
    from napari_ssamamba.session import Session
    from napari_ssamamba.session.changes import TrainingChanges

TABLE_HEIGHT = 130


class ChangesPanel(QWidget):
    """Asks for a training on the corrected labels, and shows how the map differs after it.

    Parameters
    ----------
    session : Session
    workflow : Workflow
    """

    def __init__(self, session: Session, workflow: Workflow) -> None:
        super().__init__()
        self._session = session
        self._workflow = workflow
        self.retrain = QPushButton("Re&train and map")
        self.retrain.setToolTip(
            "Train on the labels with the corrections, starting from the last model, map the scene "
            "again, and say what changed"
        )
        self.retrain.clicked.connect(self._retrain)
        self.progress = JobProgress(workflow, "train")
        self.mapping = JobProgress(workflow, "map")
        self.text = QLabel()
        self.text.setWordWrap(True)
        self.text.setToolTip("The map before the last training beside the map after it")
        self.model = ChangesModel(self)
        self.table = QTableView()
        self.table.setModel(self.model)
        self.table.setAccessibleName("Changes by class")
        self.table.setToolTip("What changed, class by class")
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.table.setTabKeyNavigation(False)
        self.table.setFixedHeight(TABLE_HEIGHT)
        self.table.verticalHeader().hide()
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for widget in (self.retrain, self.progress, self.mapping, self.text, self.table):
            layout.addWidget(widget)
        workflow.job_started.connect(self._show_state)
        workflow.job_ended.connect(self._show_state)
        events = session.events
        connect(self._show_state, events.map, events.labels, events.checkpoint, events.cube)
        connect(self._show_found, session.changes.events.found)
        self._show_found()

    def _retrain(self) -> None:
        self._workflow.fixing.retrain()

    def _show_state(self, *_: object) -> None:
        session = self._session
        runs = any(self._workflow.job(kind) is not None for kind in ("train", "map"))
        there = session.checkpoint is not None and session.map is not None
        self.retrain.setVisible(there)
        self.retrain.setEnabled(there and not runs)
        found = session.changes.found
        self.text.setVisible(there)
        self.text.setText(self._hint() if found is None else changes_text(found))

    def _hint(self) -> str:
        if self._session.changes.before is not None:
            return "What changes is said here when the next map is complete."
        return "Correct labels, then retrain: what changes in the map is said here."

    def _show_found(self) -> None:
        found = self._session.changes.found
        self.model.show_changes(found)
        self.table.setVisible(self.model.rowCount() > 0)
        self._show_state()


def changes_text(changes: TrainingChanges) -> str:
    """Say what a training changed, as rich text."""
    found = changes.found
    share = 100 * found.changed / max(found.mapped, 1)
    whole = _swatch(ELSEWHERE_COLOR) + f"{found.changed:,} of {found.mapped:,} pixels changed "
    whole += f"({share:.1f} %)."
    if not changes.truth:
        return f"{whole} The map before was compared with no truth, so none is called fixed."
    if not found.counted:
        return f"{whole} No pixel of {changes.truth} is left to count: all are trained on now."
    left_out = f"; {changes.left_out:,} trained on or decided are left out"
    return (
        f"{_swatch(FIXED_COLOR)}<b>{found.fixed:,} fixed</b> · "
        f"{_swatch(BROKEN_COLOR)}<b>{found.broken:,} broken</b> · "
        f"{found.still_wrong:,} still wrong, of {found.counted:,} pixels ({changes.truth}"
        f"{left_out if changes.left_out else ''}).<br>{whole}"
    )


def _swatch(color: str) -> str:
    return f'<span style="color: {color}">■</span> '
