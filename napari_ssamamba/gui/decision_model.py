"""The decisions about errors as Qt's table views see them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QModelIndex, Qt
from qtpy.QtGui import QColor

from napari_ssamamba.gui.column_model import ColumnModel

if TYPE_CHECKING:
    from qtpy.QtCore import QObject

    from napari_ssamamba.audit.decision import Decision
    from napari_ssamamba.session import Session

REFERENCE, MAPPED = 2, 3


class DecisionModel(ColumnModel):
    """Rows are the session's decisions, the last one first.

    Parameters
    ----------
    session : Session
    parent : QObject, optional
    """

    HEADERS = ("Pixel", "Decision", "Reference", "Mapped")
    TOOLTIPS = (
        "Row, column",
        "What was decided, and the training label that it gave",
        "Class that the truth gives the pixel",
        "Class that the map gives the pixel",
    )

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._made: list[Decision] = []

    def read_decisions(self) -> None:
        """Take the decisions as they are now."""
        self.beginResetModel()
        self._made = self._session.decisions.made[::-1]
        self.endResetModel()

    def decision(self, row: int) -> Decision:
        """Return the decision of a row."""
        return self._made[row]

    def row_count(self) -> int:
        """Return the number of decisions."""
        return len(self._made)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what a cell shows."""
        if not index.isValid():
            return None
        decision, column = self._made[index.row()], index.column()
        roles = Qt.ItemDataRole
        if role in (roles.DisplayRole, roles.ToolTipRole):
            return (
                f"{decision.row}, {decision.column}",
                self._text(decision),
                self._name(decision.reference),
                self._name(decision.mapped),
            )[column]
        ids = {REFERENCE: decision.reference, MAPPED: decision.mapped}
        if role == roles.DecorationRole and ids.get(column):
            return QColor(self._session.decisions.land_class(ids[column]).color)
        return None

    def _text(self, decision: Decision) -> str:
        if decision.kind in ("relabelled", "labelled"):
            return f"{decision.kind} {self._name(decision.label)}"
        return decision.kind

    def _name(self, id: int) -> str:
        return self._session.decisions.land_class(id).name if id else ""
