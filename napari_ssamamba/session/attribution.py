"""Which bands decided about the picked pixel or the audited ones, and what masking them does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from psygnal import Signal, SignalGroup

from napari_ssamamba.errors import BandsError

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray

    from napari_ssamamba.audit.attribution import Attribution, BandExplainer, Masking
    from napari_ssamamba.checkpoint import Checkpoint
    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.events import Progress
    from napari_ssamamba.session.session import Session
    from napari_ssamamba.training.config import Mixture

PIXELS = 20
"""Of a selection that are explained at most: each takes a good part of a second."""


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """What was found out about some pixels.

    Attributes
    ----------
    attribution : Attribution
    masking : Masking or None
        Of the range that was masked last; of the strongest bands at first.
    mean : ndarray of float64, shape (bands,)
        The scene's, which both compare with.
    total : int
        Pixels of the selection, of which ``attribution.pixels`` were explained.
    """

    attribution: Attribution
    masking: Masking | None
    mean: NDArray[np.float64]
    total: int


class AttributionEvents(SignalGroup):
    """Emitted after the change, in the main thread."""

    found = Signal()
    subject = Signal()
    """Other pixels are to be explained, or by another model."""
    masking = Signal()


class SessionAttribution:
    """The attribution's part of a session.

    Parameters
    ----------
    session : Session

    Attributes
    ----------
    of_selection : bool
        Whether the audited cell's pixels are explained, or the picked one.
    found : Explanation or None
        None before it is computed.
    masking : Masking or None
        Of the range that was masked last.
    """

    def __init__(self, session: Session) -> None:
        self.events = AttributionEvents()
        self.of_selection = False
        self.found: Explanation | None = None
        self.masking: Masking | None = None
        self._session = session
        self._explainer: BandExplainer | None = None
        self._model: tuple[Checkpoint, Mixture] | None = None
        self._mean: tuple[Cube, NDArray[np.float64]] | None = None
        session.events.cube.connect(self._forget)
        session.events.checkpoint.connect(self._model_changed)
        session.events.map.connect(self._model_changed)
        session.events.training.connect(self._model_changed)

    def missing(self) -> str | None:
        """Say what is missing before there can be an attribution; None where nothing is."""
        session = self._session
        if session.cube is None:
            return "No scene is open. Open a cube or a sample scene first."
        if session.checkpoint is None:
            return "No model yet: train one first."
        if session.evidence.model() is None:
            try:
                session.checkpoint.check_bands(session.cube)
            except BandsError as error:
                return str(error)
        if self.of_selection and not len(session.audit.pixels):
            return "Nothing is selected. Choose a confusion in the section Audit."
        if not self.of_selection and session.picked is None:
            return "Click a pixel to see which bands decided about it."
        return None

    def choose(self, *, of_selection: bool) -> None:
        """Explain the audited pixels, or the picked one."""
        if of_selection != self.of_selection:
            self.of_selection = of_selection
            self.set_found(None)
            self.events.subject.emit()

    def run(self) -> Generator[Progress, None, Explanation | None] | None:
        """Return the attribution of what is chosen; None where something is `missing`."""
        session = self._session
        cube, model = session.cube, session.evidence.model()
        if self.missing() is not None or cube is None or model is None:
            return None
        from napari_ssamamba.audit.attribution import (
            BandExplainer,
            scene_mean,
            strongest_run,
        )

        if self._explainer is None:
            self._explainer = BandExplainer(*model)
        explainer, known = self._explainer, self._mean
        pixels, target = self._subject()
        total = len(pixels)
        if total > PIXELS:
            drawn = np.random.default_rng(0).choice(total, PIXELS, replace=False)
            pixels = pixels[np.sort(drawn)]

        def explaining() -> Generator[Progress, None, Explanation | None]:
            if known is not None and known[0] is cube:
                mean = known[1]
            else:
                mean = yield from scene_mean(cube)
            found = yield from explainer.attribute(cube, pixels, mean, target)
            if found is None:
                return None
            low, high = strongest_run(found, cube)
            masking = yield from explainer.mask(cube, found.pixels, mean, found.target, low, high)
            return Explanation(found, masking, mean, total)

        return explaining()

    def _subject(self) -> tuple[NDArray[np.int32], int | None]:
        """Return the pixels, and the class that they are mapped as, where that is known."""
        audit = self._session.audit
        if self.of_selection and audit.cell is not None:
            return audit.pixels, audit.cell.predicted
        return np.array([self._session.picked], np.int32), None

    def set_found(self, found: Explanation | None) -> None:
        """Take what was found; None where there is nothing to explain."""
        self.found = found
        self.masking = None if found is None else found.masking
        if found is not None and self._session.cube is not None:
            self._mean = self._session.cube, found.mean
        self.events.found.emit()
        self.events.masking.emit()

    def mask_run(self, low: float, high: float) -> Generator[Progress, None, Masking | None] | None:
        """Return the masking of a range of bands; None where nothing is explained yet.

        Parameters
        ----------
        low, high : float
            In nm, or band numbers for a scene without wavelengths.
        """
        cube, explainer, found = self._session.cube, self._explainer, self.found
        if cube is None or explainer is None or found is None:
            return None
        of = found.attribution
        return explainer.mask(cube, of.pixels, found.mean, of.target, low, high)

    def set_masking(self, masking: Masking | None) -> None:
        """Take what masking did."""
        self.masking = masking
        self.events.masking.emit()

    def _model_changed(self) -> None:
        """Forget what was found where another model makes, or made, what is shown."""
        before, self._model = self._model, self._session.evidence.model()
        now = self._model
        if before == now:  # checkpoints are equal where they are the same
            return
        self._forget()
        self.events.subject.emit()

    def _forget(self) -> None:
        self._explainer = None
        self.set_found(None)
