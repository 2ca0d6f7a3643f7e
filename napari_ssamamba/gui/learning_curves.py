"""Loss and validation accuracy of the training, epoch by epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyqtgraph as pg
from qtpy.QtCore import QEvent, Qt
from qtpy.QtGui import QPalette
from qtpy.QtWidgets import QHBoxLayout, QLabel, QWidget

from napari_ssamamba.gui.attention_plot import MARGINS
from napari_ssamamba.gui.connections import connect
from napari_ssamamba.gui.plot_colors import follow_palette

if TYPE_CHECKING:
    from napari_ssamamba.session import Session

SYMBOL_PIXELS = 6

UNTRAINED = "No training yet. Label a few pixels of two or more classes, then press Train."
UNVALIDATED = "No labels were held out to validate. More labels, or a larger share held out, do."


class LearningCurves(QWidget):
    """Two plots side by side: the loss, and the validation accuracy.

    Parameters
    ----------
    session : Session
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.loss_plot, self.accuracy_plot = pg.PlotWidget(), pg.PlotWidget()
        layout = QHBoxLayout(self)
        for plot, label, explained in (
            (self.loss_plot, "Loss", "Loss (cross-entropy)"),
            (self.accuracy_plot, "OA (%)", "Overall accuracy of the held-out labels (validation)"),
        ):
            plot.setLabel("bottom", "Epoch")
            plot.setLabel("left", label)
            plot.setToolTip(f"{explained} after each epoch")
            plot.getPlotItem().layout.setContentsMargins(*MARGINS)
            layout.addWidget(plot, 1)
        self.missing = QLabel()
        self.missing.setWordWrap(True)
        self.missing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        layout.addWidget(self.missing, 1)
        self.loss = self.loss_plot.plot(symbol="o", symbolSize=SYMBOL_PIXELS)
        self.accuracy = self.accuracy_plot.plot(symbol="o", symbolSize=SYMBOL_PIXELS)
        connect(self._show, session.events.history)
        self._color()
        self._show()

    def _show(self) -> None:
        history = self._session.history
        self.loss.setData([e.epoch for e in history], [e.loss for e in history])
        validated = [
            (e.epoch, e.validation_accuracy) for e in history if e.validation_accuracy is not None
        ]
        self.accuracy.setData([epoch for epoch, _ in validated], [oa for _, oa in validated])
        self.loss_plot.setVisible(bool(history))
        self.accuracy_plot.setVisible(bool(validated))
        self.missing.setVisible(not validated)
        self.missing.setText(UNVALIDATED if history else UNTRAINED)

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme."""
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.StyleChange):
            self._color()
        super().changeEvent(event)

    def _color(self) -> None:
        color = self.palette().color(QPalette.ColorRole.WindowText)
        for plot, curve in ((self.loss_plot, self.loss), (self.accuracy_plot, self.accuracy)):
            follow_palette(plot, self)
            curve.setPen(pg.mkPen(color, width=2))
            curve.setSymbolPen(pg.mkPen(color))
            curve.setSymbolBrush(pg.mkBrush(color))
