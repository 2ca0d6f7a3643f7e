"""A list of pixels to decide about: what the suggestions and the suspect labels have in common."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtCore import QSignalBlocker, Qt
from qtpy.QtGui import QKeySequence, QShortcut
from qtpy.QtWidgets import (
    QGridLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_ssamamba.gui.connections import connect
from napari_ssamamba.gui.decision_keys import UNDO_KEY
from napari_ssamamba.gui.job_progress import JobProgress

if TYPE_CHECKING:
    from napari_ssamamba.gui.workflow import Workflow
    from napari_ssamamba.session import Session
    from napari_ssamamba.session.steps import PixelSteps

LIST_HEIGHT = 120

MOST_LISTED = 500
"""Lines of the list; of more pixels, those of the highest rank."""

NEXT_KEY, PREVIOUS_KEY, ACCEPT_KEY, SKIP_KEY = "G", "Shift+G", "Y", "K"
"""As Qt names them; the viewer binds the same."""


class StepPanel(QWidget):
    """Shows a list of pixels and what was decided about each, and asks to decide.

    Parameters
    ----------
    session : Session
    workflow : Workflow
    steps : PixelSteps
        The list, one of the session's.
    job : str
        Kind of the job that finds the pixels.
    """

    def __init__(self, session: Session, workflow: Workflow, steps: PixelSteps, job: str) -> None:
        super().__init__()
        self._session = session
        self._workflow = workflow
        self._steps = steps
        self._job = job
        self.find = QPushButton()
        self.progress = JobProgress(workflow, job)
        self.state = QLabel()
        self.state.setWordWrap(True)
        self.list = QListWidget()
        self.list.setFixedHeight(LIST_HEIGHT)
        self.list.setUniformItemSizes(True)  # or hundreds are measured when one changes
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.list.currentRowChanged.connect(self._go_to)
        self.reason = QLabel()
        self.reason.setWordWrap(True)
        self.reason.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.reason.setToolTip("Why this pixel is in the list; the text can be selected and copied")
        self.previous = _button(
            "Pre&vious", f"Fly to the pixel before, of those not decided about ({PREVIOUS_KEY})"
        )
        self.next = _button("Ne&xt", f"Fly to the next pixel not decided about ({NEXT_KEY})")
        self.accept = _button("", "")
        self.skip = _button("S&kip", "")
        self.deciding = [self.accept, self.skip]
        self.undo = _button(
            "&Undo", f"Take the last decision back, here or about an error ({UNDO_KEY})"
        )
        self.buttons = QGridLayout()
        for place, button in enumerate((self.previous, self.next)):
            self.buttons.addWidget(button, 0, place)
        self.buttons.addWidget(self.accept, 1, 0, 1, 2)
        self.buttons.addWidget(self.skip, 2, 0)
        self.buttons.addWidget(self.undo, 2, 1)
        self.search = QVBoxLayout()
        self.search.addWidget(self.find)
        layout = QVBoxLayout(self)
        layout.addLayout(self.search)
        for widget in (self.progress, self.state, self.list, self.reason):
            layout.addWidget(widget)
        layout.addLayout(self.buttons)
        self.previous.clicked.connect(partial(steps.step, -1))
        self.next.clicked.connect(partial(steps.step, 1))
        self.accept.clicked.connect(partial(self._ask, steps.accept))
        self.skip.clicked.connect(partial(self._ask, steps.skip))
        self.undo.clicked.connect(session.decisions.undo)
        self._bind_keys()
        events = session.events
        connect(self._show, steps.events.found)
        for other in (session.suggestions, session.suspects):  # one of them is at hand
            connect(self._show_position, other.events.position)
        connect(self._show_class, events.selected_class)
        connect(self._show, events.classes, events.cube, events.checkpoint, events.bands)
        workflow.job_started.connect(self._job_changed)
        workflow.job_ended.connect(self._job_changed)

    # --- what each list says ---------------------------------------------------------------

    def missing(self) -> str:
        """Say what is missing before pixels can be searched for."""
        raise NotImplementedError

    def summary(self) -> str:
        """Say what was found."""
        raise NotImplementedError

    def line(self, position: int) -> str:
        """Describe a pixel in a few words."""
        raise NotImplementedError

    def sentence(self, position: int) -> str:
        """Say why a pixel is in the list."""
        raise NotImplementedError

    def accept_text(self, name: str) -> str:
        """Say what accepting does, with the name of the selected class."""
        raise NotImplementedError

    def decided(self, position: int) -> str:
        """Say what was decided about a pixel; empty where nothing was."""
        decision = self._steps.decision(position)
        if decision is None:
            return ""
        if decision.kind in ("labelled", "relabelled", "accepted"):
            return f"labelled {self.name(decision.label)}"
        return decision.kind

    def name(self, id: int) -> str:
        """Return the name of a class."""
        session = self._session
        if id in session.classes:
            return session.classes[id].name
        shown = session.map
        return shown.classes[id].name if shown and id in shown.classes else f"class {id}"

    # --- what is asked for -----------------------------------------------------------------

    def _bind_keys(self) -> None:
        """Let the keys work where the panel or what is in it has the focus."""
        for key, act in (
            (NEXT_KEY, self.next.click),
            (PREVIOUS_KEY, self.previous.click),
            (ACCEPT_KEY, self.accept.click),
            (SKIP_KEY, self.skip.click),
            (UNDO_KEY, self.undo.click),
        ):
            shortcut = QShortcut(QKeySequence(key), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(act)
        self.list.itemActivated.connect(lambda _: self.accept.click())

    def _ask(self, change: object, *_: object) -> None:
        if callable(change):
            self._workflow.request(change)

    def _go_to(self, position: int) -> None:
        if position >= 0:
            self._steps.go_to(position)

    def _job_changed(self, kind: str, *_: object) -> None:
        if kind == self._job:
            self._show_state()

    # --- what is shown ---------------------------------------------------------------------

    def _show(self) -> None:
        with QSignalBlocker(self.list):
            self.list.clear()
            for position in range(min(len(self._steps.pixels), MOST_LISTED)):
                self.list.addItem(QListWidgetItem())
                self._write(position)
        self._show_position()
        self._show_class()

    def _show_state(self) -> None:
        missing = self.missing()
        runs = self._workflow.job(self._job) is not None
        self.find.setEnabled(not missing and not runs)
        text = missing or ("" if runs else self.summary())
        self.state.setText(text)
        self.state.setVisible(bool(text))

    def _show_position(self) -> None:
        steps = self._steps
        position = steps.position
        with QSignalBlocker(self.list):
            for row in range(self.list.count()):
                self._write(row)
            self.list.setCurrentRow(-1 if position is None else position)
        there = self.list.count() > 0
        for widget in (self.list, self.previous, self.next, *self.deciding):
            widget.setVisible(there)
        for button in self.deciding:
            button.setEnabled(position is not None and steps is self._session.steps)
        made = self._session.decisions.made
        self.undo.setVisible(there or bool(made))
        self.undo.setEnabled(bool(made))
        text = ""
        if there:
            text = self.sentence(position) if position is not None else "G goes to the first."
        self.reason.setText(text)
        self.reason.setVisible(there)
        self._show_state()

    def _write(self, position: int) -> None:
        """Write a line of the list: with what was decided in front, and dimmed, where it was."""
        item, decided = self.list.item(position), self.decided(position)
        line = f"{position + 1}. {self.line(position)}"
        text = f"✓ {decided} — {line}" if decided else line
        if item is not None and item.text() != text:
            item.setText(text)
            item.setToolTip(self.sentence(position))
            font = item.font()
            font.setItalic(bool(decided))
            item.setFont(font)

    def _show_class(self) -> None:
        """Name what the key for accepting would do."""
        session = self._session
        known = session.selected_class in session.classes
        name = session.classes[session.selected_class].name if known else "…"
        self.accept.setText(self.accept_text(name.replace("&", "&&")))
        self.accept.setToolTip(
            f"{self.accept_text(name)} ({ACCEPT_KEY}). The keys 1 to 9 choose another class first"
        )


def _button(text: str, tooltip: str) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tooltip)
    return button
