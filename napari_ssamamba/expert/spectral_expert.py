"""The spectral expert: what it is made of, and how it classifies a tile.

Eight classifiers, pooled: a linear discriminant analysis of the bands, a least-squares regression
with a kernel on principal components of spectra, and on these and components of slopes a quadratic
discriminant analysis and a logistic regression with a kernel; each once for the pixel's own
spectrum and once for the average of its surroundings. The weights, chosen on held-out training
pixels, tell how much the surroundings help: much in fields, little where pixels of 30 m are
mixtures. There the surroundings are left out, and four classifiers remain.
Few labels say little of how much of the scene each class covers: the expert's own map of the scene
has a say in it, too. And where the surroundings are looked at, classes are supported by what lies
around, as far as held-out labels are right by it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_ssamamba.expert.calibration import log_softmax, pool, with_floor
from napari_ssamamba.expert.numpy_threads import on_all_threads
from napari_ssamamba.expert.support import REACH, answers_around, lack_of_support, log_support
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

KINDS = ("linear", "quadratic", "kernel", "logistic")
"""The classifiers of each view, in the order of the expert's weights.

What each adds to the other three, in points of overall accuracy and of the average over classes, on
random draws by seeds of 10 and more: the linear one 0.2 and 0.4 on EnMAP with 30 labels a class;
the kernel's regression 0.3 and 0.2 there, 0.6 and 0.4 on Houston's stand-in with 30; the logistic
one 1.5 and 0.4 on EnMAP's training tiles cut anew, 0.4 and 0.1 on EnMAP with 100; the quadratic one
3.4 and 3.5 on Houston's stand-in, whose spectra vary as it supposes, 0.0 and 0.4 on EnMAP with 100;
less elsewhere. The linear one costs 0.1 and 0.3 on EnMAP with 100.

