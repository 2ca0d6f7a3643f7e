"""The spectrum of the error that is looked at, small, beside what both classes look like."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import pyqtgraph as pg
from qtpy.QtCore import QEvent, Qt
from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from napari_ssamamba.gui.connections import connect
from napari_ssamamba.gui.line_drawing import draw_line
from napari_ssamamba.gui.plot_colors import follow_palette
from napari_ssamamba.gui.spectra_lines import lines_of_error

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from napari_ssamamba.audit.confusion import Cell
    from napari_ssamamba.gui.spectra_lines import Line
    from napari_ssamamba.session import Session

HEIGHT = 64
"""Pixels."""

MARGINS = 1, 1, 1, 1


class ErrorSpectrum(QWidget):
    """The pixel's spectrum over the training means of the reference and of the map's class.

    It stays while another pixel is visited, and follows the view of the tab Spectra.

    Parameters
    ----------
    session : Session
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._pixel: tuple[int, int] | None = None
        self._spectrum: NDArray[np.float32] | None = None
        self.plot = pg.PlotWidget()
        self.plot.setFixedHeight(HEIGHT)
        self.plot.setAccessibleName("Spectrum of the pixel")
        # The wheel scrolls the section, and the tooltip is that of the whole.
        self.plot.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        item = self.plot.getPlotItem()
        item.layout.setContentsMargins(*MARGINS)
        item.hideAxis("left")
        item.hideAxis("bottom")
        item.hideButtons()
        self.text = QLabel()
        self.text.setWordWrap(True)
        self.text.setTextFormat(Qt.TextFormat.RichText)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self.plot)
        layout.addWidget(self.text)
        audit, events = session.audit.events, session.events
        connect(self._take, audit.position)
        connect(self._show, events.class_spectra, events.classes, events.bands)
        connect(self._show, session.curves.events.view)
        self._take()

    def _take(self) -> None:
        """Keep the spectrum of the pixel that is stepped to, which is the one picked."""
        session = self._session
        if session.audit.looked_at == session.picked:
            self._pixel, self._spectrum = session.picked, session.picked_spectrum
        self._show()

    def _show(self) -> None:
        audit = self._session.audit
        pixel, cell = audit.looked_at, audit.cell
        there = pixel is not None and cell is not None and pixel == self._pixel
        self.setVisible(there and self._spectrum is not None)
        if pixel is None or cell is None or self._spectrum is None or not there:
            return
        name = f"Pixel {pixel[0]}, {pixel[1]}"
        lines = list(lines_of_error(self._session, cell, name, self._spectrum))
        self.plot.clear()
        for line in lines:
            draw_line(self.plot, line, self)
        self.text.setText(self._caption(cell, lines))
        self.setToolTip(self._explanation(cell))
        self.plot.setAccessibleDescription(self.toolTip())
        follow_palette(self.plot, self)

    def _caption(self, cell: Cell, lines: list[Line]) -> str:
        """Name the range, and the means in their colours."""
        cube, view = self._session.cube, self._session.curves.view
        said: list[str] = [] if view == "values" else [view]
        if cube is not None and lines[-1].x.size:
            first, last = lines[-1].x[[0, -1]]
            nm = cube.wavelengths is not None
            said.insert(
                0, f"{first:,.0f}–{last:,.0f} nm" if nm else f"bands {first:.0f}–{last:.0f}"
            )
        means = {line.style: line for line in lines[:-1]}
        for style, name in zip(("solid", "dashed"), self._names(cell), strict=True):
            if style in means:
                mark = f'<span style="color: {means[style].color}">■</span>'
                said.append(f"{mark}&nbsp;{escape(name)}")
            else:
                said.append(f"no mean of {escape(name)}")
        return " · ".join(said)

    def _explanation(self, cell: Cell) -> str:
        true, mapped = self._names(cell)
        return (
            f"The pixel, in the colour of the text, and the means of the training labels: solid of "
            f"{true}, the reference; dashed of {mapped}, the map's class. A class without training "
            f"labels has none. Bands that are off are left out"
        )

    def _names(self, cell: Cell) -> tuple[str, str]:
        """Name the reference and the map's class."""
        confusion = self._session.audit.confusion
        if confusion is None:
            return "", ""
        return confusion.classes[cell.reference].name, confusion.classes[cell.predicted].name

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme."""
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.StyleChange):
            self._show()
        super().changeEvent(event)
