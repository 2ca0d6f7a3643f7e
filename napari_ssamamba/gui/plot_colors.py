"""Plots in the colours of the theme."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyqtgraph as pg
from qtpy.QtGui import QPalette

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget

AUDITED_COLOR = "#ff00ff"
"""Of the audited pixels, on the scene and in plots: a hue that classes and vegetation lack."""

HEAT_COLOR_MAP = "magma"
"""Of a pixel's attention to those around it, on the scene and beside its crop."""

FIXED_COLOR, BROKEN_COLOR, ELSEWHERE_COLOR = "#0072b2", "#d55e00", "#f0e442"
"""Of pixels whose class a training changed: three that the colour-blind tell apart."""


def follow_palette(plot: pg.PlotWidget, widget: QWidget) -> None:
    """Take background and text colour of a plot from the palette of the widget around it."""
    palette = widget.palette()
    text = palette.color(QPalette.ColorRole.WindowText)
    plot.setBackground(palette.color(QPalette.ColorRole.Window))
    for side in ("left", "bottom"):
        axis = plot.getAxis(side)
        axis.setPen(pg.mkPen(text))
        axis.setTextPen(pg.mkPen(text))
    legend = plot.getPlotItem().legend
    if legend is not None:
        legend.setLabelTextColor(text)
        for _, label in legend.items:
            label.setText(label.text, color=text)
