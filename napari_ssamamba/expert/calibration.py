"""Probabilities that can be believed: temperature, floor, and pools of several classifiers.

Symbols: n pixels, K classes, M members of a pool.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Values = NDArray[np.float64]

PRIOR_PIXELS = 1.0
"""How many pixels a member, about, the prior of equal weights in a pool is worth."""

LARGEST_WEIGHT = 1.5
"""Of a member of a pool; above 1, the pool is surer than the member."""


def log_softmax(scores: Values) -> Values:
    """Normalise scores over the last axis to log-probabilities."""
    shifted = scores - scores.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))


def with_floor(log_probabilities: Values, floor: float) -> Values:
    """Mix with equal probabilities, a share `floor` of them.

    Held-out scores of n pixels cannot show an error rate below 1 / n: nobody who learned from
    them may be surer than that, or a single slip would outvote all others.
    """
    classes = log_probabilities.shape[-1]
    return np.asarray(np.log((1 - floor) * np.exp(log_probabilities) + floor / classes))


def mean_log_loss(log_probabilities: Values, targets: NDArray[np.int64]) -> float:
    """Return the mean of −log p(true class) over pixels, (n, K) and (n,)."""
    return float(-log_probabilities[np.arange(len(targets)), targets].mean())


def best_temperature(
    scores: Values, targets: NDArray[np.int64], factors: Sequence[float] | Values, floor: float
) -> tuple[float, float]:
    """Choose the factor on scores, (n, K), of the least log-loss; return it and the loss."""
    classes = scores.shape[1]
    # (K, n): sums over classes are fast so
    shifted = np.subtract(scores.T, scores.max(axis=1), order="C")
    of_truth = shifted[targets, np.arange(len(targets))]
    odds, losses = np.empty_like(shifted), []
    for factor in factors:
        total = np.exp(np.multiply(shifted, factor, out=odds), out=odds).sum(axis=0)
        truth = (1 - floor) * np.exp(factor * of_truth) / total + floor / classes  # `with_floor`
        losses.append(float(-np.log(truth).mean()))
    best = int(np.argmin(losses))
    return float(factors[best]), losses[best]


def pool(weights: NDArray[np.float64], members: Values) -> Values:
    """Pool log-probabilities, (M, ..., K): log p = Σ w_m log p_m + constant."""
    return log_softmax(np.tensordot(weights, members, 1))


def root_weights(targets: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return what each pixel counts, (n,), so that a class counts as the root of its pixels do.

    How many labels a class has says little of how much of the scene it covers. Counting pixels
    alike favours overall accuracy, counting classes alike favours the average over classes; the
    root lies between. The mean is 1, and classes of equal size count as before.
    """
    weights = np.bincount(targets)[targets] ** -0.5
    return np.asarray(weights / weights.mean())


def fit_pool(
    members: Values,
    targets: NDArray[np.int64],
    counts: NDArray[np.float64] | None = None,
    expected: NDArray[np.float64] | None = None,
    prior_pixels: float = PRIOR_PIXELS,
) -> NDArray[np.float64]:
    """Choose the weights of a pool by the likelihood of held-out pixels.

    The log-likelihood is concave in the weights (a logistic regression on log-probabilities), so
    that there is one best choice; a Gaussian prior holds them near what is expected.

    Parameters
    ----------
    members : ndarray of float64, shape (M, n, K)
        Log-probabilities of pixels that the members did not learn from.
    targets : ndarray of int64, shape (n,)
    counts : ndarray of float64, shape (n,), optional
        How much each pixel counts; their mean is 1. By default all alike.
    expected : ndarray of float64, shape (M,), optional
        Weights that the prior is centred on; by default 1 / M each.
    prior_pixels : float
        How many pixels a member, about, the prior is worth.

    Returns
    -------
    ndarray of float64, shape (M,)
        From 0 to `LARGEST_WEIGHT`; they need not add up to 1.
    """
    from scipy.optimize import minimize

    count, n, _ = members.shape
    center = np.full(count, 1 / count) if expected is None else expected
    worth = np.ones(n) if counts is None else counts
    of_truth = members[:, np.arange(n), targets]  # (M, n)

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        pooled = pool(weights, members)
        expected = np.einsum("mnk,nk->mn", members, np.exp(pooled))
        strength = prior_pixels * count
        prior = strength / 2 * ((weights - center) ** 2).sum()
        value = prior - worth @ pooled[np.arange(n), targets]
        return float(value), (expected - of_truth) @ worth + strength * (weights - center)

    bounds = [(0.0, LARGEST_WEIGHT)] * count
    found = minimize(loss, center, jac=True, bounds=bounds, method="L-BFGS-B")
    return np.asarray(found.x, np.float64)
