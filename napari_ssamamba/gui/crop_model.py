"""The pixels of confusions as Qt's list views see them, each with its crop."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QAbstractListModel, QModelIndex, Qt
from qtpy.QtGui import QImage, QPixmap

from napari_ssamamba.audit.crops import LINE, Outline, outlined_crop

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from qtpy.QtCore import QObject

    from napari_ssamamba.audit.confusion import Cell, Confusion
    from napari_ssamamba.session import Session
    from napari_ssamamba.session.values import ShownMap

SIDE = 31
"""Pixels of the scene that a crop is wide and high."""

SCALE = 3
"""Screen pixels a pixel of the scene."""

KEPT = 500
"""Crops that are kept, so that those in view are drawn once."""


class CropModel(QAbstractListModel):
    """Rows are pixels: cell by cell, in each the most confident first.

    Parameters
    ----------
    session : Session
    parent : QObject, optional
    """

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._confusion: Confusion | None = None
        self._cells: list[Cell] = []
        self._starts = np.zeros(1, np.int64)
        self._pixels: list[NDArray[np.int32]] = []
        self._drawn: OrderedDict[tuple[tuple[int, int], Cell], QPixmap] = OrderedDict()
        self._drawn_of: ShownMap | None = None

    def show_cells(self, confusion: Confusion | None, cells: Sequence[Cell]) -> None:
        """List the pixels of these cells, in this order."""
        self.beginResetModel()
        self._confusion, self._cells = confusion, list(cells)
        self._pixels = [] if confusion is None else [confusion.pixels(c) for c in cells]
        self._starts = np.cumsum([0, *map(len, self._pixels)])
        compared = self._session.audit.compared
        if confusion is None or compared is not self._drawn_of:
            self.forget_crops()
        self._drawn_of = compared
        self.endResetModel()

    def place(self, row: int) -> tuple[Cell, int]:
        """Return a row's cell, and its position in that."""
        k = int(np.searchsorted(self._starts, row, side="right")) - 1
        return self._cells[k], row - int(self._starts[k])

    def pixel(self, row: int) -> tuple[int, int]:
        """Return the row and column in the scene of a row of the list."""
        cell, position = self.place(row)
        at_row, column = self._pixels[self._cells.index(cell)][position].tolist()
        return at_row, column

    def row_of(self, cell: Cell | None, position: int) -> int | None:
        """Return where a pixel of a cell is listed; None where it is not."""
        if cell is None or cell not in self._cells:
            return None
        return int(self._starts[self._cells.index(cell)]) + position

    def confidence(self, row: int) -> float:
        """Return the map's confidence; NaN where the map is gone."""
        compared = self._session.audit.compared
        return float("nan") if compared is None else float(compared.confidence[self.pixel(row)])

    def names(self, cell: Cell) -> tuple[str, str]:
        """Name the classes of a cell: reference, map."""
        classes = () if self._confusion is None else self._confusion.classes
        by_id = {c.id: c.name for c in classes}
        return by_id.get(cell.reference, ""), by_id.get(cell.predicted, "")

    def pixmap(self, row: int) -> QPixmap:
        """Return a row's crop; it is drawn where it was not of late."""
        pixel, (cell, _) = self.pixel(row), self.place(row)
        drawn = self._drawn.pop((pixel, cell), None)
        if drawn is None:
            drawn = crop_pixmap(self._session, pixel, cell, SIDE, SCALE)
        self._drawn[pixel, cell] = drawn
        if len(self._drawn) > KEPT:
            self._drawn.popitem(last=False)
        return drawn

    def forget_crops(self) -> None:
        """Let the crops be drawn anew: image, map or truth changed."""
        self._drawn.clear()

    # --- what Qt asks for ------------------------------------------------------------------

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """Return the number of pixels."""
        return 0 if parent is not None and parent.isValid() else int(self._starts[-1])

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return the classes and the confidence of a pixel, and more for the tooltip."""
        if not index.isValid() or self._confusion is None:
            return None
        roles = Qt.ItemDataRole
        if role not in (roles.DisplayRole, roles.ToolTipRole, roles.AccessibleTextRole):
            return None
        cell, _ = self.place(index.row())
        true, mapped = self.names(cell)
        if role == roles.DisplayRole:
            return f"{true} → {mapped}"
        at_row, column = self.pixel(index.row())
        decision = self._session.decisions.about((at_row, column))
        said = "" if decision is None else f", {decision.kind}"
        return (
            f"Row {at_row}, column {column}: {true} mapped as {mapped}, "
            f"confidence {self.confidence(index.row()):.2f}{said}"
        )


def crop_pixmap(
    session: Session, pixel: tuple[int, int], cell: Cell, side: int, scale: int
) -> QPixmap:
    """Draw the crop around a pixel, its reference and its class in the map outlined.

    Parameters
    ----------
    session : Session
    pixel : tuple of int
        Row and column.
    cell : Cell
        The classes that are outlined: the reference outside, the map inside.
    side, scale : int
        See `outlined_crop`.

    Returns
    -------
    QPixmap
        Empty where there is no image of the scene.
    """
    image, audit = session.composite_image, session.audit
    if image is None or audit.compared is None or audit.confusion is None:
        return QPixmap()
    classes, truth = audit.confusion.classes, audit.truth_everywhere()
    outlines = [Outline(audit.compared.ids, cell.predicted, classes[cell.predicted].color, LINE)]
    if truth is not None:
        outlines.insert(0, Outline(truth, cell.reference, classes[cell.reference].color, 0))
    crop = np.ascontiguousarray(outlined_crop(image, pixel, side, scale, tuple(outlines)))
    height, width = crop.shape[:2]
    # A pixmap is a copy, so the array may go.
    return QPixmap.fromImage(
        QImage(crop.data, width, height, 4 * width, QImage.Format.Format_RGBA8888)
    )
