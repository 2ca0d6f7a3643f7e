"""The training pixels of a class that are nearest to a pixel, in space and by their spectrum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


NEAREST = 3


@dataclass(frozen=True, slots=True)
class NearPixel:
    """A training pixel beside the pixel that is asked about.

    Attributes
    ----------
    row, column : int
    distance : float
        In pixels, from centre to centre.
    angle : float
        Spectral angle, degrees; NaN where one of both has no spectrum.
    """

    row: int
    column: int
    distance: float
    angle: float


def spectral_angles(
    spectrum: NDArray[np.float32], spectra: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Return the angles between a spectrum and others, in degrees.

    Parameters
    ----------
    spectrum : ndarray of float32, shape (bands,)
    spectra : ndarray of float32, shape (n, bands)

    Returns
    -------
    ndarray of float64, shape (n,)
        Over the bands that both have; NaN where there are none, or where one of both is 0.

    References
    ----------
    F. A. Kruse et al. (1993), The spectral image processing system (SIPS), Remote Sens. Environ.
    44, 145–163.
    """
    both = np.isfinite(spectra) & np.isfinite(spectrum)
    ours = np.where(both, spectrum, 0.0).astype(np.float64)
    theirs = np.where(both, spectra, 0.0).astype(np.float64)
    lengths = np.linalg.norm(ours, axis=1) * np.linalg.norm(theirs, axis=1)
    cosines = np.full(len(spectra), np.nan)
    np.divide((ours * theirs).sum(axis=1), lengths, out=cosines, where=lengths > 0)
    return np.asarray(np.degrees(np.arccos(np.clip(cosines, -1.0, 1.0))))


def nearest_in_space(
    at: tuple[int, int], pixels: NDArray[np.int32], k: int = NEAREST
) -> NDArray[np.int32]:
    """Return the `k` pixels nearest to one, the nearest first; that one is not among them.

    Parameters
    ----------
    at : tuple of int
        Row and column.
    pixels : ndarray of int32, shape (n, 2)
        Of those as near, the earlier ones are taken.
    k : int
    """
    others = pixels[(pixels != at).any(axis=1)]
    distances = np.hypot(*(others - np.asarray(at)).T)
    return np.asarray(others[np.argsort(distances, kind="stable")[:k]])


def nearest_pixels(
    at: tuple[int, int],
    spectrum: NDArray[np.float32],
    pixels: NDArray[np.int32],
    spectra: NDArray[np.float32],
    k: int = NEAREST,
) -> tuple[NearPixel, ...]:
    """Return the `k` pixels nearest in space, then the one nearest by its spectral angle.

    Parameters
    ----------
    at : tuple of int
        Row and column that is asked about; the pixel itself is never among the nearest.
    spectrum : ndarray of float32, shape (bands,)
    pixels : ndarray of int32, shape (n, 2)
        Those that come twice count once.
    spectra : ndarray of float32, shape (n, bands)
        Of the pixels.
    k : int

    Returns
    -------
    tuple of NearPixel
        Fewer where there are fewer; the last one may be one of the others too. Of those as near,
        the one of the lower row and column is taken.
    """
    pixels, first = np.unique(pixels, axis=0, return_index=True)
    others = (pixels != at).any(axis=1)
    pixels, spectra = pixels[others], spectra[first][others]
    distances = np.hypot(*(pixels - np.asarray(at)).T)
    angles = spectral_angles(spectrum, spectra)
    chosen = np.argsort(distances, kind="stable")[:k].tolist()
    if np.isfinite(angles).any():
        chosen.append(int(np.nanargmin(angles)))
    return tuple(
        NearPixel(int(pixels[i, 0]), int(pixels[i, 1]), float(distances[i]), float(angles[i]))
        for i in chosen
    )
