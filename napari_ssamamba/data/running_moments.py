"""Mean and deviation of values that come block by block, none of which is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class RunningMoments:
    """Band-wise mean and deviation, in one pass.

    Blocks are joined by the pairwise update of Chan, Golub and LeVeque (1983, doi
    10.1080/00031305.1983.10483115), which loses no digits however many values come.

    Attributes
    ----------
    pixels : int
        Spectra that were added.
    count : ndarray of int, shape (bands,)
        Values that were not missing.
    mean : ndarray of float64, shape (bands,)
        0 for bands without a value.
    """

    def __init__(self, bands: int) -> None:
        self.pixels = 0
        self.count = np.zeros(bands, np.int64)
        self.mean = np.zeros(bands)
        self._squares = np.zeros(bands)

    def add(self, spectra: NDArray[np.floating]) -> None:
        """Add spectra, shape (n, bands); NaN is missing."""
        values = spectra.astype(np.float64, copy=False)
        present = ~np.isnan(values)
        new = present.sum(axis=0)
        here = np.where(present, values, 0.0).sum(axis=0) / np.maximum(new, 1)
        squares = (np.where(present, values - here, 0.0) ** 2).sum(axis=0)
        old = self.count.copy()
        total = np.maximum(old + new, 1)
        difference = here - self.mean
        self.mean += difference * new / total
        self._squares += squares + difference**2 * old * new / total
        self.count += new
        self.pixels += len(values)

    @property
    def deviation(self) -> NDArray[np.float64]:
        """Deviation as of a population, shape (bands,); 0 for bands without a value."""
        return np.asarray(np.sqrt(self._squares / np.maximum(self.count, 1)))
