"""The section Audit: what counts as truth, the worst confusions, and stepping through them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QSignalBlocker, Qt
from qtpy.QtGui import QKeySequence, QShortcut
from qtpy.QtWidgets import (
    QComboBox,
    QGridLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_ssamamba.audit.truth import TRUTH_MEANINGS, TRUTH_NAMES
from napari_ssamamba.gui.changes_panel import ChangesPanel
from napari_ssamamba.gui.confusion_model import cell_text
from napari_ssamamba.gui.connections import connect
from napari_ssamamba.gui.decision_keys import bind_decisions
from napari_ssamamba.gui.decision_panel import DecisionPanel
from napari_ssamamba.gui.job_progress import JobProgress
from napari_ssamamba.gui.labelling_jobs import CHECK
from napari_ssamamba.gui.pixel_card import PixelCard

if TYPE_CHECKING:
    from napari_ssamamba.audit.confusion import Cell, Confusion
    from napari_ssamamba.audit.truth import TruthKind
    from napari_ssamamba.gui.dialogs import Dialogs
    from napari_ssamamba.gui.workflow import Workflow
    from napari_ssamamba.session import Session

TRUE: dict[TruthKind, str] = {
    "validation": "Held-out label",
    "reference": "Reference",
    "training": "Label",
}
VERDICT: dict[TruthKind, str] = {
    "validation": "Mapped as",
    "reference": "Mapped as",
    "training": "Out of fold",
}
"""What the two classes of a pixel are, by what counts as truth."""

LIST_HEIGHT = 110
CELL, COUNT = Qt.ItemDataRole.UserRole, Qt.ItemDataRole.UserRole + 1

NEXT_KEY, PREVIOUS_KEY = "N", "Shift+N"
"""As Qt names them; the viewer binds the same."""


class AuditPanel(QWidget):
    """Shows where the map is wrong, and asks to go there.

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
        self._shown: Confusion | None = None
        self._cells: list[Cell] = []  # one a line
        self.truth = QComboBox()
        for kind, name in TRUTH_NAMES.items():
            self.truth.addItem(name, kind)
            self.truth.setItemData(
                self.truth.count() - 1, TRUTH_MEANINGS[kind], Qt.ItemDataRole.ToolTipRole
            )
        self.truth.activated.connect(self._choose_truth)
        label = QLabel("&Truth")
        label.setBuddy(self.truth)
        self.state = QLabel()
        self.state.setWordWrap(True)
        self.worst = QListWidget()
        self.worst.setToolTip(
            "The confusions, the largest first: pixels, reference → map; choose one to see them"
        )
        self.worst.setAccessibleName("Worst confusions")
        self.worst.setFixedHeight(LIST_HEIGHT)
        self.worst.setUniformItemSizes(True)  # or hundreds are measured when one changes
        self.worst.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.worst.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.worst.currentItemChanged.connect(self._choose_cell)
        self.previous = QPushButton("Pre&vious")
        self.previous.setToolTip(f"Fly to the pixel before, in the confusion ({PREVIOUS_KEY})")
        self.previous.clicked.connect(self._step_back)
        self.next = QPushButton("Ne&xt")
        self.next.setToolTip(
            f"Fly to the next pixel of the confusion, the most confident first ({NEXT_KEY})"
        )
        self.next.clicked.connect(self._step)
        self.fly = QPushButton("Fly to &selection")
        self.fly.setToolTip("Move the view to where the confusion's pixels are")
        self.fly.clicked.connect(self._fly)
        self.pixel = QLabel()
        self.pixel.setWordWrap(True)
        self.pixel.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
            | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.pixel.setToolTip("The pixel that is looked at; it can be selected and copied")
        grid = QGridLayout()
        grid.addWidget(label, 0, 0)
        grid.addWidget(self.truth, 0, 1)
        grid.setColumnStretch(1, 1)
        buttons = QGridLayout()
        buttons.addWidget(self.previous, 0, 0)
        buttons.addWidget(self.next, 0, 1)
        buttons.addWidget(self.fly, 1, 0, 1, 2)
        layout = QVBoxLayout(self)
        layout.addLayout(grid)
        layout.addWidget(JobProgress(workflow, CHECK))
        layout.addWidget(self.state)
        layout.addWidget(self.worst)
        layout.addLayout(buttons)
        layout.addWidget(self.pixel)
        self.card = PixelCard(session)
        self.decisions = DecisionPanel(session, workflow, dialogs)
        self.changes = ChangesPanel(session, workflow)
        for panel in (self.card, self.decisions, self.changes):
            layout.addWidget(panel)
        bind_steps(self, session)
        bind_decisions(self, session, workflow)
        audit, events = session.audit.events, session.events
        connect(self._show, audit.confusion, events.map, events.checkpoint, events.cube)
        connect(self._show, session.suspects.events.found)
        connect(self._show_cell, audit.cell)
        connect(self._show_pixel, audit.position)
        workflow.job_started.connect(self._job_changed)
        workflow.job_ended.connect(self._job_changed)
        self._show()
        self._show_cell()

    # --- what is asked for -----------------------------------------------------------------

    def _choose_truth(self, index: int) -> None:
        self._session.audit.choose_truth(self.truth.itemData(index))
        self._workflow.audit.confuse()

    def _choose_cell(self, item: QListWidgetItem | None) -> None:
        if item is not None:
            self._session.audit.choose_cell(item.data(CELL))

    def _step(self) -> None:
        self._session.audit.step(1)

    def _step_back(self) -> None:
        self._session.audit.step(-1)

    def _fly(self) -> None:
        self._session.audit.look_at_all()

    # --- what is shown ---------------------------------------------------------------------

    def _job_changed(self, kind: str, *_: object) -> None:
        if kind == CHECK:
            self._show()

    def _show(self) -> None:
        audit = self._session.audit
        with QSignalBlocker(self.truth):
            self.truth.setCurrentIndex(self.truth.findData(audit.truth))
        self.truth.setToolTip(f"What the map is compared with. {TRUTH_MEANINGS[audit.truth]}")
        confusion = audit.confusion
        if confusion is not self._shown:
            self._list(confusion)
        there = self.worst.count() > 0
        for widget in (self.worst, self.previous, self.next, self.fly):
            widget.setVisible(there)
        self.state.setText(self._state_text())
        self.state.setVisible(bool(self.state.text()))
        self._show_pixel()

    def _list(self, confusion: Confusion | None) -> None:
        """List the confusions; lines that say what they said before are left as they are."""
        before, self._shown = self._shown, confusion
        with QSignalBlocker(self.worst):
            if confusion is None or before is None or before.classes != confusion.classes:
                self.worst.clear()
            self._cells = [] if confusion is None else confusion.worst()
            if confusion is None:
                return
            while self.worst.count() > len(self._cells):
                self.worst.takeItem(self.worst.count() - 1)
            for row, cell in enumerate(self._cells):
                item = self.worst.item(row)
                if item is None:
                    item = QListWidgetItem()
                    self.worst.addItem(item)
                count = confusion.count(cell)
                if item.data(CELL) != cell or item.data(COUNT) != count:
                    names = (confusion.classes[i].name for i in (cell.reference, cell.predicted))
                    item.setText(f"{count:,}  {' → '.join(names)}")
                    item.setToolTip(cell_text(confusion, cell))
                    item.setData(CELL, cell)
                    item.setData(COUNT, count)

    def _state_text(self) -> str:
        audit = self._session.audit
        confusion = audit.confusion
        if audit.truth == "training" and self._workflow.job(CHECK) is not None:
            return "Labels are being checked by classifiers that learn from the others only."
        if confusion is None:
            return audit.missing() or "Comparing the map with the truth."
        if audit.outdated:
            what = "labels or bands" if audit.truth == "training" else "labels, model or map"
            return f"Outdated: {what} changed. To compare anew, {audit.remedy}."
        if not self.worst.count():
            return f"No error: all {confusion.accuracy.n:,} pixels are mapped as they should be."
        return ""

    def _show_cell(self) -> None:
        """Follow a cell that is chosen elsewhere."""
        cell = self._session.audit.cell
        with QSignalBlocker(self.worst):
            self.worst.setCurrentRow(self._cells.index(cell) if cell in self._cells else -1)
        for button in (self.previous, self.next):
            button.setEnabled(cell is None or len(self._session.audit.pixels) > 0)
        self.fly.setEnabled(len(self._session.audit.pixels) > 0)
        self._show_pixel()

    def _show_pixel(self) -> None:
        text = self._pixel_text()
        self.pixel.setText(text)
        self.pixel.setVisible(bool(text))

    def _pixel_text(self) -> str:
        audit = self._session.audit
        confusion, cell = audit.confusion, audit.cell
        if confusion is None or not self.worst.count():
            return ""
        if cell is None:
            return "Choose a confusion here or a cell of the matrix, or press N."
        if not len(audit.pixels):
            return f"{cell_text(confusion, cell)}. Choose a cell with a number."
        if audit.position is None:
            return f"{cell_text(confusion, cell)} selected. N goes to the first."
        row, column = audit.pixels[audit.position].tolist()
        true, mapped = (confusion.classes[i].name for i in (cell.reference, cell.predicted))
        return (
            f"Pixel {audit.position + 1:,} of {len(audit.pixels):,}: row {row}, column {column}\n"
            f"{TRUE[audit.truth]} {true}\n{VERDICT[audit.truth]} {mapped}, "
            f"confidence {audit.confidence():.2f}"
        )


def bind_steps(widget: QWidget, session: Session) -> None:
    """Let the keys step where a widget or what is in it has the focus.

    Parameters
    ----------
    widget : QWidget
    session : Session
    """
    for key, by in ((NEXT_KEY, 1), (PREVIOUS_KEY, -1)):
        shortcut = QShortcut(QKeySequence(key), widget)
        shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        shortcut.activated.connect(lambda by=by: session.audit.step(by))
