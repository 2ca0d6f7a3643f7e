"""Keeps what is painted, in the background, and offers what was painted before."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from napari_ssamamba.data.labels import LabelMap
from napari_ssamamba.events import Progress
from napari_ssamamba.gui.kept_jobs import KeptJobs
from napari_ssamamba.project.kept_labels import KeptLabels, keep_labels, kept_labels, read_kept
from napari_ssamamba.project.user_data import data_folder, new_begun

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from napari_ssamamba.data.classes import ClassTable
    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.gui.workflow import Workflow

RESTORE = "restoring labels"
"""Kind of job, see `Workflow`."""

MILLISECONDS_TO_KEEP = 5000
"""After so long what was painted is in a file."""


@dataclass(slots=True, eq=False)
class _Painting:
    """Labels of one scene, from when they are there until others take their place.

    Attributes
    ----------
    cube : Cube
    ids : ndarray of uint16, shape (rows, columns)
        The session's array itself.
    classes : ClassTable
    begun : str
        See `new_begun`.
    restored : Path or None
        The file that it began with.
    changed : bool
        Whether it was painted on since it was last written.
    kept : bool
        Whether it, or what it began with, was written: then other names are, too.
    """

    cube: Cube
    ids: NDArray[np.uint16]
    classes: ClassTable
    begun: str
    restored: Path | None = None
    changed: bool = False
    kept: bool = False

    def is_gone(self, root: Path) -> bool:
        """Tell whether another window, which made room, or the user removed its file."""
        return self.kept and not any(
            other.begun == self.begun or other.path == self.restored
            for other in kept_labels(self.cube, root)
        )


class KeptLabelJobs(KeptJobs):
    """Keeps the session's labels once they are painted on; imported ones have a file already.

    Parameters
    ----------
    workflow : Workflow
    """

    what = "painted labels"
    where = "labels in Classes"
    remedy = "Free some space, or save them with File → Save Selected Layers."

    def __init__(self, workflow: Workflow) -> None:
        super().__init__(workflow, MILLISECONDS_TO_KEEP)
        self._painting: _Painting | None = None
        events = self._session.events
        events.cube.connect(self._begin)
        events.labels.connect(self._labels_changed)
        events.classes.connect(self._classes_changed)
        if self._session.cube is not None:
            self._begin()

    # --- what is painted -------------------------------------------------------------------

    def _begin(self) -> None:
        """Write what was painted until now, and look at the labels that are there instead."""
        self.flush()
        session = self._session
        if session.cube is not None and session.labels is not None:
            self._painting = _Painting(session.cube, session.labels, session.classes, new_begun())
        self.list_again()

    def _labels_changed(self) -> None:
        painting, session = self._painting, self._session
        if painting is None or painting.ids is not session.labels:
            self._begin()
        else:
            self._change(painting)

    def _classes_changed(self) -> None:
        painting = self._painting
        if painting is not None and painting.ids is self._session.labels:
            if painting.changed or painting.kept:
                self._change(painting)

    def _change(self, painting: _Painting) -> None:
        painting.classes, painting.changed = self._session.classes, True
        self.change()

    # --- keeping it ------------------------------------------------------------------------

    def write(self) -> None:
        """Write what was painted, in any thread."""
        painting, root = self._painting, data_folder()
        if painting is None or not (painting.changed or painting.is_gone(root)):
            return
        # first: what is painted or renamed while it is written is written again
        painting.changed, painting.kept = False, True
        labels = LabelMap(painting.ids, painting.classes)
        try:
            painting.kept = keep_labels(labels, painting.cube, root, painting.begun, self.used)
        except (OSError, MemoryError):
            painting.changed = True
            raise

    # --- bringing it back ------------------------------------------------------------------

    def bring_back(self, kept: KeptLabels, then: Callable[[], None]) -> None:
        """Let labels that were kept take the place of those that are shown, which are kept, too."""
        cube = self._session.need_cube()

        def reading() -> Generator[Progress, None, LabelMap]:
            yield Progress(text="Reading the labels")
            return read_kept(kept, cube)

        take = partial(self._take, kept, then)
        self._workflow.run(
            RESTORE, "Restoring the labels", reading, on_result=take, on_stop=self._give_up
        )

    def _take(self, kept: KeptLabels, then: Callable[[], None], labels: LabelMap) -> None:
        self._session.set_labels(labels)
        if self._painting is not None:
            self._painting.restored, self._painting.kept = kept.path, True
        self.list_again()
        self._workflow.told.emit("info", f"Labels restored: {kept}.")
        then()

    def listed(self) -> list[KeptLabels]:
        """Return what is kept, but for what is painted now or was just restored."""
        painting = self._painting
        if painting is None:
            return []
        return [
            kept
            for kept in kept_labels(painting.cube, data_folder())
            if kept.begun != painting.begun and kept.path != painting.restored
        ]
