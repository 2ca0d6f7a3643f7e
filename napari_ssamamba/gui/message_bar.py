"""What the workflow tells the user."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QGridLayout, QLabel, QPushButton, QStyle, QToolButton, QWidget

if TYPE_CHECKING:
    from napari_ssamamba.gui.workflow import Workflow

ICON_PIXELS = 20


class MessageBar(QWidget):
    """The last message, until it is dismissed; hidden where there is none.

    Parameters
    ----------
    workflow : Workflow
    """

    def __init__(self, workflow: Workflow) -> None:
        super().__init__()
        self.icon = QLabel()
        self.text = QLabel()
        self.text.setWordWrap(True)
        self.text.setTextFormat(Qt.TextFormat.PlainText)
        self.text.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
            | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.text.setToolTip("The last message; it can be selected and copied")
        self.dismiss = QToolButton()
        self.dismiss.setText("✕")
        self.dismiss.setAccessibleName("Dismiss the message")
        self.dismiss.setToolTip("Dismiss the message")
        self.dismiss.clicked.connect(self.hide)
        self.restore = QPushButton("Restore &all")
        self.restore.setToolTip(
            "Bring back what was kept last: labels, map with its model, decisions; a training that "
            "was cut short goes on. What was kept before it is in the sections Classes, Train, Map "
            "and Audit"
        )
        self.restore.clicked.connect(self._restore)
        self._kept = workflow.kept
        layout = QGridLayout(self)
        layout.addWidget(self.icon, 0, 0, Qt.AlignmentFlag.AlignTop)
        layout.addWidget(self.text, 0, 1)
        layout.addWidget(self.dismiss, 0, 2, Qt.AlignmentFlag.AlignTop)
        layout.addWidget(self.restore, 1, 1, Qt.AlignmentFlag.AlignLeft)
        layout.setColumnStretch(1, 1)
        workflow.told.connect(self.tell)
        workflow.kept.offered.connect(self.offer)
        self.hide()

    def tell(self, level: str, text: str) -> None:
        """Show a message; `level` is ``"error"`` or ``"info"``."""
        pixmaps = QStyle.StandardPixmap
        which = (
            pixmaps.SP_MessageBoxWarning if level == "error" else pixmaps.SP_MessageBoxInformation
        )
        self.icon.setPixmap(self.style().standardIcon(which).pixmap(ICON_PIXELS))
        self.icon.setAccessibleName("Error" if level == "error" else "Information")
        self.text.setText(text)
        self.restore.hide()
        self.show()

    def offer(self, text: str) -> None:
        """Show what is kept of the scene, with a button that brings it back."""
        self.tell("info", text)
        self.restore.show()

    def _restore(self) -> None:
        self.hide()
        self._kept.restore_latest()
