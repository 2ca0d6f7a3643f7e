"""The confusion matrix, in which a cell selects its pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, QSignalBlocker, Qt
from qtpy.QtGui import QColor, QPen
from qtpy.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QSizePolicy,
    QStyle,
    QStyledItemDelegate,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from napari_ssamamba.audit.truth import TRUTH_NAMES
from napari_ssamamba.gui.audit_panel import bind_steps
from napari_ssamamba.gui.confusion_model import ConfusionModel
from napari_ssamamba.gui.connections import connect
from napari_ssamamba.gui.decision_keys import bind_decisions
from napari_ssamamba.gui.plot_colors import AUDITED_COLOR

if TYPE_CHECKING:
    from qtpy.QtCore import QModelIndex
    from qtpy.QtGui import QPainter, QResizeEvent, QShowEvent
    from qtpy.QtWidgets import QStyleOptionViewItem

    from napari_ssamamba.audit.confusion import Confusion
    from napari_ssamamba.gui.workflow import Workflow
    from napari_ssamamba.session import Session

NARROWEST, WIDEST = 44, 110
"""Pixels of a column; longer names are elided, and whole in the tooltip."""

NAMES_WIDTH = 150
"""Pixels, at most, of the names at the rows."""

FRAME = 50
"""Pixels of margins and scroll bar beside the table."""

FEW_LINES = 14
"""Lines of text that the whole has room for, below which its summary is kept short."""

INTERVALS = (
    "Overall and average accuracy and κ, with 95 % intervals. These take pixels as independent, "
    "which neighbours are not: for whole fields they are too narrow"
)

OUTLINE = 2
"""Pixels of the line around the chosen cell."""

GRID = 1
"""Pixels of the line between two columns."""

LINES_PER_ROW = 1.35
"""Height of a row, in lines of text: many classes have little room."""


class ConfusionPlot(QWidget):
    """Accuracies with their intervals, and the matrix as a heat map.

    Parameters
    ----------
    session : Session
    workflow : Workflow
    """

    def __init__(self, session: Session, workflow: Workflow) -> None:
        super().__init__()
        self._session = session
        self._shown: Confusion | None = None
        self.summary = QLabel()
        self.summary.setWordWrap(True)
        self.unit = QComboBox()
        self.unit.addItems(["Counts", "Percent of row"])
        self.unit.setToolTip("What the cells show; colours are by the share of the row, 0 to 100 %")
        self.unit.currentIndexChanged.connect(self._unit_chosen)
        self.model = ConfusionModel(self.palette(), self)
        self.table = self._make_table()
        bind_steps(self, session)
        bind_decisions(self, session, workflow)
        self.missing = QLabel()
        self.missing.setWordWrap(True)
        self.missing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        row = QHBoxLayout()
        row.addWidget(self.summary, 1)
        row.addWidget(self.unit, 0, Qt.AlignmentFlag.AlignTop)
        layout = QVBoxLayout(self)
        layout.addLayout(row)
        layout.addWidget(self.table, 1)
        layout.addWidget(self.missing, 1)
        audit, events = session.audit.events, session.events
        connect(self._show, audit.confusion, events.map, events.checkpoint, events.cube)
        connect(self._show, session.suspects.events.found)
        connect(self._show_cell, audit.cell)
        self._show()

    def _make_table(self) -> QTableView:
        table = QTableView()
        table.setModel(self.model)
        table.setItemDelegate(_CellDelegate(table))
        table.setToolTip(
            "Rows reference, columns map; a click on a cell, or the arrow keys, select its pixels"
        )
        table.setAccessibleName("Confusion matrix, rows reference, columns map")
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectItems)
        table.setTabKeyNavigation(False)
        table.setCornerButtonEnabled(False)
        table.setWordWrap(False)
        table.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)
        for header in (table.horizontalHeader(), table.verticalHeader()):
            header.setSectionsClickable(False)
            header.setHighlightSections(False)
            header.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
            header.setTextElideMode(Qt.TextElideMode.ElideMiddle)  # numbers are at the end
            header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        table.verticalHeader().setMaximumWidth(NAMES_WIDTH)
        table.selectionModel().currentChanged.connect(self._cell_chosen)
        return table

    def _unit_chosen(self, index: int) -> None:
        self.model.show_percent(index == 1)

    def _cell_chosen(self, current: QModelIndex) -> None:
        if (cell := self.model.cell(current)) is not None:
            self._session.audit.choose_cell(cell)

    def _show(self) -> None:
        audit = self._session.audit
        confusion = audit.confusion
        if confusion is not self._shown:
            self._shown = confusion
            self.model.show_confusion(confusion)
            self._fit()
        there = confusion is not None
        for widget in (self.table, self.summary, self.unit):
            widget.setVisible(there)
        self.missing.setVisible(not there)
        if confusion is None:
            self.missing.setText(audit.missing() or "The matrix is being computed.")
            return
        self._sum_up()

    def _sum_up(self) -> None:
        """Say how good the map is; briefly where there is little height, which the table needs."""
        if self._shown is None:
            return
        low = self.height() < FEW_LINES * self.fontMetrics().height()
        session, audit = self._session, self._session.audit
        synthetic = session.cube is not None and session.cube.synthetic
        self.summary.setText(
            (
                f"{TRUTH_NAMES[audit.truth]} · {accuracy_in_short(self._shown)}"
                if low
                else accuracy_text(self._shown)
            )
            + (" · SYNTHETIC scene" if synthetic else "")
            + (f" · <b>outdated</b>: {audit.remedy}" if audit.outdated else "")
        )
        beside = f"<p>{accuracy_text(self._shown)}</p>" if low else ""
        self.summary.setToolTip(f"{beside}<p>{INTERVALS}</p>")

    def _fit(self) -> None:
        """Give numbers the room that they need; the names above them share what is left.

        Where that is so little that two names look alike, their keys stand for them.
        """
        line = self.fontMetrics().height()
        self.table.verticalHeader().setDefaultSectionSize(round(LINES_PER_ROW * line))
        columns, header = self.model.columnCount(), self.table.horizontalHeader()
        corner = self.model.index(0, 0)  # measured once: all cells have the same margins
        metrics = self.table.fontMetrics()
        margins = self.table.sizeHintForIndex(corner).width() - metrics.horizontalAdvance(
            corner.data() or ""
        )
        share = (self.width() - NAMES_WIDTH - FRAME) // max(columns, 1)
        self.model.show_keys(False)
        seen = []
        for column in range(columns):
            name = min(header.sectionSizeHint(column), WIDEST, share)
            number = metrics.horizontalAdvance(self.model.widest(column)) + margins
            width = max(number + GRID, name, NARROWEST)
            self.table.setColumnWidth(column, width)
            if column < columns - 1:
                text = self.model.name(column)
                beside = header.sectionSizeHint(column) - metrics.horizontalAdvance(text)
                seen.append(metrics.elidedText(text, header.textElideMode(), width - beside))
        self.model.show_keys(len(set(seen)) < len(seen))

    def _show_cell(self) -> None:
        """Follow a cell that is chosen elsewhere."""
        cell = self._session.audit.cell
        selection = self.table.selectionModel()
        if cell is None:
            with QSignalBlocker(selection):
                selection.clear()
            self.table.viewport().update()
        elif (index := self.model.index_of(cell)) != self.table.currentIndex():
            self.table.setCurrentIndex(index)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Share the new width among the columns."""
        super().resizeEvent(event)
        self._fit()
        self._sum_up()

    def showEvent(self, event: QShowEvent) -> None:
        """Take the theme's colours, which a table has from when it is shown."""
        super().showEvent(event)
        self.model.set_palette(self.table.palette())

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme."""
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.StyleChange):
            self.model.set_palette(self.table.palette())
        super().changeEvent(event)


class _CellDelegate(QStyledItemDelegate):
    """Outlines the chosen cell, whose colour stays to be seen."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        option.state &= ~(QStyle.StateFlag.State_Selected | QStyle.StateFlag.State_HasFocus)
        super().paint(painter, option, index)
        if chosen:
            painter.save()
            painter.setPen(QPen(QColor(AUDITED_COLOR), OUTLINE))
            inside = OUTLINE // 2
            painter.drawRect(option.rect.adjusted(inside, inside, -inside, -inside))
            painter.restore()


def accuracy_text(confusion: Confusion) -> str:
    """Say how good the map is and on what, as rich text."""
    accuracy = confusion.accuracy
    return (
        f"<b>{confusion.truth}</b> · OA {accuracy.oa:.1f} % ({confusion.oa_interval}) · "
        f"AA {accuracy.aa:.1f} % ({confusion.aa_interval}) · "
        f"κ {accuracy.kappa:.1f} ({confusion.kappa_interval}) · {accuracy.n:,} pixels"
        + (f" without {confusion.left_out:,} marked wrong" if confusion.left_out else "")
    )


def accuracy_in_short(confusion: Confusion) -> str:
    """Say how good the map is in one line."""
    accuracy = confusion.accuracy
    return f"OA {accuracy.oa:.1f} % · AA {accuracy.aa:.1f} % · κ {accuracy.kappa:.1f}"
