"""Training in the background, and what follows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject

from napari_ssamamba.gui.turns import Turns

if TYPE_CHECKING:
    from napari_ssamamba.events import Progress
    from napari_ssamamba.gui.workflow import Workflow

TRAIN = "train"
"""Kind of job, see `Workflow`."""


class TrainingJobs(QObject):
    """Trains on the session's labels.

    Parameters
    ----------
    workflow : Workflow
        Its Qt parent.

    Attributes
    ----------
    then_map : bool
        Whether the scene is mapped after a training.
    """

    def __init__(self, workflow: Workflow) -> None:
        super().__init__(workflow)
        self.then_map = True
        self._workflow = workflow
        self._session = workflow.session
        self._previewing = Turns(workflow.request, self)

    def train(self) -> None:
        """Train on the labels as they are now; a mapping that runs is stopped."""
        if run := self._workflow.prepared(self._session.training_run):
            self._workflow.mapping.stop()
            self._workflow.run(
                TRAIN,
                "Training",
                run,
                on_event=self._take_event,
                on_result=self._take_model,
                on_stop=self._end_preview,
            )

    def _take_event(self, event: Progress) -> None:
        from napari_ssamamba.session.preview import Preview
        from napari_ssamamba.training.events import EpochDone

        if isinstance(event, EpochDone):
            self._session.record_epoch(event)
        elif isinstance(event, Preview):
            self._previewing.begin(self._session.mapping.preview_steps(event))

    def _end_preview(self) -> None:
        self._previewing.stop()
        self._session.mapping.end_preview()

    def _take_model(self, checkpoint: Any) -> None:
        self._end_preview()
        self._session.set_checkpoint(self._session.named(checkpoint))
        if self.then_map:
            self._workflow.mapping.map_scene()
