"""Standardisation of spectra, fitted on training pixels only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_ssamamba.data.cube import has_measurement

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Standardiser:
    """Band-wise affine scaling; missing values become 0, the centre.

    Attributes
    ----------
    center, spread : ndarray of float32, shape (bands,)
        Standardised value = (value − center) / spread; `spread` is positive.
    fitted_on : str
        For reports, e.g. ``"mean and deviation of 60 training pixels"``.
    """

    center: NDArray[np.float32]
    spread: NDArray[np.float32]
    fitted_on: str

    def __call__(self, spectra: NDArray[np.float32]) -> NDArray[np.float32]:
        """Standardise spectra of shape (..., bands)."""
        standardised = (spectra - self.center) / self.spread
        return np.asarray(np.nan_to_num(standardised, nan=0.0), np.float32)


def standardise_block(
    block: NDArray[np.float32], standardiser: Standardiser
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Standardise a block as the network sees it, and tell which of its pixels were measured.

    Parameters
    ----------
    block : ndarray of float32, shape (..., bands)
        As `Cube.read` returns it.
    standardiser : Standardiser

    Returns
    -------
    values : ndarray of float32, shape (..., bands)
        0 in all bands of pixels that were not measured, and in single missing bands.
    measured : ndarray of bool, shape (...)
        See `has_measurement`.
    """
    measured = has_measurement(block)
    return np.where(measured[..., None], standardiser(block), np.float32(0)), measured


def fit_mean_deviation(spectra: NDArray[np.float32]) -> Standardiser:
    """Fit mean 0 and deviation 1 a band.

    Parameters
    ----------
    spectra : ndarray of float32, shape (pixels, bands)
        Training pixels; missing values are NaN.
    """
    n = f"mean and deviation of {len(spectra)} training pixels"
    return _standardiser(_over_pixels(np.nanmean, spectra), _over_pixels(np.nanstd, spectra), n)


def fit_min_max(spectra: NDArray[np.float32]) -> Standardiser:
    """Fit the range 0 to 1 a band, the paper's scaling.

    Parameters
    ----------
    spectra : ndarray of float32, shape (pixels, bands)
        Training pixels; missing values are NaN.
    """
    low = _over_pixels(np.nanmin, spectra)
    high = _over_pixels(np.nanmax, spectra)
    return _standardiser(low, high - low, f"range of {len(spectra)} training pixels")


def _over_pixels(
    statistic: Callable[..., NDArray[np.float32]], spectra: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Apply a NaN-ignoring statistic to each band; bands that were never measured give 0."""
    measured = ~np.isnan(spectra).all(axis=0)
    values = np.zeros(spectra.shape[1], np.float32)
    values[measured] = statistic(spectra[:, measured], axis=0)
    return values


def _standardiser(
    center: NDArray[np.float32], spread: NDArray[np.float32], fitted_on: str
) -> Standardiser:
    """Bands without any spread are only centred."""
    return Standardiser(center, np.where(spread > 0, spread, 1).astype(np.float32), fitted_on)
