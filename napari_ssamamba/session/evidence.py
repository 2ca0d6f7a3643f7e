"""What the model says of the error that is looked at, and what it has learned nearby."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from psygnal import Signal, SignalGroup

from napari_ssamamba.audit.nearest_labels import nearest_in_space, nearest_pixels
from napari_ssamamba.errors import BandsError
from napari_ssamamba.events import Progress

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray

    from napari_ssamamba.audit.nearest_labels import NearPixel
    from napari_ssamamba.checkpoint import Checkpoint
    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.prediction.pixel import PixelClassifier
    from napari_ssamamba.session.session import Session
    from napari_ssamamba.training.config import Mixture

MOST_PROBABLE = 3

MOST_SPECTRA = 500
"""Training pixels of a class, at most, whose spectra are compared; random ones of them."""


@dataclass(frozen=True, slots=True, eq=False)
class PixelEvidence:
    """What speaks for the map's class at one pixel.

    Attributes
    ----------
    pixel : tuple of int
        Row and column.
    predicted : int
        The map's class.
    most_probable : tuple of (int, float)
        Class ids with their probabilities, the largest first; none where nothing was measured.
    nearest : tuple of NearPixel
        Training pixels of the map's class, see `nearest_pixels`.
    compared, trained : int
        How many of that class's training pixels were compared by their spectra, of how many.
    """

    pixel: tuple[int, int]
    predicted: int
    most_probable: tuple[tuple[int, float], ...]
    nearest: tuple[NearPixel, ...]
    compared: int
    trained: int


class EvidenceEvents(SignalGroup):
    """Emitted after the change, in the main thread."""

    pixel = Signal()


class SessionEvidence:
    """The evidence for the pixel that the audit looks at.

    Parameters
    ----------
    session : Session

    Attributes
    ----------
    pixel : PixelEvidence or None
        None where no error is looked at, or before it is computed.
    """

    def __init__(self, session: Session) -> None:
        self.events = EvidenceEvents()
        self.pixel: PixelEvidence | None = None
        self._session = session
        self._reader: _Reader | None = None
        session.events.checkpoint.connect(self._forget)
        session.events.cube.connect(self._forget)
        session.events.bands.connect(self._forget)

    def run(self) -> Generator[Progress, None, PixelEvidence] | None:
        """Return the computation for the pixel that is looked at; None where that cannot be."""
        session, audit = self._session, self._session.audit
        cube, model = session.cube, self.model()
        if cube is None or model is None or audit.looked_at is None or audit.cell is None:
            return None
        checkpoint, members = model
        known = self._reader
        if known is None or known.members != members or known.checkpoint is not checkpoint:
            self._reader = known = _Reader(cube, checkpoint, session.labels, members)
        return known.read(audit.looked_at, audit.cell.predicted)

    def model(self) -> tuple[Checkpoint, Mixture] | None:
        """Return what made the map, or is to make one where there is none; None where nothing can.

        A model of other bands cannot; the section Map says so.
        """
        session, shown = self._session, self._session.map
        checkpoint, members = session.checkpoint, session.training.members
        if shown is not None and not shown.preview and shown.checkpoint is not None:
            checkpoint, members = shown.checkpoint, shown.members
        if session.cube is None or checkpoint is None:
            return None
        try:
            checkpoint.check_bands(session.cube)
        except BandsError:
            return None
        return checkpoint, members

    def network_share(self) -> float | None:
        """Return how much the network counts in what `model` returns, 0 to 1; None without one."""
        model = self.model()
        if model is None:
            return None
        checkpoint, members = model
        mixture = checkpoint.record.mixture
        if members == "network" or checkpoint.expert is None or mixture is None:
            return 1.0
        return mixture.network_share

    def set_pixel(self, pixel: PixelEvidence | None) -> None:
        """Take the evidence that was computed."""
        self.pixel = pixel
        self.events.pixel.emit()

    def _forget(self) -> None:
        self._reader = None
        self.set_pixel(None)


class _Reader:
    """Keeps what every pixel's evidence needs: the loaded model, and spectra of training pixels."""

    def __init__(
        self,
        cube: Cube,
        checkpoint: Checkpoint,
        labels: NDArray[np.uint16] | None,
        members: Mixture,
    ) -> None:
        self.members = members
        self._cube = cube
        self.checkpoint = checkpoint
        self._pixels = np.empty((0, 2), np.int32)
        self._ids = np.empty(0, np.uint16)
        if labels is not None and checkpoint.is_of(cube):
            learned = checkpoint.learned_labels()
            self._pixels = checkpoint.training_pixels
            self._ids = (labels if learned is None else learned)[tuple(self._pixels.T)]
        self._classifier: PixelClassifier | None = None
        self._spectra: dict[int, tuple[NDArray[np.int32], NDArray[np.float32]]] = {}

    def read(
        self, pixel: tuple[int, int], predicted: int
    ) -> Generator[Progress, None, PixelEvidence]:
        """Compute the evidence; in a thread, one pixel after the other."""
        from napari_ssamamba.prediction.pixel import PixelClassifier

        yield Progress(text="Reading the probabilities of a pixel")
        if self._classifier is None:
            self._classifier = PixelClassifier(self.checkpoint, self.members)
        probabilities = yield from self._classifier.probabilities(self._cube, *pixel)
        yield Progress(text="Finding the nearest training pixels")
        of_class = self._pixels[self._ids == predicted]
        drawn, spectra = self._drawn(predicted, of_class)
        near = nearest_in_space(pixel, of_class)
        pixels = np.concatenate((near, drawn))
        spectra = np.concatenate((self._read(near), spectra))
        return PixelEvidence(
            pixel=pixel,
            predicted=predicted,
            most_probable=self._most_probable(probabilities),
            nearest=nearest_pixels(pixel, self._read(np.array([pixel]))[0], pixels, spectra),
            compared=len(drawn),
            trained=len(of_class),
        )

    def _most_probable(
        self, probabilities: NDArray[np.float32] | None
    ) -> tuple[tuple[int, float], ...]:
        if probabilities is None:
            return ()
        ids = self.checkpoint.classes.ids
        by_size = np.argsort(-probabilities, kind="stable")[:MOST_PROBABLE].tolist()
        return tuple((ids[i], float(probabilities[i])) for i in by_size)

    def _drawn(
        self, id: int, pixels: NDArray[np.int32]
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        if id not in self._spectra:
            if len(pixels) > MOST_SPECTRA:
                drawn = np.random.default_rng(0).choice(len(pixels), MOST_SPECTRA, replace=False)
                pixels = pixels[drawn]
            self._spectra[id] = pixels, self._read(pixels)
        return self._spectra[id]

    def _read(self, pixels: NDArray[np.int32]) -> NDArray[np.float32]:
        """Read spectra over the bands that are on."""
        rows, columns = pixels.T
        return self._cube.read_pixels(rows, columns, self._cube.good_indices)
