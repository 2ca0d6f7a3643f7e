"""Multinomial logistic regression with the kernel, and on the centers, of a kernel regression.

Log-odds of a pixel z (in scaled principal components): b_k + Σ_j a_jk exp(−γ |z − c_j|²). The
coefficients minimise Σ_i −log p(y_i) + λ/2 tr(aᵀ K a) over training pixels, where K holds the
kernel among the centers; γ and the centers are the regression's, λ and the temperature are chosen
by held-out log-loss. Squared errors, as in the regression, count a pixel that is right beyond doubt
as an error; likelihood does not, and its probabilities hold better where the scene differs from
what was labelled. With few labels it is less sure than the regression.

Symbols: n pixels, m centers, r of the directions that they span, K classes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_ssamamba.expert.calibration import best_temperature
from napari_ssamamba.expert.discriminant import LinearScores
from napari_ssamamba.expert.kernel import AT_ONCE, spanned
from napari_ssamamba.expert.numpy_threads import numpy_on_one_thread

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray

    from napari_ssamamba.expert.kernel import KernelScores

    Values = NDArray[np.float64]
    Seen = NDArray[np.float32]

RIDGES = (1.0, 0.3, 0.1, 0.03, 0.01)
"""λ, from strong to weak: each begins where the one before has come to."""

TEMPERATURES = tuple(np.geomspace(0.4, 2.5, 9))

DIRECTIONS = 500
"""Of those that the centers span the largest; the cost of learning grows with their number."""

MOST_PIXELS = 5000
"""Training pixels that it learns from at most."""

ITERATIONS = 100
"""Of the minimisation, at most."""


def fit_logistic(
    points: Values,
    targets: NDArray[np.int64],
    classes: int,
    fold: NDArray[np.int64],
    floor: float,
    regression: KernelScores,
    rng: np.random.Generator,
) -> Generator[None, None, tuple[LinearScores, Values]]:
    """Choose λ and the temperature, then fit; pauses after each fold and λ.

    Parameters
    ----------
    points : ndarray of float64, shape (n, components)
    targets : ndarray of int64, shape (n,)
    classes : int
    fold : ndarray of int64, shape (n,)
    floor : float
        See `with_floor`.
    regression : KernelScores
        Its centers and γ are taken.
    rng : numpy Generator
        Draws the pixels, where there are more than `MOST_PIXELS`.

    Returns
    -------
    fitted : LinearScores
        Of how near pixels are to the centers, see `KernelScores.near`.
    held_out : ndarray of float64, shape (n, classes)
        Scores of each pixel by the regression that did not learn from its label.
    """
    directions = spanned(regression.centers, regression.gamma)[:, -DIRECTIONS:]
    yield
    learned = np.sort(rng.permutation(len(points))[:MOST_PIXELS])
    parts = np.array_split(learned, -(-len(learned) // AT_ONCE))
    seen = np.concatenate([_see(points[part], regression, directions) for part in parts])
    numbers = [number for number in np.unique(fold) if (fold[learned] != number).any()]
    start = np.zeros((directions.shape[1] + 1, classes), np.float32)
    fits = dict.fromkeys(numbers, start)
    best_loss, best, ridge, factor = np.inf, fits, RIDGES[0], 1.0
    for weaker in RIDGES:
        fits, held_out = dict(fits), np.zeros((len(learned), classes))
        for number in numbers:
            out = fold[learned] == number
            fits[number] = _minimise(seen[~out], targets[learned][~out], weaker, fits[number])
            held_out[out] = _score(seen[out], fits[number])
            yield
        found, loss = best_temperature(held_out, targets[learned], TEMPERATURES, floor)
        if loss > best_loss:
            break
        best_loss, best, ridge, factor = loss, fits, weaker, found
    held_out = np.zeros((len(points), classes))
    for number, fit in best.items():
        out = np.flatnonzero(fold == number)
        for part in np.array_split(out, -(-len(out) // AT_ONCE)):
            held_out[part] = factor * _score(_see(points[part], regression, directions), fit)
            yield
    start = np.mean(list(best.values()), axis=0) if best else start
    fit = _minimise(seen, targets[learned], ridge, start).astype(np.float64) * factor
    return LinearScores(directions @ fit[:-1], fit[-1]), held_out


def _see(points: Values, regression: KernelScores, directions: Values) -> Seen:
    """Return what is learned from, (n, r)."""
    return np.asarray(regression.near(points) @ directions, np.float32)


def _score(seen: Seen, fit: Seen) -> Seen:
    """Return log-odds, (n, K)."""
    return np.asarray(seen @ fit[:-1] + fit[-1])


def _minimise(seen: Seen, targets: NDArray[np.int64], ridge: float, start: Seen) -> Seen:
    """Return the coefficients of the directions and, in the last row, the offsets, (r + 1, K)."""
    from scipy.optimize import minimize

    pixels = np.arange(len(seen))

    def loss(flat: Values) -> tuple[float, Values]:
        fit = flat.reshape(start.shape).astype(np.float32)
        scores = _score(seen, fit)
        scores -= scores.max(axis=1, keepdims=True)
        odds = np.exp(scores)
        total = odds.sum(axis=1, keepdims=True)
        value = (np.log(total[:, 0]) - scores[pixels, targets]).sum(dtype=np.float64)
        value += ridge / 2 * (fit[:-1].astype(np.float64) ** 2).sum()
        wrong = odds / total
        wrong[pixels, targets] -= 1
        slope = np.empty(start.shape)
        slope[:-1] = seen.T @ wrong + ridge * fit[:-1]
        slope[-1] = wrong.sum(axis=0)
        return float(value), slope.ravel()

    at = start.ravel().astype(np.float64)
    most = {"maxiter": ITERATIONS}
    with numpy_on_one_thread():
        found = minimize(loss, at, jac=True, method="L-BFGS-B", options=most)  # type: ignore[call-overload]
    return np.asarray(found.x.reshape(start.shape), np.float32)
