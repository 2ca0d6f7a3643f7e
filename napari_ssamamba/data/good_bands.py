"""Which bands are used: water absorption, ranges of wavelengths, and bands without measurement."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from napari_ssamamba.data.nodata import is_measured
from napari_ssamamba.errors import SettingError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_ssamamba.data.cube import Cube, RawCube

WATER_ABSORPTION = ((1340.0, 1450.0), (1790.0, 1960.0), (2450.0, np.inf))
"""Windows in nm where the air's water vapour leaves too little light to measure the ground.

The vapour bands centred at 1380 and 1880 nm (Gao and Goetz 1990, doi 10.1029/JD095iD04p03549) and
the end of the solar range, as wide as the field leaves them out; biodivMapR's defaults are a little
wider (1320–1480, 1780–2040, from 2450)."""

PROBE = 8
"""Side in pixels of the windows that `bands_without_measurement` reads."""

MAX_PROBES = 25
"""How many windows it reads at most."""


def water_absorption(wavelengths: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell which bands lie in the usual water-absorption windows.

    Parameters
    ----------
    wavelengths : ndarray of float64, shape (bands,)
        Band centres in nm.

    Returns
    -------
    ndarray of bool, shape (bands,)
        True where the band lies in one of `WATER_ABSORPTION`.
    """
    inside = np.zeros(wavelengths.shape, bool)
    for low, high in WATER_ABSORPTION:
        inside |= (wavelengths >= low) & (wavelengths <= high)
    return inside


@dataclass(frozen=True, slots=True, eq=False)
class BandSwitches:
    """Which bands are on, and why: the file, the water-absorption preset and the user by turns.

    Each reason is kept by itself, so that taking one back leaves the others. What the user
    switches goes before the other two.

    Attributes
    ----------
    by_file : ndarray of bool, shape (bands,)
        On as the file has them: not on its bad-band list, and measured.
    in_water : ndarray of bool, shape (bands,)
        See `water_absorption`.
    water_hidden : bool
        Whether the bands `in_water` are off.
    on_by_user, off_by_user : ndarray of bool, shape (bands,)
        Never both.
    """

    by_file: NDArray[np.bool_]
    in_water: NDArray[np.bool_]
    water_hidden: bool
    on_by_user: NDArray[np.bool_]
    off_by_user: NDArray[np.bool_]

    @classmethod
    def of(
        cls, by_file: NDArray[np.bool_], wavelengths: NDArray[np.float64] | None
    ) -> BandSwitches:
        """Return the switches of a scene as its file has them; wavelengths in nm."""
        none = np.zeros_like(by_file)
        return cls(by_file, none, False, none, none).with_wavelengths(wavelengths)

    @property
    def good(self) -> NDArray[np.bool_]:
        """The bands that are used, shape (bands,)."""
        shown = ~self.in_water if self.water_hidden else np.True_
        return np.asarray((self.by_file & shown | self.on_by_user) & ~self.off_by_user)

    def with_wavelengths(self, wavelengths: NDArray[np.float64] | None) -> BandSwitches:
        """Return the switches for other band centres, in nm."""
        if wavelengths is None:
            return replace(self, in_water=np.zeros_like(self.by_file), water_hidden=False)
        return replace(self, in_water=water_absorption(wavelengths))

    def with_water_hidden(self, hidden: bool) -> BandSwitches:
        """Return them with the bands in water absorption off, or as they were before.

        Hiding takes back what the user switched on there: the last word counts.
        """
        on = self.on_by_user & ~self.in_water if hidden else self.on_by_user
        return replace(self, water_hidden=hidden, on_by_user=on)

    def switched(self, bands: NDArray[np.bool_], on: bool) -> BandSwitches:
        """Return them with some bands, shape (bands,), switched on or off by the user."""
        return replace(
            self,
            on_by_user=self.on_by_user | bands if on else self.on_by_user & ~bands,
            off_by_user=self.off_by_user & ~bands if on else self.off_by_user | bands,
        )

    def exactly(self, bands: NDArray[np.bool_]) -> BandSwitches:
        """Return them so that these bands alone, shape (bands,), are on."""
        hidden = self.with_water_hidden(True)
        if (hidden.good == bands).all():
            return hidden
        now = self.good
        return self.switched(bands & ~now, True).switched(now & ~bands, False)


def in_range(wavelengths: NDArray[np.float64], low: float, high: float) -> NDArray[np.bool_]:
    """Tell which bands lie in a range of wavelengths.

    Parameters
    ----------
    wavelengths : ndarray of float64, shape (bands,)
        Band centres in nm, in any order.
    low, high : float
        Ends of the range in nm, both included.

    Returns
    -------
    ndarray of bool, shape (bands,)

    Raises
    ------
    SettingError
        Where the range ends before it begins.
    """
    if not low <= high:
        raise SettingError("range", f"{low:g} to {high:g} nm", "give the lower end first.")
    return (wavelengths >= low) & (wavelengths <= high)


def bands_without_measurement(raw: RawCube, nodata: float | None) -> NDArray[np.bool_]:
    """Find the bands that hold only nodata, from a sample of the scene.

    Windows of `PROBE` × `PROBE` pixels are read from the centre outward. The first that holds
    a measurement in any band tells the candidates: bands without one. Four more windows with
    measurements may clear them; `MAX_PROBES` are read at most, each at first in all bands and
    then in the candidates' alone. So a band counts as empty when none of some 320 pixels, spread
    over the scene, has a value; a scene whose windows all fall into nodata is left as it is.

    Parameters
    ----------
    raw : RawCube
    nodata : float or None
        Stored value that means "no measurement"; NaN counts as that in any case.

    Returns
    -------
    ndarray of bool, shape (bands,)
    """
    empty = np.ones(raw.shape[2], bool)
    if raw.dtype.kind != "f" and nodata is None:
        return ~empty
    useful = 0
    for rows, columns in _probe_windows(raw.shape[0], raw.shape[1]):
        candidates = np.flatnonzero(empty)
        # a candidate's window says nothing unless other bands are measured there
        first = 0 if useful == 0 else max(0, int(candidates[0]) - 1)
        span = slice(first, int(candidates[-1]) + 1)
        block = np.asarray(raw[rows, columns, span])
        measured = is_measured(block, nodata).any(axis=(0, 1))
        if measured.any():
            useful += 1
            empty[span] &= ~measured
        if useful and (useful == 5 or not empty.any()):
            break
    return empty if useful else ~empty


def switch_off_empty_bands(cube: Cube) -> Cube:
    """Switch off the bands that `bands_without_measurement` finds."""
    empty = bands_without_measurement(cube.raw, cube.nodata)
    return cube.with_good_bands(cube.good_bands & ~empty) if empty.any() else cube


def _probe_windows(rows: int, columns: int) -> list[tuple[slice, slice]]:
    """Windows on a 5 × 5 raster over the scene, the central one first."""
    row_starts = np.linspace(0, max(0, rows - PROBE), 5).astype(int)
    column_starts = np.linspace(0, max(0, columns - PROBE), 5).astype(int)
    starts = {(int(r), int(c)) for r in row_starts for c in column_starts}
    centre = np.array([row_starts[2], column_starts[2]])
    nearest = sorted(starts, key=lambda rc: (float(np.hypot(*(np.array(rc) - centre))), rc))
    return [(slice(r, r + PROBE), slice(c, c + PROBE)) for r, c in nearest[:MAX_PROBES]]
