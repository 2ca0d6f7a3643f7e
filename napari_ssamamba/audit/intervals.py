"""95 % confidence intervals of accuracies.

All of them take the pixels as independent draws. Neighbouring pixels are not: where the reference
is of whole fields, the intervals are too narrow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

Z = 1.959963984540054
"""Two-sided 95 % quantile of the normal distribution."""


@dataclass(frozen=True, slots=True)
class Interval:
    """From `low` to `high`, percent; NaN where nothing is known."""

    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.low:.1f}–{self.high:.1f}"


def wilson(successes: ArrayLike, n: ArrayLike) -> NDArray[np.float64]:
    """Wilson's score interval of proportions.

    Parameters
    ----------
    successes, n : array of int, shape (k,)
        How many of how many.

    Returns
    -------
    ndarray of float64, shape (k, 2)
        Low and high ends, percent; NaN where `n` is 0.

    References
    ----------
    E. B. Wilson (1927), Probable inference, the law of succession, and statistical inference,
    J. Am. Stat. Assoc. 22, 209–212.
    """
    total = np.asarray(n, np.float64)
    total = np.where(total > 0, total, np.nan)
    p = np.asarray(successes, np.float64) / total
    middle = p + Z**2 / (2 * total)
    half = Z * np.sqrt(p * (1 - p) / total + (Z / (2 * total)) ** 2)
    ends = np.stack([middle - half, middle + half], axis=-1) / (1 + Z**2 / total)[..., None]
    return np.asarray(100 * np.clip(ends, 0.0, 1.0))


def mean_interval(successes: ArrayLike, n: ArrayLike) -> Interval:
    """Interval of the unweighted mean of proportions, as the average accuracy is one.

    The distances to the ends of each proportion's Wilson interval are combined as errors are, so
    that classes without an error do not count as known exactly.

    Parameters
    ----------
    successes, n : array of int, shape (k,)
        Where `n` is 0 there is no proportion, and it does not count.

    References
    ----------
    G. Y. Zou, W. Huang and X. Zhang (2009), A note on confidence interval estimation for a linear
    function of binomial proportions, Comput. Stat. Data Anal. 53, 1080–1085.
    """
    total = np.asarray(n)
    known = total > 0
    if not known.any():
        return Interval(float("nan"), float("nan"))
    p = 100.0 * np.asarray(successes)[known] / total[known]
    low, high = wilson(np.asarray(successes)[known], total[known]).T
    down, up = (np.sqrt(((p - end) ** 2).sum()) / p.size for end in (low, high))
    return Interval(float(p.mean() - down), float(p.mean() + up))


def kappa_interval(matrix: NDArray[np.int64]) -> Interval:
    """Interval of Cohen's κ × 100 by its large-sample standard error.

    Parameters
    ----------
    matrix : ndarray of int64, shape (k, k)
        Confusion matrix.

    Returns
    -------
    Interval
        Of NaN where chance alone would give full agreement; the ends are not beyond ±100.

    References
    ----------
    J. L. Fleiss, J. Cohen and B. S. Everitt (1969), Large sample standard errors of kappa and
    weighted kappa, Psychol. Bull. 72, 323–327; in the form of R. G. Congalton and K. Green,
    Assessing the Accuracy of Remotely Sensed Data, "Kappa": θ1 to θ4.
    """
    n = float(matrix.sum())
    p = matrix / max(n, 1.0)
    rows, columns = p.sum(axis=1), p.sum(axis=0)
    theta1, theta2 = float(p.trace()), float(rows @ columns)
    if n == 0 or theta2 >= 1.0:
        return Interval(float("nan"), float("nan"))
    theta3 = float(p.diagonal() @ (rows + columns))
    theta4 = float((p * (rows[None, :] + columns[:, None]) ** 2).sum())
    by_chance = 1 - theta2
    variance = (
        theta1 * (1 - theta1) / by_chance**2
        + 2 * (1 - theta1) * (2 * theta1 * theta2 - theta3) / by_chance**3
        + (1 - theta1) ** 2 * (theta4 - 4 * theta2**2) / by_chance**4
    ) / n
    kappa = (theta1 - theta2) / by_chance
    half = Z * float(np.sqrt(max(variance, 0.0)))
    return Interval(100 * max(kappa - half, -1.0), 100 * min(kappa + half, 1.0))
