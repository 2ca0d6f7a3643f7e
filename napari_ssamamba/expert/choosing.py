"""Choosing a classifier among several by what each says of labels that it did not learn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

import numpy as np

from napari_ssamamba.expert.calibration import best_temperature

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from numpy.typing import NDArray

    Values = NDArray[np.float64]


class Scores(Protocol):
    """Scores of classes, which a factor calibrates."""

    def __call__(self, points: NDArray[np.float64], /) -> NDArray[np.float64]:
        """Score points of shape (n, features); returns (n, classes)."""

    def scaled(self: AnyScores, factor: float) -> AnyScores:
        """Return the same with scores times a factor."""


AnyScores = TypeVar("AnyScores", bound=Scores)


def choose_by_held_out(
    fit_each: Callable[[Values, NDArray[np.int64], int, Sequence[float]], list[AnyScores]],
    settings: Sequence[float],
    factors: Sequence[float],
    points: Values,
    targets: NDArray[np.int64],
    classes: int,
    fold: NDArray[np.int64],
    floor: float,
) -> Generator[None, None, tuple[AnyScores, Values]]:
    """Choose a setting and a temperature by held-out log-loss; pauses after each fold and setting.

    Parameters
    ----------
    fit_each : callable
        ``fit_each(points, targets, classes, settings)`` fits one classifier for each setting.
    settings, factors : sequence of float
        Among which it is chosen; factors are on scores.
    points : ndarray of float64, shape (n, features)
    targets : ndarray of int64, shape (n,)
    classes : int
    fold : ndarray of int64, shape (n,)
    floor : float
        See `with_floor`.

    Returns
    -------
    fitted
        To all pixels.
    held_out : ndarray of float64, shape (n, classes)
        Scores of each pixel by the classifier that did not learn from it.
    """
    held_out = np.zeros((len(settings), len(targets), classes))
    for number in np.unique(fold):
        out = fold == number
        if out.all():
            continue
        fits = fit_each(points[~out], targets[~out], classes, settings)
        for scores, fit in zip(held_out, fits, strict=True):
            scores[out] = fit(points[out])
        yield
    chosen = []
    for scores in held_out:
        chosen.append(best_temperature(scores, targets, factors, floor))
        yield
    best = int(np.argmin([loss for _, loss in chosen]))
    factor = chosen[best][0]
    [fitted] = fit_each(points, targets, classes, settings[best : best + 1])
    return fitted.scaled(factor), held_out[best] * factor


def class_means(
    points: Values, targets: NDArray[np.int64], classes: int
) -> tuple[Values, NDArray[np.int64]]:
    """Return the classes' means, (classes, features), and counts, (classes,).

    A class without pixels gets the mean of all.
    """
    counts = np.bincount(targets, minlength=classes)
    overall = points.mean(axis=0)
    means = [points[targets == k].mean(axis=0) if counts[k] else overall for k in range(classes)]
    return np.stack(means), counts
