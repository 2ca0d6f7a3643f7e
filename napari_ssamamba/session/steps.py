"""A list of pixels to decide about, one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from psygnal import Signal, SignalGroup

from napari_ssamamba.errors import LabelsError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_ssamamba.audit.decision import Decision
    from napari_ssamamba.session.session import Session


class StepEvents(SignalGroup):
    """Emitted after the change, in the main thread."""

    found = Signal()
    """Other pixels, or none; or what they were found by has changed."""
    position = Signal()
    """Another one is looked at, or something was decided about one."""


class PixelSteps:
    """Steps through pixels; every decision is one of ``session.decisions``, where it is undone.

    Parameters
    ----------
    session : Session

    Attributes
    ----------
    pixels : ndarray of int32, shape (n, 2)
        Rows and columns, in the order of their rank.
    proposed : ndarray of uint16, shape (n,)
        Class id that each may be labelled with.
    position : int or None
        Which of them is looked at.
    """

    def __init__(self, session: Session) -> None:
        self.events = StepEvents()
        self._session = session
        self.pixels: NDArray[np.int32] = np.empty((0, 2), np.int32)
        self.proposed: NDArray[np.uint16] = np.empty(0, np.uint16)
        self.position: int | None = None
        session.events.picked.connect(self._picked)
        session.decisions.events.made.connect(self._decided)

    def _show(self, pixels: NDArray[np.int32], proposed: NDArray[np.uint16]) -> None:
        """Take other pixels; none of them is looked at yet."""
        self.pixels, self.proposed, self.position = pixels, proposed, None
        self.events.found.emit()

    # --- stepping --------------------------------------------------------------------------

    def pixel(self, position: int) -> tuple[int, int]:
        """Return row and column of a pixel of the list."""
        row, column = self.pixels[position].tolist()
        return row, column

    def decision(self, position: int) -> Decision | None:
        """Return what was decided about a pixel of the list."""
        return self._session.decisions.about(self.pixel(position))

    def undecided(self) -> int:
        """Count the pixels that nothing was decided about."""
        about = {d.pixel for d in self._session.decisions.made}
        return sum(tuple(p) not in about for p in self.pixels.tolist())

    def step(self, by: int) -> None:
        """Look at the next pixel that nothing was decided about, or with −1 at the one before.

        The ends are joined; where all are decided about, each is stepped to.
        """
        n = len(self.pixels)
        if n == 0:
            return
        before = self.position if self.position is not None else (-1 if by > 0 else 0)
        about = {d.pixel for d in self._session.decisions.made}
        order = [(before + by * k) % n for k in range(1, n + 1)]
        self.go_to(next((i for i in order if self.pixel(i) not in about), order[0]))

    def go_to(self, position: int) -> None:
        """Look at a pixel of the list, and select the class that is proposed for it."""
        session = self._session
        self.position = position
        session.steps = self
        proposed = int(self.proposed[position])
        if proposed in session.classes:
            session.select_class(proposed)
        session.pick(*self.pixel(position))
        self.events.position.emit()
        session.audit.events.look_at.emit(self.pixels[position][None])

    def _picked(self) -> None:
        """Go on from a pixel of the list that is clicked on."""
        picked = self._session.picked
        if picked is None or not len(self.pixels):
            return
        found = np.flatnonzero((self.pixels == picked).all(axis=1))
        if found.size and int(found[0]) != self.position:
            self.position = int(found[0])
            self._session.steps = self
            self.events.position.emit()

    def _decided(self) -> None:
        if len(self.pixels):
            self.events.position.emit()

    # --- deciding --------------------------------------------------------------------------

    def accept(self) -> None:
        """Label the pixel that is looked at with the selected class, and look at the next.

        Raises
        ------
        LabelsError
            Where no pixel is looked at, or no class is selected.
        """
        position, session = self._need_position(), self._session
        if session.selected_class not in session.classes:
            raise LabelsError("No class is selected. Choose one in the section Classes.")
        self._decide(position, session.selected_class)

    def skip(self) -> None:
        """Leave the pixel that is looked at as it is, and look at the next.

        Raises
        ------
        LabelsError
            Where no pixel is looked at.
        """
        self._decide(self._need_position(), None)

    def erase(self) -> None:
        """Take the label away from the pixel that is looked at, and look at the next.

        Raises
        ------
        LabelsError
            Where no pixel is looked at.
        """
        self._decide(self._need_position(), 0)

    def _need_position(self) -> int:
        if self.position is None:
            raise LabelsError("No pixel of the list is looked at. G goes to the next.")
        return self.position

    def _decide(self, position: int, id: int | None) -> None:
        self._session.decisions.label(self.pixel(position), int(self.proposed[position]), id)
        if self.undecided():
            self.step(1)
