"""Spectra as they are looked at: their values, without their continuum, or their slope."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_ssamamba.audit.plot_order import PlotOrder

    Values = NDArray[np.float64]

SpectralView = Literal["values", "continuum removed", "derivative"]
"""What a plot shows of spectra."""


def view_spectra(
    view: SpectralView, spectra: Values, positions: Values, order: PlotOrder
) -> Values:
    """Return spectra as a view shows them.

    Parameters
    ----------
    view : {"values", "continuum removed", "derivative"}
    spectra : ndarray of float64, shape (n, bands)
        All bands, in the file's order.
    positions : ndarray of float64, shape (bands,)
        Wavelengths in nm; for a scene without, the bands' numbers.
    order : PlotOrder

    Returns
    -------
    ndarray of float64, shape (n, bands)
        NaN for bands that are off, and where the view has no value.
    """
    shown = np.full(spectra.shape, np.nan)
    values, x = spectra[:, order.bands], positions[order.bands]
    if view == "continuum removed":
        values = remove_continuum(values, x)
    elif view == "derivative":
        values = first_derivative(values, x, order.connected)
    shown[:, order.bands] = values
    return shown


def continuum(values: Values, wavelengths: Values) -> Values:
    """Return the upper convex hull of spectra (Clark & Roush, J. Geophys. Res. 89, 1984).

    From each corner of the hull the next one is where the line to it rises most; all spectra go
    from corner to corner at once. Bands that are off do not interrupt it: there it is straight.

    Parameters
    ----------
    values : ndarray of float64, shape (n, bands)
        NaN where nothing was measured; the hull goes from the first to the last measured band.
    wavelengths : ndarray of float64, shape (bands,)
        Ascending.

    Returns
    -------
    ndarray of float64, shape (n, bands)
        At or above the values.
    """
    known = np.isfinite(values)
    height = np.where(known, values, -np.inf)
    hull = np.full(values.shape, np.nan)
    going = np.flatnonzero(known.any(axis=1))
    corner = known.argmax(axis=1)
    hull[going, corner[going]] = values[going, corner[going]]
    while going.size:
        here = corner[going, None]
        run = wavelengths - wavelengths[here]  # (going, bands)
        at = np.take_along_axis(height[going], here, axis=1)
        ahead = run > 0
        slope = np.full(run.shape, -np.inf)
        np.divide(height[going] - at, run, out=slope, where=ahead)
        steepest = slope.max(axis=1, keepdims=True)
        # of several on one line the farthest, which is the last
        following = run.shape[1] - 1 - slope[:, ::-1].argmax(axis=1)[:, None]
        goes_on = np.isfinite(steepest[:, 0])
        going, run, at, ahead, steepest, following = (
            part[goes_on] for part in (going, run, at, ahead, steepest, following)
        )
        between = ahead & (wavelengths <= wavelengths[following])
        hull[going] = np.where(between, at + steepest * run, hull[going])
        corner[going] = following[:, 0]
        hull[going, corner[going]] = values[going, corner[going]]  # without rounding
    return np.where(known, np.fmax(hull, values), hull)  # rounding must not put it below


def remove_continuum(values: Values, wavelengths: Values) -> Values:
    """Divide spectra by their continuum; parameters as for `continuum`.

    Returns
    -------
    ndarray of float64, shape (n, bands)
        At most 1, and 1 at the hull's corners; NaN where the continuum is not positive.
    """
    hull = continuum(values, wavelengths)
    quotient = np.full(values.shape, np.nan)
    np.divide(values, hull, out=quotient, where=hull > 0)
    return quotient


def first_derivative(values: Values, wavelengths: Values, connected: NDArray[np.bool_]) -> Values:
    """Differentiate spectra by wavelength, with central differences over the true distances.

    Parameters
    ----------
    values : ndarray of float64, shape (n, bands)
    wavelengths : ndarray of float64, shape (bands,)
        Ascending.
    connected : ndarray of bool, shape (bands,)
        Whether a band and the next belong together, see `PlotOrder`: no difference reaches
        across bands that are off.

    Returns
    -------
    ndarray of float64, shape (n, bands)
        Per nm; NaN for a band without a neighbour.
    """
    slopes = np.full(values.shape, np.nan)
    parted = ~connected[:-1] | (np.diff(wavelengths) <= 0)
    for run in np.split(np.arange(wavelengths.size), np.flatnonzero(parted) + 1):
        if run.size > 1:
            slopes[:, run] = np.gradient(values[:, run], wavelengths[run], axis=1)
    return slopes
