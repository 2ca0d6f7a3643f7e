"""A fault of some Qt bindings that ends the program, found out before it does."""

from __future__ import annotations

import sys

from qtpy import API_NAME, QT_VERSION
from qtpy.QtCore import QObject

CALLS = 100


def qt_fault() -> str | None:
    """Tell whether the binding loses count of what it returns, and what the user can do.

    PySide6 6.12.0 takes None and True to live for ever, as they do from Python 3.12 on. With 3.11
    each call that returns None counts as one user of it less, until Python deletes it and stops:
    after some minutes of work in napari.
    """
    widget = QObject()
    before = sys.getrefcount(None)
    for _ in range(CALLS):
        widget.parent()
    if before - sys.getrefcount(None) < CALLS // 2:
        return None
    return (
        f"The installed {API_NAME} ({QT_VERSION}) has a fault that ends napari without warning "
        "after some minutes. Close napari, and install another version, as 6.11.2 of PySide6, or "
        "PyQt6 in its place, or Python 3.12 or newer."
    )
