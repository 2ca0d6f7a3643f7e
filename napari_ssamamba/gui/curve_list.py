"""Names and colours of what a plot of spectra shows; what is unchecked is hidden in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QPoint, QSignalBlocker, Qt, Signal
from qtpy.QtGui import QColor, QIcon, QKeySequence, QPixmap, QShortcut
from qtpy.QtWidgets import QListWidget, QListWidgetItem, QMenu, QSizePolicy

if TYPE_CHECKING:
    from collections.abc import Iterable

    from qtpy.QtWidgets import QWidget

    from napari_ssamamba.data.classes import LandClass
    from napari_ssamamba.session.curves import Curve

SWATCH_PIXELS = 10
ID = Qt.ItemDataRole.UserRole
IS_CURVE = Qt.ItemDataRole.UserRole + 1
NAME = Qt.ItemDataRole.UserRole + 2
MOST_WIDTH = 190
"""Pixels; longer names are elided, and whole in the tooltip."""

OUTDATED = "Map is outdated"

KINDS = {"pixel": "A pixel that was kept", "region": "A region", "library": "From a library"}


class CurveList(QListWidget):
    """A line for each class, then one for each further curve, which can be renamed and removed.

    Its colours are the map's too: it says where that is outdated, and names its other classes.

    Parameters
    ----------
    parent : QWidget, optional
    """

    shown = Signal()
    """Something was checked or unchecked."""
    renamed = Signal(int, str)
    """A curve's id and its new name."""
    removed = Signal(int)
    """Id of a curve that is to go."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setToolTip(
            "Uncheck what is to be hidden. Curves that you added: F2 renames, Delete removes"
        )
        self.setAccessibleName("Spectra that are shown")
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._ask)
        self.itemChanged.connect(self._changed)
        delete = QShortcut(QKeySequence(QKeySequence.StandardKey.Delete), self)
        delete.setContext(Qt.ShortcutContext.WidgetShortcut)
        delete.activated.connect(self._remove)
        self.hide()

    def show_curves(
        self,
        classes: Iterable[LandClass],
        curves: Iterable[Curve],
        *,
        mapped: Iterable[LandClass] = (),
        outdated: bool = False,
    ) -> None:
        """List these; those that were unchecked stay so.

        Parameters
        ----------
        classes : iterable of LandClass
        curves : iterable of Curve
        mapped : iterable of LandClass
            The map's classes that have no spectrum; only their colours are told.
        outdated : bool
            Whether labels or model changed since the map's model was trained.
        """
        hidden, hidden_curves = self.hidden(), self.hidden_curves()
        row = self.currentRow()
        with QSignalBlocker(self):
            self.clear()
            if outdated:
                self._say_outdated()
            for land_class in classes:
                item = self._item(land_class.name, land_class.color, land_class.id in hidden)
                item.setData(ID, land_class.id)
            for land_class in mapped:
                item = self._item(land_class.name, land_class.color)
                item.setToolTip(f"{land_class.name}: in the map, but no label to take a mean of")
                item.setFlags(Qt.ItemFlag.ItemIsEnabled)  # neither checked nor chosen
            for curve in curves:
                item = self._item(curve.name, curve.color, curve.id in hidden_curves)
                item.setData(ID, curve.id)
                item.setData(IS_CURVE, True)
                item.setFlags(item.flags() | Qt.ItemFlag.ItemIsEditable)
                item.setToolTip(f"{curve.name}. {KINDS[curve.kind]}; F2 renames, Delete removes")
            self.setCurrentRow(min(row, self.count() - 1))
        self.setVisible(self.count() > 0)
        bar = self.verticalScrollBar().sizeHint().width()
        needed = self.sizeHintForColumn(0) + bar + 3 * self.frameWidth() + SWATCH_PIXELS
        self.setFixedWidth(min(needed, MOST_WIDTH))

    def hidden(self) -> set[int]:
        """Return the ids of the unchecked classes."""
        return {i.data(ID) for i in self._unchecked() if not i.data(IS_CURVE)}

    def hidden_curves(self) -> set[int]:
        """Return the ids of the unchecked curves."""
        return {i.data(ID) for i in self._unchecked() if i.data(IS_CURVE)}

    def _unchecked(self) -> Iterable[QListWidgetItem]:
        items, unchecked = map(self.item, range(self.count())), Qt.CheckState.Unchecked
        return (i for i in items if i.data(ID) is not None and i.checkState() == unchecked)

    def _say_outdated(self) -> None:
        item = QListWidgetItem(OUTDATED)
        font = item.font()
        font.setItalic(True)
        item.setFont(font)
        item.setData(NAME, OUTDATED)
        item.setToolTip(
            "Labels or model changed since the map's training. The section Map says what to do"
        )
        item.setFlags(Qt.ItemFlag.ItemIsEnabled)  # neither checked nor chosen
        self.addItem(item)

    def _item(self, name: str, color: str, hidden: bool | None = None) -> QListWidgetItem:
        swatch = QPixmap(SWATCH_PIXELS, SWATCH_PIXELS)
        swatch.fill(QColor(color))
        item = QListWidgetItem(QIcon(swatch), name)
        item.setData(NAME, name)
        item.setToolTip(name)
        if hidden is not None:
            item.setCheckState(Qt.CheckState.Unchecked if hidden else Qt.CheckState.Checked)
        self.addItem(item)
        return item

    def _changed(self, item: QListWidgetItem) -> None:
        if item.text() != item.data(NAME):
            self.renamed.emit(item.data(ID), item.text())
        else:
            self.shown.emit()

    def _remove(self) -> None:
        item = self.currentItem()
        if item is not None and item.data(IS_CURVE):
            self.removed.emit(item.data(ID))

    def _ask(self, where: QPoint) -> None:
        item = self.itemAt(where)
        if item is None or not item.data(IS_CURVE):
            return
        self.setCurrentItem(item)
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction("Rename", lambda: self.editItem(item))
        menu.addAction("Remove", self._remove)
        menu.popup(self.mapToGlobal(where))
