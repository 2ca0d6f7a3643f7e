"""Kernel ridge regression of class membership, with a Gaussian kernel.

Scores for a pixel z (in scaled principal components): Σ_j a_jk exp(−γ |z − c_j|²) over centers c_j,
which are training pixels: all of them, or as many as a map can afford. The coefficients minimise
|Y − Ȳ − G a|² + λ tr(aᵀ K a) over all training pixels, where G holds the kernel between these and
the centers, K that among the centers, and Y the classes one-hot. Where each training pixel is a
center, that is the usual a = (G + λI)⁻¹ (Y − Ȳ); otherwise it is what Rasmussen and Williams
(Gaussian Processes for Machine Learning, 2006, section 8.3.1) call the subset of regressors.
γ, λ and the temperature are chosen by held-out log-loss. It is what a support vector machine with
this kernel does, in closed form and with scores that calibrate better.

Symbols: n pixels, m centers, K classes, r of the m directions that the centers span, F folds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_ssamamba.expert.calibration import best_temperature
from napari_ssamamba.expert.choosing import Fitted

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

    from numpy.typing import NDArray

    Values = NDArray[np.float64]

WIDTHS = (0.1, 0.3, 1.0, 3.0)
"""γ times the median squared distance of training pixels."""

NEARBY = (1 / 3, 1.0, 3.0)
"""Factors on the γ that some pixels chose, among which all of them choose."""

RIDGES = tuple(10.0 ** np.linspace(-3.5, 0.5, 9))
TEMPERATURES = tuple(np.geomspace(1.0, 20.0, 12))

MOST_PIXELS = 20_000
"""Training pixels that it learns from at most; the cost grows with their number."""

CENTERS = 1500
"""Centers at most: the cost of learning grows with their cube, that of a map with their number.
Random draws by seeds 10 and 11 of stand-ins for Houston and HongHu, and training tiles of EnMAP
Potsdam cut anew: 1000 lose up to 0.4 points of overall accuracy."""

SEARCHED_CENTERS = 500
"""Centers at most while γ, λ and the temperature are searched."""

SEARCHED = 400
"""Pixels that choose γ among `WIDTHS`."""

AT_ONCE = 2000
"""Pixels whose distances to the centers are held at once: 24 MB."""

SAME = 1e-9
"""Squared distance below which two points are the same but for rounding."""

NEGLIGIBLE = 1e-10
"""Directions that the centers span by less than this share of the largest are rounding errors."""


@dataclass(frozen=True, slots=True, eq=False)
class KernelScores:
    """Scores that fall off with the distance from training pixels.

    Attributes
    ----------
    centers : ndarray of float64, shape (m, features)
    coefficients : ndarray of float64, shape (m, classes)
    bias : ndarray of float64, shape (classes,)
    gamma : float
    first : int
        Of the points' components, the number of the first that is read; the centers tell how many.
        Not 0 in models of versions that looked at slopes apart.
    """

    centers: NDArray[np.float64]
    coefficients: NDArray[np.float64]
    bias: NDArray[np.float64]
    gamma: float
    first: int = 0

    def __call__(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Score points of shape (n, components); returns (n, classes)."""
        read = points[:, self.first : self.first + self.centers.shape[1]]
        return np.asarray(kernel(read, self.centers, self.gamma) @ self.coefficients + self.bias)


@dataclass(frozen=True, slots=True, eq=False)
class KernelChoice:
    """A kernel, its centers, and the regression that held-out labels chose with them.

    Attributes
    ----------
    centers : ndarray of float64, shape (m, features)
    learned : ndarray of int64, shape (n,)
        Numbers of the pixels to learn from, in order.
    gamma, ridge, factor : float
        γ, λ, and the temperature as a factor on scores.
    """

    centers: NDArray[np.float64]
    learned: NDArray[np.int64]
    gamma: float
    ridge: float
    factor: float


def kernel(a: Values, b: Values, gamma: float) -> Values:
    """Return exp(−γ |a_i − b_j|²), (n, m)."""
    values = squared_distances(a, b)
    values *= -gamma
    return np.asarray(np.exp(values, out=values))


