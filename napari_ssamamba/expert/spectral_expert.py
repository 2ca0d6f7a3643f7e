"""The spectral expert: what it is made of, and how it classifies a tile.

Twelve classifiers, pooled: a linear discriminant analysis of the bands, on principal components
a least-squares and a logistic regression with one kernel and a quadratic discriminant analysis, and
on components of slopes both regressions again; each once for the pixel's own spectrum and once for
the average of its surroundings. The weights, chosen on held-out training pixels, tell how much the
surroundings help: much in fields, little where pixels of 30 m are mixtures. There the surroundings
are left out, and six classifiers remain.
Few labels say little of how much of the scene each class covers: the expert's own map of the scene
has a say in it, too.
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
    from napari_ssamamba.expert.components import Components
    from napari_ssamamba.expert.discriminant import LinearScores
    from napari_ssamamba.expert.kernel import KernelScores
    from napari_ssamamba.expert.quadratic import QuadraticScores

VIEWS = ("own", "around")
"""The two spectra of a pixel: its own, and its surroundings' average."""

KINDS = ("linear", "kernel", "quadratic", "logistic", "slope_kernel", "slope_logistic")
"""The classifiers of each view, as `SpectralExpert` names them, in the order of its weights.

What they gained, in points of overall accuracy and of the average over classes: the logistic one
1.4 and 0.8 on EnMAP's training tiles cut anew six times (-0.7 to 2.8 of the former), elsewhere
nothing; both of slopes 0.4 and 0.9 on EnMAP with 30 labels a class (seeds 10 to 17), 0.4 and 0.5
with 100, 0.1 and 0.0 on the tiles, 0.1 and 0.0 on Salinas-A. The quadratic one gains on Houston's
stand-in, whose spectra vary as it supposes. Extremely randomised trees, texture (local deviations
of components) and a second pass over the first one's probabilities of what lies around a pixel
(as far as 1 to 8 pixels; EnMAP and its tiles, seed 10) gain less or nothing."""

PIXELS_AT_ONCE = 1024
"""Pixels whose distances to the training pixels are held at once: 25 MB for the most centers that
two kernels have."""


@dataclass(frozen=True, slots=True, eq=False)
class SpectralExpert:
    """A classifier without a network; arrays alone.

    Attributes
    ----------
    components, slopes : Components
        Of spectra and of their slopes.
    linear, kernel, quadratic, logistic, slope_kernel, slope_logistic : tuple
        One for each of `VIEWS`, or for the first alone; their scores calibrated. The logistic
        regressions have the kernels' centers.
    floor : float
        See `with_floor`.
    weights : ndarray of float64, shape (6 views,)
        Of the classifiers in the pool: `KINDS` of the first view, then of the second.
    shift : ndarray of float64, shape (classes,)
        Added to the pool's log-probabilities, see `shift_of_shares`.
    """

    components: Components
    slopes: Components
    linear: tuple[LinearScores, ...]
    kernel: tuple[KernelScores, ...]
    quadratic: tuple[QuadraticScores, ...]
    logistic: tuple[LinearScores, ...]
    slope_kernel: tuple[KernelScores, ...]
    slope_logistic: tuple[LinearScores, ...]
    floor: float
    weights: NDArray[np.float64]
    shift: NDArray[np.float64]

    @property
    def classes(self) -> int:
        """Number of classes."""
        return int(self.linear[0].bias.size)

    @property
    def margin(self) -> int:
        """Pixels that a tile needs around its core."""
        return RADIUS if self.sees_surroundings else 0

    @property
    def sees_surroundings(self) -> bool:
        """Whether the surroundings are looked at, or the pixel's own spectrum alone."""
        return len(self.linear) > 1

    @property
    def context(self) -> float:
        """Share of the weights that the surroundings have, 0 to 1."""
        return share_of_surroundings(self.weights, len(self.linear))

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
        rows, columns = (slice(tile.margin, tile.margin + n) for n in tile.measured.shape)
        views = [tile.block[rows, columns][tile.measured]]
        if self.sees_surroundings:
            views.append(average_around(tile.block, tile.margin, tile.measured))
        found = np.empty((len(views[0]), self.classes))
        for start in range(0, len(found), PIXELS_AT_ONCE):
            part = slice(start, start + PIXELS_AT_ONCE)
            found[part] = self.log_probabilities(*(spectra[part] for spectra in views))
            yield
        return found

    def log_probabilities(self, *views: NDArray[np.float32]) -> NDArray[np.float64]:
        """Classify pixels by their own spectra and, where it looks at them, their surroundings'.

        Parameters
        ----------
        views : ndarray of float32, shape (n, bands)
            As many as `linear` has.

        Returns
        -------
        ndarray of float64, shape (n, classes)
        """
        members = []
        for view, spectra in enumerate(views):
            values = spectra.astype(np.float64)
            points = self.components(values)
            near = self.kernel[view].near(points)
            alike = self.slope_kernel[view].near(self.slopes(values))
            for scores in (
                self.linear[view](values),
                self.kernel[view](near),
                self.quadratic[view](points),
                self.logistic[view](near),
                self.slope_kernel[view](alike),
                self.slope_logistic[view](alike),
            ):
                members.append(with_floor(log_softmax(scores), self.floor))
        return log_softmax(pool(self.weights, np.stack(members)) + self.shift)


def share_of_surroundings(weights: NDArray[np.float64], views: int) -> float:
    """Return the surroundings' share of a pool's weights, which are those of 1 or 2 views."""
    return float(weights.reshape(views, -1)[1:].sum() / max(weights.sum(), 1e-9))
