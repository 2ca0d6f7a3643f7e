"""The tab Attention: the clicked pixel's weights, or the means of a class."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHBoxLayout, QRadioButton, QStackedWidget, QVBoxLayout, QWidget
from superqt import QElidingLabel

from napari_ssamamba.gui.attention_jobs import CLASS
from napari_ssamamba.gui.attention_plot import AttentionPlot
from napari_ssamamba.gui.class_attention_plot import ClassAttentionPlot
from napari_ssamamba.gui.connections import connect

if TYPE_CHECKING:
    from napari_ssamamba.gui.workflow import Workflow
    from napari_ssamamba.session import Session

SPACING = 18
"""Pixels between the two choices."""

NO_PART = 0.005
"""Shares below are shown as 0 %."""


class AttentionTab(QWidget):
    """Switches between the two; only what is looked at is computed.

    Parameters
    ----------
    session : Session
    workflow : Workflow
    """

    def __init__(self, session: Session, workflow: Workflow) -> None:
        super().__init__()
        self._jobs = workflow.attention
        self._evidence = session.evidence
        self._looked_at = False
        self.pixel = AttentionPlot(session)
        self.of_class = ClassAttentionPlot(session, workflow, CLASS)
        self.show_pixel = QRadioButton("Clicked pi&xel")
        self.show_pixel.setToolTip("What the pixel clicked last attends to")
        self.show_class = QRadioButton("Class &means")
        self.show_class.setToolTip(
            "What the pixels of a class attend to on average: those mapped right, and those wrong"
        )
        self.show_pixel.setChecked(True)
        self.part = QElidingLabel()
        self.part.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        switch = QHBoxLayout()
        switch.setSpacing(SPACING)
        switch.addWidget(self.show_pixel)
        switch.addWidget(self.show_class)
        switch.addWidget(self.part, 1)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.pixel)
        self._stack.addWidget(self.of_class)
        layout = QVBoxLayout(self)
        layout.setSpacing(0)
        layout.addLayout(switch)
        layout.addWidget(self._stack, 1)
        self.show_class.toggled.connect(self._switch)
        events = session.events
        connect(self._show_part, events.map, events.checkpoint, events.training, events.cube)
        connect(self._show_part, events.bands)
        self._show_part()

    def look(self, looked_at: bool) -> None:
        """Tell whether the tab is looked at."""
        self._looked_at = looked_at
        of_class = self.show_class.isChecked()
        self._jobs.follow_pixel(looked_at and not of_class)
        self._jobs.follow_class(looked_at and of_class)

    def _show_part(self) -> None:
        """Say how much the network, whose attention it is, counts in the map."""
        share = self._evidence.network_share()
        text = ""
        if share is not None and share < NO_PART:
            text = "The network has no weight in the map: it did not make its errors."
        elif share is not None and share < 1:
            text = f"The network has {100 * share:.0f} % of the weight in the map."
        self.part.setText(text)
        self.part.setToolTip(text)

    def _switch(self, of_class: bool) -> None:
        self._stack.setCurrentWidget(self.of_class if of_class else self.pixel)
        self.look(self._looked_at)
