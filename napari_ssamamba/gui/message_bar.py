"""What the workflow tells the user."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHBoxLayout, QLabel, QStyle, QToolButton, QWidget

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
        layout = QHBoxLayout(self)
        layout.addWidget(self.icon, 0, Qt.AlignmentFlag.AlignTop)
        layout.addWidget(self.text, 1)
        layout.addWidget(self.dismiss, 0, Qt.AlignmentFlag.AlignTop)
        workflow.told.connect(self.tell)
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
        self.show()
