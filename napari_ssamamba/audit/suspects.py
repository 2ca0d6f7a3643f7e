"""Suspect labels: those that a classifier contradicts which has not learned from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_ssamamba.data.classes import UNLABELLED, ClassTable
from napari_ssamamba.data.cube import has_measurement
from napari_ssamamba.data.patches import read_spectra
from napari_ssamamba.data.standardise import fit_mean_deviation
from napari_ssamamba.errors import LabelsError
from napari_ssamamba.events import Progress

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray

    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.data.labels import LabelMap

MOST_CHECKED = 1000
"""Labels of a class that are checked; of more, so many are drawn."""


@dataclass(frozen=True, slots=True, eq=False)
class OutOfFold:
    """What is said of labelled pixels by a classifier that has not learned from them.

    Attributes
    ----------
    pixels : ndarray of int32, shape (n, 2)
        Row and column.
    ids : ndarray of uint16, shape (n,)
        Their labels.
    predicted : ndarray of uint16, shape (n,)
        Class ids; 0 for the only label of its class, which nothing is known of without it.
    confidence : ndarray of float32, shape (n,)
        Probability of that class.
    label_probability : ndarray of float32, shape (n,)
        Of the label's class.
    of : int
        Labelled pixels, checked or not.
    classes : ClassTable
    """

    pixels: NDArray[np.int32]
    ids: NDArray[np.uint16]
    predicted: NDArray[np.uint16]
    confidence: NDArray[np.float32]
    label_probability: NDArray[np.float32]
    of: int
    classes: ClassTable

    def suspects(self) -> NDArray[np.intp]:
        """Return which labels are contradicted, the most confident contradiction first."""
        found = np.flatnonzero((self.predicted != UNLABELLED) & (self.predicted != self.ids))
        return found[np.argsort(-self.confidence[found], kind="stable")]

    def as_map(self, shape: tuple[int, int]) -> tuple[NDArray[np.uint16], NDArray[np.float32]]:
        """Return class ids and confidence over the scene; 0 and NaN where nothing was checked.

        Parameters
        ----------
        shape : tuple of int
            Rows and columns of the scene.
        """
        ids, confidence = np.zeros(shape, np.uint16), np.full(shape, np.nan, np.float32)
        ids[tuple(self.pixels.T)] = self.predicted
        confidence[tuple(self.pixels.T)] = self.confidence
        return ids, confidence


def check_out_of_fold(
    cube: Cube, labels: LabelMap, seed: int = 0
) -> Generator[Progress, None, OutOfFold]:
    """Let the spectral expert classify each label by the others.

    Labels that lie together are left out together, see `spatial_folds`. The network is not asked:
    it would have to be trained once for every fold.

    Parameters
    ----------
    cube : Cube
    labels : LabelMap
    seed : int
        Of the folds, and of the draw where a class has more than `MOST_CHECKED` labels.

    Yields
    ------
    Progress

    Raises
    ------
    LabelsError
        Where fewer than two classes have measured labels, or none has two.
    """
    from napari_ssamamba.expert.fit import fit_expert

    yield Progress(text="Reading labelled pixels")
    drawn, of = _draw(labels, np.random.default_rng(seed))
    spectra = read_spectra(cube, drawn)
    measured = has_measurement(spectra)
    pixels, spectra = drawn[measured], spectra[measured]
    ids = labels.ids[tuple(pixels.T)]
    present, targets, counts = np.unique(ids, return_inverse=True, return_counts=True)
    if present.size < 2 or counts.max() < 2:
        raise LabelsError(
            f"Labels of {present.size} classes with a spectrum, {counts.max(initial=0)} at most in "
            "one. Checking labels by the others needs two classes, one with two labels or more."
        )
    fitted = yield from fit_expert(
        cube, pixels, targets.astype(np.int64), present.size, fit_mean_deviation(spectra), seed
    )
    probability = np.exp(fitted.held_out)
    best, each = probability.argmax(axis=1), np.arange(len(pixels))
    return OutOfFold(
        pixels,
        ids,
        np.where(counts[targets] > 1, present[best], UNLABELLED).astype(np.uint16),
        probability[each, best].astype(np.float32),
        probability[each, targets].astype(np.float32),
        of,
        labels.classes,
    )


def _draw(labels: LabelMap, rng: np.random.Generator) -> tuple[NDArray[np.int32], int]:
    """Draw labels of every class, in the scene's order; return how many there are too."""
    pixels = np.argwhere(labels.ids != UNLABELLED).astype(np.int32)
    ids = labels.ids[tuple(pixels.T)]
    drawn = [np.empty(0, np.intp)]
    for i in np.unique(ids):
        drawn.append(rng.permutation(np.flatnonzero(ids == i))[:MOST_CHECKED])
    return pixels[np.sort(np.concatenate(drawn))], len(pixels)
