"""The section Map: make it, see whether it is up to date and how good it is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from qtpy.QtCore import QSignalBlocker
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_ssamamba.gui.attention_controls import AttentionControls
from napari_ssamamba.gui.connections import connect
from napari_ssamamba.gui.job_progress import JobProgress
from napari_ssamamba.gui.kept_row import KeptRow

if TYPE_CHECKING:
    from napari_ssamamba.gui.workflow import Workflow
    from napari_ssamamba.session import Session

MEMBERS = {"network and spectral expert": "mixed", "the network alone": "network"}
"""What makes the map, as the user reads it."""


class MapPanel(QWidget):
    """Shows the state of the map and asks to make it.

    Parameters
    ----------
    session : Session
    workflow : Workflow
    parent : QWidget, optional
    """

    def __init__(self, session: Session, workflow: Workflow, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._workflow = workflow
        self.make = QPushButton("&Map the scene")
        self.make.setToolTip("Classify every pixel with the last model, tile by tile")
        self.make.clicked.connect(self._map)
        self.resume = QPushButton("&Continue")
        self.resume.setToolTip("Map the rest of a stopped map, with the same model")
        self.resume.clicked.connect(workflow.mapping.continue_map)
        self.margins = QCheckBox("Mar&gin and entropy")
        self.margins.setToolTip(
            "Show, beside the confidence, how far the second class is behind the first, and how "
            "evenly the probabilities are spread; all from 0 to 1"
        )
        self.margins.setChecked(session.mapping.with_margins)
        self.margins.toggled.connect(session.mapping.show_margins)
        self.after_training = QCheckBox("Map a&fter training")
        self.after_training.setToolTip("Make the map as soon as a training is done")
        self.after_training.setChecked(workflow.training.then_map)
        self.after_training.toggled.connect(self._ask_after_training)
        self.attention = AttentionControls(session, workflow)
        self.members = QComboBox()
        for text, value in MEMBERS.items():
            self.members.addItem(text, value)
        self.members.setToolTip(
            "The default mixes the network with a spectral expert by the weights that the section "
            "Train shows; the next map is made so"
        )
        self.members.currentIndexChanged.connect(self._ask_members)
        self.progress = JobProgress(workflow, "map", stop=workflow.mapping.stop)
        self.kept = KeptRow(
            workflow.kept.maps,
            "Maps that were made of this scene before, with their models, the latest first",
            "Show this map and take its model; what is shown now is kept and listed here instead",
        )
        self.state = QLabel()
        self.state.setWordWrap(True)
        self.accuracy = QLabel()
        self.accuracy.setWordWrap(True)
        self.accuracy.setToolTip(
            "Overall accuracy, average accuracy and κ on the reference's pixels that were neither "
            "trained nor validated on; classes are matched by their id"
        )
        layout = QVBoxLayout(self)
        form = QFormLayout()
        form.addRow("Made &by", self.members)
        layout.addLayout(form)
        buttons = QHBoxLayout()
        buttons.addWidget(self.make, 1)
        buttons.addWidget(self.resume)
        layout.addLayout(buttons)
        layout.addWidget(self.kept)
        layout.addWidget(self.after_training)
        layout.addWidget(self.margins)
        layout.addWidget(self.attention)
        layout.addWidget(self.progress)
        layout.addWidget(self.state)
        layout.addWidget(self.accuracy)
        workflow.job_started.connect(self._show)
        workflow.job_ended.connect(self._show)
        events = session.events
        connect(self._show, events.cube, events.checkpoint, events.map, events.accuracy)
        connect(self._show_members, events.training)
        connect(self._show, events.training)
        self._show_members()
        self._show()

    def _map(self) -> None:
        self._workflow.mapping.map_scene()

    def _ask_members(self) -> None:
        settings = replace(self._session.training, members=self.members.currentData())
        self._session.set_training(settings)

    def _show_members(self) -> None:
        with QSignalBlocker(self.members):
            self.members.setCurrentIndex(self.members.findData(self._session.training.members))

    def _ask_after_training(self, wanted: bool) -> None:
        self._workflow.training.then_map = wanted

    def _show(self, *_: object) -> None:
        session = self._session
        runs = self._workflow.job("map") is not None
        ready = session.cube is not None and session.checkpoint is not None
        self.make.setEnabled(ready and not runs)
        self.resume.setEnabled(session.mapping.can_continue and not runs)
        self.state.setText(self._state_text(runs))
        accuracy = session.accuracy
        self.accuracy.setVisible(accuracy is not None)
        if accuracy is not None and session.cube is not None:
            synthetic = " · SYNTHETIC scene" if session.cube.synthetic else ""
            left_out = session.mapping.left_out
            without = f" without {left_out:,} marked wrong" if left_out else ""
            self.accuracy.setText(
                f"OA {accuracy.oa:.1f} % · AA {accuracy.aa:.1f} % · κ {accuracy.kappa:.1f} on "
                f"{accuracy.n:,} reference pixels not trained on{without}{synthetic}"
            )

    def _state_text(self, runs: bool) -> str:
        shown = self._session.map
        if runs:
            return "In progress, from the middle of the view outward; dimmed pixels are to come."
        if self._session.checkpoint is None:
            return "No model yet: train one first."
        if shown is None:
            return "No map yet."
        said = []
        if shown.stopped:
            said.append(f"Stopped: {shown.percent} % of the scene is mapped.")
        if shown.outdated:
            behind = self._session.learned.behind
            remedy = "Train again, then map the scene." if behind else "Map the scene again."
            said.append(f"Outdated: labels or model changed since the map's training. {remedy}")
        return " ".join(said) or "Complete."
