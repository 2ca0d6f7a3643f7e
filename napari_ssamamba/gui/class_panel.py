"""The section Classes: the table, and where labels come from."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtCore import QSignalBlocker, Qt
from qtpy.QtWidgets import (
    QAbstractItemView,
    QGridLayout,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QSpinBox,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from napari_ssamamba.gui.class_table_model import COLOUR, NAME, ClassTableModel
from napari_ssamamba.gui.connections import connect
from napari_ssamamba.gui.job_progress import JobProgress
from napari_ssamamba.gui.kept_row import KeptRow

if TYPE_CHECKING:
    from qtpy.QtCore import QModelIndex

    from napari_ssamamba.gui.dialogs import Dialogs
    from napari_ssamamba.gui.workflow import Workflow
    from napari_ssamamba.session import Session

TABLE_HEIGHT = 170


class ClassPanel(QWidget):
    """Shows the classes and asks for changes to them and to the labels.

    Parameters
    ----------
    session : Session
    workflow : Workflow
    dialogs : Dialogs
    """

    def __init__(self, session: Session, workflow: Workflow, dialogs: Dialogs) -> None:
        super().__init__()
        self._session = session
        self._workflow = workflow
        self._dialogs = dialogs
        self.model = ClassTableModel(session, workflow, self)
        self.table = self._make_table()
        self.hint = QLabel()
        self.hint.setWordWrap(True)
        self.add = self._button("&Add", "Add a class and select it", self._add)
        self.delete = self._button(
            "&Delete", "Delete the selected class; you are asked about its pixels", self._delete
        )
        self.labels = self._button(
            "Import &labels…",
            "Replace the labels by those of a class raster (also several tiles) or of polygons",
            partial(self._import, "Import labels", False),
        )
        self.reference = self._button(
            "Import &reference…",
            "Open a reference to check the map against, or to draw training pixels from; several "
            "GeoTIFF tiles are one",
            partial(self._import, "Import a reference", True),
        )
        self.draw = self._button(
            "Draw from reference",
            "Replace the labels by random pixels of the reference; the seed says which",
            self._draw,
        )
        self.per_class = QSpinBox()
        self.per_class.setRange(1, 1_000_000)
        self.per_class.setValue(20)
        self.per_class.setSuffix(" a class")
        self.per_class.setToolTip("Pixels to draw of each class, at most half of it")
        self.seed = QSpinBox()
        self.seed.setRange(0, 2**31 - 1)
        self.seed.setPrefix("seed ")
        self.seed.setToolTip("The same seed draws the same pixels")
        self.kept = KeptRow(
            workflow.kept.labels,
            "Labels that were painted on this scene before, the latest first",
            "Replace the labels by these; what is painted now is kept and listed here instead",
        )
        self._lay_out()
        events = session.events
        connect(self._show_classes, events.classes)
        connect(self._show_labels, events.labels, events.reference, events.cube)
        connect(self._show_selected, events.selected_class)
        self._show_classes()

    # --- what it is made of ----------------------------------------------------------------

    def _button(self, text: str, tooltip: str, slot: object) -> QPushButton:
        button = QPushButton(text)
        button.setToolTip(tooltip)
        button.clicked.connect(slot)
        return button

    def _make_table(self) -> QTableView:
        table = QTableView()
        table.setModel(self.model)
        table.setToolTip("The classes; the selected one is painted")
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setTabKeyNavigation(False)
        table.setMinimumHeight(TABLE_HEIGHT)
        table.verticalHeader().hide()
        header = table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(NAME, QHeaderView.ResizeMode.Stretch)
        table.selectionModel().currentRowChanged.connect(self._row_selected)
        table.doubleClicked.connect(self._double_clicked)
        return table

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.addWidget(self.table)
        layout.addWidget(self.hint)
        layout.addWidget(self.kept)
        grid = QGridLayout()
        grid.addWidget(self.add, 0, 0)
        grid.addWidget(self.delete, 0, 1)
        grid.addWidget(self.labels, 1, 0)
        grid.addWidget(self.reference, 1, 1)
        layout.addLayout(grid)
        row = QHBoxLayout()
        row.addWidget(self.per_class, 1)
        row.addWidget(self.seed, 1)
        layout.addWidget(self.draw)
        layout.addLayout(row)
        layout.addWidget(JobProgress(self._workflow, "labels"))

    # --- asking ----------------------------------------------------------------------------

    def _add(self) -> None:
        name = f"Class {len(self._session.classes) + 1}"
        if self._workflow.request(partial(self._session.add_class, name)):
            row = self.model.row_of(self._session.selected_class)
            if row is not None:
                self.table.setFocus(Qt.FocusReason.OtherFocusReason)
                self.table.edit(self.model.index(row, NAME))

    def _delete(self) -> None:
        id = self._session.selected_class
        if id not in self._session.classes:
            return
        n = self._session.label_counts()[id]
        to = self._dialogs.pixels_to(self, self._session.classes, id, n)
        if to is not None:
            self._workflow.request(partial(self._session.delete_class, id, to))

    def _import(self, title: str, as_reference: bool, *_: object) -> None:
        paths = self._dialogs.labels_files(self, title)
        if paths:
            self._workflow.import_labels(paths, as_reference=as_reference)

    def _draw(self) -> None:
        per_class, seed = self.per_class.value(), self.seed.value()
        self._workflow.request(partial(self._session.draw_from_reference, per_class, seed))

    def _row_selected(self, index: QModelIndex, _: QModelIndex) -> None:
        if index.isValid():
            self._session.select_class(self.model.land_class(index.row()).id)

    def _double_clicked(self, index: QModelIndex) -> None:
        if index.column() == COLOUR:
            land_class = self.model.land_class(index.row())
            color = self._dialogs.color(self, land_class.color)
            if color is not None:
                self._workflow.request(partial(self._session.recolor_class, land_class.id, color))

    # --- showing ---------------------------------------------------------------------------

    def _show_classes(self) -> None:
        with QSignalBlocker(self.table.selectionModel()):
            self.model.read_classes()
        self._show_selected()
        self._show_labels()

    def _show_selected(self) -> None:
        row = self.model.row_of(self._session.selected_class)
        self.delete.setEnabled(row is not None)
        # The current cell is moved without its signal: the session asked for it.
        with QSignalBlocker(self.table.selectionModel()):
            if row is None:
                self.table.clearSelection()
            elif self.table.currentIndex().row() != row:
                self.table.setCurrentIndex(self.model.index(row, NAME))
            if row is not None:
                self.table.selectRow(row)
        self.table.viewport().update()

    def _show_labels(self) -> None:
        self.model.read_counts()
        session = self._session
        self.labels.setEnabled(session.cube is not None)
        self.reference.setEnabled(session.cube is not None)
        for widget in (self.draw, self.per_class, self.seed):
            widget.setEnabled(session.reference is not None)
        if session.cube is None:
            self.hint.setText("Open a scene first.")
        elif len(session.classes) == 0:
            self.hint.setText("Add two or more classes and paint a few pixels of each.")
        elif session.reference is not None:
            self.hint.setText(f"Reference: {session.reference.name}")
        else:
            self.hint.setText("")
        self.hint.setVisible(bool(self.hint.text()))
