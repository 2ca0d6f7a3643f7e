"""The jobs that make a scene visible, and quick to read where its files are not.

First comes its colour image, then the overview of a costly file, then the copy of a compressed one:
each goes through the whole file.
"""

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

COMPOSITE, OVERVIEW, UNPACK = "composite", "overview", "unpack"
"""Kinds of job, see `Workflow`."""

OVERVIEWS = "overviews"
"""In the user's cache folder."""


class SceneJobs(QObject):
    """Composes the session's scene, and thins it out where reading a band of it takes long.

    Parameters
    ----------
    workflow : Workflow
        Its Qt parent.

    Attributes
    ----------
    overviews, copies : Path or None
        Folders that keep them; None for those in the user's cache folder.
    """

    overview_ready = Signal(object)
    """The `Overview` of the scene that is open."""

    def __init__(self, workflow: Workflow) -> None:
        super().__init__(workflow)
        self.overviews: Path | None = None
        self.copies: Path | None = None
        self._workflow = workflow
        self._session = workflow.session
        self._thinned: Cube | None = None
        self._unpacked: Cube | None = None
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
        """Begin what comes next."""
        if kind == COMPOSITE and how == "done" and not self._thin_out():
            self._unpack()
        elif kind == OVERVIEW and how != "cancelled":
            self._unpack()

    def _thin_out(self) -> bool:
        """Begin the overview, where one is needed and was not begun."""
        from napari_ssamamba.data.overview import needs_overview

        cube = self._session.need_cube()
        wanted = self._thinned is None or self._thinned.raw is not cube.raw
        if wanted := wanted and needs_overview(cube):
            self._thinned = cube
            start = partial(_make_overview, cube, self.overviews)
            self._workflow.run(
                OVERVIEW, "Making an overview", start, on_result=self.overview_ready.emit
            )
        return wanted

    def _unpack(self) -> None:
        from napari_ssamamba.data.unpacked import needs_unpacking, read_from_copy

        cube = self._session.need_cube()
        wanted = self._unpacked is None or self._unpacked.raw is not cube.raw
        if wanted and needs_unpacking(cube):
            self._unpacked = cube
            start = partial(read_from_copy, cube, self.copies)
            self._workflow.run(UNPACK, "Unpacking the scene", start, on_result=lambda _: None)


def _make_overview(cube: Cube, folder: Path | None) -> Generator[Progress, None, Overview]:
    from napari_ssamamba.data.downloads import cache_folder
    from napari_ssamamba.data.overview import make_overview

    made: Any = yield from make_overview(cube, folder or cache_folder() / OVERVIEWS)
    return made  # type: ignore[no-any-return]
