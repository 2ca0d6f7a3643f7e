"""A column of choices and texts beside a plot."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFormLayout, QFrame, QScrollArea, QVBoxLayout, QWidget

WIDTH = 300
"""Pixels, with the scroll bar."""


class SideColumn(QScrollArea):
    """Choices over texts that wrap; scrolls where it is low, so that it makes no window higher.

    Parameters
    ----------
    choices : QFormLayout
    *below : QWidget
    """

    def __init__(self, choices: QFormLayout, *below: QWidget) -> None:
        super().__init__()
        self.setFixedWidth(WIDTH)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(choices)
        for widget in below:
            column.addWidget(widget)
        column.addStretch(1)
        self.setWidget(content)
