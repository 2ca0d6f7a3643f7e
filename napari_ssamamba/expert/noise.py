"""How spectra differ where the ground does not, seen in pixels side by side.

A. A. Green, M. Berman, P. Switzer and M. D. Craig, A transformation for ordering multispectral data
in terms of image quality with implications for noise removal, IEEE TGRS 26 (1988) 65-74, take the
differences of neighbours for noise. Few labels say little of how bands vary together within a
class; thousands of unlabelled pairs do. Pairs across a border say something else: the half of all
pairs that is most alike is looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

EVENLY = 0.03
"""Noise that is added to each band, as a share of the mean variance: what the differences show of
the quietest directions is not to be trusted. Random draws of Salinas-A and EnMAP Potsdam by seeds
of 10 and more: 0.01 and 0.1 are level with it on one and gain less on the other."""

NO_VARIANCE = 1e-12
"""Of standardised bands, on average: less, in a made-up scene, is no noise to go by."""


def neighbour_differences(
    values: NDArray[np.float32], measured: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Return the differences of pixels side by side, where both were measured.

    Parameters
    ----------
    values : ndarray of float32, shape (rows, columns, bands)
    measured : ndarray of bool, shape (rows, columns)

    Returns
    -------
    ndarray of float32, shape (pairs, bands)
    """
    down, right = np.diff(values, axis=0), np.diff(values, axis=1)
    return np.concatenate(
        (down[measured[1:] & measured[:-1]], right[measured[:, 1:] & measured[:, :-1]])
    )


def noise_whitening(differences: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return a map of bands in which noise is alike in all directions, but for `EVENLY`.

    With the covariance N of the half of the differences that are smallest: (N D / tr N + e I)^-½,
    e `EVENLY`, D bands.

    Parameters
    ----------
    differences : ndarray of float32, shape (pairs, bands)
        Those of standardised spectra.

    Returns
    -------
    ndarray of float64, shape (bands, bands)
        Symmetric; the identity where there are no differences.
    """
    bands = differences.shape[1]
    squares = (differences.astype(np.float64) ** 2).sum(axis=1)
    if not squares.size:
        return np.eye(bands)
    alike = differences[squares <= np.median(squares)].astype(np.float64)
    covariance = alike.T @ alike / len(alike)
    mean = float(np.trace(covariance)) / bands
    if mean < NO_VARIANCE:
        return np.eye(bands)
    variances, axes = np.linalg.eigh(covariance / mean)
    return np.asarray((axes / np.sqrt(variances.clip(0) + EVENLY)) @ axes.T)
