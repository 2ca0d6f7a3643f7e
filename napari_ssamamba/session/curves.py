"""Spectra that are laid beside the classes': pixels that were kept, regions, and libraries."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from psygnal import Signal, SignalGroup

from napari_ssamamba.audit.plot_order import plot_order
from napari_ssamamba.audit.spectra import LIMIT, cube_view, pixel_spectra
from napari_ssamamba.errors import LabelsError, SSAMambaError
from napari_ssamamba.events import Progress

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from numpy.typing import NDArray

    from napari_ssamamba.audit.continuum import SpectralView
    from napari_ssamamba.audit.separability import Separability
    from napari_ssamamba.audit.spectra import SpectralStatistics
    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.data.spectral_library import SpectralLibrary
    from napari_ssamamba.session.session import Session

COLORS = ("#ff7f0e", "#17becf", "#d62728", "#2ca02c", "#9467bd", "#bcbd22", "#8c564b", "#1f77b4")
"""Of curves, one after the other; they are dotted, which classes are not."""

SINGLES = 50
"""Single spectra of a selection that are shown at most."""

FEW = len(COLORS)
"""Spectra of a library that are compared with without asking which: each has a colour."""

LARGEST_IMPORT = 30
"""Spectra of a library that are taken at once; more could not be told apart."""


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """One spectrum to compare with.

    Attributes
    ----------
    id : int
        Never used again, from 1.
    name, color : str
        The colour as ``"#rrggbb"``.
    kind : {"pixel", "region", "library"}
    pixels : ndarray of int32, shape (n, 2)
        That it is of; none for a spectrum of a library.
    spectrum : ndarray of float64, shape (bands,), or None
        Of a pixel or a library; None for a region.
    wavelengths : ndarray of float64, shape (bands,), or None
        Of a library's spectrum, which has its own, in nm.
    statistics : SpectralStatistics or None
        Of a region, as last computed.
    """

    id: int
    name: str
    color: str
    kind: Literal["pixel", "region", "library"]
    pixels: NDArray[np.int32]
    spectrum: NDArray[np.float64] | None = None
    wavelengths: NDArray[np.float64] | None = None
    statistics: SpectralStatistics | None = None


@dataclass(frozen=True, slots=True, eq=False)
class SingleSpectra:
    """Some spectra of a selection.

    Attributes
    ----------
    spectra : ndarray of float64, shape (n, bands)
    pixels : ndarray of int32, shape (n, 2)
    total : int
        Pixels that the selection has.
    """

    spectra: NDArray[np.float64]
    pixels: NDArray[np.int32]
    total: int


class CurveEvents(SignalGroup):
    """Emitted after the change, in the main thread."""

    view = Signal()
    curves = Signal()
    regions = Signal()
    """There are regions to average."""
    singles = Signal()
    pair = Signal()


class SessionCurves:
    """What the plot of spectra shows besides classes, selection and picked pixel.

    Parameters
    ----------
    session : Session

    Attributes
    ----------
    view : {"values", "continuum removed", "derivative"}
        How all spectra are shown; means in another view are averaged anew.
    curves : tuple of Curve
    singles : SingleSpectra or None
        Of the audited cell.
    pair : Separability or None
        Of the training labels of the audited cell's two classes.
    pair_refusal : str
        Why there is none, where that was found out.
    """

    def __init__(self, session: Session) -> None:
        self.events = CurveEvents()
        self.view: SpectralView = "values"
        self.curves: tuple[Curve, ...] = ()
        self.singles: SingleSpectra | None = None
        self.pair: Separability | None = None
        self.pair_refusal = ""
        self._session = session
        self._last_id = 0
        session.events.cube.connect(self._scene_changed)
        session.events.bands.connect(self.events.regions.emit)

    def set_view(self, view: SpectralView) -> None:
        """Show all spectra otherwise; the means have to be computed anew."""
        if view != self.view:
            self.view = view
            self.events.view.emit()
            self.events.regions.emit()

    # --- curves ----------------------------------------------------------------------------

    def keep_pixel(self) -> int:
        """Keep the picked pixel's spectrum as a curve; return its id.

        Raises
        ------
        SSAMambaError
            Where no pixel is picked.
        """
        picked, spectrum = self._session.picked, self._session.picked_spectrum
        if picked is None or spectrum is None:
            raise SSAMambaError("No pixel is picked. Click one in the scene first.")
        pixels = np.array([picked], np.int32)
        for curve in self.curves:
            if curve.kind == "pixel" and (curve.pixels == pixels).all():
                return curve.id
        name = f"Pixel {picked[0]}, {picked[1]}"
        id = self._append(name, "pixel", pixels, spectrum=spectrum.astype(np.float64))
        self.events.curves.emit()
        return id

    def add_region(self, pixels: NDArray[np.int32]) -> int:
        """Add a region by its pixels, shape (n, 2); its mean is to be computed. Return its id.

        Raises
        ------
        SSAMambaError
            Where it has no pixel in the scene.
        """
        _check_region(pixels)
        numbers = [c.name.removeprefix("Region ") for c in self.curves if c.kind == "region"]
        number = max([int(n) for n in numbers if n.isdecimal()], default=0) + 1
        id = self._append(f"Region {number}", "region", pixels)
        self.events.curves.emit()
        self.events.regions.emit()
        return id

    def move_region(self, id: int, pixels: NDArray[np.int32]) -> None:
        """Give a region other pixels."""
        _check_region(pixels)
        self._replace(id, pixels=pixels, statistics=None)
        self.events.regions.emit()

    def add_library(self, library: SpectralLibrary, rows: Iterable[int]) -> None:
        """Add some spectra of a library, by their rows in it."""
        nowhere, wavelengths = np.empty((0, 2), np.int32), library.wavelengths
        for row in rows:
            self._append(library.names[row], "library", nowhere, library.spectra[row], wavelengths)
        self.events.curves.emit()

    def rename(self, id: int, name: str) -> None:
        """Give a curve another name; an empty one changes nothing."""
        if name.strip():
            self._replace(id, name=name.strip())

    def remove(self, id: int) -> None:
        """Take a curve away; nothing happens where there is none of this id."""
        left = tuple(c for c in self.curves if c.id != id)
        if len(left) != len(self.curves):
            self.curves = left
            self.events.curves.emit()

    def _append(
        self,
        name: str,
        kind: Literal["pixel", "region", "library"],
        pixels: NDArray[np.int32],
        spectrum: NDArray[np.float64] | None = None,
        wavelengths: NDArray[np.float64] | None = None,
    ) -> int:
        """Append a curve and return its id; whoever calls tells of it."""
        self._last_id += 1
        used = [c.color for c in self.curves]
        color = min(COLORS, key=used.count)
        curve = Curve(self._last_id, name, color, kind, pixels, spectrum, wavelengths)
        self.curves = (*self.curves, curve)
        return curve.id

    def _replace(self, id: int, **changes: Any) -> None:
        self.curves = tuple(replace(c, **changes) if c.id == id else c for c in self.curves)
        self.events.curves.emit()

    def regions_run(self) -> Generator[Progress, None, dict[int, SpectralStatistics]] | None:
        """Return the averaging of all regions in the view; None where there is none."""
        cube, view = self._session.cube, self.view
        regions = [c for c in self.curves if c.kind == "region"]
        if cube is None or not regions:
            return None

        def averaging() -> Generator[Progress, None, dict[int, SpectralStatistics]]:
            found = {}
            for region in regions:
                statistics = yield from pixel_spectra(cube, region.pixels, view=view)
                if statistics is not None:
                    found[region.id] = statistics
            return found

        return averaging()

    def set_regions(self, found: dict[int, SpectralStatistics]) -> None:
        """Take the regions' means, by id."""
        self.curves = tuple(
            replace(c, statistics=found[c.id]) if c.id in found else c for c in self.curves
        )
        self.events.curves.emit()

    # --- the selection and its two classes -------------------------------------------------

    def singles_run(self) -> Generator[Progress, None, SingleSpectra] | None:
        """Return the reading of some of the audited pixels; None where there is none."""
        cube, pixels = self._session.cube, self._session.audit.pixels
        if cube is None or not len(pixels):
            return None

        def reading() -> Generator[Progress, None, SingleSpectra]:
            drawn = _draw(pixels, SINGLES)
            spectra = yield from _read(cube, drawn, "Reading single spectra")
            return SingleSpectra(spectra, drawn, len(pixels))

        return reading()

    def set_singles(self, singles: SingleSpectra | None) -> None:
        """Take the single spectra that were read; None shows none."""
        self.singles = singles
        self.events.singles.emit()

    def pair_run(self) -> Generator[Progress, None, Separability] | None:
        """Return the comparison of the audited cell's two classes; None where they are one."""
        session, cell = self._session, self._session.audit.cell
        cube, labels = session.cube, session.labels
        if cube is None or labels is None or cell is None or cell.reference == cell.predicted:
            return None
        painted = labels.copy()

        def comparing() -> Generator[Progress, None, Separability]:
            from napari_ssamamba.audit.separability import separability

            text = "Comparing the two classes"
            found = []
            for id in (cell.reference, cell.predicted):
                pixels = np.argwhere(painted == id).astype(np.int32)
                spectra = yield from _read(cube, _draw(pixels, LIMIT), text)
                spectra[:, ~cube.good_bands] = np.nan
                found.append(spectra)
            yield Progress(text=text)
            return separability(*found)

        return comparing()

    def set_pair(self, pair: Separability | None) -> None:
        """Take the comparison that was computed."""
        self.pair, self.pair_refusal = pair, ""
        self.events.pair.emit()

    def refuse_pair(self, reason: str) -> None:
        """Take why there is none."""
        self.pair, self.pair_refusal = None, reason
        self.events.pair.emit()

    def _scene_changed(self) -> None:
        self.curves = tuple(c for c in self.curves if c.kind == "library")
        self.singles = self.pair = None
        self.pair_refusal = ""
        for changed in (self.events.curves, self.events.singles, self.events.pair):
            changed.emit()


