"""Draws the lines of spectra in a plot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyqtgraph as pg
from qtpy.QtCore import Qt
from qtpy.QtGui import QColor, QPalette

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget

    from napari_ssamamba.gui.spectra_lines import Line

STYLES = {
    "solid": Qt.PenStyle.SolidLine,
    "dashed": Qt.PenStyle.DashLine,
    "dotted": Qt.PenStyle.DotLine,
}


def draw_line(plot: pg.PlotWidget, line: Line, widget: QWidget) -> None:
    """Draw a line, with gaps where it has no value or does not go on.

    Parameters
    ----------
    plot : PlotWidget
    line : Line
    widget : QWidget
        Around the plot, see `color_of`.
    """
    plot.plot(
        line.x,
        line.y,
        pen=pg.mkPen(color_of(line, widget), width=line.width, style=STYLES[line.style]),
        connect=(line.connected & np.isfinite(line.y)).astype(np.int32),
    )


def color_of(line: Line, widget: QWidget) -> QColor:
    """Return a line's colour; where it has none, that of the widget's text."""
    color = QColor(line.color or widget.palette().color(QPalette.ColorRole.WindowText))
    color.setAlpha(line.opacity)
    return color
