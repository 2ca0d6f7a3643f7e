"""A row that brings labels back which were painted before; hidden where there are none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QPushButton, QSizePolicy, QWidget

if TYPE_CHECKING:
    from napari_ssamamba.gui.workflow import Workflow

FEWEST_LETTERS = 12
"""Of the list, which is as wide as there is room."""


class KeptLabelsRow(QWidget):
    """Lists what is kept of the scene and asks to restore one of it.

    Parameters
    ----------
    workflow : Workflow
    """

    def __init__(self, workflow: Workflow) -> None:
        super().__init__()
        self._keeping = workflow.keeping
        self.choice = QComboBox()
        self.choice.setToolTip("Labels that were painted on this scene before, the latest first")
        self.choice.setMinimumContentsLength(FEWEST_LETTERS)
        adjust = QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        self.choice.setSizeAdjustPolicy(adjust)
        self.choice.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.restore = QPushButton("Restore")
        self.restore.setToolTip(
            "Replace the labels by these; what is painted now is kept and listed here instead"
        )
        self.restore.clicked.connect(self._restore)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.choice, 1)
        layout.addWidget(self.restore)
        self._keeping.offered_changed.connect(self._show)
        self._show()

    def _restore(self) -> None:
        self._keeping.restore(self.choice.currentData())

    def _show(self) -> None:
        self.choice.clear()
        for kept in self._keeping.offered:
            self.choice.addItem(kept.short, kept)
            last = self.choice.count() - 1
            self.choice.setItemData(last, str(kept), Qt.ItemDataRole.ToolTipRole)
        self.setVisible(self.choice.count() > 0)
