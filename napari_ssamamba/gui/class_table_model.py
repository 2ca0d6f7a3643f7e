"""The class table as Qt's item views see it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QModelIndex, Qt
from qtpy.QtGui import QColor

from napari_ssamamba.gui.column_model import ColumnModel

if TYPE_CHECKING:
    from qtpy.QtCore import QObject

    from napari_ssamamba.data.classes import LandClass
    from napari_ssamamba.gui.workflow import Workflow
    from napari_ssamamba.session import Session

KEY, COLOUR, NAME, PIXELS = range(4)
NUMBER_KEYS = 9


class ClassTableModel(ColumnModel):
    """Rows are the session's classes; only names are edited in place.

    Parameters
    ----------
    session : Session
    workflow : Workflow
    parent : QObject, optional
    """

    HEADERS = ("Key", "", "Name", "Pixels")
    TOOLTIPS = (
        "Number key that selects the class",
        "Double-click to choose another colour",
        "Double-click, or press F2, to rename",
        "Labelled pixels of the class",
    )

    def __init__(self, session: Session, workflow: Workflow, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._workflow = workflow
        self._classes: tuple[LandClass, ...] = ()
        self._counts: dict[int, int] = {}
        self.read_classes()

    def read_classes(self) -> None:
        """Take the classes as they are now."""
        self.beginResetModel()
        self._classes = tuple(self._session.classes)
        self._counts = self._session.label_counts()
        self.endResetModel()

    def read_counts(self) -> None:
        """Take the numbers of labelled pixels as they are now."""
        self._counts = self._session.label_counts()
        if self._classes:
            last = self.index(len(self._classes) - 1, PIXELS)
            self.dataChanged.emit(self.index(0, PIXELS), last)

    def land_class(self, row: int) -> LandClass:
        """Return the class of a row."""
        return self._classes[row]

    def row_of(self, id: int) -> int | None:
        """Return the row of a class, if it is in the table."""
        return next((row for row, c in enumerate(self._classes) if c.id == id), None)

    def row_count(self) -> int:
        """Return the number of classes."""
        return len(self._classes)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what a cell shows."""
        if not index.isValid():
            return None
        row, column = index.row(), index.column()
        land_class = self._classes[row]
        roles = Qt.ItemDataRole
        if role in (roles.DisplayRole, roles.EditRole):
            key = str(row + 1) if row < NUMBER_KEYS else ""
            return (key, None, land_class.name, f"{self._counts.get(land_class.id, 0):,}")[column]
        if role == roles.DecorationRole and column == COLOUR:
            return QColor(land_class.color)
        if role == roles.AccessibleTextRole and column == COLOUR:
            return land_class.color
        if role == roles.ToolTipRole:
            return self.TOOLTIPS[column]
        if role == roles.TextAlignmentRole and column in (KEY, PIXELS):
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None

    def setData(self, index: QModelIndex, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Ask the session for another name."""
        name = str(value).strip()
        if role != Qt.ItemDataRole.EditRole or index.column() != NAME or not name:
            return False
        id = self._classes[index.row()].id
        return self._workflow.request(partial(self._session.rename_class, id, name))

    def flags(self, index: QModelIndex) -> Any:
        """Let names be edited."""
        flags = super().flags(index)
        if index.isValid() and index.column() == NAME:
            flags |= Qt.ItemFlag.ItemIsEditable
        return flags
