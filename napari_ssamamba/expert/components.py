"""Principal components of spectra, and of their slopes.

A slope is the difference between bands a little apart: it tells where a spectrum rises and falls,
whatever the light that all its bands share.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

COMPONENTS = 30

WHITENING = 0.35
"""0 leaves the components as they are, 0.5 makes their variances equal."""

APART = 5
"""Bands between the two of a slope. Random draws of EnMAP Potsdam by seeds 10 to 17, and training
tiles cut anew: with 1 to 20, classifiers of slopes gain most with 4 and 5; derivatives, of raw or
smoothed spectra, gain less."""


@dataclass(frozen=True, slots=True, eq=False)
class Components:
    """Principal components of the scene, scaled so that large ones do not hide the others.

    Attributes
    ----------
    center : ndarray of float64, shape (bands,)
    axes : ndarray of float64, shape (bands, components)
        Each divided by its variance to the power `WHITENING`.
    """

    center: NDArray[np.float64]
    axes: NDArray[np.float64]

    def __call__(self, spectra: NDArray[np.float64]) -> NDArray[np.float64]:
        """Project spectra of shape (n, bands)."""
        return np.asarray((spectra - self.center) @ self.axes)

    def beside(self, others: Components) -> Components:
        """Return these components and behind them others of the same sample."""
        return Components(self.center, np.hstack((self.axes, others.axes)))


def principal_components(sample: NDArray[np.float64], count: int = COMPONENTS) -> Components:
    """Compute the components of spectra, (n, bands); fewer where there are fewer bands."""
    center = sample.mean(axis=0)
    return Components(center, _axes(sample - center, count))


def slope_components(sample: NDArray[np.float64], order: NDArray[np.int64]) -> Components:
    """Compute the components of spectra's slopes, each with deviation 1.

    Slopes are linear in the bands, so that the result reads spectra.

    Parameters
    ----------
    sample : ndarray of float64, shape (n, bands)
    order : ndarray of int64, shape (bands,)
        The bands along the spectrum.
    """
    bands = np.eye(len(order))[order]
    apart = min(APART, len(order) - 1)
    differences = (bands[apart:] - bands[: len(order) - apart]).T if apart else bands
    center = sample.mean(axis=0)
    slopes = (sample - center) @ differences
    deviation = slopes.std(axis=0)
    scale = np.divide(1, deviation, out=np.zeros_like(deviation), where=deviation > 0)
    return Components(center, (differences * scale) @ _axes(slopes * scale, COMPONENTS))


def _axes(centred: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Return the scaled axes of centred values, (n, features), as columns."""
    variances, axes = np.linalg.eigh(centred.T @ centred / len(centred))
    variances, axes = variances[::-1][:count], axes[:, ::-1][:, :count]
    scale = np.maximum(variances, 1e-6 * max(variances[0], 1e-12)) ** WHITENING
    return np.asarray(axes / scale)
