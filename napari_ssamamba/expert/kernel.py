"""Kernel ridge regression of class membership, with a Gaussian kernel.

Scores for a pixel z (in scaled principal components): Σ_i a_ik exp(−γ |z − z_i|²) over the training
pixels z_i, where a = (G + λI)⁻¹ (Y − Ȳ), G the kernel matrix, Y the classes one-hot. γ, λ and the
temperature are chosen by held-out log-loss. It is what a support vector machine with this kernel
does, in closed form and with scores that calibrate better.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_ssamamba.expert.calibration import best_temperature

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray

    Values = NDArray[np.float64]

WIDTHS = (0.1, 0.3, 1.0, 3.0)
"""γ times the median squared distance of training pixels."""

RIDGES = tuple(10.0 ** np.linspace(-3.5, 0.5, 9))
TEMPERATURES = tuple(np.geomspace(1.0, 20.0, 12))

MOST_PIXELS = 1500
"""Training pixels that it learns from at most; the cost grows with their cube."""

SEARCHED = 400
"""Of these, the pixels that choose γ, λ and the temperature."""


SAME = 1e-9
"""Squared distance below which two points are the same but for rounding."""


@dataclass(frozen=True, slots=True, eq=False)
class KernelScores:
    """Scores that fall off with the distance from training pixels.

    Attributes
    ----------
    centers : ndarray of float64, shape (n, components)
    coefficients : ndarray of float64, shape (n, classes)
    gamma : float
    """

    centers: NDArray[np.float64]
    coefficients: NDArray[np.float64]
    gamma: float

    def __call__(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Score points of shape (n, components)."""
        return np.asarray(
            np.exp(-self.gamma * squared_distances(points, self.centers)) @ self.coefficients
        )


def squared_distances(a: Values, b: Values) -> Values:
    """Return |a_i − b_j|², (n, m)."""
    squares = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * a @ b.T
    return np.asarray(squares.clip(0))


def fit_kernel(
    points: Values,
    targets: NDArray[np.int64],
    classes: int,
    fold: NDArray[np.int64],
    floor: float,
    rng: np.random.Generator,
) -> Generator[None, None, tuple[KernelScores, Values]]:
    """Choose γ, λ and the temperature, then fit; pauses after each fold.

    Parameters
    ----------
    points : ndarray of float64, shape (n, components)
    targets : ndarray of int64, shape (n,)
    classes : int
    fold : ndarray of int64, shape (n,)
    floor : float
        See `with_floor`.
    rng : numpy Generator
        Draws the pixels, where there are more than `MOST_PIXELS` or `SEARCHED`.

    Returns
    -------
    fitted : KernelScores
    held_out : ndarray of float64, shape (n, classes)
        Scores of each pixel by the regression that did not learn from it.
    """
    drawn = rng.permutation(len(points))
    few, many = np.sort(drawn[:SEARCHED]), np.zeros(len(points), bool)
    many[drawn[:MOST_PIXELS]] = True
    gamma, ridge, factor = yield from _search(points[few], targets[few], classes, fold[few], floor)
    held_out = np.zeros((len(points), classes))
    for number in np.unique(fold):
        out = fold == number
        learned = many & ~out
        if learned.any():
            fit = _solve(points[learned], targets[learned], classes, gamma, ridge, factor)
            held_out[out] = fit(points[out])
            yield
    return _solve(points[many], targets[many], classes, gamma, ridge, factor), held_out


def _search(
    points: Values, targets: NDArray[np.int64], classes: int, fold: NDArray[np.int64], floor: float
) -> Generator[None, None, tuple[float, float, float]]:
    """Return γ, λ and the temperature of the least held-out log-loss."""
    squares = squared_distances(points, points)
    different = squares[squares > SAME]
    median = float(np.median(different)) if different.size else 1.0
    best = (np.inf, WIDTHS[0] / median, RIDGES[0], TEMPERATURES[0])
    one_hot = np.eye(classes)[targets]
    for width in WIDTHS:
        gram = np.exp(-width / median * squares)
        held_out = np.zeros((len(RIDGES), len(targets), classes))
        for number in np.unique(fold):
            out = fold == number
            if out.all():
                continue
            values, vectors = np.linalg.eigh(gram[np.ix_(~out, ~out)])
            known = vectors.T @ (one_hot[~out] - one_hot[~out].mean(axis=0))
            seen = gram[np.ix_(out, ~out)] @ vectors
            for scores, ridge in zip(held_out, RIDGES, strict=True):
                scores[out] = seen @ (known / (values + ridge)[:, None])
            yield
        for scores, ridge in zip(held_out, RIDGES, strict=True):
            factor, loss = best_temperature(scores, targets, TEMPERATURES, floor)
            best = min(best, (loss, width / median, ridge, factor))
        yield
    return best[1:]


def _solve(
    points: Values,
    targets: NDArray[np.int64],
    classes: int,
    gamma: float,
    ridge: float,
    factor: float,
) -> KernelScores:
    """Solve the regression for given parameters; its scores are times `factor`."""
    gram = np.exp(-gamma * squared_distances(points, points))
    gram[np.diag_indices(len(points))] += ridge
    one_hot = np.eye(classes)[targets]
    # SciPy's solver would know that the matrix is positive, but holds the interpreter meanwhile:
    # in a background thread that freezes the window.
    coefficients = np.linalg.solve(gram, one_hot - one_hot.mean(axis=0))
    return KernelScores(points, coefficients * factor, gamma)
