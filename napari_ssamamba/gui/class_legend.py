"""Names and colours of the classes beside a plot; unchecked classes are hidden in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QSignalBlocker, Qt
from qtpy.QtGui import QColor, QIcon, QPixmap
from qtpy.QtWidgets import QListWidget, QListWidgetItem, QSizePolicy

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget

    from napari_ssamamba.data.classes import LandClass

SWATCH_PIXELS = 10
ID = Qt.ItemDataRole.UserRole


class ClassLegend(QListWidget):
    """A line for each class, with its colour and a box to uncheck.

    Its signal ``itemChanged`` tells that a class is to be shown or hidden.

    Parameters
    ----------
    parent : QWidget, optional
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setToolTip("Uncheck a class to hide its spectrum")
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.hide()

    def show_classes(self, classes: list[LandClass]) -> None:
        """List these classes; those that were unchecked stay so."""
        hidden = self.hidden()
        with QSignalBlocker(self):
            self.clear()
            for land_class in classes:
                swatch = QPixmap(SWATCH_PIXELS, SWATCH_PIXELS)
                swatch.fill(QColor(land_class.color))
                item = QListWidgetItem(QIcon(swatch), land_class.name)
                item.setData(ID, land_class.id)
                shown = land_class.id not in hidden
                item.setCheckState(Qt.CheckState.Checked if shown else Qt.CheckState.Unchecked)
                self.addItem(item)
        self.setVisible(bool(classes))
        bar = self.verticalScrollBar().sizeHint().width()
        self.setFixedWidth(self.sizeHintForColumn(0) + bar + 3 * self.frameWidth() + SWATCH_PIXELS)

    def hidden(self) -> set[int]:
        """Return the ids of the unchecked classes."""
        items = (self.item(row) for row in range(self.count()))
        return {i.data(ID) for i in items if i.checkState() == Qt.CheckState.Unchecked}
