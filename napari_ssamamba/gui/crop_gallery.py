"""A gallery of crops around confused pixels: a click flies there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QModelIndex, QPoint, QSignalBlocker, Qt, QTimer
from qtpy.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QListView,
    QVBoxLayout,
    QWidget,
)

from napari_ssamamba.gui.audit_panel import bind_steps
from napari_ssamamba.gui.confusion_model import cell_text
from napari_ssamamba.gui.connections import connect
from napari_ssamamba.gui.crop_delegate import CropDelegate, crop_size
from napari_ssamamba.gui.crop_model import CropModel
from napari_ssamamba.gui.decision_keys import bind_decisions

if TYPE_CHECKING:
    from qtpy.QtGui import QShowEvent

    from napari_ssamamba.audit.confusion import Cell
    from napari_ssamamba.gui.workflow import Workflow
    from napari_ssamamba.session import Session

ALL, CHOSEN = range(2)
"""Which errors are shown, as the box has them."""

LAID_OUT_AT_ONCE = 2000
"""Crops that find their place before the window answers again."""

MILLISECONDS_TO_LAY_OUT = 30
"""Between two looks whether a crop far down has found its place."""


class CropGallery(QWidget):
    """Shows all errors, or the pixels of the chosen cell; what is in view is drawn, no more.

    Parameters
    ----------
    session : Session
    workflow : Workflow
    """

    def __init__(self, session: Session, workflow: Workflow) -> None:
        super().__init__()
        self._session = session
        self._cell: Cell | None = None
        self._choosing = False
        self._stale = True
        self.which = QComboBox()
        self.which.addItems(["All errors", "Chosen confusion"])
        self.which.setToolTip(
            "Show the errors of all confusions, the largest first, or the pixels of the one that "
            "is chosen; in each the most confident come first"
        )
        self.which.setAccessibleName("Which pixels to show")
        self.which.currentIndexChanged.connect(self._list)
        self.group = QLabel()
        self.group.setToolTip(
            "What the crops at the top are. Outlined are the reference, outside, and the map's "
            "class, inside, in their colours; letters tell what was decided"
        )
        self.model = CropModel(session, self)
        self.view = self._make_view()
        self.missing = QLabel()
        self.missing.setWordWrap(True)
        self.missing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        row = QHBoxLayout()
        row.addWidget(self.which)
        row.addWidget(self.group)
        row.addStretch(1)
        layout = QVBoxLayout(self)
        layout.addLayout(row)
        layout.addWidget(self.view, 1)
        layout.addWidget(self.missing, 1)
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(MILLISECONDS_TO_LAY_OUT)
        self._later.timeout.connect(self._show_position)
        bind_steps(self, session)
        bind_decisions(self, session, workflow)
        audit, events = session.audit.events, session.events
        connect(self._list, audit.confusion, events.cube)
        connect(self._cell_changed, audit.cell)
        connect(self._show_position, audit.position)
        connect(self._draw_anew, events.composite)
        connect(self._labels_changed, events.labels)
        connect(self._show_decisions, session.decisions.events.made)
        self._list()

    def _make_view(self) -> QListView:
        view = QListView()
        view.setModel(self.model)
        view.setItemDelegate(CropDelegate(self.model, self._session, view))
        view.setViewMode(QListView.ViewMode.IconMode)
        view.setMovement(QListView.Movement.Static)
        view.setResizeMode(QListView.ResizeMode.Adjust)
        view.setUniformItemSizes(True)
        view.setLayoutMode(QListView.LayoutMode.Batched)
        view.setBatchSize(LAID_OUT_AT_ONCE)
        view.setToolTip("A click, or the arrow keys, fly to a pixel")
        view.setAccessibleName("Crops around confused pixels")
        view.selectionModel().currentChanged.connect(self._chosen)
        view.clicked.connect(self._chosen)
        view.verticalScrollBar().valueChanged.connect(self._name_group)
        return view

    # --- what is listed --------------------------------------------------------------------

    def _cell_changed(self) -> None:
        """Follow a cell that is chosen elsewhere."""
        cell = self._session.audit.cell
        if cell == self._cell:
            return
        self._cell = cell
        if not self._choosing:
            with QSignalBlocker(self.which):
                self.which.setCurrentIndex(ALL if cell is None else CHOSEN)
            self._list()

    def _cells(self) -> list[Cell]:
        audit = self._session.audit
        if audit.confusion is None:
            return []
        if self.which.currentIndex() == CHOSEN:
            return [] if audit.cell is None else [audit.cell]
        return audit.confusion.worst()

    def _list(self, *_: object) -> None:
        """List what is to be shown; behind another tab that waits until it is looked at."""
        self._stale = not self.isVisible()
        if self._stale:
            return
        self.view.setGridSize(crop_size(self.fontMetrics()))
        self.model.show_cells(self._session.audit.confusion, self._cells())
        there = self._session.audit.confusion is not None
        listed = self.model.rowCount() > 0
        self.view.setVisible(listed)
        self.which.setVisible(there)
        self.group.setVisible(listed)
        self.missing.setVisible(not listed)
        if not listed:
            self.missing.setText(self._missing_text())
        self._name_group()
        self._show_position()

    def _missing_text(self) -> str:
        audit = self._session.audit
        if audit.confusion is None:
            return audit.missing() or "The matrix is being computed."
        if self.which.currentIndex() == ALL:
            return "No error: the map agrees with the truth everywhere."
        if audit.cell is None:
            return "Choose a cell of the matrix, or a confusion in the section Audit."
        return f"{cell_text(audit.confusion, audit.cell)}. Choose a cell with a number."

    # --- one of them -----------------------------------------------------------------------

    def _chosen(self, index: QModelIndex, *_: object) -> None:
        """Look at the pixel that was clicked on, or gone to by an arrow key."""
        audit = self._session.audit
        if not index.isValid():
            return
        cell, position = self.model.place(index.row())
        if (audit.cell, audit.position) != (cell, position):
            self._choosing = True
            try:
                audit.go_to(position, cell)
            finally:
                self._choosing = False

    def _show_position(self) -> None:
        """Select the pixel that is looked at elsewhere, as soon as it has its place."""
        audit = self._session.audit
        row = None if audit.position is None else self.model.row_of(audit.cell, audit.position)
        if row is None:
            self.view.setCurrentIndex(QModelIndex())
            self.view.clearSelection()
            return
        index = self.model.index(row)
        self.view.setCurrentIndex(index)
        if not self.view.isVisible():
            return
        if self.view.visualRect(index).isEmpty():
            self._later.start()
        else:
            self.view.scrollTo(index)

    def _name_group(self, *_: object) -> None:
        """Say what the first crops in view are."""
        confusion = self._session.audit.confusion
        size = self.view.gridSize()
        top = self.view.indexAt(QPoint(size.width() // 2, size.height() // 2))
        row = top.row() if top.isValid() else 0
        if confusion is not None and self.model.rowCount():
            self.group.setText(cell_text(confusion, self.model.place(row)[0]))

    # --- what changes elsewhere ------------------------------------------------------------

    def _show_decisions(self) -> None:
        """Show the letters of what was decided, over the crops as they are."""
        self.view.viewport().update()

    def _labels_changed(self) -> None:
        """Draw the truth anew where the labels are it."""
        if self._session.audit.truth != "reference":
            self._draw_anew()

    def _draw_anew(self) -> None:
        self.model.forget_crops()
        self._show_decisions()

    def showEvent(self, event: QShowEvent) -> None:
        """List what came while the gallery was not seen, and go to the pixel that is looked at."""
        super().showEvent(event)
        if self._stale:
            self._list()
        else:
            self._show_position()
