"""A row that brings back what is kept of the scene; hidden where there is nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QPushButton, QSizePolicy, QWidget

from napari_ssamamba.project.user_data import data_folder

if TYPE_CHECKING:
    from napari_ssamamba.gui.offered_work import OfferedWork

FEWEST_LETTERS = 12
"""Of the list, which is as wide as there is room."""


class KeptRow(QWidget):
    """Lists what is kept of the scene and asks to bring one of it back.

    Parameters
    ----------
    jobs : OfferedWork
    listed, restored : str
        Tooltips of the list and the button.
    button : str
        What the button says.
    """

    def __init__(
        self, jobs: OfferedWork, listed: str, restored: str, button: str = "Restore"
    ) -> None:
        super().__init__()
        self._jobs = jobs
        self.choice = QComboBox()
        self.choice.setToolTip(f"{listed}; they are kept in {data_folder()}")
        self.choice.setMinimumContentsLength(FEWEST_LETTERS)
        adjust = QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        self.choice.setSizeAdjustPolicy(adjust)
        self.choice.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.restore = QPushButton(button)
        self.restore.setToolTip(restored)
        self.restore.clicked.connect(self._restore)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.choice, 1)
        layout.addWidget(self.restore)
        jobs.offered_changed.connect(self._show)
        self._show()

    def _restore(self) -> None:
        self._jobs.restore(self.choice.currentData())

    def _show(self) -> None:
        self.choice.clear()
        for kept in self._jobs.offered:
            self.choice.addItem(kept.short, kept)
            last = self.choice.count() - 1
            self.choice.setItemData(last, str(kept), Qt.ItemDataRole.ToolTipRole)
        self.setVisible(self.choice.count() > 0)
