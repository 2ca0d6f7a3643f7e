"""Connections from the session to widgets, which end with the widget."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakMethod

if TYPE_CHECKING:
    from collections.abc import Callable

    from psygnal import SignalInstance
    from qtpy.QtWidgets import QWidget


def connect(widget: QWidget, slot: Callable[[], Any], *signals: SignalInstance) -> None:
    """Call a method of a widget on each signal, until Qt destroys the widget.

    Qt may destroy a widget while Python still holds it, and a session knows nothing of Qt.

    Parameters
    ----------
    widget : QWidget
    slot : bound method of the widget
    *signals : SignalInstance
        The session's.
    """
    reference = WeakMethod(slot)

    def disconnect(*_: object) -> None:
        method = reference()
        if method is not None:
            for signal in signals:
                signal.disconnect(method, missing_ok=True)

    for signal in signals:
        signal.connect(slot)
    widget.destroyed.connect(disconnect)
