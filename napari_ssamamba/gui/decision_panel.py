"""Decisions about errors, each with its key: made, listed, undone, written to a file."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtCore import QPoint, Qt
from qtpy.QtWidgets import (
    QAbstractItemView,
    QGridLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from napari_ssamamba.gui.connections import connect
from napari_ssamamba.gui.decision_keys import DECISION_KEYS, UNDO_KEY, decide
from napari_ssamamba.gui.decision_model import DecisionModel
from napari_ssamamba.gui.kept_row import KeptRow

if TYPE_CHECKING:
    from qtpy.QtCore import QModelIndex

    from napari_ssamamba.audit.decision import DecisionKind
    from napari_ssamamba.gui.dialogs import Dialogs
    from napari_ssamamba.gui.workflow import Workflow
    from napari_ssamamba.session import Session

TABLE_HEIGHT = 110

WIDEST = 97
"""Pixels of a column: all are seen at once, and their tooltips hold what does not fit."""


class DecisionPanel(QWidget):
    """Buttons for the decisions, and the table of those made.

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
        self.buttons: dict[DecisionKind, QPushButton] = {}
        buttons = QGridLayout()
        for n, decision in enumerate(DECISION_KEYS):
            button = QPushButton(f"{decision.text} ({decision.key})")
            button.setAccessibleName(decision.text)
            button.clicked.connect(partial(self._decide, decision.kind))
            buttons.addWidget(button, n // 2, n % 2)
            self.buttons[decision.kind] = button
        self.undo = QPushButton(f"Undo ({UNDO_KEY})")
        self.undo.setToolTip(
            "Take the last decision back: label, mark and position are as before. Any number of "
            "steps"
        )
        self.undo.clicked.connect(self._undo)
        self.export = QPushButton("Export…")
        self.export.setToolTip("Write the decisions as a table (CSV)")
        self.export.clicked.connect(self._export)
        buttons.addWidget(self.undo, 2, 0)
        buttons.addWidget(self.export, 2, 1)
        self.count = QLabel()
        self.count.setWordWrap(True)
        self.kept = KeptRow(
            workflow.kept.decisions,
            "Decisions that were made about this scene before, the latest first",
            "List these decisions, and leave out again what was marked wrong; labels stay as they "
            "are. What is listed now is kept and offered here instead",
        )
        self.model = DecisionModel(session, self)
        self.table = self._make_table()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(buttons)
        layout.addWidget(self.kept)
        layout.addWidget(self.count)
        layout.addWidget(self.table)
        audit = session.audit.events
        connect(self._show_state, audit.position, audit.cell, audit.confusion)
        connect(self._show_made, session.decisions.events.made)
        workflow.kept.decisions.offered_changed.connect(self._show_state)
        self._show_made()
        self._show_state()

    def _make_table(self) -> QTableView:
        table = QTableView()
        table.setModel(self.model)
        table.setToolTip("The decisions, the last one first; a click flies to the pixel")
        table.setAccessibleName("Decisions")
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setTabKeyNavigation(False)
        table.setFixedHeight(TABLE_HEIGHT)
        table.verticalHeader().hide()
        table.setWordWrap(False)
        table.setTextElideMode(Qt.TextElideMode.ElideMiddle)  # names often differ at the end only
        header = table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)  # whole in the tooltips
        for column in (0, 1):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        header.setMaximumSectionSize(WIDEST)
        table.clicked.connect(self._visit)
        table.activated.connect(self._visit)
        return table

    # --- what is asked for -----------------------------------------------------------------

    def _decide(self, kind: DecisionKind, *_: object) -> None:
        button = self.buttons[kind]
        at = partial(button.mapToGlobal, QPoint(0, button.height()))
        decide(kind, self._session, self._workflow, self, at)

    def _undo(self) -> None:
        self._session.decisions.undo()

    def _export(self) -> None:
        path = self._dialogs.table_file(self, "Export the decisions")
        if path is not None:
            self._workflow.request(partial(self._session.decisions.export, path))

    def _visit(self, index: QModelIndex) -> None:
        self._session.audit.visit(self.model.decision(index.row()).pixel)

    # --- what is shown ---------------------------------------------------------------------

    def _show_state(self) -> None:
        decisions, audit = self._session.decisions, self._session.audit
        for decision in DECISION_KEYS:
            refusal = decisions.refusal(decision.kind)
            button = self.buttons[decision.kind]
            button.setEnabled(not refusal)
            button.setToolTip(refusal or f"{decision.tooltip} ({decision.key})")
        kept = self._workflow.kept.decisions.offered
        self.setVisible(audit.confusion is not None or bool(decisions.made or kept))

    def _show_made(self) -> None:
        made = self._session.decisions.made
        self.model.read_decisions()
        self.table.setVisible(bool(made))
        for button in (self.undo, self.export):
            button.setEnabled(bool(made))
        kinds = {d.kind: sum(e.kind == d.kind for e in made) for d in made}
        self.count.setText(", ".join(f"{n} {kind}" for kind, n in kinds.items()))
        self.count.setVisible(bool(made))
        self._show_state()