Six classifiers, both regressions on either components and the quadratic analysis on those of
spectra, were level with these four within 0.1 points on Salinas-A and the built-in scene. Four, in
place of six: on EnMAP with 30 labels 0.0 and -0.3, with 100 +0.1 and +0.5, on the tiles +0.4 and
+0.7 (0.0 and 0.2 where slopes count 0.6 or 1.6 times as much, and other centers are drawn), on
Houston's stand-in +1.0 and +0.9 with 30, +2.3 and +2.0 with 100. With all components in the
least-squares regression, too, EnMAP with 30 loses 0.3. Extremely randomised trees, texture (local
deviations of components) and a second pass over the first one's probabilities of what lies around a
pixel (as far as 1 to 8 pixels; EnMAP and its tiles, seed 10) gain less or nothing."""

PIXELS_AT_ONCE = 1024
"""Pixels whose distances to the training pixels are held at once: 12 MB for the most centers that
a kernel has."""


@dataclass(frozen=True, slots=True, eq=False)
class Classifiers:
    """Those of one view of a pixel; their scores are calibrated.

    Attributes
    ----------
    linear : LinearScores
        Of the bands.
    quadratic : QuadraticScores
        Of all components.
    regressions : tuple of KernelScores
        By least squares and logistic.
    """

    linear: LinearScores
    quadratic: QuadraticScores
    regressions: tuple[KernelScores, ...]

    def __call__(
        self, spectra: NDArray[np.float64], points: NDArray[np.float64]
    ) -> list[NDArray[np.float64]]:
        """Score spectra, (n, bands), and their components; (n, classes) by each."""
        regressions = [regression(points) for regression in self.regressions]
        return [self.linear(spectra), self.quadratic(points), *regressions]


@dataclass(frozen=True, slots=True, eq=False)
class SpectralExpert:
    """A classifier without a network; arrays alone.

    Attributes
    ----------
    components : Components
        Of spectra, and behind them of their slopes.
    views : tuple of Classifiers
        For each of `VIEWS`, or for the first alone.
    floor : float
        See `with_floor`.
    weights : ndarray of float64, shape (classifiers,)
        In the pool: of the first view's, then of the second's.
    shift : ndarray of float64, shape (classes,)
        Added to the pool's log-probabilities, see `shift_of_shares`.
    support : float
        Weight of what lies around a pixel, w of `support`; with 0 it is not looked at.
    usual : ndarray of float64, shape (classes,)
        See `usual_support`.
    """

    components: Components
    views: tuple[Classifiers, ...]
    floor: float
    weights: NDArray[np.float64]
    shift: NDArray[np.float64]
    support: float
    usual: NDArray[np.float64]

    @property
    def classes(self) -> int:
        """Number of classes."""
        return int(self.shift.size)

    @property
    def margin(self) -> int:
        """Pixels that a tile needs around its core."""
        return (RADIUS if self.sees_surroundings else 0) + (REACH if self.support else 0)

    @property
    def sees_surroundings(self) -> bool:
        """Whether the surroundings are looked at, or the pixel's own spectrum alone."""
        return len(self.views) > 1

    @property
    def context(self) -> float:
        """Share of the weights that the surroundings have, 0 to 1."""
        return share_of_surroundings(self.weights, len(self.views))

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
        if not self.support:
            return (yield from self._alone(tile.block, tile.margin, tile.measured))
        wanted, at = answers_around(tile)
        said = np.zeros((*wanted.shape, self.classes))
        said[wanted] = yield from self._alone(tile.block, tile.margin - REACH, wanted)
        return self.supported(said[at], wanted[at])

    def supported(self, said: NDArray[np.float64], known: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Let pixels' classes be supported by what lies around.

        Parameters
        ----------
        said : ndarray of float64, shape (n, 25, classes)
            `log_probabilities` at `places_around` them.
        known : ndarray of bool, shape (n, 25)
            Where something was measured.

        Returns
        -------
        ndarray of float64, shape (n, classes)
            Log-probabilities.
        """
        lack = lack_of_support(log_support(np.exp(said), known), self.usual)
        return log_softmax(said[:, 0] + self.support * lack)

    def _alone(
        self, block: NDArray[np.float32], margin: int, wanted: NDArray[np.bool_]
    ) -> Generator[None, None, NDArray[np.float64]]:
        """Classify wanted pixels of a block's core by themselves, as `log_probabilities`."""
        rows, columns = (slice(margin, margin + n) for n in wanted.shape)
        views = [block[rows, columns][wanted]]
        if self.sees_surroundings:
            views.append(average_around(block, margin, wanted))
        found = np.empty((len(views[0]), self.classes))
        for start in range(0, len(found), PIXELS_AT_ONCE):
            part = slice(start, start + PIXELS_AT_ONCE)
            found[part] = self.log_probabilities(*(spectra[part] for spectra in views))
            yield
        return found

    def log_probabilities(self, *views: NDArray[np.float32]) -> NDArray[np.float64]:
        """Classify pixels by their own spectra and, where it looks at them, their surroundings'.

        What lies around does not support them, see `supported`.

        Parameters
        ----------
        views : ndarray of float32, shape (n, bands)
            As many as it has.

        Returns
        -------
        ndarray of float64, shape (n, classes)
        """
        return on_all_threads(self._log_probabilities, *views)

    def _log_probabilities(self, *views: NDArray[np.float32]) -> NDArray[np.float64]:
        members = []
        for classifiers, spectra in zip(self.views, views, strict=True):
            values = spectra.astype(np.float64)
            for scores in classifiers(values, self.components(values)):
                members.append(with_floor(log_softmax(scores), self.floor))
        return log_softmax(pool(self.weights, np.stack(members)) + self.shift)


def share_of_surroundings(weights: NDArray[np.float64], views: int) -> float:
    """Return the surroundings' share of a pool's weights, which are those of 1 or 2 views."""
    return float(weights.reshape(views, -1)[1:].sum() / max(weights.sum(), 1e-9))
