"""Standardisation of spectra, fitted on training pixels, or on the whole scene where asked for."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_ssamamba.data.cube import has_measurement
from napari_ssamamba.data.running_moments import RunningMoments
from napari_ssamamba.events import Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from numpy.typing import NDArray

    from napari_ssamamba.data.cube import Cube

LIMIT = 10.0
"""Deviations from the mean that a value is brought back to. On draws of EnMAP Potsdam, Salinas-A
and the built-in scene, 5 to 100 labels a class, nothing exceeds 9, but for two pixels of Salinas-A
that the sensor got wrong, with up to 725."""

BLOCK_VALUES = 2**20
"""Of the scene, read at once where statistics come from all of it."""


@dataclass(frozen=True, slots=True, eq=False)
class Standardiser:
    """Band-wise affine scaling; missing values become 0, the centre.

    A sensor's wrong values can be hundreds of deviations off. In the averages that look at them, of
    a surroundings, a patch or a batch, one would drown all others; what exceeds `limit` is brought
    back to it.

    Attributes
    ----------
    center, spread : ndarray of float32, shape (bands,)
        Standardised value = (value − center) / spread; `spread` is positive.
    fitted_on : str
        For reports, e.g. ``"mean and deviation of 60 training pixels"``.
    limit : float
        Of a standardised value, on either side of 0; positive, infinite for none.
    """

    center: NDArray[np.float32]
    spread: NDArray[np.float32]
    fitted_on: str
    limit: float = math.inf

    def __call__(self, spectra: NDArray[np.float32]) -> NDArray[np.float32]:
        """Standardise spectra of shape (..., bands)."""
        standardised = spectra - self.center
        standardised /= self.spread
        np.nan_to_num(standardised, copy=False, nan=0.0)
        if math.isfinite(self.limit):
            np.clip(standardised, -self.limit, self.limit, out=standardised)
        return standardised


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
    measured, values = has_measurement(block), standardiser(block)
    if not measured.all():
        values[~measured] = 0
    return values, measured


def fit_mean_deviation(spectra: NDArray[np.float32]) -> Standardiser:
    """Fit mean 0 and deviation 1 a band, with `LIMIT`.

    Parameters
    ----------
    spectra : ndarray of float32, shape (pixels, bands)
        Training pixels; missing values are NaN.
    """
    n = f"mean and deviation of {len(spectra)} training pixels"
    center, spread = _over_pixels(np.nanmean, spectra), _over_pixels(np.nanstd, spectra)
    return _standardiser(center, spread, n, LIMIT)


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


def fit_to_scene(cube: Cube, *, ranges: bool) -> Generator[Progress, None, Standardiser]:
    """Fit the scaling to all measured pixels of a scene, in one pass, keeping none of them.

    Parameters
    ----------
    cube : Cube
        Its good bands count.
    ranges : bool
        Whether to fit ranges, as `fit_min_max`, or mean and deviation.

    Yields
    ------
    Progress
        In rows.

    Returns
    -------
    Standardiser
    """
    bands = cube.good_indices.size
    moments = RunningMoments(bands)
    low, high = np.full(bands, np.nan, np.float32), np.full(bands, np.nan, np.float32)
    step = max(1, BLOCK_VALUES // (cube.columns * bands))
    for first in range(0, cube.rows, step):
        yield Progress(done=first, total=cube.rows, text=f"Statistics of {cube.name}")
        block = cube.read(slice(first, first + step), slice(None))
        spectra = block[has_measurement(block)]
        if ranges:
            low = np.fmin(low, np.fmin.reduce(spectra, axis=0, initial=np.nan))
            high = np.fmax(high, np.fmax.reduce(spectra, axis=0, initial=np.nan))
            moments.pixels += len(spectra)
        else:
            moments.add(spectra)
    where = f"all {moments.pixels} pixels of the scene"
    if ranges:
        low, high = np.nan_to_num(low, nan=0.0), np.nan_to_num(high, nan=0.0)
        return _standardiser(low, high - low, f"range of {where}")
    center, spread = moments.mean.astype(np.float32), moments.deviation.astype(np.float32)
    return _standardiser(center, spread, f"mean and deviation of {where}", LIMIT)


def _over_pixels(
    statistic: Callable[..., NDArray[np.float32]], spectra: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Apply a NaN-ignoring statistic to each band; bands that were never measured give 0."""
    measured = ~np.isnan(spectra).all(axis=0)
    values = np.zeros(spectra.shape[1], np.float32)
    values[measured] = statistic(spectra[:, measured], axis=0)
    return values


def _standardiser(
    center: NDArray[np.float32],
    spread: NDArray[np.float32],
    fitted_on: str,
    limit: float = math.inf,
) -> Standardiser:
    """Bands without any spread are only centred."""
    spread = np.where(spread > 0, spread, 1).astype(np.float32)
    return Standardiser(center, spread, fitted_on, limit)
