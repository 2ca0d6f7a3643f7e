"""Label maps: which class each pixel has been given, by hand or by a reference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_ssamamba.data.classes import UNLABELLED, ClassTable
from napari_ssamamba.data.strips import strips
from napari_ssamamba.errors import LabelsError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class LabelMap:
    """Class ids on a cube's grid, with the table that names them.

    Attributes
    ----------
    ids : ndarray of uint16, shape (rows, columns)
        0 where there is no label.
    classes : ClassTable
    name : str
        What the user calls it, e.g. the file's stem.
    path : Path or None
        The file it was read from.
    """

    ids: NDArray[np.uint16]
    classes: ClassTable
    name: str = "labels"
    path: Path | None = None

    def counts(self) -> dict[int, int]:
        """Count the labelled pixels of each class of the table, by id."""
        return count_labels(self.ids, self.classes)


def count_labels(ids: NDArray[np.uint16], classes: ClassTable) -> dict[int, int]:
    """Count the pixels of each class.

    Parameters
    ----------
    ids : ndarray of uint16, any shape
    classes : ClassTable

    Returns
    -------
    dict
        Class id to number of pixels, for every class of the table, in its order.
    """
    totals = np.zeros(max(classes.ids, default=0) + 1, np.int64)
    for (some,) in strips(ids):
        labelled = some[some != UNLABELLED]  # a few of a scene's millions, mostly
        totals += np.bincount(labelled[labelled < totals.size], minlength=totals.size)
    return {i: int(totals[i]) for i in classes.ids}


def present_ids(ids: NDArray[np.uint16]) -> set[int]:
    """Return the ids that an array of any shape holds."""
    return {int(i) for (some,) in strips(ids) for i in np.unique(some)}


def draw_training_pixels(reference: LabelMap, per_class: int, seed: int) -> NDArray[np.uint16]:
    """Draw random training pixels from a reference.

    Parameters
    ----------
    reference : LabelMap
    per_class : int
        Pixels a class; at most half of a class is drawn (at least one pixel), so that something
        is left to check against.
    seed : int
        The same seed draws the same pixels.

    Returns
    -------
    ndarray of uint16, shape (rows, columns)
        The drawn labels, 0 elsewhere.

    Raises
    ------
    LabelsError
        Where `per_class` is less than 1 or the reference has no label.
    """
    if per_class < 1:
        raise LabelsError(f"{per_class} training pixels a class asked for; ask for 1 or more.")
    flat = reference.ids.ravel()
    if not flat.any():
        raise LabelsError(f"{reference.name}: the reference has no labelled pixel to draw from.")
    rng = np.random.default_rng(seed)
    drawn = np.full(flat.size, UNLABELLED, np.uint16)
    for i in np.unique(flat[flat != UNLABELLED]):
        pixels = np.flatnonzero(flat == i)
        n = min(per_class, max(1, pixels.size // 2))
        drawn[rng.choice(pixels, n, replace=False)] = i
    return drawn.reshape(reference.ids.shape)
