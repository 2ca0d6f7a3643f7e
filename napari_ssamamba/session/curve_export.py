"""The spectra that are shown, as a library to write."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_ssamamba.audit.spectra import cube_view
from napari_ssamamba.data.spectral_library import CSV_SUFFIXES, SpectralLibrary, write_library
from napari_ssamamba.errors import SSAMambaError
from napari_ssamamba.events import Progress

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Set
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_ssamamba.audit.spectra import SpectralStatistics
    from napari_ssamamba.session.session import Session


def export_run(
    session: Session,
    path: Path,
    hidden: Set[int] = frozenset(),
    hidden_curves: Set[int] = frozenset(),
) -> Generator[Progress, None, tuple[Path, ...]]:
    """Return the writing of `shown_library`; tables hold deviations, ENVI libraries do not.

    Parameters
    ----------
    session : Session
    path : Path
    hidden, hidden_curves : set of int
        See `shown_library`.

    Raises
    ------
    SSAMambaError
        Where there is no spectrum yet.
    """
    tables = path.suffix.lower() in CSV_SUFFIXES
    library = shown_library(session, hidden, hidden_curves, deviations=tables)
    described = f"{session.need_cube().name}: {session.curves.view}"

    def writing() -> Generator[Progress, None, tuple[Path, ...]]:
        yield Progress(text=f"Writing {path.name}")
        return write_library(path, library, described)

    return writing()


def shown_library(
    session: Session, hidden: Set[int], hidden_curves: Set[int], *, deviations: bool
) -> SpectralLibrary:
    """Return the spectra of the scene in the view that is shown; imported ones are left out.

    Parameters
    ----------
    session : Session
    hidden, hidden_curves : set of int
        Ids of the classes and of the further curves that are hidden in the plot: left out too.
    deviations : bool
        Whether each mean is followed by its standard deviation, named "… sd".

    Raises
    ------
    SSAMambaError
        Where there is no spectrum yet.
    """
    cube = session.need_cube()
    rows: list[tuple[str, NDArray[np.float64]]] = []
    for name, statistics in _means(session, hidden, hidden_curves):
        if statistics.view == session.curves.view:
            rows.append((name, statistics.mean))
            if deviations:
                rows.append((f"{name} sd", statistics.deviation))
    for name, spectrum in _pixels(session, hidden_curves).items():
        rows.append((name, cube_view(cube, session.curves.view, spectrum[None])[0]))
    if not rows:
        raise SSAMambaError(
            "There is no spectrum to export. Click a pixel, label some, or check what the list "
            "beside the spectra hides."
        )
    names, spectra = zip(*rows, strict=True)
    return SpectralLibrary(names, np.stack(spectra), cube.wavelengths)


def _means(
    session: Session, hidden: Set[int], hidden_curves: Set[int]
) -> Iterator[tuple[str, SpectralStatistics]]:
    """Classes, the selection, regions."""
    for id, statistics in session.class_spectra.items():
        if id in session.classes and id not in hidden:
            yield session.classes[id].name, statistics
    audit = session.audit
    if audit.spectrum is not None and audit.cell is not None and audit.confusion is not None:
        cell, classes = audit.cell, audit.confusion.classes
        name = f"{classes[cell.reference].name} mapped as {classes[cell.predicted].name}"
        yield name, audit.spectrum
    for curve in session.curves.curves:
        if curve.statistics is not None and curve.id not in hidden_curves:
            yield curve.name, curve.statistics


def _pixels(session: Session, hidden: Set[int]) -> dict[str, NDArray[np.float64]]:
    """Pixels that were kept and are not hidden, and the one that is picked."""
    found = {
        curve.name: curve.spectrum
        for curve in session.curves.curves
        if curve.kind == "pixel" and curve.spectrum is not None and curve.id not in hidden
    }
    if session.picked is not None and session.picked_spectrum is not None:
        row, column = session.picked
        found.setdefault(f"Pixel {row}, {column}", session.picked_spectrum.astype(np.float64))
    return found
