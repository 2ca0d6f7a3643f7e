"""Connections from the session to widgets, which end with the widget."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakMethod

from qtpy.compat import isalive

if TYPE_CHECKING:
    from collections.abc import Callable

    from psygnal import SignalInstance


def connect(slot: Callable[[], Any], *signals: SignalInstance) -> None:
    """Call a method of a widget on each signal, until Qt destroys its widget.

    Qt may destroy a widget while Python still holds it, and a session knows nothing of Qt. The
    widget is asked at each signal: where Qt tells of its end, Python may be taking it apart.

    Parameters
    ----------
    slot : method
        Bound to the widget; takes nothing.
    *signals : SignalInstance
        The session's.
    """
    reference = WeakMethod(slot)

    def call() -> None:
        method: Any = reference()
        if method is not None and isalive(method.__self__):
            method()

    for signal in signals:
        signal.connect(call)
