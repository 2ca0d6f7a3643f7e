"""Paints one crop of the gallery, with its caption and what was decided about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QRect, QSize, Qt
from qtpy.QtGui import QColor, QPalette, QPen
from qtpy.QtWidgets import QStyle, QStyledItemDelegate

from napari_ssamamba.gui.crop_model import SCALE, SIDE
from napari_ssamamba.gui.plot_colors import AUDITED_COLOR

if TYPE_CHECKING:
    from qtpy.QtCore import QModelIndex, QObject
    from qtpy.QtGui import QFontMetrics, QPainter
    from qtpy.QtWidgets import QStyleOptionViewItem

    from napari_ssamamba.audit.decision import DecisionKind
    from napari_ssamamba.gui.crop_model import CropModel
    from napari_ssamamba.session import Session

MARGIN = 5
"""Pixels around a crop."""

WIDEST = 2 * MARGIN + SIDE * SCALE
LINES = 3
"""Of the caption."""

FRAME = 2
"""Pixels of the frame around the crop that is looked at."""

BADGES: dict[DecisionKind, str] = {
    "accepted": "A",
    "relabelled": "R",
    "marked wrong": "W",
    "skipped": "S",
    "labelled": "L",
    "label removed": "X",
}
"""Letters in the corner of a crop that was decided about."""


def crop_size(metrics: QFontMetrics) -> QSize:
    """Return the size of a crop with its caption: reference, map and confidence below it.

    Parameters
    ----------
    metrics : QFontMetrics
        Of the caption.
    """
    return QSize(WIDEST, WIDEST + LINES * metrics.height())


class CropDelegate(QStyledItemDelegate):
    """Draws the crops that are in view, and no other.

    Parameters
    ----------
    model : CropModel
    session : Session
    parent : QObject
    """

    def __init__(self, model: CropModel, session: Session, parent: QObject) -> None:
        super().__init__(parent)
        self._model = model
        self._session = session

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        """Return the size that all crops have."""
        return crop_size(option.fontMetrics)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        """Paint one crop."""
        row, box = index.row(), option.rect
        left, top = box.left() + (box.width() - SIDE * SCALE) // 2, box.top() + MARGIN
        picture = QRect(left, top, SIDE * SCALE, SIDE * SCALE)
        painter.save()
        painter.drawPixmap(picture.topLeft(), self._model.pixmap(row))
        if option.state & QStyle.StateFlag.State_Selected:
            painter.setPen(QPen(QColor(AUDITED_COLOR), FRAME))
            painter.drawRect(picture.adjusted(-FRAME, -FRAME, FRAME - 1, FRAME - 1))
        decision = self._session.decisions.about(self._model.pixel(row))
        if decision is not None:
            badge = QRect(picture.topLeft(), QSize(1, 1) * option.fontMetrics.height())
            painter.fillRect(badge, option.palette.color(QPalette.ColorRole.Base))
            painter.setPen(option.palette.color(QPalette.ColorRole.Text))
            painter.drawText(badge, Qt.AlignmentFlag.AlignCenter, BADGES[decision.kind])
        painter.setPen(option.palette.color(QPalette.ColorRole.Text))
        below = QRect(box.left(), picture.bottom() + 3, box.width(), option.fontMetrics.height())
        true, mapped = self._model.names(self._model.place(row)[0])
        for text in (true, f"→ {mapped}", f"{self._model.confidence(row):.2f}"):
            self._write(painter, option, below, text)
            below.translate(0, below.height())
        painter.restore()

    def _write(
        self, painter: QPainter, option: QStyleOptionViewItem, box: QRect, text: str
    ) -> None:
        elided = option.fontMetrics.elidedText(
            text, Qt.TextElideMode.ElideRight, box.width() - MARGIN
        )
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, elided)
