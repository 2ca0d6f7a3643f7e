"""Splits: which labelled pixels are trained on, which validate, which test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_ssamamba.data.classes import UNLABELLED
from napari_ssamamba.errors import LabelsError

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Disjoint sets of labelled pixels.

    Attributes
    ----------
    ids : ndarray of uint16, shape (rows, columns)
        Class of every labelled pixel, 0 elsewhere.
    train, validation, test : ndarray of bool, shape (rows, columns)
        No pixel is in two of them.
    description : str
        How it was made, for reports, e.g. ``"random, 10 a class, seed 1"``.
    """

    ids: NDArray[np.uint16]
    train: NDArray[np.bool_]
    validation: NDArray[np.bool_]
    test: NDArray[np.bool_]
    description: str

    def __post_init__(self) -> None:
        overlap = (self.train & self.validation) | (self.train & self.test)
        if (overlap | (self.validation & self.test)).any():
            raise LabelsError(f"{self.description}: a pixel is in two parts of the split.")


def hold_out_validation(training_ids: NDArray[np.uint16], fraction: float, seed: int) -> Split:
    """Split painted labels into training and validation pixels, class by class.

    Classes with fewer than four pixels are trained on entirely; nothing is left to test on.

    Parameters
    ----------
    training_ids : ndarray of uint16, shape (rows, columns)
        Labels painted or drawn.
    fraction : float
        Share of each class that validates, 0 to 0.9.
    seed : int

    Returns
    -------
    Split
    """
    rng = np.random.default_rng(seed)
    flat = training_ids.ravel()
    validation = np.zeros(flat.size, bool)
    for i in np.unique(flat[flat != UNLABELLED]):
        pixels = np.flatnonzero(flat == i)
        if pixels.size >= 4:
            n = min(round(fraction * pixels.size), pixels.size - 2)
            validation[rng.choice(pixels, n, replace=False)] = True
    labelled = flat != UNLABELLED
    shape = training_ids.shape
    return Split(
        ids=training_ids,
        train=(labelled & ~validation).reshape(shape),
        validation=validation.reshape(shape),
        test=np.zeros(shape, bool),
        description=f"painted labels, {fraction:.0%} held out to validate, seed {seed}",
    )