def squared_distances(a: Values, b: Values) -> Values:
    """Return |a_i − b_j|², (n, m), as the one product of (−2a, |a|², 1) and (b, 1, |b|²)."""
    left = np.column_stack((-2 * a, (a**2).sum(axis=1), np.ones(len(a))))
    right = np.column_stack((b, np.ones(len(b)), (b**2).sum(axis=1)))
    squares = left @ right.T
    return np.asarray(np.maximum(squares, 0, out=squares))


def spanned(centers: Values, gamma: float) -> Values:
    """Return B, (m, r), with BᵀKB = I: the kernel's functions on the centers, orthonormal.

    Those that span most are the last ones.
    """
    spread, axes = np.linalg.eigh(kernel(centers, centers, gamma))
    kept = spread > NEGLIGIBLE * spread[-1]
    return np.asarray(axes[:, kept] / np.sqrt(spread[kept]))


def choose_kernel(
    points: Values,
    targets: NDArray[np.int64],
    classes: int,
    fold: NDArray[np.int64],
    floor: float,
    rng: np.random.Generator,
) -> Generator[None, None, KernelChoice]:
    """Choose centers, γ, λ and the temperature; pauses now and then.

    Parameters
    ----------
    points : ndarray of float64, shape (n, features)
    targets : ndarray of int64, shape (n,)
    classes : int
    fold : ndarray of int64, shape (n,)
    floor : float
        See `with_floor`.
    rng : numpy Generator
        Draws the pixels, where there are more than `MOST_PIXELS`, `CENTERS` or `SEARCHED`.
    """
    drawn = rng.permutation(len(points))
    few, some, centers, learned = (
        np.sort(drawn[:most]) for most in (SEARCHED, SEARCHED_CENTERS, CENTERS, MOST_PIXELS)
    )
    labels = _Labels(targets, np.eye(classes)[targets], fold)
    squares = squared_distances(points[few], points[few])
    different = squares[squares > SAME]
    median = float(np.median(different)) if different.size else 1.0
    gammas = [width / median for width in WIDTHS]
    best = yield from _search(points[few], labels.of(few), points[few], gammas, floor)
    if len(points) > SEARCHED:
        gammas = [best.gamma * factor for factor in NEARBY]
        best = yield from _search(points[learned], labels.of(learned), points[some], gammas, floor)
    return KernelChoice(points[centers], learned, best.gamma, best.ridge, best.factor)


def fit_kernel(
    points: Values,
    targets: NDArray[np.int64],
    classes: int,
    fold: NDArray[np.int64],
    floor: float,
    rng: np.random.Generator,
) -> Generator[None, None, Fitted[KernelScores]]:
    """Choose as `choose_kernel` does, with its parameters, then fit; pauses now and then."""
    choice = yield from choose_kernel(points, targets, classes, fold, floor, rng)
    learned = choice.learned
    labels = _Labels(targets, np.eye(classes)[targets], fold).of(learned)
    sums = yield from _sum_up(points[learned], labels, choice.centers, choice.gamma)

    def scoring(number: int | None = None) -> KernelScores:
        coefficients = sums.solve(choice.ridge, without=number) * choice.factor
        return KernelScores(choice.centers, coefficients, np.zeros(classes), choice.gamma)

    without = {}
    for number in np.unique(fold):
        without[int(number)] = scoring(number)
        yield
    held_out = yield from score_held_out(without, points, fold, classes)
    return Fitted(scoring(), without, held_out)


