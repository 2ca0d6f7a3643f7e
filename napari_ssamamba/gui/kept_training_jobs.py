"""Offers the settings of trainings that were cut short: Train goes on with them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from napari_ssamamba.gui.offered_work import OfferedWork
from napari_ssamamba.project.kept_maps import kept_maps
from napari_ssamamba.project.kept_trainings import KeptTraining, kept_trainings
from napari_ssamamba.project.user_data import data_folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari_ssamamba.gui.workflow import Workflow

RESTORED = "Settings of the training restored: {}. With the labels that it had, Train goes on."


class KeptTrainingJobs(OfferedWork):
    """Offers what trainings have kept of the scene that is open.

    Parameters
    ----------
    workflow : Workflow
        Its Qt parent.
    """

    where = "a training in Train"

    def __init__(self, workflow: Workflow) -> None:
        super().__init__(workflow)
        self._restored: set[Path] = set()
        self._session.events.cube.connect(self._begin)
        self.list_again()

    def _begin(self) -> None:
        self._restored.clear()
        self.list_again()

    def listed(self) -> list[KeptTraining]:
        """Return the trainings that were cut short, but for those that were restored.

        Where a map was made later, the training had ended, or its user went on without it.
        """
        cube, root = self._session.cube, data_folder()
        if cube is None:
            return []
        maps = kept_maps(cube, root)
        return [
            kept
            for kept in kept_trainings(cube, root)
            if kept.path not in self._restored and not (maps and maps[0].changed > kept.changed)
        ]

    def bring_back(self, kept: KeptTraining, then: Callable[[], None]) -> None:
        """Let its settings take the place of those that are shown."""
        settings = replace(
            self._session.training,
            preset=kept.preset,
            config=kept.config,
            device=kept.device,
            from_last=False,  # a map that was restored brings its model
        )
        self._session.set_training(settings)
        self._restored.add(kept.path)
        self.list_again()
        self._workflow.told.emit("info", RESTORED.format(kept))
        then()
