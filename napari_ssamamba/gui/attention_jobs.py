"""The jobs that compute attention: for the view on demand, and for each pixel that is picked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject

from napari_ssamamba.errors import SSAMambaError

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_ssamamba.data.tiles import Window
    from napari_ssamamba.events import Progress
    from napari_ssamamba.gui.workflow import Workflow

PIXEL = "attention of a pixel"
VIEW = "attention of the view"
CLASS = "attention of a class"
"""Kinds of job, see `Workflow`."""


class AttentionJobs(QObject):
    """Starts them, and hands what they find to the session's attention.

    Parameters
    ----------
    workflow : Workflow
        Its Qt parent.

    Attributes
    ----------
    view_of : callable or None
        Returns the part of the scene that is seen, None where none is; set by whoever shows it.
    """

    def __init__(self, workflow: Workflow) -> None:
        super().__init__(workflow)
        self.view_of: Callable[[], Window | None] | None = None
        self._workflow = workflow
        self._session = workflow.session
        self._follows = False
        self._follows_class = False
        workflow.job_started.connect(self._job_started)
        events = self._session.events
        events.picked.connect(self.read_pixel)
        events.bands.connect(self.read_pixel)
        events.checkpoint.connect(self._model_changed)
        events.map.connect(self._map_changed)
        events.cube.connect(self._cancel)
        self._session.class_attention.events.chosen.connect(self.average_class)

    def follow_pixel(self, wanted: bool) -> None:
        """Compute the attention of each pixel that is picked, from now on or no longer.

        Its heat map lies on the scene, where it would be in the way of whoever looks at spectra.
        """
        self._follows = wanted
        attention = self._session.attention
        attention.show_in_place(wanted)
        read = attention.pixel is not None or self._workflow.job(PIXEL) is not None
        if read is not self._asked():
            self.read_pixel()

    def _asked(self) -> bool:
        """Tell whether the picked pixel's attention is shown anywhere: an error's always is."""
        return self._follows or self._session.picked == self._session.audit.looked_at

    def read_pixel(self) -> None:
        """Compute the picked pixel's attention, where model and pixel are there and it is asked."""
        attention = self._session.attention
        run = attention.pixel_run() if self._asked() else None
        if run is None:
            self._workflow.cancel(PIXEL)
            attention.set_pixel(None)
            return
        found = run
        self._workflow.run(
            PIXEL, "Reading the attention", lambda: found, on_result=attention.set_pixel
        )

    def follow_class(self, wanted: bool) -> None:
        """Average the attention of each class that is chosen, from now on or no longer."""
        self._follows_class = wanted
        self.average_class()

    def average_class(self) -> None:
        """Average the attention of the chosen class, where that is asked and not done already."""
        of_class = self._session.class_attention
        if not self._follows_class or (run := of_class.run()) is None:
            return
        asked = of_class.asked
        self._workflow.run(
            CLASS,
            "Averaging the attention",
            lambda: run,
            on_result=of_class.set_found,
            on_stop=lambda: of_class.forget(asked),
        )

    def map_view(self) -> None:
        """Compute the attention maps in the part of the scene that is seen."""
        attention = self._session.attention
        region = None if self.view_of is None else self.view_of()
        if region is None:
            self._workflow.told.emit("error", "The scene is not in view. Move it back first.")
            return
        self._workflow.cancel(VIEW)
        try:
            run = attention.view_run(region)
        except SSAMambaError as error:
            self._workflow.told.emit("error", str(error))
            return
        self._workflow.run(
            VIEW,
            "Mapping the attention",
            lambda: run,
            on_event=self._take_tile,
            on_result=lambda _: attention.finish(),
            on_stop=attention.keep_before,
        )

    def _take_tile(self, event: Progress) -> None:
        from napari_ssamamba.prediction.class_map import MapTile

        if isinstance(event, MapTile):
            self._session.attention.add_tile(event)

    def _job_started(self, kind: str, job: Any) -> None:
        """Give way to a training, whose model will be another, and to the scene's mapping."""
        if kind in ("train", "map"):
            self._workflow.cancel(VIEW)

    def _model_changed(self) -> None:
        self._workflow.cancel(VIEW)
        self.read_pixel()

    def _map_changed(self) -> None:
        """Read the pixel anew where another model made the map, and let go of what it told."""
        if self._session.attention.pixel is None:
            self.read_pixel()

    def _cancel(self) -> None:
        self._workflow.cancel(CLASS)
        self._workflow.cancel(VIEW)
        self._workflow.cancel(PIXEL)