def score_held_out(
    without: Mapping[int, KernelScores], points: Values, fold: NDArray[np.int64], classes: int
) -> Generator[None, None, Values]:
    """Score each pixel, (n, classes), by what did not learn from its fold; pauses after parts.

    It is 0 in folds that `without` lacks.
    """
    held_out = np.zeros((len(points), classes))
    for number, scores in without.items():
        out = np.flatnonzero(fold == number)
        for part in np.array_split(out, -(-len(out) // AT_ONCE)):
            held_out[part] = scores(points[part])
            yield
    return held_out


@dataclass(frozen=True, slots=True, eq=False)
class _Labels:
    """Class numbers, (n,), the same one-hot, (n, K), and each pixel's fold, (n,)."""

    targets: NDArray[np.int64]
    one_hot: Values
    fold: NDArray[np.int64]

    def of(self, some: NDArray[np.int64]) -> _Labels:
        """Return those of some pixels."""
        return _Labels(self.targets[some], self.one_hot[some], self.fold[some])


@dataclass(frozen=True, slots=True)
class _Best:
    """What held-out log-loss chooses; the temperature as a factor on scores."""

    loss: float
    gamma: float
    ridge: float
    factor: float


def _search(
    points: Values, labels: _Labels, centers: Values, gammas: Sequence[float], floor: float
) -> Generator[None, None, _Best]:
    """Return the γ, λ and temperature of the least held-out log-loss."""
    found = []
    for gamma in gammas:
        sums = yield from _sum_up(points, labels, centers, gamma)
        held_out = np.zeros((len(RIDGES), *labels.one_hot.shape))
        for number in np.unique(labels.fold):
            out = np.flatnonzero(labels.fold == number)
            coefficients = sums.solve_each(RIDGES, without=number)  # (λs, m, K)
            yield
            for part in np.array_split(out, -(-len(out) // AT_ONCE)):
                held_out[:, part] = kernel(points[part], centers, gamma) @ coefficients
                yield
        for scores, ridge in zip(held_out, RIDGES, strict=True):
            factor, loss = best_temperature(scores, labels.targets, TEMPERATURES, floor)
            found.append(_Best(loss, gamma, ridge, factor))
            yield
    return min(found, key=lambda best: best.loss)


@dataclass(frozen=True, slots=True, eq=False)
class _Sums:
    """What the coefficients depend on, summed over the pixels of each fold.

    Attributes
    ----------
    directions : ndarray of float64, shape (m, r)
        See `spanned`.
    numbers : ndarray of int64, shape (F,)
        Of the folds.
    products : ndarray of float64, shape (F, r, r)
        BᵀGᵀGB
    answers : ndarray of float64, shape (F, r, K)
        BᵀGᵀY
    sums : ndarray of float64, shape (F, r)
        BᵀGᵀ1
    counts : ndarray of float64, shape (F, K)
        Yᵀ1
    """

    directions: Values
    numbers: NDArray[np.int64]
    products: Values
    answers: Values
    sums: Values
    counts: Values

    def solve(self, ridge: float, without: int | None = None) -> Values:
        """Return the coefficients, (m, K), learned from all folds, or all but one."""
        products, known = self._learned(without)
        products[np.diag_indices(len(products))] += ridge
        # SciPy's solver would know that the matrix is positive, but holds the interpreter
        # meanwhile: in a background thread that freezes the window.
        return np.asarray(self.directions @ np.linalg.solve(products, known))

    def solve_each(self, ridges: Sequence[float], without: int) -> Values:
        """Return the same for several λ, (λs, m, K)."""
        products, known = self._learned(without)
        spread, axes = np.linalg.eigh(products)
        shrunk = spread.clip(0)[:, None] + np.array(ridges)[:, None, None]
        return np.asarray((self.directions @ axes) @ ((axes.T @ known) / shrunk))

    def _learned(self, without: int | None) -> tuple[Values, Values]:
        """Return BᵀGᵀGB and BᵀGᵀ(Y − Ȳ), summed over all folds or all but one."""
        learned = self.numbers != without
        counts = self.counts[learned].sum(axis=0)
        mean = counts / max(counts.sum(), 1.0)
        known = self.answers[learned].sum(axis=0) - np.outer(self.sums[learned].sum(axis=0), mean)
        return self.products[learned].sum(axis=0), known


def _sum_up(
    points: Values, labels: _Labels, centers: Values, gamma: float
) -> Generator[None, None, _Sums]:
    """Sum up each fold's pixels, part by part."""
    directions = spanned(centers, gamma)
    yield
    numbers = np.unique(labels.fold)
    folds, r, classes = len(numbers), directions.shape[1], labels.one_hot.shape[1]
    products, answers = np.zeros((folds, r, r)), np.zeros((folds, r, classes))
    sums, counts = np.zeros((folds, r)), np.zeros((folds, classes))
    for f, number in enumerate(numbers):
        members = np.flatnonzero(labels.fold == number)
        for part in np.array_split(members, -(-len(members) // AT_ONCE)):
            seen = kernel(points[part], centers, gamma) @ directions
            products[f] += seen.T @ seen
            answers[f] += seen.T @ labels.one_hot[part]
            sums[f] += seen.sum(axis=0)
            counts[f] += labels.one_hot[part].sum(axis=0)
            yield
    return _Sums(directions, numbers, products, answers, sums, counts)
