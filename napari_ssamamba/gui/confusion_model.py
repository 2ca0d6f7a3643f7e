"""The confusion matrix as Qt's item views see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QAbstractTableModel, QModelIndex, Qt
from qtpy.QtGui import QColor, QIcon, QPalette, QPixmap

from napari_ssamamba.audit.confusion import Cell

if TYPE_CHECKING:
    from qtpy.QtCore import QObject

    from napari_ssamamba.audit.confusion import Confusion

RIGHT, WRONG = "#0072b2", "#d55e00"
"""What the diagonal and the errors are coloured with: two that the colour-blind tell apart."""

FAINTEST = 0.15
"""Share of the colour in a cell that has any pixel."""

PRODUCERS, USERS = "Producer's", "User's"
SWATCH_PIXELS = 8

WIDEST_PERCENT = "100.0 %"
"""The longest text of an accuracy."""


class ConfusionModel(QAbstractTableModel):
    """Rows are reference classes, columns predicted ones; accuracies close both.

    Parameters
    ----------
    palette : QPalette
        Of the widget around it.
    parent : QObject, optional
    """

    def __init__(self, palette: QPalette, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._confusion: Confusion | None = None
        self._percent = False
        self._keys = False
        self._ids: tuple[int, ...] = ()
        self._shares = np.empty((0, 0))
        self.set_palette(palette)

    def show_confusion(self, confusion: Confusion | None) -> None:
        """Take another matrix; where it is of the same classes, cells stay chosen."""
        ids = () if confusion is None else confusion.classes.ids
        anew = ids != self._ids
        if anew:
            self.beginResetModel()
        self._confusion, self._ids = confusion, ids
        if confusion is not None:
            matrix = confusion.matrix
            self._shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
        if anew:
            self.endResetModel()
            return
        self._all_changed()
        self._headers_changed()

    def show_percent(self, percent: bool) -> None:
        """Show shares of the row instead of counts."""
        self._percent = percent
        self._all_changed()

    def show_keys(self, keys: bool) -> None:
        """Head the columns by the classes' keys, and the rows by these before the names."""
        if keys != self._keys:
            self._keys = keys
            self._headers_changed()

    def name(self, column: int) -> str:
        """Return what a column is of, in full."""
        return self._confusion.classes.classes[column].name if self._confusion else ""

    def set_palette(self, palette: QPalette) -> None:
        """Take the theme's colours."""
        self._base = palette.color(QPalette.ColorRole.Base)
        self._text = palette.color(QPalette.ColorRole.Text)
        self._all_changed()

    def widest(self, column: int) -> str:
        """Return the longest number that a column shows."""
        if self._confusion is None:
            return ""
        counts = self._confusion.matrix
        if self._percent or column >= len(counts):
            return WIDEST_PERCENT
        return max(f"{int(counts[:, column].max()):,}", WIDEST_PERCENT, key=len)

    def cell(self, index: QModelIndex) -> Cell | None:
        """Return the cell of the matrix at an index; None at the accuracies."""
        if not index.isValid() or max(index.row(), index.column()) >= len(self._ids):
            return None
        return Cell(self._ids[index.row()], self._ids[index.column()])

    def index_of(self, cell: Cell) -> QModelIndex:
        """Return where a cell is; an invalid index where it is not in the matrix."""
        ids = self._ids
        if cell.reference not in ids or cell.predicted not in ids:
            return QModelIndex()
        return self.index(ids.index(cell.reference), ids.index(cell.predicted))

    # --- what Qt asks for ------------------------------------------------------------------

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """Return the number of classes and one."""
        if self._confusion is None or (parent is not None and parent.isValid()):
            return 0
        return len(self._confusion.classes) + 1

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        """Return the number of classes and one."""
        return self.rowCount(parent)

    def headerData(
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:
        """Name the classes, with their colours."""
        if self._confusion is None:
            return None
        across, roles = orientation == Qt.Orientation.Horizontal, Qt.ItemDataRole
        classes = self._confusion.classes.classes
        if section >= len(classes):
            return self._margin_header(across, role)
        land_class = classes[section]
        if role == roles.DisplayRole:
            if not self._keys:
                return land_class.name
            return f"{land_class.id}" if across else f"{land_class.id} {land_class.name}"
        if role == roles.DecorationRole:
            swatch = QPixmap(SWATCH_PIXELS, SWATCH_PIXELS)
            swatch.fill(QColor(land_class.color))
            return QIcon(swatch)
        if role == roles.ToolTipRole:
            n = int(self._confusion.matrix.sum(axis=0 if across else 1)[section])
            what = "mapped as it" if across else "of it in the truth"
            return f"{land_class.name}: {n:,} pixels {what}"
        return None

    def _margin_header(self, across: bool, role: int) -> Any:
        if role == Qt.ItemDataRole.DisplayRole:
            return "PA" if across else "UA"  # as the field has it; there is little room
        if role == Qt.ItemDataRole.ToolTipRole:
            return (
                "Producer's accuracy: share of a class's pixels that are mapped as it (recall)"
                if across
                else "User's accuracy: share of the pixels mapped as a class that are of it"
            )
        return None

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what a cell shows."""
        if self._confusion is None or not index.isValid():
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignCenter
        cell = self.cell(index)
        if cell is None:
            return self._margin(index, role)
        at = index.row(), index.column()
        count, share = int(self._confusion.matrix[at]), float(self._shares[at])
        if role == Qt.ItemDataRole.DisplayRole:
            if count == 0:
                return "·"
            return f"{100 * share:.1f}" if self._percent else f"{count:,}"
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            return self._sentence(cell, count, share)
        if role == Qt.ItemDataRole.BackgroundRole:
            return self._shade(cell, share)
        if role == Qt.ItemDataRole.ForegroundRole:
            return _readable(self._shade(cell, share)) if count else self._faint()
        return None

    def _margin(self, index: QModelIndex, role: int) -> Any:
        """Return what the last row and the last column show: accuracies, and both at the corner."""
        confusion = self._confusion
        if confusion is None:
            return None
        last = len(confusion.classes)
        row, column = index.row(), index.column()
        if (row, column) == (last, last):
            accuracy, ends = confusion.accuracy.oa, str(confusion.oa_interval)
            what = "Overall accuracy"
        else:
            users = row == last
            at = column if users else row
            ours = confusion.users_accuracy if users else confusion.accuracy.recall
            both = confusion.users_intervals if users else confusion.producers_intervals
            accuracy, ends = float(ours[at]), f"{both[at, 0]:.1f}–{both[at, 1]:.1f}"
            name = confusion.classes.names[at]
            what = f"{USERS if users else PRODUCERS} accuracy of {name}"
        if role == Qt.ItemDataRole.DisplayRole:
            return "–" if np.isnan(accuracy) else f"{accuracy:.1f} %"
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            if np.isnan(accuracy):
                return f"{what}: not known, as there is no pixel"
            return f"{what}: {accuracy:.1f} %, 95 % interval {ends} %"
        return None

    def flags(self, index: QModelIndex) -> Any:
        """Let the matrix be selected, and not the accuracies."""
        flags = super().flags(index)
        if self.cell(index) is None:
            flags &= ~Qt.ItemFlag.ItemIsSelectable
        return flags

    # --- wording and colours ---------------------------------------------------------------

    def _sentence(self, cell: Cell, count: int, share: float) -> str:
        if self._confusion is None:
            return ""
        text = cell_text(self._confusion, cell)
        return f"{text} ({100 * share:.1f} % of the row)" if count else text

    def _shade(self, cell: Cell, share: float) -> QColor:
        """Colour by the root of the row's share, on a fixed scale: few errors are seen, too."""
        full = QColor(RIGHT if cell.reference == cell.predicted else WRONG)
        return _mixed(self._base, full, FAINTEST + (1 - FAINTEST) * share**0.5 if share else 0.0)

    def _faint(self) -> QColor:
        return _mixed(self._base, self._text, 0.35)

    def _headers_changed(self) -> None:
        for across in (Qt.Orientation.Horizontal, Qt.Orientation.Vertical):  # names and colours
            self.headerDataChanged.emit(across, 0, len(self._ids))

    def _all_changed(self) -> None:
        if n := self.rowCount():
            self.dataChanged.emit(self.index(0, 0), self.index(n - 1, n - 1))


def cell_text(confusion: Confusion, cell: Cell) -> str:
    """Say what a cell holds: "43 pixels of Maize mapped as Meadow"."""
    count = confusion.count(cell)
    true, mapped = (confusion.classes[i].name for i in (cell.reference, cell.predicted))
    if cell.reference == cell.predicted:
        return f"{count:,} {_pixels(count)} of {true} mapped rightly"
    return f"{count:,} {_pixels(count)} of {true} mapped as {mapped}"


def _pixels(count: int) -> str:
    return "pixel" if count == 1 else "pixels"


def _mixed(first: QColor, second: QColor, share: float) -> QColor:
    """Mix two colours; `share` of the second."""
    ours = zip(first.getRgb()[:3], second.getRgb()[:3], strict=True)
    return QColor(*(round(a + share * (b - a)) for a, b in ours))


def _readable(background: QColor) -> QColor:
    """Return black or white, whichever contrasts more by ITU-R BT.601's luma."""
    red, green, blue, _ = background.getRgb()
    return QColor("black" if 0.299 * red + 0.587 * green + 0.114 * blue > 128 else "white")
