"""What to label next, as it is shown and stepped through."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_ssamamba.audit.suggestions import NEAR_LABEL
from napari_ssamamba.data.classes import UNLABELLED
from napari_ssamamba.data.labels import LabelMap
from napari_ssamamba.errors import BandsError, LabelsError
from napari_ssamamba.prediction.mosaic import FINAL
from napari_ssamamba.session.steps import PixelSteps

if TYPE_CHECKING:
    from collections.abc import Generator

    from napari_ssamamba.audit.suggestions import Suggestion
    from napari_ssamamba.events import Progress
    from napari_ssamamba.session.session import Session
    from napari_ssamamba.session.values import ShownMap


class SessionSuggestions(PixelSteps):
    """Pixels that are worth a label; proposed is the class that the map gives them.

    Parameters
    ----------
    session : Session

    Attributes
    ----------
    found : tuple of Suggestion, or None
        None before any were asked for.
    """

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.found: tuple[Suggestion, ...] | None = None
        self._of: ShownMap | None = None
        session.events.cube.connect(self._drop)
        session.events.map.connect(self.events.found.emit)

    def missing(self) -> str:
        """Say what is missing for suggestions and how to get it; empty where nothing is."""
        session = self._session
        if session.cube is None:
            return "No scene is open. Open one in the section Scene."
        if session.checkpoint is None:
            return "No model yet. Label pixels of two or more classes, then train."
        if session.map is None or not (session.map.complete or session.map.stopped):
            return "No map yet, or it is being made. Map the scene in the section Map."
        if session.labels is None or not session.labels.any():
            return "No pixel is labelled. Label pixels of two or more classes."
        try:
            session.checkpoint.check_bands(session.cube)
        except BandsError as error:
            return str(error)
        return ""

    @property
    def outdated(self) -> bool:
        """Whether the scene was mapped anew since."""
        return self.found is not None and self._of is not self._session.map

    def run(self) -> Generator[Progress, None, tuple[Suggestion, ...]]:
        """Return the search on a snapshot.

        Raises
        ------
        LabelsError
            Where something is `missing`.
        """
        from napari_ssamamba.audit.suggestions import suggest

        session, shown = self._session, self._session.map
        cube, labels = session.cube, session.labels
        checkpoint = None if shown is None else shown.checkpoint or session.checkpoint
        if cube is None or checkpoint is None or shown is None or labels is None or self.missing():
            raise LabelsError(self.missing())
        self._of = shown
        mapped = shown.ids.copy()
        for d in session.decisions.made:
            if d.kind == "skipped" and d.reference == UNLABELLED:  # nor those beside it
                near = slice(max(0, d.row - NEAR_LABEL), d.row + NEAR_LABEL + 1)
                mapped[near, max(0, d.column - NEAR_LABEL) : d.column + NEAR_LABEL + 1] = UNLABELLED
        return suggest(
            cube,
            checkpoint,
            LabelMap(labels.copy(), session.classes),
            mapped,
            np.where(shown.level == FINAL, shown.margin, np.float32(np.nan)),
            members=shown.members,
        )

    def set_found(self, found: tuple[Suggestion, ...]) -> None:
        """Take the suggestions that were found."""
        self.found = found
        pixels = np.array([(s.row, s.column) for s in found], np.int32).reshape(-1, 2)
        self._show(pixels, np.array([s.mapped for s in found], np.uint16))

    def _drop(self) -> None:
        self._of = None
        self.found = None
        self._show(self.pixels[:0], self.proposed[:0])
