"""Bands in the order in which a spectrum is drawn, with gaps where there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

GAP = 3.0
"""A step in wavelength that is so many times larger than those beside it is no step of the sensor.
EnMAP's two, from 1391 to 1461 and from 1760 to 1939 nm, are 6 and 15 times larger."""


@dataclass(frozen=True, slots=True, eq=False)
class PlotOrder:
    """How to draw a spectrum as a line.

    Attributes
    ----------
    bands : ndarray of int, shape (n,)
        The good bands, by ascending wavelength.
    connected : ndarray of bool, shape (n,)
        Whether the line goes on from each of them to the next; False before a band that is off,
        before wavelengths that the sensor or the file leaves out, and at the end.
    """

    bands: NDArray[np.intp]
    connected: NDArray[np.bool_]


def plot_order(wavelengths: NDArray[np.float64] | None, good_bands: NDArray[np.bool_]) -> PlotOrder:
    """Order bands for a plot, with gaps where bands are off or missing.

    Bands are missing where a step in wavelength is more than `GAP` times the two steps on either
    side, as where a file was delivered without the bands in which water absorbs. Few bands at
    widely varying distances, as of Landsat, are one line.

    Parameters
    ----------
    wavelengths : ndarray of float64, shape (bands,), or None
        In nm, in any order; None keeps the order of the bands.
    good_bands : ndarray of bool, shape (bands,)
    """
    if wavelengths is None:
        ascending, gaps = np.arange(good_bands.size), np.empty(0, np.intp)
    else:
        ascending = np.argsort(wavelengths, kind="stable")
        gaps = _gaps(wavelengths[ascending])
    place = np.flatnonzero(good_bands[ascending])
    connected = np.zeros(place.size, bool)
    connected[:-1] = (np.diff(place) == 1) & ~np.isin(place[:-1], gaps)
    return PlotOrder(ascending[place], connected)


def _gaps(ascending: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the places of wavelengths after which some are missing."""
    steps = np.diff(ascending)
    around = np.pad(steps, 2)  # detectors may overlap, and one step be tiny: two on either side
    beside = np.max([around[:-4], around[1:-3], around[3:-1], around[4:]], axis=0)
    return np.flatnonzero((beside > 0) & (steps > GAP * beside))
