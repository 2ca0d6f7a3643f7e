"""From labels to a training: those painted, some held out to validate, or those kept of one."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from napari_ssamamba.data.classes import ClassTable
from napari_ssamamba.data.split import hold_out_validation
from napari_ssamamba.errors import BandsError, LabelsError, SettingError, SSAMambaError
from napari_ssamamba.events import Notice
from napari_ssamamba.project.kept_trainings import read_labels, read_start
from napari_ssamamba.session.preview import with_previews
from napari_ssamamba.session.renaming import adopt_classes

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_ssamamba.checkpoint import Checkpoint
    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.data.split import Split
    from napari_ssamamba.events import Progress
    from napari_ssamamba.project.kept_trainings import KeptTraining, TrainedLabels
    from napari_ssamamba.session.session import Session
    from napari_ssamamba.session.values import TrainingSettings


NOT_THE_SAME = (
    "The training cannot go on: the device that it was begun on is not here, the scene's files "
    "have changed, or it is not kept any more. Press Train to begin anew."
)


class TrainingRuns:
    """Trainings of a session's scene, to be run in any thread.

    Parameters
    ----------
    session : Session
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._goes_on: KeptTraining | None = None

    def begin(self) -> Generator[Progress, None, Checkpoint]:
        """Return a training on a snapshot of the labels and settings.

        Raises
        ------
        SSAMambaError
            Where no scene is open.
        LabelsError
            Where no pixel is labelled.
        """
        session = self._session
        cube, settings, classes = session.need_cube(), session.training, session.classes
        if session.labels is None or not session.labels.any():
            raise LabelsError("No pixel is labelled. Paint a few pixels of two or more classes.")
        run = train_on_labels(cube, session.labels.copy(), classes, settings, session.checkpoint)
        return self._begun(run, classes, behind=False)

    def go_on(self, kept: KeptTraining) -> Generator[Progress, None, Checkpoint]:
        """Return a training that was cut short, with the labels that it had; see `started`.

        The labels that are painted stay as they are. Its classes are named as now, where most of
        their labels are what they were.

        Raises
        ------
        FileFormatError
            Where its file is damaged, or gone.
        """
        session = self._session
        cube = session.need_cube()
        trained, labels = read_labels(kept, cube), session.labels
        classes, behind = kept.classes, False
        if labels is not None and labels.any():
            behind = not trained.are(labels)
            same = trained.same_classes(labels)
            known = ClassTable(tuple(c for c in session.classes if c.id in same))
            classes = classes.named_as(known)
        cube = cube.with_good_bands(np.isin(np.arange(cube.bands), kept.bands))
        settings = replace(
            session.training, preset=kept.preset, config=kept.config, device=kept.device
        )
        run = self._begun(_go_on(cube, trained, classes, settings, kept), classes, behind=behind)
        self._goes_on = kept
        return run

    def started(self) -> None:
        """Tell that the training has started; of one that goes on the session takes over the rest.

        That is its settings, its bands and, where nothing is painted, its classes: only now is it
        known that it can go on.
        """
        kept, self._goes_on = self._goes_on, None
        if kept is not None:
            session = self._session
            session.set_bands(np.isin(np.arange(session.need_cube().bands), kept.bands))
            session.set_training(
                replace(
                    session.training, preset=kept.preset, config=kept.config, device=kept.device
                )
            )
            adopt_classes(session, kept.classes)

    def _begun(
        self, run: Generator[Progress, None, Checkpoint], classes: ClassTable, *, behind: bool
    ) -> Generator[Progress, None, Checkpoint]:
        session = self._session
        self._goes_on = None
        session.learning, session.history = classes, []
        session.learned.begin_training(behind=behind)
        session.events.history.emit()
        if not session.training.preview:
            return run
        focus, settings = session.mapping.focus, session.training
        return with_previews(run, session.need_cube(), focus, settings.device, settings.members)


def train_on_labels(
    cube: Cube,
    ids: NDArray[np.uint16],
    classes: ClassTable,
    settings: TrainingSettings,
    last: Checkpoint | None = None,
) -> Generator[Progress, None, Checkpoint]:
    """Hold some labels out, train on the others; on from where the same training was cut short.

    Parameters
    ----------
    cube : Cube
    ids : ndarray of uint16, shape (rows, columns)
    classes : ClassTable
    settings : TrainingSettings
    last : Checkpoint, optional
        The training starts from it where the settings ask for that and it was trained on this
        scene; where its bands or its form have changed since, or an id means another class in
        the labels, for outputs are matched by id, a `Notice` says so.
    """
    from napari_ssamamba.model.config import preset
    from napari_ssamamba.training.warm_start import check_start

    config = settings.config
    start = None
    if settings.from_last and last is not None and last.is_of(cube):
        try:
            wanted = preset(settings.preset, last.model.bands, last.model.classes)
            check_start(last, cube, wanted, follow_scene=config.follow_scene)
            if other := classes.differing(last.classes):
                raise LabelsError(f"the labels use its ids for classes of other names: {other}.")
            start = last
        except (BandsError, LabelsError, SettingError) as error:
            yield Notice(text=f"Training anew, not from the last model: {error}")
    split = hold_out_validation(ids, config.validation_fraction, config.seed)
    run = _train(cube, split, classes, settings, start)
    del ids, split  # as large as the scene; the training lets go of them soon
    return (yield from run)


def _go_on(
    cube: Cube,
    trained: TrainedLabels,
    classes: ClassTable,
    settings: TrainingSettings,
    kept: KeptTraining,
) -> Generator[Progress, None, Checkpoint]:
    """Train as `_train` does, from the model that the training began with, if any."""
    split = trained.split((cube.rows, cube.columns), kept.description)
    run = _train(cube, split, classes, settings, read_start(kept), kept.path)
    del split
    return (yield from run)


def _train(
    cube: Cube,
    split: Split,
    classes: ClassTable,
    settings: TrainingSettings,
    start: Checkpoint | None,
    path: Path | None = None,
) -> Generator[Progress, None, Checkpoint]:
    """Train, on from what is kept of the same training, which is in the file at `path`, if any.

    Its state stays in the user's data folder when it ends: the model is in no file yet.
    """
    from napari_ssamamba.project.unfinished_trainings import UnfinishedTraining
    from napari_ssamamba.project.user_data import data_folder
    from napari_ssamamba.training.trainer import train

    given = cube, split, classes, settings.preset, settings.config, settings.device, start
    unfinished = UnfinishedTraining(*given, data_folder())
    if path is not None and not (path == unfinished.path and path.exists()):
        raise SSAMambaError(NOT_THE_SAME)
    run = unfinished.run(partial(train, *given, snapshots=settings.preview))
    del split, given  # as large as the scene
    return (yield from run)
