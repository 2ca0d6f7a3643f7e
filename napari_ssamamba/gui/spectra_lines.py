"""Which lines a plot of spectra consists of, and which of them is nearest to a point."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_ssamamba.audit.plot_order import plot_order
from napari_ssamamba.audit.spectra import band_positions, cube_view
from napari_ssamamba.gui.plot_colors import AUDITED_COLOR
from napari_ssamamba.session.curves import curve_view, library_positions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from napari_ssamamba.audit.confusion import Cell
    from napari_ssamamba.audit.plot_order import PlotOrder
    from napari_ssamamba.audit.spectra import SpectralStatistics
    from napari_ssamamba.session import Session

    Values = NDArray[np.float64]

FADED = 60
"""Opacity, of 255, of classes that the audited pixels have nothing to do with."""

SINGLE = 70
"""Opacity, of 255, of single spectra."""


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """One curve, in the order in which it is drawn.

    Attributes
    ----------
    name : str
        What the read-out calls it.
    x, y : ndarray of float64, shape (n,)
        NaN where there is no value.
    connected : ndarray of bool, shape (n,)
        See `PlotOrder`.
    color : str or None
        ``"#rrggbb"``; None for the theme's text colour.
    spread : ndarray of float64, shape (n,), or None
        Standard deviation, where it is to be drawn.
    opacity : int
        Of 255.
    width : int
        Pixels.
    style : {"solid", "dashed", "dotted"}
    """

    name: str
    x: Values
    y: Values
    connected: NDArray[np.bool_]
    color: str | None
    spread: Values | None = None
    opacity: int = 255
    width: int = 2
    style: str = "solid"


def lines_of(
    session: Session, hidden: set[int], hidden_curves: set[int], *, deviations: bool
) -> Iterator[Line]:
    """Make the lines of all that is to be shown, from the lowest to the highest.

    Parameters
    ----------
    session : Session
    hidden, hidden_curves : set of int
        Ids of classes and curves that are left out.
    deviations : bool
        Whether every mean has its standard deviation, or only those of the selection and its two
        classes.
    """
    cube, view = session.cube, session.curves.view
    if cube is not None:
        order = plot_order(cube.wavelengths, cube.good_bands)
        x = band_positions(cube)[order.bands]
        singles = session.curves.singles
        if singles is not None:
            shown = cube_view(cube, view, singles.spectra)[:, order.bands]
            for (row, column), y in zip(singles.pixels.tolist(), shown, strict=True):
                name = f"Selected pixel {row}, {column}"
                yield Line(name, x, y, order.connected, AUDITED_COLOR, None, SINGLE, 1)
        yield from _classes(session, x, order, hidden, deviations)
        if session.audit.cell is not None and session.audit.spectrum is not None:
            found = session.audit.spectrum
            if found.view == view:
                yield _mean("Selection", found, x, order, AUDITED_COLOR, True, 4, "dashed")
    for curve in session.curves.curves:
        if curve.id in hidden_curves:
            continue
        single = curve_view(curve, cube, view)
        if curve.kind == "library" and curve.spectrum is not None and single is not None:
            its = plot_order(curve.wavelengths, np.isfinite(curve.spectrum))
            own = library_positions(curve)[its.bands]
            yield Line(
                curve.name, own, single[its.bands], its.connected, curve.color, style="dotted"
            )
        elif cube is not None and single is not None:
            y = single[order.bands]
            yield Line(curve.name, x, y, order.connected, curve.color, style="dotted")
        elif cube is not None and curve.statistics is not None and curve.statistics.view == view:
            yield _mean(
                curve.name, curve.statistics, x, order, curve.color, deviations, 2, "dotted"
            )
    if cube is not None and session.picked is not None and session.picked_spectrum is not None:
        row, column = session.picked
        y = cube_view(cube, view, session.picked_spectrum[None])[0, order.bands]
        yield Line(f"Pixel {row}, {column}", x, y, order.connected, None)


def lines_of_error(
    session: Session, cell: Cell, name: str, spectrum: NDArray[np.float32]
) -> Iterator[Line]:
    """Make the lines of a pixel that is mapped wrong and of the training means of both classes.

    Parameters
    ----------
    session : Session
    cell : Cell
        The pixel's: the mean of the reference is solid, that of the map's class dashed. A class
        without training pixels has none.
    name : str
        Of the pixel.
    spectrum : ndarray of float32, shape (bands,)
    """
    cube, view = session.cube, session.curves.view
    if cube is None:
        return
    order = plot_order(cube.wavelengths, cube.good_bands)
    x = band_positions(cube)[order.bands]
    for id, style in ((cell.reference, "solid"), (cell.predicted, "dashed")):
        found = session.class_spectra.get(id)
        if found is not None and found.view == view and id in session.classes:
            named = session.classes[id]
            yield _mean(named.name, found, x, order, named.color, False, 2, style)
    y = cube_view(cube, view, spectrum[None])[0, order.bands]
    yield Line(name, x, y, order.connected, None, width=1)


def _classes(
    session: Session, x: Values, order: PlotOrder, hidden: set[int], deviations: bool
) -> Iterator[Line]:
    """Means of the training labels; both classes of an audited cell over the others."""
    cell = session.audit.cell
    pair = () if cell is None else (cell.reference, cell.predicted)
    for id in sorted(session.class_spectra, key=lambda id: id in pair):
        found = session.class_spectra[id]
        if id not in session.classes or id in hidden or found.view != session.curves.view:
            continue
        of_pair = id in pair
        spread = of_pair if pair else deviations
        line = _mean(
            session.classes[id].name, found, x, order, session.classes[id].color, spread, 2, "solid"
        )
        if pair and not of_pair:
            line = Line(line.name, x, line.y, line.connected, line.color, None, FADED, 1)
        yield line


def _mean(
    name: str,
    found: SpectralStatistics,
    x: Values,
    order: PlotOrder,
    color: str,
    spread: bool,
    width: int,
    style: str,
) -> Line:
    """Return the line of a mean."""
    around = found.deviation[order.bands] if spread else None
    y = found.mean[order.bands]
    return Line(f"Mean of {name}", x, y, order.connected, color, around, 255, width, style)


def nearest(
    lines: list[Line], x: float, y: float, pixel: tuple[float, float], reach: float
) -> tuple[Line, int] | None:
    """Return the line whose value is nearest to a point, and the index of that value.

    Parameters
    ----------
    lines : list of Line
    x, y : float
        The point, in the units of the plot.
    pixel : tuple of float
        Width and height of a screen pixel in these units.
    reach : float
        Screen pixels; None is returned where nothing is nearer.
    """
    best, found = reach, None
    for line in lines:
        distance = np.hypot((line.x - x) / pixel[0], (line.y - y) / pixel[1])
        if np.isnan(distance).all():
            continue
        index = int(np.nanargmin(distance))
        if distance[index] < best:
            best, found = float(distance[index]), (line, index)
    return found
