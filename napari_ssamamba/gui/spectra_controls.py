"""The row below the spectra: how to show them, and which further ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from qtpy.QtCore import QSignalBlocker
from qtpy.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QMenu, QPushButton, QWidget
from superqt import QElidingLabel

from napari_ssamamba.audit.continuum import SpectralView
from napari_ssamamba.gui.connections import connect
from napari_ssamamba.session.curves import FEW, SINGLES

if TYPE_CHECKING:
    from napari_ssamamba.data.spectral_library import SpectralLibrary
    from napari_ssamamba.gui.curve_list import CurveList
    from napari_ssamamba.gui.dialogs import Dialogs
    from napari_ssamamba.gui.workflow import Workflow
    from napari_ssamamba.session import Session

VIEW_NAMES: dict[SpectralView, str] = {
    "values": "Values",
    "continuum removed": "Continuum removed",
    "derivative": "First derivative",
}

READ_OUT_WIDTH = 40
"""Pixels, at least; what does not fit is elided."""

VIEW_WIDTH = 90
"""Pixels, at least, of the list of views; its names are read in full when it is opened."""


class SpectraControls(QWidget):
    """Asks the session for other views and further curves.

    Parameters
    ----------
    session : Session
    workflow : Workflow
    dialogs : Dialogs
    legend : CurveList
        What is unchecked in it is not exported.

    Attributes
    ----------
    read_out : QElidingLabel
        What is at the pointer; its owner fills it.
    deviation, decided : QCheckBox
        Whether to draw deviations and the bands that decided, which their owner does.
    """

    def __init__(
        self, session: Session, workflow: Workflow, dialogs: Dialogs, legend: CurveList
    ) -> None:
        super().__init__()
        self._session = session
        self._workflow = workflow
        self._dialogs = dialogs
        self._legend = legend
        self.read_out = QElidingLabel()
        self.read_out.setMinimumWidth(READ_OUT_WIDTH)
        self.view = QComboBox()
        for value in get_args(SpectralView):
            self.view.addItem(VIEW_NAMES[value], value)
        self.view.setMinimumWidth(VIEW_WIDTH)
        self.view.view().setMinimumWidth(self.view.sizeHint().width())
        self.view.setAccessibleName("View of the spectra")
        self.view.setToolTip(
            "Values; values divided by their convex hull; or the change per nm, within runs of "
            "good bands"
        )
        self.view.currentIndexChanged.connect(self._ask_view)
        self.deviation = QCheckBox("± 1 s&d")
        self.deviation.setToolTip("Show the standard deviation of each mean as a band")
        self.singles = QCheckBox("S&ingle")
        self.singles.setToolTip(
            f"Show up to {SINGLES} single spectra of the audited confusion, always the same ones"
        )
        self.singles.toggled.connect(workflow.curves.show_singles)
        self.decided = QCheckBox("&Bands that decided")
        self.decided.setToolTip(
            "Show how much each band adds to the probability of the mapped class, and what happens "
            "without some; it takes about a second a pixel"
        )
        self.curves = QPushButton("C&urves")
        self.curves.setToolTip("Further spectra: pixels, regions, libraries; and export")
        menu = QMenu(self.curves)
        menu.setToolTipsVisible(True)
        self.keep = menu.addAction("&Keep the picked pixel (Shift+click)", self._keep)
        self.keep.setToolTip("Leave the picked pixel's spectrum in the plot as a curve")
        self.region = menu.addAction("&Draw a region…", self._draw)
        self.region.setToolTip("Draw a polygon on the scene; its mean becomes a curve")
        self.open = menu.addAction("&Import a library…", self._import)
        self.open.setToolTip(
            f"ENVI spectral library, or CSV table as exported; of more than {FEW} spectra you "
            "choose which to compare"
        )
        self.export = menu.addAction("&Export…", self._export)
        self.export.setToolTip(
            "Write the scene's spectra that are checked in the list, as shown: CSV with "
            "deviations, or ENVI spectral library. Imported spectra are left out"
        )
        menu.aboutToShow.connect(self._offer)
        self.curves.setMenu(menu)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.read_out, 1)
        for widget in (self.view, self.deviation, self.singles, self.curves, self.decided):
            row.addWidget(widget)
        workflow.curves.choosing.connect(self._choose)
        connect(self._show_view, session.curves.events.view)

    def _ask_view(self) -> None:
        self._session.curves.set_view(self.view.currentData())
        self._workflow.audit.compute_class_spectra()
        self._workflow.audit.average_cell()

    def _show_view(self) -> None:
        with QSignalBlocker(self.view):
            self.view.setCurrentIndex(self.view.findData(self._session.curves.view))

    def _offer(self) -> None:
        """Offer what can be done now."""
        there = self._session.cube is not None
        self.keep.setEnabled(self._session.picked is not None)
        self.region.setEnabled(there and self._workflow.curves.draw_region is not None)
        self.export.setEnabled(there)

    def _keep(self) -> None:
        self._workflow.request(self._session.curves.keep_pixel)

    def _draw(self) -> None:
        if self._workflow.curves.draw_region is not None:
            self._workflow.curves.draw_region()

    def _import(self) -> None:
        if (path := self._dialogs.library_file(self)) is not None:
            self._workflow.curves.open_library(path)

    def _choose(self, library: SpectralLibrary) -> None:
        rows = self._dialogs.spectra(self, library.names)
        self._session.curves.add_library(library, rows)

    def _export(self) -> None:
        if (path := self._dialogs.export_file(self)) is not None:
            hidden, hidden_curves = self._legend.hidden(), self._legend.hidden_curves()
            self._workflow.curves.export(path, hidden, hidden_curves)
