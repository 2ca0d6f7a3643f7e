"""The spectral expert: what it is made of, and how it classifies a tile.

Four classifiers, pooled: a linear discriminant analysis of the bands and a kernel regression on
principal components, each once for the pixel's own spectrum and once for the average of its
surroundings. The weights, chosen on held-out training pixels, tell how much the surroundings help:
much in fields, little where pixels of 30 m are mixtures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_ssamamba.expert.calibration import log_softmax, pool, with_floor
from napari_ssamamba.expert.surroundings import RADIUS, average_around

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray

    from napari_ssamamba.data.tiles import Tile
    from napari_ssamamba.expert.discriminant import LinearScores
    from napari_ssamamba.expert.kernel import KernelScores

VIEWS = ("own", "around")
"""The two spectra of a pixel: its own, and its surroundings' average."""

MEMBERS = tuple(f"{kind}, {view}" for view in VIEWS for kind in ("linear", "kernel"))
"""The four classifiers, in the order of `SpectralExpert.weights`."""

PIXELS_AT_ONCE = 1024
"""Pixels whose distances to the training pixels are held at once: 12 MB for the most pixels that a
kernel regression learns from."""


@dataclass(frozen=True, slots=True, eq=False)
class Components:
    """Principal components of the scene, scaled so that large ones do not hide the others.

    Attributes
    ----------
    center : ndarray of float64, shape (bands,)
    axes : ndarray of float64, shape (bands, components)
        Each divided by its variance to the power `WHITENING` (in `fit`).
    """

    center: NDArray[np.float64]
    axes: NDArray[np.float64]

    def __call__(self, spectra: NDArray[np.float64]) -> NDArray[np.float64]:
        """Project spectra of shape (n, bands)."""
        return np.asarray((spectra - self.center) @ self.axes)


@dataclass(frozen=True, slots=True, eq=False)
class SpectralExpert:
    """A classifier without a network; arrays alone.

    Attributes
    ----------
    components : Components
    linear, kernel : tuple
        One for each of `VIEWS`, their scores calibrated.
    floor : float
        See `with_floor`.
    weights : ndarray of float64, shape (4,)
        Of `MEMBERS` in the pool.
    """

    components: Components
    linear: tuple[LinearScores, ...]
    kernel: tuple[KernelScores, ...]
    floor: float
    weights: NDArray[np.float64]

    @property
    def classes(self) -> int:
        """Number of classes."""
        return int(self.linear[0].bias.size)

    @property
    def margin(self) -> int:
        """Pixels that a tile needs around its core."""
        return RADIUS

    @property
    def context(self) -> float:
        """Share of the weights that the surroundings have, 0 to 1."""
        return float(self.weights[2:].sum() / max(self.weights.sum(), 1e-9))

    def classify(self, tile: Tile) -> Generator[None, None, NDArray[np.float64]]:
        """Classify a tile's measured pixels; pauses now and then.

        Parameters
        ----------
        tile : Tile
            Its margin is `margin` or more.

        Returns
        -------
        ndarray of float64, shape (measured pixels, classes)
            Log-probabilities, in the order of ``tile.measured``.
        """
        inner = slice(tile.margin, -tile.margin)
        own = tile.block[inner, inner][tile.measured]
        around = average_around(tile.block, tile.margin, tile.measured)
        found = np.empty((len(own), self.classes))
        for start in range(0, len(own), PIXELS_AT_ONCE):
            part = slice(start, start + PIXELS_AT_ONCE)
            found[part] = self.log_probabilities(own[part], around[part])
            yield
        return found

    def log_probabilities(
        self, own: NDArray[np.float32], around: NDArray[np.float32]
    ) -> NDArray[np.float64]:
        """Classify pixels by their own spectra and their surroundings', each (n, bands)."""
        members = []
        for view, spectra in enumerate((own, around)):
            values = spectra.astype(np.float64)
            for scores in (
                self.linear[view](values),
                self.kernel[view](self.components(values)),
            ):
                members.append(with_floor(log_softmax(scores), self.floor))
        return pool(self.weights, np.stack(members))
