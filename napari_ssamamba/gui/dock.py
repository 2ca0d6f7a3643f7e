"""The two docks: the work on the right, the plots at the bottom."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, Qt
from qtpy.QtWidgets import (
    QFrame,
    QScrollArea,
    QSizePolicy,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)
from superqt import QCollapsible

from napari_ssamamba.gui.attention_tab import AttentionTab
from napari_ssamamba.gui.audit_panel import AuditPanel
from napari_ssamamba.gui.class_panel import ClassPanel
from napari_ssamamba.gui.confusion_plot import ConfusionPlot
from napari_ssamamba.gui.crop_gallery import CropGallery
from napari_ssamamba.gui.dialogs import Dialogs
from napari_ssamamba.gui.learning_curves import LearningCurves
from napari_ssamamba.gui.map_panel import MapPanel
from napari_ssamamba.gui.message_bar import MessageBar
from napari_ssamamba.gui.scene_panel import ScenePanel
from napari_ssamamba.gui.spectra_plot import SpectraPlot
from napari_ssamamba.gui.suggestions_panel import SuggestionsPanel
from napari_ssamamba.gui.suspects_panel import SuspectsPanel
from napari_ssamamba.gui.train_panel import TrainPanel

if TYPE_CHECKING:
    from collections.abc import Callable

    from qtpy.QtCore import QObject

    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.errors import AmbiguousFileError, OtherBandsError
    from napari_ssamamba.gui.workflow import Workflow
    from napari_ssamamba.session import Session

QWIDGETSIZE_MAX = 16777215
"""Of Qt: no limit."""

SECTION_MARGINS = 2, 0, 2, 0
"""Left, top, right, bottom: the panels have margins of their own."""


class MainDock(QWidget):
    """Messages on top, then the sections in the order of the work.

    Parameters
    ----------
    session : Session
    workflow : Workflow
    dialogs : Dialogs, optional
        Asks the user; replace it to answer without a window.
    """

    def __init__(
        self, session: Session, workflow: Workflow, dialogs: Dialogs | None = None
    ) -> None:
        super().__init__()
        self._dialogs = dialogs or Dialogs()
        self.messages = MessageBar(workflow)
        self.scene = ScenePanel(session, workflow, self._dialogs)
        self.classes = ClassPanel(session, workflow, self._dialogs)
        self.train = TrainPanel(session, workflow, self._dialogs)
        self.map = MapPanel(session, workflow)
        self.audit = AuditPanel(session, workflow, self._dialogs)
        self.suggestions = SuggestionsPanel(session, workflow)
        self.suspects = SuspectsPanel(session, workflow)
        content = QWidget()
        sections = QVBoxLayout(content)
        for title, panel in (
            ("Scene", self.scene),
            ("Classes", self.classes),
            ("Train", self.train),
            ("Map", self.map),
            ("Audit", self.audit),
            ("Label next", self.suggestions),
            ("Suspect labels", self.suspects),
        ):
            sections.addWidget(_Section(title, panel))
        sections.addStretch(1)
        self.scroll = _VerticalScroll(content)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.messages)
        layout.addWidget(self.scroll, 1)
        self._session, self._workflow = session, workflow
        workflow.asked.connect(self._ask)
        workflow.other_bands.connect(self._ask_to_match)
        workflow.discarding.connect(self._ask_to_discard)

    def _ask(self, error: AmbiguousFileError, open_again: Callable[..., None]) -> None:
        choice = self._dialogs.choice(self, error)
        if choice is not None:
            open_again(**{choice.option: choice.value})

    def _ask_to_match(self, error: OtherBandsError) -> None:
        """Ask before a model reads other bands than it was trained on, then map."""
        if not self._dialogs.match_bands(self, error):
            self._workflow.told.emit("error", str(error))
        elif self._workflow.request(self._session.match_bands):
            self._workflow.told.emit("info", "The model reads the scene's nearest bands.")
            self._workflow.mapping.map_scene()

    def _ask_to_discard(self, opened: Cube, n: int, show: Callable[[], None]) -> None:
        """Ask before a scene takes the place of one that has labels."""
        shown = self._session.need_cube()
        if self._dialogs.discard_labels(self, opened.name, n, shown.name):
            self._workflow.request(show)


class _Section(QCollapsible):
    """A section that gives texts which wrap the lines that they need at its width.

    superqt limits a section to the height of its content at no width in particular.
    """

    def __init__(self, title: str, panel: QWidget) -> None:
        super().__init__(title)
        self.setToolTip(f"Show or hide the section {title}")
        self.setDuration(0)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        self.layout().setAlignment(Qt.AlignmentFlag(0))
        self.addWidget(panel)
        for box in (self, self.content()):
            box.layout().setContentsMargins(*SECTION_MARGINS)
        self.toggled.connect(self._let_grow)
        self.expand(animate=False)

    def _let_grow(self, expanded: bool) -> None:
        if expanded:
            self.content().setMaximumHeight(QWIDGETSIZE_MAX)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Leave the height as it is where the panel's changes."""
        return False


class _VerticalScroll(QScrollArea):
    """Scrolls up and down; sideways it is as wide as its content needs, whatever that shows."""

    def __init__(self, content: QWidget) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWidget(content)
        content.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Follow the content's width, which changes with what is visible in it."""
        if event.type() == QEvent.Type.LayoutRequest:
            bar = self.verticalScrollBar().sizeHint().width()
            self.setMinimumWidth(self.widget().minimumSizeHint().width() + bar)
        return bool(super().eventFilter(watched, event))


class PlotsDock(QTabWidget):
    """Spectra, learning curves, the confusion matrix, crops and attention.

    Parameters
    ----------
    session : Session
    workflow : Workflow
    """

    def __init__(self, session: Session, workflow: Workflow) -> None:
        super().__init__()
        self.spectra = SpectraPlot(session, workflow)
        self.curves = LearningCurves(session)
        self.confusion = ConfusionPlot(session, workflow)
        self.crops = CropGallery(session, workflow)
        self.attention = AttentionTab(session, workflow)
        for tab, title, tooltip in (
            (self.spectra, "Spectra", "Spectrum of the pixel clicked last, and the classes' means"),
            (self.curves, "Learning curves", "Loss and validation accuracy of the training"),
            (self.confusion, "Confusion", "Which classes the map confuses, and how often"),
            (self.crops, "Crops", "The scene around the pixels that the map confuses"),
            (self.attention, "Attention", "What a pixel attends to, or a class on average"),
        ):
            self.setTabToolTip(self.addTab(tab, title), tooltip)
        self.currentChanged.connect(
            lambda tab: self.attention.look(self.widget(tab) is self.attention)
        )
