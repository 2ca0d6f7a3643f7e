"""Training in the background, what follows it, and the files of models."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject

from napari_ssamamba.events import Progress
from napari_ssamamba.gui.kept_map_jobs import RESTORE
from napari_ssamamba.gui.turns import Turns
from napari_ssamamba.session.renaming import adopt_classes

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from napari_ssamamba.checkpoint import Checkpoint
    from napari_ssamamba.data.classes import ClassTable
    from napari_ssamamba.gui.workflow import Workflow
    from napari_ssamamba.project.kept_trainings import KeptTraining

TRAIN, MODEL = "train", "model"
"""Kinds of job, see `Workflow`."""

OPENED = "Opened {}. Map the scene takes this model now."

OTHER_CLASSES = (
    "Its classes are matched by their id, and it names some otherwise: {}. Its maps have its "
    "names; the next training starts anew."
)
"""Told of a model that contradicts the class table."""


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
        self._run(self._session.training_runs.begin)

    def go_on(self, kept: KeptTraining) -> None:
        """Go on with a training that was cut short; a mapping that runs is stopped."""
        self._run(partial(self._session.training_runs.go_on, kept))

    def _run(self, prepare: Callable[[], Generator[Progress, None, Checkpoint]]) -> None:
        if run := self._workflow.prepared(prepare):
            self._workflow.mapping.stop()
            self._workflow.run(
                TRAIN,
                "Training",
                run,
                on_event=self._take_event,
                on_result=self._take_model,
                on_stop=self._end_preview,
            )

    def save_model(self, path: Path) -> None:
        """Write the last model to a file."""
        checkpoint = self._session.checkpoint
        if checkpoint is None:
            return

        def saving() -> Generator[Progress, None, None]:
            from napari_ssamamba.project.checkpoints import save_checkpoint

            yield Progress(text=f"Writing {path.name}")
            save_checkpoint(checkpoint, path)

        said = partial(self._workflow.told.emit, "info", f"The model is in {path}.")
        self._workflow.writing.write("Writing the model", saving, lambda _: said())

    def open_model(self, path: Path) -> None:
        """Read a model from a file; it takes the place of the last one."""

        def reading() -> Generator[Progress, None, Checkpoint]:
            from napari_ssamamba.project.checkpoints import load_checkpoint

            yield Progress(text=f"Reading {path.name}")
            return load_checkpoint(path)

        self._workflow.run(
            MODEL, "Reading the model", reading, on_result=partial(self._take_file, path)
        )

    def _take_file(self, path: Path, checkpoint: Checkpoint) -> None:
        differing = self.take_classes(checkpoint.classes)
        self._session.set_checkpoint(checkpoint)
        self._workflow.told.emit("info", f"{OPENED.format(path)} {differing}".strip())

    def take_classes(self, learned: ClassTable) -> str:
        """Let a model's classes be painted, where nothing is yet; say where others are."""
        session = self._session
        adopt_classes(session, learned)
        differing = learned.differing(session.classes)
        return OTHER_CLASSES.format(differing) if differing else ""

    def _take_event(self, event: Progress) -> None:
        from napari_ssamamba.session.preview import Preview
        from napari_ssamamba.training.events import EpochDone, TrainingStarted

        if isinstance(event, TrainingStarted):
            self._session.training_runs.started()
        elif isinstance(event, EpochDone):
            self._session.record_epoch(event)
        elif isinstance(event, Preview):
            self._previewing.begin(self._session.mapping.preview_steps(event))

    def _end_preview(self) -> None:
        self._previewing.stop()
        self._session.mapping.end_preview()

    def _take_model(self, checkpoint: Any) -> None:
        self._end_preview()
        self._workflow.cancel(RESTORE)  # its model would take the place of this one
        named = self._session.named(checkpoint)
        self._session.set_checkpoint(named)
        if differing := named.classes.differing(self._session.classes):
            self._workflow.told.emit("info", OTHER_CLASSES.format(differing))
        if self.then_map:
            self._workflow.mapping.map_scene()