def curve_view(curve: Curve, cube: Cube | None, view: SpectralView) -> NDArray[np.float64] | None:
    """Return a single spectrum as a view shows it, shape (bands,); None for a region."""
    from napari_ssamamba.audit.continuum import view_spectra

    if curve.spectrum is None:
        return None
    if curve.kind == "pixel" and cube is not None:
        return np.asarray(cube_view(cube, view, curve.spectrum[None])[0])
    x = library_positions(curve)
    order = plot_order(curve.wavelengths, np.isfinite(curve.spectrum))
    return np.asarray(view_spectra(view, curve.spectrum[None], x, order)[0])


def library_positions(curve: Curve) -> NDArray[np.float64]:
    """Return where a library's spectrum is drawn: its own wavelengths, or band numbers."""
    if curve.wavelengths is not None:
        return curve.wavelengths
    return np.arange(1.0, (0 if curve.spectrum is None else curve.spectrum.size) + 1)


def _check_region(pixels: NDArray[np.int32]) -> None:
    if not len(pixels):
        raise LabelsError("The region has no pixel in the scene. Draw it on the scene.")


def _draw(pixels: NDArray[np.int32], most: int) -> NDArray[np.int32]:
    """Draw pixels at random, always the same ones."""
    if len(pixels) <= most:
        return pixels
    return pixels[np.sort(np.random.default_rng(0).choice(len(pixels), most, replace=False))]


def _read(
    cube: Cube, pixels: NDArray[np.int32], text: str
) -> Generator[Progress, None, NDArray[np.float64]]:
    """Read spectra, part by part: shape (n, bands)."""
    spectra = np.empty((len(pixels), cube.bands))
    by_row = np.lexsort((pixels[:, 1], pixels[:, 0]))
    for start in range(0, len(pixels), SINGLES):
        yield Progress(done=start, total=len(pixels), text=text)
        part = by_row[start : start + SINGLES]
        spectra[part] = cube.read_pixels(*pixels[part].T)
    return spectra
