"""Mapping the scene in the background, and comparing the map."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject

if TYPE_CHECKING:
    from collections.abc import Generator

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

    Attributes
    ----------
    look_at : tuple of int or None
        Row and column where a mapping begins; set by whoever shows the scene.
    """

    def __init__(self, workflow: Workflow) -> None:
        super().__init__(workflow)
        self.look_at: tuple[int, int] | None = None
        self._workflow = workflow
        self._mapping = workflow.session.mapping

    def map_scene(self) -> None:
        """Map the scene with the last model."""
        if run := self._workflow.prepared(self._run):
            self._workflow.run(
                MAP,
                "Mapping",
                run,
                on_event=self._take_tile,
                on_result=self._finish,
                on_stop=self._mapping.keep_before,
            )

    def cancel(self) -> None:
        """Bring back the map from before a mapping that runs."""
        self._workflow.cancel(MAP)

    def assess(self) -> None:
        """Compare the map with the reference, where there is a reference and a complete map."""
        if (run := self._mapping.accuracy_run()) is not None:
            take = self._mapping.set_accuracy
            self._workflow.run(ACCURACY, "Comparing", lambda: run, on_result=take)

    def _run(self) -> Generator[Progress, None, Any]:
        self.cancel()
        return self._mapping.run(first=self.look_at)

    def _take_tile(self, event: Progress) -> None:
        from napari_ssamamba.prediction.class_map import MapTile

        if isinstance(event, MapTile):
            self._mapping.add_tile(event)

    def _finish(self, class_map: Any) -> None:
        self._mapping.finish()
        self.assess()
        self._workflow.audit.confuse()
