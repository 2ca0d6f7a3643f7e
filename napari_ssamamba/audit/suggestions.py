"""What to label next: pixels that would tell the model most, each with its reason."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from napari_ssamamba.audit.unlike import spectral_unlikeness
from napari_ssamamba.data.classes import UNLABELLED
from napari_ssamamba.data.labels import LabelMap, count_labels
from napari_ssamamba.events import Progress

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray

    from napari_ssamamba.audit.unlike import Unlikeness
    from napari_ssamamba.checkpoint import Checkpoint
    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.prediction.mixer import Members

Reason = Literal["margin", "unlike", "rare"]

SUGGESTIONS = 24
"""So many at most: a round of labelling before the next training."""

NARROW = 0.5
"""Margins from here on are no reason."""

FEW = 5
"""A class with fewer labels is rare, and one with less than half of the median class's."""

NEAR_LABEL = 3
"""Pixels this near to a labelled one are not suggested: its patch has shown them to the model."""

SMOOTHING = 3
"""Side of the squares over which reasons are averaged, as a single pixel of doubt on a border is a
mixture that nobody can label."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A pixel that is worth a label.

    Attributes
    ----------
    row, column : int
    reason : {"margin", "unlike", "rare"}
        Two classes are nearly as probable; no labelled spectrum is like its own; it is mapped as a
        class with few labels.
    score : float
        0 to 1, comparable among suggestions of one reason.
    mapped : int
        Class id in the map.
    probability : float
        Of that class, by the model.
    second : int
        Id of the most probable other class.
    second_probability : float
    labels : int
        Labelled pixels of the mapped class.
    angle, usual_angle : float
        Spectral angle in degrees to the nearest labelled pixel, and what is usual within a class;
        NaN where the pixel was not in the sample.
    nearest : int
        Class id of that labelled pixel; 0 where `angle` is NaN.
    """

    row: int
    column: int
    reason: Reason
    score: float
    mapped: int
    labels: int
    probability: float = np.nan
    second: int = UNLABELLED
    second_probability: float = np.nan
    angle: float = np.nan
    usual_angle: float = np.nan
    nearest: int = UNLABELLED

    @property
    def margin(self) -> float:
        """How much more probable the mapped class is than the second."""
        return self.probability - self.second_probability


def suggest(
    cube: Cube,
    checkpoint: Checkpoint,
    labels: LabelMap,
    mapped: NDArray[np.uint16],
    margin: NDArray[np.float32],
    *,
    members: Members = "mixed",
    n: int = SUGGESTIONS,
    seed: int = 0,
) -> Generator[Progress, None, tuple[Suggestion, ...]]:
    """Rank pixels, and ask the model about those that are suggested.

    Parameters
    ----------
    cube : Cube
        A sample of it is read, and the labelled pixels.
    checkpoint : Checkpoint
        What made the map.
    labels : LabelMap
    mapped : ndarray of uint16, shape (rows, columns)
        Class ids of the map; 0 where there is none.
    margin : ndarray of float32, shape (rows, columns)
        Of the map, see `rank`.
    members : {"mixed", "network", "expert"}
        As the map was made.
    n : int
    seed : int
        Of the sample.

    Yields
    ------
    Progress

    Returns
    -------
    tuple of Suggestion
        See `rank`.
    """
    from napari_ssamamba.prediction.pixel import PixelClassifier

    unlike = yield from spectral_unlikeness(cube, labels.ids, seed)
    yield Progress(text="Ranking the pixels of the map")
    ranked = rank(labels, mapped, margin, unlike, n)
    classifier, ids = PixelClassifier(checkpoint, members), checkpoint.classes.ids
    asked = []
    for done, suggestion in enumerate(ranked):
        yield Progress(done=done, total=len(ranked), text="Asking the model about the suggestions")
        said = yield from classifier.probabilities(cube, suggestion.row, suggestion.column)
        known = {} if said is None else dict(zip(ids, said.tolist(), strict=True))
        asked.append(_with_probabilities(suggestion, known))
    return tuple(asked)


