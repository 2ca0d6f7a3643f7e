"""What a training changed, class by class, as Qt's table views see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QModelIndex, Qt
from qtpy.QtGui import QColor

from napari_ssamamba.gui.column_model import ColumnModel

if TYPE_CHECKING:
    from qtpy.QtCore import QObject

    from napari_ssamamba.session.changes import TrainingChanges


class ChangesModel(ColumnModel):
    """Rows are the classes of which anything changed, the one that changed most first."""

    HEADERS = ("Class", "Fixed", "Broken", "Became", "Left")
    TOOLTIPS = (
        "Classes of which anything changed",
        "Pixels of this class in the truth that were mapped wrongly and are mapped rightly now",
        "Pixels of this class in the truth that were mapped rightly and are mapped wrongly now",
        "Pixels all over the scene that are mapped as this class now and were not",
        "Pixels all over the scene that were mapped as this class and are not now",
    )

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._changes: TrainingChanges | None = None
        self._counts = np.empty((0, 4), np.int64)
        self._ids: list[int] = []

    def show_changes(self, changes: TrainingChanges | None) -> None:
        """Take other changes."""
        self.beginResetModel()
        self._changes, self._ids = changes, []
        if changes is not None:
            found = changes.found
            counts = np.stack(
                (found.class_fixed, found.class_broken, found.class_became, found.class_left),
                axis=1,
            )
            order = np.argsort(-counts[:, 2:].sum(axis=1), kind="stable")
            order = order[counts[order].any(axis=1)]
            self._counts = counts[order]
            self._ids = [found.class_ids[i] for i in order]
        self.endResetModel()

    def row_count(self) -> int:
        """Return the number of classes."""
        return len(self._ids)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what a cell shows."""
        if not index.isValid() or self._changes is None:
            return None
        land_class = self._changes.classes[self._ids[index.row()]]
        column, roles = index.column(), Qt.ItemDataRole
        if role == roles.DisplayRole:
            return f"{self._counts[index.row(), column - 1]:,}" if column else land_class.name
        if role == roles.DecorationRole and column == 0:
            return QColor(land_class.color)
        if role == roles.ToolTipRole:
            return land_class.name if column == 0 else self.TOOLTIPS[column]
        if role == roles.TextAlignmentRole and column:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None
