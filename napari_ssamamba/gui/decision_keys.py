"""One key for each decision about an error, and the menu of classes to relabel with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING
from weakref import ref

from qtpy.QtCore import QPoint, Qt
from qtpy.QtGui import QColor, QCursor, QIcon, QKeySequence, QPixmap, QShortcut
from qtpy.QtWidgets import QMenu

if TYPE_CHECKING:
    from collections.abc import Callable

    from qtpy.QtWidgets import QWidget

    from napari_ssamamba.audit.decision import DecisionKind
    from napari_ssamamba.gui.workflow import Workflow
    from napari_ssamamba.session import Session

SWATCH_PIXELS = 10
NUMBER_KEYS = 9

UNDO_KEY = "Ctrl+Z"


@dataclass(frozen=True, slots=True)
class DecisionKey:
    """How the user makes a decision.

    Attributes
    ----------
    kind : DecisionKind
    key : str
        As Qt and napari name it.
    text, tooltip : str
        Of the button.
    """

    kind: DecisionKind
    key: str
    text: str
    tooltip: str


DECISION_KEYS = (
    DecisionKey("accepted", "A", "Accept", "Put the reference's class into the training labels"),
    DecisionKey(
        "relabelled", "R", "Relabel…", "Choose a class, which goes into the training labels"
    ),
    DecisionKey(
        "marked wrong",
        "W",
        "Wrong truth",
        "Mark the truth as wrong: the pixel no longer counts. A painted label is erased",
    ),
    DecisionKey("skipped", "S", "Skip", "Leave the pixel as it is and go on"),
)


def decide(
    kind: DecisionKind,
    session: Session,
    workflow: Workflow,
    parent: QWidget,
    at: Callable[[], QPoint] = QCursor.pos,
) -> None:
    """Make a decision about the pixel that is looked at; where it cannot be, tell why.

    Parameters
    ----------
    kind : DecisionKind
    session : Session
    workflow : Workflow
    parent : QWidget
        Of the menu of classes to relabel with.
    at : callable
        Returns where on the screen the menu opens, by default at the pointer.
    """
    decisions = session.decisions
    if refusal := decisions.refusal(kind):
        workflow.told.emit("error", refusal)
    elif kind == "accepted":
        workflow.request(decisions.accept)
    elif kind == "marked wrong":
        workflow.request(decisions.mark_wrong)
    elif kind == "skipped":
        workflow.request(decisions.skip)
    else:
        ClassMenu(session, workflow, parent).popup(at())


class ClassMenu(QMenu):
    """Offers the classes to relabel with; digits, arrow keys or a click choose one.

    Parameters
    ----------
    session : Session
    workflow : Workflow
    parent : QWidget
    """

    def __init__(self, session: Session, workflow: Workflow, parent: QWidget) -> None:
        super().__init__(parent)
        self.aboutToHide.connect(self.deleteLater)
        self.setAccessibleName("The class that the pixel is really of")
        for n, land_class in enumerate(session.decisions.choices(), 1):
            swatch = QPixmap(SWATCH_PIXELS, SWATCH_PIXELS)
            swatch.fill(QColor(land_class.color))
            digit = f"&{n}  " if n <= NUMBER_KEYS else "    "
            action = self.addAction(QIcon(swatch), digit + land_class.name.replace("&", "&&"))
            relabel = partial(session.decisions.relabel, land_class.id)
            action.triggered.connect(partial(workflow.request, relabel))


def bind_decisions(widget: QWidget, session: Session, workflow: Workflow) -> None:
    """Let the keys decide, and undo, where a widget or what is in it has the focus.

    Parameters
    ----------
    widget : QWidget
    session : Session
    workflow : Workflow
    """
    parent = ref(widget)  # a shortcut that held its widget would keep it beyond its window

    def make_decision(kind: DecisionKind) -> None:
        if (around := parent()) is not None:
            decide(kind, session, workflow, around)

    for decision in DECISION_KEYS:
        _bind(widget, decision.key, partial(make_decision, decision.kind))
    _bind(widget, UNDO_KEY, session.decisions.undo)


def _bind(widget: QWidget, key: str, act: Callable[[], None]) -> None:
    shortcut = QShortcut(QKeySequence(key), widget)
    shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
    shortcut.activated.connect(act)
