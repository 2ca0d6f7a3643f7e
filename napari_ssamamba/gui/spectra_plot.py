"""The picked pixel's spectrum beside the classes' mean spectra."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyqtgraph as pg
from qtpy.QtCore import QEvent, Qt, QTimer
from qtpy.QtGui import QColor, QPalette
from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from napari_ssamamba.audit.spectra import plot_order
from napari_ssamamba.gui.class_legend import ClassLegend
from napari_ssamamba.gui.confusion_model import cell_text
from napari_ssamamba.gui.connections import connect
from napari_ssamamba.gui.plot_colors import AUDITED_COLOR, follow_palette

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from napari_ssamamba.audit.spectra import PlotOrder
    from napari_ssamamba.data.classes import LandClass
    from napari_ssamamba.gui.workflow import Workflow
    from napari_ssamamba.session import Session

PLOT_HEIGHT = 110
"""Pixels, below which the axes leave no room for a curve."""

SETTLE_MS = 400
"""Class means are asked for this long after the last change of the labels."""

BAND_OPACITY = 50
"""Of the ± 1 standard deviation, of 255."""

FADED_OPACITY = 70
"""Of classes that the audited pixels have nothing to do with, of 255."""

CELL_WIDTH = 4
"""Pixels of the line of the audited ones."""


class SpectraPlot(QWidget):
    """Value over wavelength; bands that are off leave gaps.

    Parameters
    ----------
    session : Session
    workflow : Workflow
    """

    def __init__(self, session: Session, workflow: Workflow) -> None:
        super().__init__()
        self._session = session
        self._workflow = workflow
        self._order: PlotOrder | None = None
        self.plot = pg.PlotWidget()
        self.plot.setToolTip("Spectra; wheel and drag to zoom and pan, right-click for more")
        self.plot.setLabel("left", "Value")
        self.plot.getAxis("left").enableAutoSIPrefix(False)
        self.plot.setMinimumHeight(PLOT_HEIGHT)
        self.legend = ClassLegend()
        self.legend.itemChanged.connect(self._show)
        self.deviation = QCheckBox("± 1 s&d")
        self.deviation.setToolTip("Show the standard deviation of each class as a band")
        self.deviation.toggled.connect(self._show)
        self.read_out = QLabel("Click a pixel to see its spectrum.")
        self.read_out.setToolTip("The picked pixel's value at the pointer")
        row = QHBoxLayout()
        row.addWidget(self.read_out, 1)
        row.addWidget(self.deviation)
        plots = QHBoxLayout()
        plots.addWidget(self.plot, 1)
        plots.addWidget(self.legend)
        layout = QVBoxLayout(self)
        layout.addLayout(plots, 1)
        layout.addLayout(row)
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(SETTLE_MS)
        self._settle.timeout.connect(workflow.audit.compute_class_spectra)
        self.plot.scene().sigMouseMoved.connect(self._hover)
        events = session.events
        connect(self, self._show, events.picked)
        connect(self, self._classes_changed, events.class_spectra, events.classes)
        connect(self, self._bands_changed, events.cube, events.bands)
        connect(self, self._labels_changed, events.labels)
        connect(self, self._cell_changed, session.audit.events.cell)
        connect(self, self._show, session.audit.events.spectrum)
        self._bands_changed()

    # --- drawing ---------------------------------------------------------------------------

    def _labels_changed(self) -> None:
        self._settle.start()

    def _cell_changed(self) -> None:
        self._workflow.audit.average_cell()
        self._show()

    def _classes_changed(self) -> None:
        classes, known = self._session.classes, self._session.class_spectra
        self.legend.show_classes([c for c in classes if c.id in known])
        self._show()

    def _bands_changed(self) -> None:
        cube = self._session.cube
        self._order = None if cube is None else plot_order(cube.wavelengths, cube.good_bands)
        known = cube is not None and cube.wavelengths is not None
        self.plot.setLabel("bottom", "Wavelength (nm)" if known else "Band")
        shown = cube is not None
        self.plot.getPlotItem().showAxes((shown, False, False, shown))
        if shown:
            self._settle.start()
        self._show()

    def _positions(self) -> NDArray[np.float64]:
        """Wavelength in nm of every band, or its number from 1."""
        cube = self._session.need_cube()
        if cube.wavelengths is not None:
            return cube.wavelengths
        return np.arange(1.0, cube.bands + 1)

    def _show(self, *_: object) -> None:
        self.plot.clear()
        order, session = self._order, self._session
        if session.cube is not None and order is not None:
            x = self._positions()[order.bands]
            hidden = self.legend.hidden()
            for id, statistics in session.class_spectra.items():
                if id in session.classes and id not in hidden:
                    land_class = session.classes[id]
                    mean = statistics.mean[order.bands]
                    if self.deviation.isChecked():
                        spread = statistics.deviation[order.bands]
                        self._draw_band(x, mean - spread, mean + spread, land_class.color)
                    self._draw(x, mean, self._color_of(land_class))
            self._draw_cell(x, order)
            if session.picked is not None and session.picked_spectrum is not None:
                row, column = session.picked
                text = self.palette().color(QPalette.ColorRole.WindowText)
                self._draw(x, session.picked_spectrum[order.bands], text)
                self.read_out.setText(f"Pixel {row}, {column} (row, column)")
        if session.picked is None:
            self.read_out.setText("Click a pixel to see its spectrum.")
        follow_palette(self.plot, self)

    def _color_of(self, land_class: LandClass) -> QColor:
        """Let classes fade that the audited cell is not about."""
        color, cell = QColor(land_class.color), self._session.audit.cell
        if cell is not None and land_class.id not in (cell.reference, cell.predicted):
            color.setAlpha(FADED_OPACITY)
        return color

    def _draw_cell(self, x: NDArray[np.float64], order: PlotOrder) -> None:
        """Draw the mean and deviation of the audited pixels, and say how many were read."""
        audit = self._session.audit
        self.plot.setTitle(None)
        if audit.cell is None or audit.confusion is None or audit.spectrum is None:
            return
        statistics, color = audit.spectrum, QColor(AUDITED_COLOR)
        mean, spread = statistics.mean[order.bands], statistics.deviation[order.bands]
        self._draw_band(x, mean - spread, mean + spread, AUDITED_COLOR)
        self._draw(x, mean, color, width=CELL_WIDTH, style=Qt.PenStyle.DashLine)
        text = self.palette().color(QPalette.ColorRole.WindowText)
        said = cell_text(audit.confusion, audit.cell)
        self.plot.setTitle(
            f"dashed: {said}, mean ± 1 sd of {statistics.n:,} read", color=text, size="9pt"
        )

    def _draw(
        self,
        x: ArrayLike,
        y: ArrayLike,
        color: QColor,
        width: int = 2,
        style: Qt.PenStyle = Qt.PenStyle.SolidLine,
    ) -> None:
        if self._order is not None:
            connected = self._order.connected.astype(np.int32)
            self.plot.plot(x, y, pen=pg.mkPen(color, width=width, style=style), connect=connected)

    def _draw_band(
        self,
        x: NDArray[np.float64],
        low: NDArray[np.float64],
        high: NDArray[np.float64],
        color: str,
    ) -> None:
        """Fill between two lines, stretch by stretch of bands that are on."""
        if self._order is None:
            return
        brush = QColor(color)
        brush.setAlpha(BAND_OPACITY)
        for part in np.split(np.arange(x.size), np.flatnonzero(~self._order.connected) + 1):
            if part.size > 1 and np.isfinite(low[part]).all():
                lines = (pg.PlotCurveItem(x[part], y[part], pen=None) for y in (low, high))
                self.plot.addItem(pg.FillBetweenItem(*lines, brush=brush))

    # --- the pointer and the theme ---------------------------------------------------------

    def _hover(self, position: object) -> None:
        session, order = self._session, self._order
        if order is None or session.picked is None or session.picked_spectrum is None:
            return
        x = self._positions()[order.bands]
        at = self.plot.getPlotItem().vb.mapSceneToView(position).x()
        nearest = int(np.argmin(np.abs(x - at)))
        band = int(order.bands[nearest])
        known = session.need_cube().wavelengths is not None
        where = f"{x[nearest]:.1f} nm (band {band + 1})" if known else f"band {band + 1}"
        row, column = session.picked
        value = session.picked_spectrum[band]
        self.read_out.setText(f"Pixel {row}, {column}: {value:.4g} at {where}")

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme."""
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.StyleChange):
            self._show()
        super().changeEvent(event)
