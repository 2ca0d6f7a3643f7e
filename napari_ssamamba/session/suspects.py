"""The training labels as they were checked out of fold, and which of them are suspect."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from napari_ssamamba.data.classes import ClassTable
from napari_ssamamba.data.labels import LabelMap
from napari_ssamamba.errors import LabelsError
from napari_ssamamba.session.steps import PixelSteps
from napari_ssamamba.session.values import ShownMap

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray

    from napari_ssamamba.audit.suspects import OutOfFold
    from napari_ssamamba.data.classes import LandClass
    from napari_ssamamba.events import Progress
    from napari_ssamamba.prediction.mixer import Members
    from napari_ssamamba.session.session import Session


class SessionSuspects(PixelSteps):
    """Labels that the others contradict; proposed is the class that they say instead.

    Parameters
    ----------
    session : Session

    Attributes
    ----------
    members : {"mixed", "network", "expert"}
        Who is asked: what makes maps by default, or one of both alone.
    checked : OutOfFold or None
        None before the labels were checked.
    shown : ShownMap or None
        What was said of the labelled pixels, as a map: the audit compares the labels with it.
    """

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.members: Members = "mixed"
        self.checked: OutOfFold | None = None
        self.shown: ShownMap | None = None
        self._suspects: NDArray[np.intp] = np.empty(0, np.intp)
        self._naming = ClassTable()  # of the check that runs, or of the last one
        self._changed = False  # since the check that runs, or the last one, began
        session.events.cube.connect(self._drop)
        session.events.bands.connect(self._outdate)
        session.events.labels.connect(self._outdate)

    def missing(self) -> str:
        """Say what is missing for a check and how to get it; empty where nothing is."""
        session = self._session
        if session.cube is None:
            return "No scene is open. Open one in the section Scene."
        if session.labels is None or not session.labels.any():
            return "No pixel is labelled. Label pixels of two or more classes."
        return ""

    @property
    def outdated(self) -> bool:
        """Whether labels or bands changed since the check."""
        return self.shown is not None and self.shown.outdated

    def ask(self, members: Members) -> None:
        """Choose who is asked by the next check."""
        self.members = members

    def run(self) -> Generator[Progress, None, OutOfFold]:
        """Return the check of the labels as they are now.

        Raises
        ------
        LabelsError
            Where something is `missing`.
        """
        from napari_ssamamba.audit.suspects import check_out_of_fold

        session = self._session
        if self.missing() or session.cube is None or session.labels is None:
            raise LabelsError(self.missing())
        self._changed, self._naming = False, session.classes
        labels = LabelMap(session.labels.copy(), session.classes, "training labels")
        settings = session.training
        return check_out_of_fold(
            session.cube, labels, settings.preset, settings.config, self.members, settings.device
        )

    def set_checked(self, checked: OutOfFold) -> None:
        """Take what was said of the labels, by the names that classes were given meanwhile."""
        checked = replace(checked, classes=checked.classes.named_as(self._naming))
        cube = self._session.need_cube()
        ids, confidence = checked.as_map((cube.rows, cube.columns))
        self.checked = checked
        self.shown = ShownMap.blank(
            ids.shape, classes=checked.classes, complete=True, outdated=self._changed
        )
        self.shown.ids, self.shown.confidence = ids, confidence
        self._suspects = checked.suspects()
        self._show(checked.pixels[self._suspects], checked.predicted[self._suspects])

    def follow(self, before: LandClass, after: LandClass) -> None:
        """Name a class as the class table does now."""
        self._naming = self._naming.follow(before, after)
        if (checked := self.checked) is not None:
            self.checked = replace(checked, classes=checked.classes.follow(before, after))
        if self.shown is not None:
            self.shown.classes = self.shown.classes.follow(before, after)

    def index(self, position: int) -> int:
        """Return where a suspect is among the labels that were checked."""
        return int(self._suspects[position])

    def _drop(self) -> None:
        self.checked = self.shown = None
        self._suspects = np.empty(0, np.intp)
        self._show(self.pixels[:0], self.proposed[:0])

    def _outdate(self) -> None:
        self._changed = True
        if self.shown is not None and not self.shown.outdated:
            self.shown.outdated = True
            self.events.found.emit()
