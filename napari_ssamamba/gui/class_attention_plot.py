"""What a class's pixels attend to on average: those mapped right beside those mapped wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyqtgraph as pg
from qtpy.QtCore import QEvent, QSignalBlocker
from qtpy.QtGui import QPalette
from qtpy.QtWidgets import QComboBox, QFormLayout, QGridLayout, QLabel, QWidget

from napari_ssamamba.audit.attention_maps import on_weight_scale
from napari_ssamamba.gui.attention_plot import COLOR_MAP, MARGINS, TICK_ROOM, weight_ticks
from napari_ssamamba.gui.connections import connect
from napari_ssamamba.gui.job_progress import JobProgress
from napari_ssamamba.gui.plot_colors import follow_palette
from napari_ssamamba.gui.side_column import SideColumn
from napari_ssamamba.session.attention import AttentionChoice

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_ssamamba.audit.class_attention import MeanAttention
    from napari_ssamamba.gui.workflow import Workflow
    from napari_ssamamba.session import Session

BAR_AXIS_WIDTH = 45
"""Pixels for the numbers beside the colours."""

BESIDE = 67
"""Pixels that colours and numbers take from the second picture; the first leaves them free, so that
both are of one size."""


class ClassAttentionPlot(QWidget):
    """Two pictures of the centre's mean weights, one cell a pixel of the patch, on one scale.

    Parameters
    ----------
    session : Session
    workflow : Workflow
    job : str
        Kind of the job that computes the means.
    """

    def __init__(self, session: Session, workflow: Workflow, job: str) -> None:
        super().__init__()
        self._session = session
        self.of_class = QComboBox()
        self.of_class.setToolTip("The class of the truth whose pixels are averaged")
        self.block = QComboBox()
        self.block.setToolTip("Weights of one block of the network, or the mean of all")
        self.head = QComboBox()
        self.head.setToolTip("Weights of one head of the attention, or the mean of all")
        self.progress = JobProgress(workflow, job)
        self.text = QLabel()
        self.text.setWordWrap(True)
        self.read_out = QLabel()
        self.read_out.setWordWrap(True)
        self.read_out.setToolTip("The mean weights at the pointer; positions count from the pixel")
        choices = QFormLayout()
        choices.addRow("&Class", self.of_class)
        choices.addRow("&Block", self.block)
        choices.addRow("&Head", self.head)
        side = SideColumn(choices, self.progress, self.text, self.read_out)
        self.right, self.wrong = _Picture(self, "Mapped right"), _Picture(self, "Mapped wrong")
        self.bar = pg.ColorBarItem(
            values=(0.0, 1.0), colorMap=COLOR_MAP, interactive=False, colorMapMenu=False, width=12
        )
        self.bar.axis.setWidth(BAR_AXIS_WIDTH)
        self.bar.axis.setTicks(weight_ticks())
        self.bar.axis.setStyle(textFillLimits=TICK_ROOM)
        self.bar.setImageItem(
            [self.right.image, self.wrong.image], insert_in=self.wrong.plot.getPlotItem()
        )
        left, top, end, bottom = MARGINS
        self.wrong.plot.getPlotItem().layout.setContentsMargins(*MARGINS)
        self.right.plot.getPlotItem().layout.setContentsMargins(left, top, end + BESIDE, bottom)
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(side, 0, 0, 2, 1)
        for place, picture in enumerate((self.right, self.wrong), 1):
            layout.addWidget(picture.title, 0, place)
            layout.addWidget(picture.plot, 1, place)
            layout.setColumnStretch(place, 1)
        layout.setRowStretch(1, 1)
        self.of_class.activated.connect(self._choose_class)
        for box in (self.block, self.head):
            box.activated.connect(self._choose)
        of_class, attention = session.class_attention.events, session.attention.events
        connect(self._classes_changed, of_class.chosen, attention.choice)
        connect(self._classes_changed, session.events.checkpoint, session.events.map)
        connect(self._show, of_class.found)
        self._classes_changed()

    # --- choices ---------------------------------------------------------------------------

    def _choose_class(self) -> None:
        self._session.class_attention.choose(self.of_class.currentData())

    def _choose(self) -> None:
        received = self._session.attention.choice.received
        self._session.attention.choose(
            AttentionChoice(self.block.currentData(), self.head.currentData(), received)
        )

    def _classes_changed(self) -> None:
        of_class, choice = self._session.class_attention, self._session.attention.choice
        explains = self._session.attention.explains()
        with QSignalBlocker(self.of_class):
            self.of_class.clear()
            for land_class in of_class.classes() or ():
                self.of_class.addItem(land_class.name, land_class.id)
            self.of_class.setCurrentIndex(self.of_class.findData(of_class.id))
        for box, what, chosen, size in (
            (self.block, "blocks", choice.block, explains.model.depth if explains else 0),
            (self.head, "heads", choice.head, explains.model.heads if explains else 0),
        ):
            with QSignalBlocker(box):
                box.clear()
                box.addItem(f"Mean of {size} {what}" if size else "", None)
                for i in range(size):
                    box.addItem(str(i + 1), i)
                box.setCurrentIndex(0 if chosen is None else chosen + 1)
        for box in (self.of_class, self.block, self.head):
            box.setEnabled(not of_class.missing())
        self._show()

    # --- drawing ---------------------------------------------------------------------------

    def _show(self) -> None:
        of_class, choice = self._session.class_attention, self._session.attention.choice
        found = of_class.found
        means = (found.right, found.wrong) if found else (None, None)
        grids = [m.grid(choice.block, choice.head) if m else None for m in means]
        tokens = next((g.size for g in grids if g is not None), 1)
        for picture, mean, grid in zip((self.right, self.wrong), means, grids, strict=True):
            picture.show(mean, grid, found is not None)
        self.read_out.setText("")
        self.text.setText(of_class.missing() if found is None else self._facts(tokens))
        self._color()

    def _facts(self, tokens: int) -> str:
        confusion = self._session.audit.confusion
        truth = "" if confusion is None else f" Right and wrong by: {confusion.truth}."
        return (
            f"The pixel's own weights, which sum to 1, averaged. All alike would be "
            f"{1 / tokens:.3g}; the colours go from 0 to 1, by the cube root.{truth}"
        )

    def hover(self, row: int, column: int) -> None:
        """Tell both weights at a cell of the patch."""
        found, choice = self._session.class_attention.found, self._session.attention.choice
        if found is None:
            return
        said = []
        for what, mean in (("right", found.right), ("wrong", found.wrong)):
            if mean is not None:
                grid = mean.grid(choice.block, choice.head)
                if not (0 <= row < len(grid) and 0 <= column < len(grid)):
                    return
                half = len(grid) // 2
                said.append(f"{what} {grid[row, column]:.4f}")
        self.read_out.setText(f"({row - half:+d}, {column - half:+d}): {', '.join(said)}")

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme."""
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.StyleChange):
            self._color()
        super().changeEvent(event)

    def _color(self) -> None:
        for picture in (self.right, self.wrong):
            follow_palette(picture.plot, self)
        text = pg.mkPen(self.palette().color(QPalette.ColorRole.WindowText))
        self.bar.axis.setPen(text)
        self.bar.axis.setTextPen(text)


