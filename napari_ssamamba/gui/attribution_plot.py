"""Bars below the spectra: how much each band adds to the probability of the mapped class."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyqtgraph as pg
from qtpy.QtCore import QEvent, QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)
from superqt import QElidingLabel

from napari_ssamamba.audit.spectra import band_positions
from napari_ssamamba.gui.attribution_jobs import ATTRIBUTION, MASKING
from napari_ssamamba.gui.attribution_text import explained_text, masking_text
from napari_ssamamba.gui.connections import connect
from napari_ssamamba.gui.plot_colors import follow_palette

if TYPE_CHECKING:
    from napari_ssamamba.gui.workflow import Workflow
    from napari_ssamamba.session import Session

FOR, AGAINST = "#56b4e9", "#d55e00"
"""Bars of bands that speak for the class and against it; the colour-blind tell them apart."""

HEIGHT = 60
"""Pixels that the bars have at least."""

SIDE_WIDTH = 210
"""Pixels of the controls beside the bars."""

PADDING = 0.12
"""Of the scale's range above and below it, for half a line of its numbers."""

BAR_SHARE = 0.8
"""Of the distance to the nearer neighbour."""


class AttributionPlot(QWidget):
    """Bars on a symmetric scale, a range to mask, and what masking it does.

    Parameters
    ----------
    session : Session
    workflow : Workflow
    """

    range_moved = Signal(float, float)
    """The range that is to be masked, in the plot's units."""

    def __init__(self, session: Session, workflow: Workflow) -> None:
        super().__init__()
        self._session = session
        self._workflow = workflow
        self.explained = QElidingLabel()
        self.masked = QElidingLabel()
        for label in (self.explained, self.masked):
            label.setMinimumWidth(SIDE_WIDTH)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.plot = pg.PlotWidget()
        self.plot.setToolTip(
            "What each band adds to the probability (blue) or takes from it (orange), its part in "
            "the surroundings included: integrated gradients from the scene's mean spectrum. Drag "
            "the range to see what masking it does"
        )
        self.plot.setMinimumHeight(HEIGHT)
        self.plot.getAxis("left").enableAutoSIPrefix(False)
        self.plot.setLabel("left", "Adds")
        self.bars = pg.BarGraphItem(x=[], height=[], width=1)
        self.plot.addItem(self.bars)
        self.range = pg.LinearRegionItem(swapMode="sort")
        self.range.sigRegionChanged.connect(self._range_dragged)
        self.range.sigRegionChangeFinished.connect(self._range_chosen)
        self.plot.addItem(self.range)
        self.missing = QLabel()
        self.missing.setWordWrap(True)
        self.missing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        row = QHBoxLayout()
        row.addWidget(self.plot, 1)
        row.addWidget(self._make_side())
        self.content = QWidget()
        inner = QVBoxLayout(self.content)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(1)
        inner.addWidget(self.explained)
        inner.addWidget(self.masked)
        inner.addLayout(row, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.content, 1)
        layout.addWidget(self.missing, 1)
        workflow.job_started.connect(self._job_changed)
        workflow.job_ended.connect(self._job_changed)
        attribution, events = session.attribution.events, session.events
        connect(self._show, attribution.found, attribution.subject, events.picked)
        connect(self._show, events.checkpoint, events.cube, session.audit.events.cell)
        connect(self._show_masking, attribution.masking)
        self._show()

    def _make_side(self) -> QWidget:
        """Make the choices: of what, and which range."""
        self.subject = QComboBox()
        self.subject.addItem("Picked pixel", False)
        self.subject.addItem("Selection", True)
        self.subject.setAccessibleName("What is explained")
        self.subject.setToolTip(
            "Explain the pixel that was clicked last, or the audited confusion's pixels (up to 20, "
            "always the same ones; the bars are their mean)"
        )
        self.subject.currentIndexChanged.connect(self._choose)
        self.low, self.high = QDoubleSpinBox(), QDoubleSpinBox()
        for box, what in ((self.low, "First"), (self.high, "Last")):
            box.setRange(0.0, 1e5)
            box.setDecimals(0)
            box.setButtonSymbols(QDoubleSpinBox.ButtonSymbols.NoButtons)
            box.setKeyboardTracking(False)
            box.setAccessibleName(f"{what} wavelength or band to mask")
            box.setToolTip(f"{what} wavelength in nm (or band) of the range to mask")
        self.mask = QPushButton("&Mask")
        self.mask.setToolTip(
            "Replace these bands by the scene's mean, in the pixel and around it, and ask what "
            "makes the map again"
        )
        self.mask.clicked.connect(self._mask_typed)
        side = QWidget()
        side.setFixedWidth(SIDE_WIDTH)
        grid = QGridLayout(side)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.addWidget(self.subject, 0, 0, 1, 3)
        for column, widget in enumerate((self.low, self.high, self.mask)):
            grid.addWidget(widget, 1, column)
            grid.setColumnStretch(column, 1)
        grid.setRowStretch(2, 1)
        return side

    # --- what is asked for -----------------------------------------------------------------

    def _choose(self) -> None:
        self._session.attribution.choose(of_selection=self.subject.currentData())

    def _mask_typed(self) -> None:
        self._ask(*sorted((self.low.value(), self.high.value())))

    def _range_dragged(self) -> None:
        self.range_moved.emit(*self.range.getRegion())

    def _range_chosen(self) -> None:
        self._ask(*self.range.getRegion())

    def _ask(self, low: float, high: float) -> None:
        self.show_range(low, high)
        self._workflow.attribution.mask(low, high)

    def show_range(self, low: float, high: float) -> None:
        """Show a range, without masking it."""
        with QSignalBlocker(self.range):
            self.range.setRegion((low, high))
        for box, value in ((self.low, low), (self.high, high)):
            with QSignalBlocker(box):
                box.setValue(round(value))
        self.range_moved.emit(low, high)

    # --- what is shown ---------------------------------------------------------------------

    def _job_changed(self, kind: str, *_: object) -> None:
        if kind in (ATTRIBUTION, MASKING):
            self._show()

    def _show(self) -> None:
        attribution = self._session.attribution
        with QSignalBlocker(self.subject):
            self.subject.setCurrentIndex(int(attribution.of_selection))
        found, missing = attribution.found, attribution.missing()
        self.mask.setEnabled(found is not None)
        chosen = missing is None or attribution.of_selection
        self.content.setVisible(chosen)
        self.missing.setVisible(not chosen)
        self.missing.setText(missing or "")
        self.range.setVisible(found is not None)
        cube = self._session.cube
        if found is None or cube is None:
            self.bars.setOpts(x=[], height=[], width=1)
            busy = self._workflow.job(ATTRIBUTION) is not None
            said = missing or ("Finding which bands decided…" if busy else self._none_text())
            self.explained.setText(said)
            self.masked.setText("")
            return
        text = explained_text(self._session, found)
        self.explained.setText(text)
        self.explained.setToolTip(text)
        a = found.attribution
        x = band_positions(cube)[a.bands]
        self.bars.setOpts(
            x=x,
            height=a.values,
            width=_bar_widths(x),
            brushes=[FOR if value >= 0 else AGAINST for value in a.values],
            pens=[None] * x.size,
        )
        limit = _symmetric(float(np.abs(a.values).max()))
        self.plot.setYRange(-limit, limit, padding=PADDING)
        self.plot.getAxis("left").setTicks([[(v, f"{v:g}") for v in (-limit, 0.0, limit)]])
        self._color()

    def _none_text(self) -> str:
        if self._session.attribution.of_selection:
            return "No attribution: no selected pixel was measured."
        return "No attribution: this pixel was not measured."

    def _show_masking(self) -> None:
        masking = self._session.attribution.masking
        busy = self._workflow.job(MASKING) is not None
        if masking is not None:
            self.show_range(masking.low, masking.high)
        text = "" if masking is None else masking_text(self._session, masking)
        self.masked.setText("Masking…" if busy else text)
        self.masked.setToolTip(text)

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme."""
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.StyleChange):
            self._color()
        super().changeEvent(event)

    def _color(self) -> None:
        follow_palette(self.plot, self)


def _bar_widths(x: np.ndarray) -> np.ndarray:
    """Return the width of each bar: no two overlap, also where bands are far apart."""
    if x.size < 2:
        return np.ones(x.size)
    order = np.argsort(x)
    steps = np.diff(x[order])
    nearer = np.minimum(np.append(steps, steps[-1]), np.insert(steps, 0, steps[0]))
    widths = np.empty(x.size)
    widths[order] = BAR_SHARE * np.maximum(nearer, 1e-3)
    return widths


def _symmetric(largest: float) -> float:
    """Return the next of 1, 2, 5, 10, … above the largest bar."""
    if largest <= 0:
        return 1.0
    power = 10.0 ** np.floor(np.log10(largest))
    return float(next(step * power for step in (1, 2, 5, 10) if step * power >= largest))
