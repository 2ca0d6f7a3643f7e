"""The jobs of fixing a map: evidence for an error, retraining, and what that changed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, QTimer

from napari_ssamamba.gui.training_jobs import TRAIN

if TYPE_CHECKING:
    from napari_ssamamba.gui.workflow import Workflow

EVIDENCE, CHANGES = "evidence", "changes"
"""Kinds of job, see `Workflow`."""


class FixingJobs(QObject):
    """Starts them, and hands what they find to the session.

    Parameters
    ----------
    workflow : Workflow
        Its Qt parent.
    """

    def __init__(self, workflow: Workflow) -> None:
        super().__init__(workflow)
        self._workflow = workflow
        self._session = workflow.session
        self._to_map = False
        workflow.job_started.connect(self._job_started)
        workflow.job_ended.connect(self._job_ended)
        self._session.audit.events.position.connect(self.read_evidence)
        self._session.events.checkpoint.connect(self._model_changed)
        self._session.events.bands.connect(self.read_evidence)
        self._session.events.map.connect(self._compare)

    def read_evidence(self) -> None:
        """Compute what the model says of the pixel that is looked at."""
        self._workflow.cancel(EVIDENCE)
        if (run := self._session.evidence.run()) is not None:
            take = self._session.evidence.set_pixel
            self._workflow.run(EVIDENCE, "Reading the probabilities", lambda: run, on_result=take)

    def retrain(self) -> None:
        """Train on the labels as they are now, starting from the last model, and map the scene."""
        self._session.set_training(replace(self._session.training, from_last=True))
        self._workflow.training.train()
        self._to_map = self._workflow.job(TRAIN) is not None

    def _job_started(self, kind: str, job: Any) -> None:
        if kind == TRAIN:
            self._session.changes.keep_before()

    def _job_ended(self, kind: str, how: str) -> None:
        if kind == TRAIN and how != "done":
            self._to_map = False
            self._session.changes.forget_before()

    def _model_changed(self) -> None:
        """Map after a retraining also where mapping does not follow every training."""
        self._workflow.cancel(EVIDENCE)  # or it would come after the session let go of it
        if self._to_map and not self._workflow.training.then_map:
            QTimer.singleShot(0, self._workflow.mapping.map_scene)
        self._to_map = False

    def _compare(self) -> None:
        """Compare the new map with the one before the training, once it is complete."""
        if self._workflow.job(CHANGES) is None and (run := self._session.changes.run()) is not None:
            take = self._session.changes.take
            self._workflow.run(CHANGES, "Comparing the maps", lambda: run, on_result=take)
