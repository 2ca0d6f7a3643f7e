"""What the error that is looked at attends to, small: the weights that lie on the scene too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyqtgraph as pg
from qtpy.QtCore import Qt
from qtpy.QtGui import QImage, QPixmap
from qtpy.QtWidgets import QHBoxLayout, QLabel, QWidget

from napari_ssamamba.audit.attention_maps import on_weight_scale
from napari_ssamamba.gui.connections import connect
from napari_ssamamba.gui.plot_colors import HEAT_COLOR_MAP

if TYPE_CHECKING:
    from napari_ssamamba.audit.attention_maps import HeatMap
    from napari_ssamamba.session import Session

WIDEST = 64
"""Pixels that the picture is wide and high, at most."""


class ErrorAttention(QWidget):
    """One square a pixel of the patch, on the scale of the layer; weights as chosen in the tab.

    Parameters
    ----------
    session : Session
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.picture = QLabel()
        self.picture.setFixedSize(WIDEST, WIDEST)
        self.picture.setAccessibleName("Attention of the pixel")
        self.text = QLabel()
        self.text.setWordWrap(True)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.picture, 0, Qt.AlignmentFlag.AlignTop)
        layout.addWidget(self.text, 1)
        self.setToolTip(
            "How the model weighs the pixels around this one, which is in the middle; blocks, "
            "heads and direction are chosen in the tab Attention"
        )
        attention, audit, events = session.attention.events, session.audit.events, session.events
        connect(self._show, attention.pixel, attention.choice, audit.position)
        connect(self._show, events.picked, events.checkpoint, events.bands)
        self._show()

    def _show(self) -> None:
        attention, looked_at = self._session.attention, self._session.audit.looked_at
        pixel, heat = attention.pixel, attention.heat_map()
        missing = self._missing_text()
        self.picture.setVisible(not missing)
        if missing:
            self.text.setText(missing)
        elif pixel is None or heat is None or (pixel.row, pixel.column) != looked_at:
            self.picture.clear()
            self.text.setText("Reading the attention…")
        else:
            self.picture.setPixmap(_pixmap(heat))
            self.text.setText(self._scale_text())

    def _missing_text(self) -> str:
        session = self._session
        if missing := session.attention.missing():
            return f"No attention. {missing}"
        if session.picked != session.audit.looked_at:
            return "Another pixel was clicked. Click this one to see its attention."
        return ""

    def _scale_text(self) -> str:
        """Say what the colours mean, and which weights they are."""
        choice = self._session.attention.choice
        block = "all blocks" if choice.block is None else f"block {choice.block + 1}"
        head = "all heads" if choice.head is None else f"head {choice.head + 1}"
        way = "received" if choice.received else "given"
        return f"Attention {way}, 0 (dark) to 1 by the cube root: {block}, {head}"


def _pixmap(heat: HeatMap) -> QPixmap:
    """Draw the weights, one square each, on their scale."""
    side = len(heat.grid)
    square = max(1, WIDEST // side)
    shares = np.kron(on_weight_scale(heat.grid), np.ones((square, square)))
    colors = np.ascontiguousarray(pg.colormap.get(HEAT_COLOR_MAP).map(shares, mode="byte"))
    width = side * square
    # A pixmap is a copy, so the array may go.
    return QPixmap.fromImage(
        QImage(colors.data, width, width, 4 * width, QImage.Format.Format_RGBA8888)
    )
