"""Mean spectra of classes and pixels, and how to plot those whose bands are out of order or off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_ssamamba.audit.continuum import SpectralView, view_spectra
from napari_ssamamba.audit.plot_order import plot_order
from napari_ssamamba.data.classes import ClassTable
from napari_ssamamba.data.cube import has_measurement
from napari_ssamamba.data.running_moments import RunningMoments
from napari_ssamamba.errors import LabelsError
from napari_ssamamba.events import Progress

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray

    from napari_ssamamba.data.cube import Cube

READ_AT_ONCE = 1024
"""Pixels that are read before the work can be cancelled."""

LIMIT = 2000
"""Pixels of a class or a selection that are averaged at most."""

SUMMED_AT_ONCE = 256
"""Spectra that are collected before they are summed up."""


@dataclass(frozen=True, slots=True, eq=False)
class SpectralStatistics:
    """Spectra of one class or selection.

    Attributes
    ----------
    view : {"values", "continuum removed", "derivative"}
        Of what: of values in physical units, or of each spectrum as the view shows it.
    mean, deviation : ndarray of float64, shape (bands,)
        Over the pixels, deviation as of a population; NaN for bands that are off, and for those
        that no pixel has a value of.
    n : int
        Pixels that were read and had been measured.
    """

    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]
    n: int
    view: SpectralView = "values"


def band_positions(cube: Cube) -> NDArray[np.float64]:
    """Return where bands are drawn, shape (bands,): wavelengths in nm, or numbers from 1."""
    return np.arange(1.0, cube.bands + 1) if cube.wavelengths is None else cube.wavelengths


def cube_view(
    cube: Cube, view: SpectralView, spectra: NDArray[np.floating[Any]]
) -> NDArray[np.float64]:
    """Return a scene's spectra, (n, bands), as a view shows them; see `view_spectra`."""
    order = plot_order(cube.wavelengths, cube.good_bands)
    return view_spectra(view, spectra.astype(np.float64), band_positions(cube), order)


def class_spectra(
    cube: Cube,
    ids: NDArray[np.uint16],
    classes: ClassTable,
    *,
    view: SpectralView = "values",
    limit: int = LIMIT,
    seed: int = 0,
) -> Generator[Progress, None, dict[int, SpectralStatistics]]:
    """Mean and deviation of each class's labelled pixels.

    Parameters
    ----------
    cube : Cube
        Only the rows and columns that are needed are read from it.
    ids : ndarray of uint16, shape (rows, columns)
        Labels, a reference or a map.
    classes : ClassTable
        Classes to describe.
    view : {"values", "continuum removed", "derivative"}
        What to average of each spectrum.
    limit : int
        At most so many random pixels a class are read.
    seed : int
        The same seed draws the same pixels.

    Yields
    ------
    Progress
        In pixels.

    Returns
    -------
    dict
        Class id to `SpectralStatistics`, in the table's order; classes without a measured pixel
        are left out.

    Raises
    ------
    LabelsError
        Where the labels are not on the cube's grid, or `limit` is less than 1.
    """
    if ids.shape != (cube.rows, cube.columns):
        raise LabelsError(
            f"Labels of {ids.shape[0]} × {ids.shape[1]} pixels for {cube.name}, which has "
            f"{cube.rows} × {cube.columns}. Give labels on the scene's own grid."
        )
    if limit < 1:
        raise LabelsError(f"{limit} pixels a class asked for; ask for 1 or more.")
    drawn = _draw(ids, classes, limit, seed)
    sums = {i: _Sums(cube, view) for i in classes.ids}
    done, text = 0, f"Spectra of {cube.name}"
    for some in np.split(drawn, range(READ_AT_ONCE, drawn.size, READ_AT_ONCE)):
        yield Progress(done=done, total=drawn.size, text=text)
        pixels = np.divmod(some, cube.columns)
        spectra, found = cube.read_pixels(*pixels, bands=cube.good_indices), ids[pixels]
        measured = has_measurement(spectra)
        for i in np.unique(found[measured]):
            sums[int(i)].add(spectra[measured & (found == i)])
        done += some.size
    yield Progress(done=done, total=drawn.size, text=text)
    return {i: s.statistics() for i, s in sums.items() if s.pixels}


def pixel_spectra(
    cube: Cube, pixels: NDArray[np.int32], *, view: SpectralView = "values", limit: int = LIMIT
) -> Generator[Progress, None, SpectralStatistics | None]:
    """Mean and deviation of some pixels, shape (n, 2); None where none was measured.

    Parameters, events and errors are those of `class_spectra`.
    """
    chosen = np.zeros((cube.rows, cube.columns), np.uint16)
    chosen[tuple(pixels.T)] = 1
    one = ClassTable.from_ids([1])
    found = yield from class_spectra(cube, chosen, one, view=view, limit=limit)
    return found.get(1)


def _draw(ids: NDArray[np.uint16], classes: ClassTable, limit: int, seed: int) -> NDArray[np.intp]:
    """Draw pixels of every class, as ascending indices into the flat scene."""
    rng = np.random.default_rng(seed)
    flat = ids.ravel()
    drawn = [np.empty(0, np.intp)]
    for i in classes.ids:
        pixels = np.flatnonzero(flat == i)
        if pixels.size > limit:
            pixels = rng.choice(pixels, limit, replace=False)
        drawn.append(pixels)
    return np.sort(np.concatenate(drawn))


class _Sums:
    """Running sums of one class, so that its spectra need not be kept."""

    def __init__(self, cube: Cube, view: SpectralView) -> None:
        self.pixels = 0
        self._cube = cube
        self._view = view
        self._waiting: list[NDArray[np.float32]] = []
        self._n_waiting = 0
        self._moments = RunningMoments(cube.bands)

    def add(self, spectra: NDArray[np.float32]) -> None:
        """Add pixels, shape (n, good bands)."""
        self.pixels += len(spectra)
        self._waiting.append(spectra)
        self._n_waiting += len(spectra)
        if self._n_waiting >= SUMMED_AT_ONCE:
            self._sum_up()

    def _sum_up(self) -> None:
        """Add those that wait."""
        spectra = np.full((self._n_waiting, self._cube.bands), np.nan)
        spectra[:, self._cube.good_indices] = np.concatenate(self._waiting)
        self._waiting, self._n_waiting = [], 0
        self._moments.add(cube_view(self._cube, self._view, spectra))

    def statistics(self) -> SpectralStatistics:
        """Mean and deviation of all that were added."""
        if self._waiting:
            self._sum_up()
        empty = self._moments.count == 0
        return SpectralStatistics(
            mean=np.where(empty, np.nan, self._moments.mean),
            deviation=np.where(empty, np.nan, self._moments.deviation),
            n=self.pixels,
            view=self._view,
        )
