"""The jobs of the spectra: means of regions, single spectra, the two classes, libraries."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, Signal

from napari_ssamamba.errors import LabelsError
from napari_ssamamba.session.curves import FEW

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Set
    from pathlib import Path

    from napari_ssamamba.audit.confusion import Cell
    from napari_ssamamba.data.spectral_library import SpectralLibrary
    from napari_ssamamba.events import Progress
    from napari_ssamamba.gui.workflow import Workflow

REGIONS, SINGLES, PAIR = "regions", "single spectra", "pair"
IMPORT = "library"
"""Kinds of job, see `Workflow`."""


class CurveJobs(QObject):
    """Starts them, and hands what they find to the session's curves.

    Parameters
    ----------
    workflow : Workflow
        Its Qt parent.

    Attributes
    ----------
    with_singles : bool
        Whether single spectra of each selection are read.
    draw_region : callable or None
        Lets the user draw a region; set by whoever shows the scene.
    """

    choosing = Signal(object)
    """A `SpectralLibrary` that was read and has more than a few spectra: whoever shows the curves
    asks which of them to add."""

    def __init__(self, workflow: Workflow) -> None:
        super().__init__(workflow)
        self.with_singles = False
        self.draw_region: Callable[[], None] | None = None
        self._workflow = workflow
        self._session = workflow.session
        self._curves = self._session.curves
        self._compared: Cell | None = None
        session = self._session
        self._curves.events.regions.connect(self.average_regions)
        session.audit.events.cell.connect(self._cell_changed)
        session.events.bands.connect(self.compare_pair)
        session.events.class_spectra.connect(self.compare_pair)

    def average_regions(self) -> None:
        """Compute the mean spectra of the regions, where there are any."""
        self._workflow.cancel(REGIONS)
        if (run := self._curves.regions_run()) is not None:
            take = self._curves.set_regions
            self._workflow.run(REGIONS, "Averaging regions", lambda: run, on_result=take)

    def show_singles(self, wanted: bool) -> None:
        """Read single spectra of the selections from now on, or no longer."""
        self.with_singles = wanted
        self._read_singles()

    def compare_pair(self) -> None:
        """Compare the audited cell's two classes by their training labels."""
        self._compared = self._session.audit.cell
        self._workflow.cancel(PAIR)
        self._curves.set_pair(None)
        if (run := self._curves.pair_run()) is None:
            return

        def comparing() -> Generator[Progress, None, Any]:
            try:
                return (yield from run)
            except LabelsError as error:  # said in the panel, where it is no interruption
                return error

        self._workflow.run(PAIR, "Comparing two classes", comparing, on_result=self._take_pair)

    def open_library(self, path: Path) -> None:
        """Read a library to compare with; see `choosing` for a large one."""

        def reading() -> Generator[Progress, None, SpectralLibrary]:
            from napari_ssamamba.data.spectral_library import read_library
            from napari_ssamamba.events import Progress

            yield Progress(text=f"Reading {path.name}")
            return read_library(path)

        self._workflow.run(IMPORT, "Reading a library", reading, on_result=self._take_library)

    def export(self, path: Path, hidden: Set[int], hidden_curves: Set[int]) -> None:
        """Write the spectra that are shown: without hidden classes and curves, by their ids."""
        from napari_ssamamba.session.curve_export import export_run

        made: list[Generator[Progress, None, tuple[Path, ...]]] = []
        start = partial(export_run, self._session, path, hidden, hidden_curves)
        if self._workflow.request(lambda: made.append(start())):
            self._workflow.writing.write("Writing spectra", made.pop, self._tell_written)

    def _cell_changed(self) -> None:
        if self._session.audit.cell != self._compared:  # else the same classes, a pixel fewer
            self.compare_pair()
        self._read_singles()

    def _read_singles(self) -> None:
        self._workflow.cancel(SINGLES)
        self._curves.set_singles(None)
        run = self._curves.singles_run() if self.with_singles else None
        if run is not None:
            take = self._curves.set_singles
            self._workflow.run(SINGLES, "Reading single spectra", lambda: run, on_result=take)

    def _take_pair(self, found: Any) -> None:
        if isinstance(found, LabelsError):
            self._curves.refuse_pair(str(found))
        else:
            self._curves.set_pair(found)

    def _take_library(self, library: SpectralLibrary) -> None:
        if len(library.names) > FEW:
            self.choosing.emit(library)
        else:
            self._curves.add_library(library, range(len(library.names)))

    def _tell_written(self, files: tuple[Path, ...]) -> None:
        self._workflow.told.emit("info", f"Wrote {' and '.join(str(file) for file in files)}.")
