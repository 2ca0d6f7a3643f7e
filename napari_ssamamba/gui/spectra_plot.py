"""Spectra: classes, the audited pixels, the picked one, and what was added to compare with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyqtgraph as pg
from qtpy.QtCore import QEvent, QSignalBlocker, Qt, QTimer
from qtpy.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QScrollArea,
    QSplitter,
    QVBoxLayout,
    QWidget,
)
from superqt import QElidingLabel

from napari_ssamamba.audit.spectra import band_positions
from napari_ssamamba.gui.attribution_plot import SIDE_WIDTH, AttributionPlot
from napari_ssamamba.gui.attribution_text import selection_text
from napari_ssamamba.gui.connections import connect
from napari_ssamamba.gui.curve_list import CurveList
from napari_ssamamba.gui.dialogs import Dialogs
from napari_ssamamba.gui.line_drawing import color_of, draw_line
from napari_ssamamba.gui.plot_colors import follow_palette
from napari_ssamamba.gui.spectra_controls import SpectraControls
from napari_ssamamba.gui.spectra_lines import Line, lines_of, nearest

if TYPE_CHECKING:
    from qtpy.QtGui import QShowEvent

    from napari_ssamamba.audit.continuum import SpectralView
    from napari_ssamamba.gui.workflow import Workflow
    from napari_ssamamba.session import Session

PLOT_HEIGHT = 80
"""Pixels, below which the axes leave no room for a curve."""

MARGINS = 1, 7, 1, 5
"""Pixels around the plot: pyqtgraph puts half of the highest number above it, and the lower label
a little below it."""

SHORTEST = 60
"""Pixels of the plots in a low window, in which they scroll."""

AXIS_WIDTH = 62
"""Pixels of the left axes, so that spectra and bars are one above the other."""

SETTLE_MS = 400
"""Class means are asked for this long after the last change of the labels."""

BAND_OPACITY = 50
"""Of the ± 1 standard deviation, of 255."""

REACH = 40.0
"""Screen pixels within which the pointer reads a curve."""

AXIS_NAMES: dict[SpectralView, str] = {
    "values": "Value",
    "continuum removed": "Of hull",
    "derivative": "Slope (1/nm)",
}

READ_OUT_ROOM = 150
"""Pixels that what is at the pointer needs, at least."""

EMPTY = "Click a pixel to see its spectrum."


class SpectraPlot(QWidget):
    """Value over wavelength; bands that are off leave gaps.

    Parameters
    ----------
    session : Session
    workflow : Workflow
    dialogs : Dialogs, optional
        Asks the user; replace it to answer without a window.
    """

    def __init__(
        self, session: Session, workflow: Workflow, dialogs: Dialogs | None = None
    ) -> None:
        super().__init__()
        self._session = session
        self._workflow = workflow
        self._lines: list[Line] = []
        self._stale = False
        self._empty = True
        self.selection = QElidingLabel()
        self.selection.setMinimumWidth(SIDE_WIDTH)
        self.plot = pg.PlotWidget()
        self.plot.setToolTip("Spectra; wheel and drag to zoom and pan, right-click for more")
        self.plot.setMinimumHeight(PLOT_HEIGHT)
        self.plot.getPlotItem().layout.setContentsMargins(*MARGINS)
        self.legend = CurveList()
        asked = dialogs or Dialogs()
        self.controls = SpectraControls(session, workflow, asked, self.legend)
        self.decided = AttributionPlot(session, workflow)
        self.decided.plot.setXLink(self.plot)
        self.decided.hide()
        for plot in (self.plot, self.decided.plot):
            plot.getAxis("left").enableAutoSIPrefix(False)
            plot.getAxis("left").setWidth(AXIS_WIDTH)
        self.masked = pg.LinearRegionItem(swapMode="sort")
        self.masked.setZValue(-10)
        self.masked.sigRegionChanged.connect(self._range_dragged)
        self.masked.sigRegionChangeFinished.connect(self._range_chosen)
        self._arrange()
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(SETTLE_MS)
        self._settle.timeout.connect(workflow.audit.compute_class_spectra)
        self._connect()
        self._bands_changed()

    def _arrange(self) -> None:
        above = QWidget()
        plots = QHBoxLayout(above)
        plots.setContentsMargins(0, 0, 0, 0)
        plots.addWidget(self.plot, 1)
        plots.addWidget(self.legend)
        self.splitter = QSplitter(Qt.Orientation.Vertical)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.addWidget(above)
        self.splitter.addWidget(self.decided)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 2, 4, 2)
        layout.setSpacing(2)
        layout.addWidget(self.selection)
        layout.addWidget(self._scroll(self.splitter), 1)
        layout.addWidget(self.controls)

    def _scroll(self, plots: QWidget) -> QScrollArea:
        """Let the plots scroll where they are too high, so that they make no window higher."""
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setMinimumHeight(SHORTEST)
        scroll.setWidget(plots)
        return scroll

    def _connect(self) -> None:
        session, events = self._session, self._session.events
        curves, audit = session.curves, session.audit.events
        self.legend.shown.connect(self._show)
        self.legend.renamed.connect(curves.rename)
        self.legend.removed.connect(curves.remove)
        self.controls.deviation.toggled.connect(self._show)
        self.controls.decided.toggled.connect(self._show_decided)
        self.decided.range_moved.connect(self._range_moved)
        self.plot.scene().sigMouseMoved.connect(self._hover)
        connect(self._picked, events.picked)
        connect(self._list_changed, events.class_spectra, events.classes, events.map)
        connect(self._list_changed, curves.events.curves)
        connect(self._bands_changed, events.cube, events.bands, curves.events.view)
        connect(self._labels_changed, events.labels)
        connect(self._cell_changed, audit.cell)
        connect(self._show, audit.spectrum, curves.events.singles)
        connect(self._show_selection, curves.events.pair)
        connect(self._place_range, session.attribution.events.found)

    # --- what changes ----------------------------------------------------------------------

    def _labels_changed(self) -> None:
        self._settle.start()

    def _cell_changed(self) -> None:
        self._workflow.audit.average_cell()
        self._show()
        self._show_selection()

    def _picked(self) -> None:
        self._show()
        self.controls.read_out.setText(self._picked_text())

    def _list_changed(self) -> None:
        session, shown = self._session, self._session.map
        classes = [c for c in session.classes if c.id in session.class_spectra]
        ids = {c.id for c in classes}
        mapped = () if shown is None else [c for c in shown.classes if c.id not in ids]
        outdated = shown is not None and shown.outdated
        self.legend.show_curves(classes, session.curves.curves, mapped=mapped, outdated=outdated)
        self._show()

    def _bands_changed(self) -> None:
        cube, view = self._session.cube, self._session.curves.view
        known = cube is not None and cube.wavelengths is not None
        name = AXIS_NAMES[view] if known or view != "derivative" else "Slope (1/band)"
        self.plot.setLabel("left", name)
        self.plot.setLabel("bottom", "Wavelength (nm)" if known else "Band")
        shown = cube is not None or bool(self._session.curves.curves)
        self.plot.getPlotItem().showAxes((shown, False, False, shown))  # a label shows its axis
        self.plot.getAxis("bottom").showLabel(not self.controls.decided.isChecked())
        self.plot.enableAutoRange()
        if cube is not None:
            self._settle.start()
        self.controls.read_out.setText(self._picked_text())
        self._show()

    def _show_decided(self, wanted: bool) -> None:
        self.decided.setVisible(wanted)
        self.plot.getAxis("bottom").setStyle(showValues=not wanted)
        self.plot.getAxis("bottom").showLabel(not wanted)
        self._workflow.attribution.follow(wanted)
        self._align()
        self._place_range()

    def _align(self) -> None:
        """Let the list be as wide as what is beside the bars, while they are shown."""
        if self.decided.isVisibleTo(self) and self.legend.count():
            self.legend.setFixedWidth(SIDE_WIDTH)

    # --- drawing ---------------------------------------------------------------------------

    def _show(self, *_: object) -> None:
        """Draw all lines; behind another tab they wait until they are looked at."""
        self._stale = not self.isVisible()
        if self._stale:
            return
        hidden, curves = self.legend.hidden(), self.legend.hidden_curves()
        wanted = self.controls.deviation.isChecked()
        self._lines = list(lines_of(self._session, hidden, curves, deviations=wanted))
        self.plot.clear()
        for line in self._lines:
            if line.spread is not None:
                self._draw_spread(line)
        for line in self._lines:
            draw_line(self.plot, line, self)
        self._fit()
        self._align()
        self._place_range()
        self._show_selection()
        follow_palette(self.plot, self)

    def _fit(self) -> None:
        """Let the axis span the scene's bands while there is no line, then all lines."""
        if self._lines and self._empty:
            self.plot.enableAutoRange()
        elif not self._lines and self._session.cube is not None:
            positions = band_positions(self._session.cube)
            self.plot.setXRange(float(positions.min()), float(positions.max()))
        self._empty = not self._lines

    def _draw_spread(self, line: Line) -> None:
        """Fill between mean ± deviation, stretch by stretch of bands that are on."""
        if line.spread is None:
            return
        brush = color_of(line, self)
        brush.setAlpha(BAND_OPACITY)
        known = np.isfinite(line.y) & np.isfinite(line.spread)
        ends = ~line.connected[:-1] | ~known[:-1] | ~known[1:]
        for part in np.split(np.arange(line.x.size), np.flatnonzero(ends) + 1):
            if part.size > 1:
                edges = (line.y[part] + sign * line.spread[part] for sign in (-1, 1))
                low, high = (pg.PlotCurveItem(line.x[part], y, pen=None) for y in edges)
                self.plot.addItem(pg.FillBetweenItem(low, high, brush=brush))

    def _show_selection(self) -> None:
        text, explained = selection_text(self._session)
        self.selection.setText(text)
        self.selection.setToolTip(f"{text}. {explained}" if text else "")
        self.selection.setVisible(bool(text))

    # --- the range that is masked ----------------------------------------------------------

    def _place_range(self) -> None:
        """Draw the range over the spectra too, while there is an attribution to look at."""
        wanted = self.decided.isVisibleTo(self) and self._session.attribution.found is not None
        there = self.masked in self.plot.getPlotItem().items
        if wanted and not there:
            self.plot.addItem(self.masked, ignoreBounds=True)
        elif there and not wanted:
            self.plot.removeItem(self.masked)

    def _range_moved(self, low: float, high: float) -> None:
        with QSignalBlocker(self.masked):
            self.masked.setRegion((low, high))

    def _range_dragged(self) -> None:
        self.decided.show_range(*self.masked.getRegion())

    def _range_chosen(self) -> None:
        self._workflow.attribution.mask(*self.masked.getRegion())

    # --- the pointer and the theme ---------------------------------------------------------

    def _picked_text(self) -> str:
        picked = self._session.picked
        if self._session.cube is None:
            return "No scene is open. Open one in the section Scene."
        return EMPTY if picked is None else f"Pixel {picked[0]}, {picked[1]} (row, column)"

    def _hover(self, position: object) -> None:
        box = self.plot.getPlotItem().vb
        at = box.mapSceneToView(position)
        found = nearest(self._lines, at.x(), at.y(), box.viewPixelSize(), REACH)
        if found is not None:
            line, index = found
            self._show_read_out(self._read(line, index))
        elif self._lines:
            self.controls.read_out.setText(self._picked_text())
            self._show_selection()

    def _show_read_out(self, text: str) -> None:
        """Say what is at the pointer, in the line above the plot where there is no room below."""
        read_out = self.controls.read_out
        read_out.setText(text)
        read_out.setToolTip(text)
        if read_out.width() < READ_OUT_ROOM and self.selection.isVisible():
            self.selection.setText(text)

    def _read(self, line: Line, index: int) -> str:
        """Say what a curve's value is, and where."""
        cube = self._session.cube
        x, value = float(line.x[index]), float(line.y[index])
        if cube is None or cube.wavelengths is None:
            return f"{line.name}: {value:.4g} at band {x:.0f}"
        same = np.flatnonzero(cube.wavelengths == x)
        band = f" (band {int(same[0]) + 1})" if same.size else ""
        return f"{line.name}: {value:.4g} at {x:.1f} nm{band}"

    def showEvent(self, event: QShowEvent) -> None:
        """Draw what came while the plot was not seen."""
        super().showEvent(event)
        if self._stale:
            self._show()

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme."""
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.StyleChange):
            self._show()
        super().changeEvent(event)
