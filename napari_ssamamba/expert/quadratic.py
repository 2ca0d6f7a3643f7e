"""Quadratic discriminant analysis, its covariances shrunk towards their mean (Friedman 1989).

Scores of class k for a pixel z (in scaled principal components):
−½ (z−μ_k)·C_k⁻¹(z−μ_k) − ½ log|C_k| + log π_k with the covariance C_k = (1−a) S_k + a S. S_k is
the class's own, S that within classes, π_k the class's share of the training pixels. a and the
temperature are chosen by held-out log-loss. Where a class varies otherwise than the others do, as
roofs of many colours beside water, that tells it; a linear analysis cannot see it.

J. H. Friedman, Regularized Discriminant Analysis, JASA 84 (1989) 165-175.

Symbols: n pixels, r components, K classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_ssamamba.expert.choosing import choose_by_held_out, class_means

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from numpy.typing import NDArray

    from napari_ssamamba.expert.choosing import Fitted

    Values = NDArray[np.float64]

SHARES = (0.3, 0.6, 0.8, 0.9, 0.97)
"""Of the covariance within classes in each class's own."""

TEMPERATURES = tuple(np.geomspace(0.03, 1.5, 16))

LEAST_VARIANCE = 1e-3
"""Added to the variance within classes in each direction, as a share of its mean."""

NO_VARIANCE = 1e-12
"""What the mean is taken for at least, where labels are noiseless."""


@dataclass(frozen=True, slots=True, eq=False)
class QuadraticScores:
    """Scores that fall with the squared distance from each class, in the class's own measure.

    Attributes
    ----------
    means : ndarray of float64, shape (K, r)
    whitening : ndarray of float64, shape (K, r, r)
    bias : ndarray of float64, shape (K,)
        A pixel's score is bias − ½ |(z − μ_k) W_k|².
    """

    means: NDArray[np.float64]
    whitening: NDArray[np.float64]
    bias: NDArray[np.float64]

    def __call__(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Score points of shape (n, r)."""
        classes, r, _ = self.whitening.shape
        flat = self.whitening.transpose(1, 0, 2).reshape(r, classes * r)
        white = (points @ flat).reshape(-1, classes, r)
        white -= np.einsum("kr,krs->ks", self.means, self.whitening)
        return np.asarray(self.bias - 0.5 * np.einsum("nkr,nkr->nk", white, white))

    def scaled(self, factor: float) -> QuadraticScores:
        """Return the same with scores times a factor."""
        return QuadraticScores(self.means, self.whitening * factor**0.5, self.bias * factor)


def quadratic_discriminants(
    points: Values, targets: NDArray[np.int64], classes: int, shares: Sequence[float]
) -> list[QuadraticScores]:
    """Fit one analysis for each share a.

    A class without pixels gets the mean of all, their covariance, and the share of half a pixel.
    """
    n, r = points.shape
    means, counts = class_means(points, targets, classes)
    residual = points - means[targets]
    within = residual.T @ residual / n
    average = max(float(np.trace(within)) / r, NO_VARIANCE)
    within[np.diag_indices(r)] += LEAST_VARIANCE * average
    own = np.broadcast_to(within, (classes, r, r)).copy()
    for k in np.flatnonzero(counts > 1):
        of_class = residual[targets == k]
        own[k] = of_class.T @ of_class / counts[k]
    prior = np.log(np.maximum(counts, 0.5) / n)
    fits = []
    for share in shares:
        roots = np.linalg.cholesky((1 - share) * own + share * within)
        whitening = np.linalg.inv(roots).transpose(0, 2, 1)
        spread = np.log(np.diagonal(roots, axis1=1, axis2=2)).sum(axis=1)
        fits.append(QuadraticScores(means, whitening, prior - spread))
    return fits


def fit_quadratic(
    points: Values, targets: NDArray[np.int64], classes: int, fold: NDArray[np.int64], floor: float
) -> Generator[None, None, Fitted[QuadraticScores]]:
    """Choose share and temperature; pauses after each fold and each share.

    Parameters
    ----------
    points : ndarray of float64, shape (n, r)
    targets : ndarray of int64, shape (n,)
    classes : int
    fold : ndarray of int64, shape (n,)
    floor : float
        See `with_floor`.
    """
    return (
        yield from choose_by_held_out(
            quadratic_discriminants, SHARES, TEMPERATURES, points, targets, classes, fold, floor
        )
    )
