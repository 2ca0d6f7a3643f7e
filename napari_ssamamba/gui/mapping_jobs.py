"""Mapping the scene in the background, and comparing the map."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject

from napari_ssamamba.gui.kept_map_jobs import RESTORE

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from napari_ssamamba.events import Progress
    from napari_ssamamba.gui.workflow import Workflow

MAP, ACCURACY = "map", "accuracy"
"""Kinds of job, see `Workflow`."""


class MappingJobs(QObject):
    """Maps the session's scene with its model.

    Parameters
    ----------
    workflow : Workflow
        Its Qt parent.
    """

    def __init__(self, workflow: Workflow) -> None:
        super().__init__(workflow)
        self._workflow = workflow
        self._mapping = workflow.session.mapping

    def map_scene(self) -> None:
        """Map the scene with the last model."""
        self._begin(self._mapping.run, self._bring_back)

    def continue_map(self) -> None:
        """Map what a stopped map is missing; a Cancel stops it again."""
        self._begin(self._mapping.continue_run, self._mapping.stop)

    def stop(self) -> None:
        """End a mapping that runs, and keep what it has mapped."""
        if self._workflow.job(MAP) is not None:
            self._on_stop = self._mapping.stop
            self._workflow.cancel(MAP)

    def cancel(self) -> None:
        """Bring back the map from before a mapping that runs."""
        self._workflow.cancel(MAP)

    def assess(self) -> None:
        """Compare the map with the reference, where there is a reference and a complete map."""
        self._workflow.cancel(ACCURACY)
        if (run := self._mapping.accuracy_run()) is not None:
            take = self._mapping.take_accuracy
            self._workflow.run(ACCURACY, "Comparing", lambda: run, on_result=take)

    def _begin(
        self, prepare: Callable[[], Generator[Progress, None, Any]], on_stop: Callable[[], None]
    ) -> None:
        self.cancel()
        self._workflow.cancel(RESTORE)  # the map that is read would take this one's tiles
        if run := self._workflow.prepared(prepare):
            self._workflow.cancel(ACCURACY)  # of the map that this one replaces
            self._on_stop = on_stop
            self._workflow.run(
                MAP,
                "Mapping",
                run,
                on_event=self._take_tile,
                on_result=self._finish,
                on_stop=lambda: self._on_stop(),
            )

    def _bring_back(self) -> None:
        """Show the map from before, and how well it agrees."""
        self._mapping.keep_before()
        self.assess()

    def _take_tile(self, event: Progress) -> None:
        from napari_ssamamba.prediction.class_map import MapTile

        if isinstance(event, MapTile):
            self._mapping.add_tile(event)

    def _finish(self, mapped: Any) -> None:
        self._mapping.finish()
        self.compare()

    def compare(self) -> None:
        """Assess a map that is complete, and look for its confusions."""
        self.assess()
        self._workflow.audit.confuse()
