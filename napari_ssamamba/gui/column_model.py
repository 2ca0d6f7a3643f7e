"""What tables with named columns have in common, as Qt's table views see them."""

from __future__ import annotations

from typing import Any, ClassVar

from qtpy.QtCore import QAbstractTableModel, QModelIndex, Qt


class ColumnModel(QAbstractTableModel):
    """Names the columns and counts the rows; what the cells show is its subclasses' own.

    Attributes
    ----------
    HEADERS, TOOLTIPS : tuple of str
        One a column.
    """

    HEADERS: ClassVar[tuple[str, ...]] = ()
    TOOLTIPS: ClassVar[tuple[str, ...]] = ()

    def row_count(self) -> int:
        """Return the number of rows."""
        raise NotImplementedError

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """Return the number of rows; a cell has none."""
        return 0 if parent is not None and parent.isValid() else self.row_count()

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        """Return the number of columns; a cell has none."""
        return 0 if parent is not None and parent.isValid() else len(self.HEADERS)

    def headerData(
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:
        """Name the columns."""
        if orientation == Qt.Orientation.Horizontal:
            if role == Qt.ItemDataRole.DisplayRole:
                return self.HEADERS[section]
            if role == Qt.ItemDataRole.ToolTipRole:
                return self.TOOLTIPS[section]
        return None
