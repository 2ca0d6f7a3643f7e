"""From painted labels to a training: some are held out to validate."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from napari_ssamamba.errors import BandsError, LabelsError, SettingError
from napari_ssamamba.events import Notice
from napari_ssamamba.session.preview import with_previews

if TYPE_CHECKING:
    from collections.abc import Generator

    import numpy as np
    from numpy.typing import NDArray

    from napari_ssamamba.checkpoint import Checkpoint
    from napari_ssamamba.data.classes import ClassTable
    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.events import Progress
    from napari_ssamamba.session.session import Session
    from napari_ssamamba.session.values import TrainingSettings


class TrainingRuns:
    """Trainings of a session's scene, to be run in any thread.

    Parameters
    ----------
    session : Session
    """

    def __init__(self, session: Session) -> None:
        self._session = session

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
        session.learning, session.history = classes, []
        session.learned.begin_training()
        session.events.history.emit()
        run = train_on_labels(cube, session.labels.copy(), classes, settings, session.checkpoint)
        if settings.preview:
            focus = session.mapping.focus
            return with_previews(run, cube, focus, settings.device, settings.members)
        return run


def train_on_labels(
    cube: Cube,
    ids: NDArray[np.uint16],
    classes: ClassTable,
    settings: TrainingSettings,
    last: Checkpoint | None = None,
) -> Generator[Progress, None, Checkpoint]:
    """Hold some labels out, train on the others; on from where the same training was cut short.

    Its state stays in the user's data folder when it ends: the model is in no file yet.

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
    from napari_ssamamba.data.split import hold_out_validation
    from napari_ssamamba.model.config import preset
    from napari_ssamamba.project.unfinished_trainings import UnfinishedTraining
    from napari_ssamamba.project.user_data import data_folder
    from napari_ssamamba.training.trainer import train
    from napari_ssamamba.training.warm_start import check_start

    config = settings.config
    split = hold_out_validation(ids, config.validation_fraction, config.seed)
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
    given = cube, split, classes, settings.preset, config, settings.device, start
    unfinished = UnfinishedTraining(*given, data_folder())
    run = unfinished.run(partial(train, *given, snapshots=settings.preview))
    del ids, split, given  # as large as the scene; the training lets go of them soon
    return (yield from run)
