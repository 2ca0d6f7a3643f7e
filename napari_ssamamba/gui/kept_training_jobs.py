"""Offers to go on with trainings that were cut short."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_ssamamba.gui.job import Job
from napari_ssamamba.gui.offered_work import OfferedWork
from napari_ssamamba.gui.training_jobs import TRAIN
from napari_ssamamba.project.kept_maps import kept_maps
from napari_ssamamba.project.kept_trainings import KeptTraining, kept_trainings
from napari_ssamamba.project.user_data import BEGUN, data_folder, new_begun

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_ssamamba.gui.workflow import Workflow


class KeptTrainingJobs(OfferedWork):
    """Offers the trainings of the scene that is open which a crash or the user cut short.

    Parameters
    ----------
    workflow : Workflow
        Its Qt parent.
    """

    where = "a training in Train"

    def __init__(self, workflow: Workflow) -> None:
        super().__init__(workflow)
        self._session.events.cube.connect(self._begin)
        workflow.job_started.connect(self._follow)
        workflow.job_ended.connect(self._follow)
        self._begin()

    def _begin(self) -> None:
        self._last_end = ""
        self.list_again()

    def _follow(self, kind: str, how: object) -> None:
        """List them again where a training began or ended, and when its last step is over."""
        if kind == TRAIN:
            if isinstance(how, Job):
                how.job_signals.finished.connect(self.list_again)
            elif how == "done":
                self._last_end = new_begun()
            self.list_again()

    def listed(self) -> list[KeptTraining]:
        """Return the trainings that were cut short, while none runs.

        Where one ended or a map was begun later, it had ended, or its user went on without it.
        """
        cube, root = self._session.cube, data_folder()
        if cube is None or self._workflow.job(TRAIN) is not None:
            return []
        since = max([self._last_end, *(kept.begun for kept in kept_maps(cube, root))])
        return [kept for kept in kept_trainings(cube, root) if f"{kept.changed:{BEGUN}}" >= since]

    def bring_back(self, kept: KeptTraining, then: Callable[[], None]) -> None:
        """Go on with it; where that cannot be, see what is left."""
        self._workflow.training.go_on(kept)
        if self._workflow.job(TRAIN) is None:
            self.list_again()
        then()
