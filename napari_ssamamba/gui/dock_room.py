"""Room in the window for more in a dock above or below its middle."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDockWidget, QMainWindow

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget

MIDDLE = 240
"""Pixels that are left of the middle of the window, at least."""


def make_room(widget: QWidget, height: int) -> int:
    """Make the dock that a widget lies in higher, as far as the middle of the window allows it.

    Parameters
    ----------
    widget : QWidget
    height : int
        Pixels to add; fewer than 0 give room back.

    Returns
    -------
    int
        Pixels that were asked of the window; 0 where the widget lies in no dock at its edge.
    """
    dock: QWidget | None = widget
    while dock is not None and not isinstance(dock, QDockWidget):
        dock = dock.parentWidget()
    window = None if dock is None else dock.parentWidget()
    if dock is None or not isinstance(window, QMainWindow) or dock.isFloating():
        return 0
    added = min(height, max(0, window.centralWidget().height() - MIDDLE))
    if added:
        window.resizeDocks([dock], [dock.height() + added], Qt.Orientation.Vertical)
    return int(added)
