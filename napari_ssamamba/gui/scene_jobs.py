"""The jobs that make a scene visible: its colour image, and the overview of costly files."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, Signal

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.data.overview import Overview
    from napari_ssamamba.events import Progress
    from napari_ssamamba.gui.workflow import Workflow

COMPOSITE, OVERVIEW = "composite", "overview"
"""Kinds of job, see `Workflow`."""

FOLDER = "overviews"
"""In the user's cache folder."""


class SceneJobs(QObject):
    """Composes the session's scene, and thins it out where reading a band of it takes long.

    Parameters
    ----------
    workflow : Workflow
        Its Qt parent.

    Attributes
    ----------
    overviews : Path or None
        Folder that keeps overviews; None for the user's cache folder.
    """

    overview_ready = Signal(object)
    """The `Overview` of the scene that is open."""

    def __init__(self, workflow: Workflow) -> None:
        super().__init__(workflow)
        self.overviews: Path | None = None
        self._workflow = workflow
        self._session = workflow.session
        self._thinned: Cube | None = None
        workflow.job_ended.connect(self._job_ended)

    def compose(self) -> None:
        """Compute the colour image that the session asks for."""
        from napari_ssamamba.data.composite import compose_blocks

        cube, settings = self._session.cube, self._session.composite
        if cube is not None and settings is not None:
            self._workflow.run(
                COMPOSITE,
                "Composing",
                partial(compose_blocks, cube, settings, self._session.mapping.room),
                on_event=self._take_preview,
                on_result=self._session.set_composite_image,
            )

    def _take_preview(self, event: Progress) -> None:
        from napari_ssamamba.data.composite import CompositePreview

        if isinstance(event, CompositePreview):
            self._session.set_composite_image(event.image)

    def _job_ended(self, kind: str, how: str) -> None:
        """Begin the overview when the colour image is there: both go through the whole file."""
        if kind == COMPOSITE and how == "done":
            self._thin_out()

    def _thin_out(self) -> None:
        from napari_ssamamba.data.overview import needs_overview

        cube = self._session.need_cube()
        if needs_overview(cube) and (self._thinned is None or self._thinned.raw is not cube.raw):
            self._thinned = cube
            start = partial(_make_overview, cube, self.overviews)
            self._workflow.run(
                OVERVIEW, "Making an overview", start, on_result=self.overview_ready.emit
            )


def _make_overview(cube: Cube, folder: Path | None) -> Generator[Progress, None, Overview]:
    from napari_ssamamba.data.downloads import cache_folder
    from napari_ssamamba.data.overview import make_overview

    made: Any = yield from make_overview(cube, folder or cache_folder() / FOLDER)
    return made  # type: ignore[no-any-return]
