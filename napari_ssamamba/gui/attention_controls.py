"""Part of the section Map: whether and where to compute the maps of the attention."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QCheckBox, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_ssamamba.gui.attention_jobs import VIEW
from napari_ssamamba.gui.connections import connect
from napari_ssamamba.gui.job_progress import JobProgress

if TYPE_CHECKING:
    from napari_ssamamba.gui.workflow import Workflow
    from napari_ssamamba.session import Session


class AttentionControls(QWidget):
    """A checkbox for the whole scene, a button for what is seen, and what there is.

    Parameters
    ----------
    session : Session
    workflow : Workflow
    """

    def __init__(self, session: Session, workflow: Workflow) -> None:
        super().__init__()
        self._session = session
        self._workflow = workflow
        self.with_map = QCheckBox("Attention &maps")
        self.with_map.setToolTip(
            "Mapping also sums up what each pixel attends to, in four layers: entropy, distance, "
            "self-weight and gate. Mapping then takes longer"
        )
        self.with_map.setChecked(session.attention.with_map)
        self.with_map.toggled.connect(self._ask_with_map)
        self.view = QPushButton("Attention of the &view")
        self.view.setToolTip(
            "Compute the four attention layers only for the part of the scene that is in view"
        )
        self.view.clicked.connect(workflow.attention.map_view)
        self.progress = JobProgress(workflow, VIEW)
        self.state = QLabel()
        self.state.setWordWrap(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for widget in (self.with_map, self.view, self.progress, self.state):
            layout.addWidget(widget)
        workflow.job_started.connect(self._show)
        workflow.job_ended.connect(self._show)
        events = session.events
        connect(self._show, events.cube, events.bands, events.checkpoint)
        connect(self._show, session.attention.events.maps)
        self._show()

    def _ask_with_map(self, wanted: bool) -> None:
        self._session.attention.with_map = wanted

    def _show(self, *_: object) -> None:
        missing = self._session.attention.missing()
        self.with_map.setChecked(self._session.attention.with_map)
        busy = any(self._workflow.job(kind) is not None for kind in ("train", "map", VIEW))
        self.view.setEnabled(missing is None and not busy)
        text = self._state_text(missing)
        self.state.setText(text)
        self.state.setVisible(bool(text))

    def _state_text(self, missing: str | None) -> str:
        maps = self._session.attention.maps
        if self._session.checkpoint is None or self._session.cube is None:
            return ""  # the section says so already
        if missing is not None:
            return f"No attention maps: {missing}"
        if maps is None:
            return ""
        if maps.outdated:
            why = (
                "the model is another since"
                if maps.replaced
                else "labels changed since the training"
            )
            return f"Attention maps outdated: {why}."
        return "" if maps.model.gate else "No map of the gate: this model has none."