class _Picture:
    """One of the two pictures with its title."""

    def __init__(self, owner: ClassAttentionPlot, what: str) -> None:
        self._owner = owner
        self._what = what
        self.title = QLabel(what)
        self.title.setWordWrap(True)
        self.plot = pg.PlotWidget()
        self.plot.setToolTip(
            "Mean weight that the pixels give to each pixel around them, themselves in the middle"
        )
        self.image = pg.ImageItem(axisOrder="row-major")
        self.plot.addItem(self.image)
        item = self.plot.getPlotItem()
        item.invertY(True)
        item.setAspectLocked(True)
        item.hideAxis("left")
        item.hideAxis("bottom")
        item.setMouseEnabled(False, False)
        item.setMenuEnabled(False)
        item.hideButtons()
        self.plot.scene().sigMouseMoved.connect(self._hover)

    def show(self, mean: MeanAttention | None, grid: NDArray[np.float32] | None, any: bool) -> None:
        """Show means and how many pixels they are of, or that there is none."""
        self.plot.setVisible(grid is not None)
        self.title.setVisible(any)
        if mean is None or grid is None:
            self.title.setText(f"{self._what}: no pixel")
            return
        n = f"{mean.n:,}" if mean.n == mean.of else f"{mean.n:,} of {mean.of:,}"
        self.title.setText(f"{self._what}: {n} pixels")
        self.title.setToolTip(f"Mean over {n} pixels; where these are not all, they are random")
        self.image.setImage(on_weight_scale(grid), autoLevels=False)
        self.plot.setRange(xRange=(0, len(grid)), yRange=(0, len(grid)), padding=0.02)

    def _hover(self, position: object) -> None:
        at = self.plot.getPlotItem().vb.mapSceneToView(position)
        self._owner.hover(int(np.floor(at.y())), int(np.floor(at.x())))
