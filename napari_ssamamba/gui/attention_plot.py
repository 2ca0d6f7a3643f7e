"""The picked pixel's attention: all weights between the tokens of its patch, and which to show."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyqtgraph as pg
from qtpy.QtCore import QEvent
from qtpy.QtGui import QPalette
from qtpy.QtWidgets import QComboBox, QFormLayout, QHBoxLayout, QLabel, QWidget

from napari_ssamamba.audit.attention_maps import WEIGHT_TICKS, on_weight_scale
from napari_ssamamba.gui.connections import connect
from napari_ssamamba.gui.plot_colors import follow_palette
from napari_ssamamba.gui.side_column import SideColumn
from napari_ssamamba.session.attention import AttentionChoice

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari_ssamamba.audit.attention_maps import PixelAttention
    from napari_ssamamba.session import Session

COLOR_MAP = "viridis"
MARGINS = 1, 8, 1, 6
"""Pixels left, above, right and below the axes: pyqtgraph cuts letters there without."""

SCALE_WIDTH = 70
"""Pixels for the numbers beside the colours: pyqtgraph leaves out those that do not fit."""

TICK_ROOM = [(0, 0.95)]
"""Of pyqtgraph: names may fill so much of an axis; of more, the less important are left out."""

MOST_TICKS = 7
"""Rows of the patch that are named at an axis."""


class AttentionPlot(QWidget):
    """The matrix of weights, tokens × tokens, on the fixed scale of `on_weight_scale`.

    Parameters
    ----------
    session : Session
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.block = QComboBox()
        self.block.setToolTip("Weights of one block of the network, or the mean of all")
        self.head = QComboBox()
        self.head.setToolTip("Weights of one head of the attention, or the mean of all")
        self.direction = QComboBox()
        self.direction.addItem("Given by the pixel", False)
        self.direction.addItem("Received by the pixel", True)
        self.direction.setToolTip(
            "In the picture: how the picked pixel weighs the pixels around it, or how they weigh it"
        )
        self.text = QLabel()
        self.text.setWordWrap(True)
        self.read_out = QLabel()
        self.read_out.setWordWrap(True)
        self.read_out.setToolTip("The weight at the pointer; positions count from the picked pixel")
        choices = QFormLayout()
        choices.addRow("&Block", self.block)
        choices.addRow("&Head", self.head)
        choices.addRow("&Weights", self.direction)
        self.plot = pg.PlotWidget()
        self.plot.setToolTip(
            "Each row sums to 1. Spatial tokens ask (rows), spectral tokens answer (columns); both "
            "run row by row through the patch. Wheel and drag to zoom and pan"
        )
        self.plot.setLabel("left", "Asking row")
        self.plot.setLabel("bottom", "Answering row of the patch")
        self.image = pg.ImageItem(axisOrder="row-major")
        self.plot.addItem(self.image)
        item = self.plot.getPlotItem()
        item.invertY(True)
        item.layout.setContentsMargins(*MARGINS)
        self.bar = pg.ColorBarItem(
            values=(0.0, 1.0), colorMap=COLOR_MAP, interactive=False, colorMapMenu=False, width=12
        )
        self.bar.axis.setWidth(SCALE_WIDTH)
        self.bar.axis.setTicks(weight_ticks())
        self.bar.setImageItem(self.image, insert_in=item)
        for axis in (self.bar.axis, item.getAxis("left"), item.getAxis("bottom")):
            axis.setStyle(textFillLimits=TICK_ROOM)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(SideColumn(choices, self.text, self.read_out))
        layout.addWidget(self.plot, 1)
        beside = self.plot.sizePolicy()
        beside.setRetainSizeWhenHidden(True)  # or the column moves to the middle
        self.plot.setSizePolicy(beside)
        for box in (self.block, self.head, self.direction):
            box.currentIndexChanged.connect(self._choose)
        self.plot.scene().sigMouseMoved.connect(self._hover)
        attention, events = session.attention.events, session.events
        connect(self._show, attention.pixel, attention.choice)
        connect(self._model_changed, events.cube, events.bands, events.checkpoint, events.map)
        connect(self._show, events.picked)
        self._model_changed()

    # --- choices ---------------------------------------------------------------------------

    def _model_changed(self) -> None:
        explains = self._session.attention.explains()
        known = explains is not None
        choice = self._session.attention.choice
        for box, what, chosen, size in (
            (self.block, "blocks", choice.block, explains.model.depth if explains else 0),
            (self.head, "heads", choice.head, explains.model.heads if explains else 0),
        ):
            box.blockSignals(True)
            box.clear()
            box.addItem(f"Mean of {size} {what}" if known else "", None)
            for i in range(size if known else 0):
                box.addItem(str(i + 1), i)
            box.setCurrentIndex(0 if chosen is None else chosen + 1)
            box.setEnabled(known)
            box.blockSignals(False)
        self.direction.setEnabled(known)
        self._show()

    def _choose(self, *_: object) -> None:
        self._session.attention.choose(
            AttentionChoice(
                self.block.currentData(), self.head.currentData(), self.direction.currentData()
            )
        )

    # --- drawing ---------------------------------------------------------------------------

    def _show(self) -> None:
        attention = self._session.attention
        pixel, matrix, heat = attention.pixel, attention.matrix(), attention.heat_map()
        self.plot.setVisible(pixel is not None)
        self.read_out.setText("")
        if pixel is None or matrix is None or heat is None:
            self.text.setText(self._missing_text())
            return
        self.image.setImage(on_weight_scale(matrix), autoLevels=False)
        ticks = row_ticks(pixel.patch_size)
        for side in ("left", "bottom"):
            self.plot.getAxis(side).setTicks(ticks)
        tokens = len(matrix)
        self.plot.setRange(xRange=(0, tokens), yRange=(0, tokens), padding=0.0)
        self.text.setText(" ".join(self._facts(pixel)))
        self._color()

    def _facts(self, pixel: PixelAttention) -> Iterable[str]:
        """Say in sentences what is shown."""
        attention = self._session.attention
        heat, received = attention.heat_map(), attention.choice.received
        if heat is None:
            return
        what = "weights that it receives" if received else "its weights"
        yield f"Pixel {pixel.row}, {pixel.column}: {what} sum to {heat.total:.3f},"
        yield f"largest {float(heat.grid.max()):.3g}; all alike would be {1 / heat.grid.size:.3g}."
        if heat.grid.size > heat.inside.size:
            yield f"{heat.beyond_border:.3f} lies beyond the scene's border."
        yield "No gate in this model." if pixel.gate is None else f"Gate {pixel.gate:.2f}."

    def _missing_text(self) -> str:
        session = self._session
        if (missing := session.attention.missing()) is not None:
            return missing
        if session.picked is None:
            return "Click a pixel to see what it attends to."
        row, column = session.picked
        return f"No attention of pixel {row}, {column} yet; a pixel that was not measured has none."

    def _hover(self, position: object) -> None:
        matrix, pixel = self._session.attention.matrix(), self._session.attention.pixel
        at = self.plot.getPlotItem().vb.mapSceneToView(position)
        asking, answering = int(np.floor(at.y())), int(np.floor(at.x()))
        if matrix is None or pixel is None or not 0 <= min(asking, answering):
            return
        if max(asking, answering) < len(matrix):
            asks, answers = (_place(token, pixel.patch_size) for token in (asking, answering))
            self.read_out.setText(f"{asks} asks {answers}: {matrix[asking, answering]:.4f}")

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme."""
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.StyleChange):
            self._color()
        super().changeEvent(event)

    def _color(self) -> None:
        follow_palette(self.plot, self)
        text = pg.mkPen(self.palette().color(QPalette.ColorRole.WindowText))
        self.bar.axis.setPen(text)
        self.bar.axis.setTextPen(text)


def weight_ticks() -> list[list[tuple[float, str]]]:
    """Return the weights that are named on the fixed scale, as pyqtgraph wants them.

    In groups: its ends, and in between every other; where it is short, the last are left out.
    """
    at = on_weight_scale(WEIGHT_TICKS).tolist()
    named = [(place, f"{weight:g}") for place, weight in zip(at, WEIGHT_TICKS, strict=True)]
    between = named[1:-1]
    return [[named[0], named[-1]], between[1::2], between[::2]]


def row_ticks(side: int) -> list[list[tuple[float, str]]]:
    """Name rows of the patch at the middle of their run of tokens, counted from the centre.

    In groups: the ends and the middle, then those between, which are left out on a short axis.
    """
    step = -(-side // MOST_TICKS)
    half = side // 2
    rows = [row for row in range(side) if (row - half) % step == 0]
    main = {rows[0], half, rows[-1]}
    named = {row: ((row + 0.5) * side, f"{row - half:+d}" if row != half else "0") for row in rows}
    return [[named[r] for r in rows if r in main], [named[r] for r in rows if r not in main]]


def _place(token: int, side: int) -> str:
    """Say where a token lies, in rows and columns from the centre."""
    row, column = divmod(token, side)
    return f"({row - side // 2:+d}, {column - side // 2:+d})"