def rank(
    labels: LabelMap,
    mapped: NDArray[np.uint16],
    margin: NDArray[np.float32],
    unlike: Unlikeness,
    n: int = SUGGESTIONS,
) -> list[Suggestion]:
    """Choose pixels that are spread over the scene; the three reasons take turns.

    Parameters
    ----------
    labels : LabelMap
        Labelled pixels and those beside them are not suggested.
    mapped : ndarray of uint16, shape (rows, columns)
        Class ids of the map; where it is 0, nothing is suggested.
    margin : ndarray of float32, shape (rows, columns)
        Probability of the map's class less that of the second; NaN where there is no map.
    unlike : Unlikeness
    n : int
        So many at most; fewer where fewer have a reason, or lie far enough apart.

    Returns
    -------
    list of Suggestion
        The best of each reason first. No two lie within `distance_apart`, by rows and by columns.
    """
    counts = count_labels(labels.ids, labels.classes)
    allowed = _allowed(labels.ids, mapped, margin)
    apart = distance_apart(int(allowed.sum()), n)
    by_reason: dict[Reason, NDArray[np.float32]] = {
        "margin": _where(allowed, _margin_scores(margin)),
        "unlike": _where(allowed, _unlike_scores(unlike, mapped.shape)),
        "rare": _where(allowed, _rare_scores(mapped, margin, counts)),
    }
    of_sample = {(r, c): i for i, (r, c) in enumerate(unlike.pixels.tolist())}
    chosen: list[Suggestion] = []
    while by_reason and len(chosen) < n:
        for reason, scores in tuple(by_reason.items()):
            flat = int(scores.argmax())
            row, column = divmod(flat, mapped.shape[1])
            score = float(scores.flat[flat])
            if score <= 0:
                del by_reason[reason]
            elif len(chosen) < n:
                id = int(mapped[row, column])
                found = Suggestion(row, column, reason, score, id, counts.get(id, 0))
                chosen.append(_with_angle(found, unlike, of_sample.get((row, column))))
                for other in by_reason.values():
                    near = slice(max(0, row - apart), row + apart + 1)
                    other[near, max(0, column - apart) : column + apart + 1] = 0
    return chosen


def distance_apart(pixels: int, n: int) -> int:
    """Return how far suggestions lie apart: n such squares cover a quarter of the map or less.

    Parameters
    ----------
    pixels : int
        Of the map.
    n : int
        Suggestions.
    """
    return max(1, int((pixels / max(n, 1)) ** 0.5 / 2))


def _allowed(
    labels: NDArray[np.uint16], mapped: NDArray[np.uint16], margin: NDArray[np.float32]
) -> NDArray[np.bool_]:
    """Tell which pixels are mapped, and neither labelled nor beside a label."""
    from scipy.ndimage import maximum_filter

    near = maximum_filter((labels != UNLABELLED).view(np.uint8), 2 * NEAR_LABEL + 1)
    return np.asarray((mapped != UNLABELLED) & ~np.isnan(margin) & (near == 0))


def _where(allowed: NDArray[np.bool_], scores: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.where(allowed, scores, np.float32(0))


def _smooth(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Average over squares; beyond the scene's border and without a map, nothing counts."""
    from scipy.ndimage import uniform_filter

    return np.asarray(uniform_filter(scores, SMOOTHING, mode="constant"))


def _margin_scores(margin: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return 1 for no margin, 0 from `NARROW` on."""
    own = np.nan_to_num(np.clip(1 - margin / NARROW, 0, 1), nan=0.0)
    return _where(own > 0, _smooth(own))


def _unlike_scores(unlike: Unlikeness, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return 0 up to the usual angle, towards 1 beyond it."""
    scores = np.zeros(shape, np.float32)
    beyond = unlike.angle > unlike.usual
    scores[tuple(unlike.pixels[beyond].T)] = 1 - unlike.usual / unlike.angle[beyond]
    return scores


def _rare_scores(
    mapped: NDArray[np.uint16], margin: NDArray[np.float32], counts: dict[int, int]
) -> NDArray[np.float32]:
    """Return more the fewer labels the mapped class has, and the surer the map is of it."""
    few = max(FEW, float(np.median(list(counts.values()) or [0])) / 2)
    weight = np.zeros(int(mapped.max(initial=0)) + 1, np.float32)
    for i in range(1, len(weight)):
        weight[i] = max(0.0, 1 - counts.get(i, 0) / few)
    if not weight.any():
        return np.zeros(mapped.shape, np.float32)
    own = weight[mapped] * np.nan_to_num(margin, nan=0.0)
    return _where(own > 0, _smooth(own))


def _with_angle(found: Suggestion, unlike: Unlikeness, place: int | None) -> Suggestion:
    if place is None:
        return found
    return replace(
        found,
        angle=float(unlike.angle[place]),
        usual_angle=unlike.usual,
        nearest=int(unlike.nearest[place]),
    )


def _with_probabilities(found: Suggestion, said: dict[int, float]) -> Suggestion:
    """Fill in what the model says of the mapped class and of the most probable other one."""
    others = {id: p for id, p in said.items() if id != found.mapped}
    if not others:
        return found
    second = max(others, key=lambda id: others[id])
    return replace(
        found,
        probability=said.get(found.mapped, 0.0),
        second=second,
        second_probability=others[second],
    )
