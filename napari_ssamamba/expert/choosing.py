"""Choosing a classifier among several by what each says of labels that it did not learn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

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
Classifier = TypeVar("Classifier")


@dataclass(frozen=True, slots=True, eq=False)
class Fitted(Generic[Classifier]):
    """A classifier, and what others of its settings say that learned from fewer labels.

    Attributes
    ----------
    whole
        Fitted to all pixels.
    without : dict of int
        By the number of a fold: fitted to the pixels of the other folds. None of a fold beside
        which there are no pixels.
    held_out : ndarray of float64, shape (n, classes)
        Scores of each pixel by the one that did not learn from its fold.
    """

    whole: Classifier
    without: dict[int, Classifier]
    held_out: NDArray[np.float64]


def choose_by_held_out(
    fit_each: Callable[[Values, NDArray[np.int64], int, Sequence[float]], list[AnyScores]],
    settings: Sequence[float],
    factors: Sequence[float],
    points: Values,
    targets: NDArray[np.int64],
    classes: int,
    fold: NDArray[np.int64],
    floor: float,
) -> Generator[None, None, Fitted[AnyScores]]:
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
    """
    held_out = np.zeros((len(settings), len(targets), classes))
    without = {}
    for number in np.unique(fold):
        out = fold == number
        if out.all():
            continue
        fits = fit_each(points[~out], targets[~out], classes, settings)
        for scores, fit in zip(held_out, fits, strict=True):
            scores[out] = fit(points[out])
        without[int(number)] = fits
        yield
    chosen = []
    for scores in held_out:
        chosen.append(best_temperature(scores, targets, factors, floor))
        yield
    best = int(np.argmin([loss for _, loss in chosen]))
    factor = chosen[best][0]
    [whole] = fit_each(points, targets, classes, settings[best : best + 1])
    return Fitted(
        whole.scaled(factor),
        {number: fits[best].scaled(factor) for number, fits in without.items()},
        held_out[best] * factor,
    )


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
