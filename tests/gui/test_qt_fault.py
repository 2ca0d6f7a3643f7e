from __future__ import annotations

import ctypes
import sys
from typing import TYPE_CHECKING

import pytest

from napari_ssamamba.gui import qt_fault

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def binding_that_loses_count(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each call that returns None counts as one user of it less."""
    if sys.version_info >= (3, 12):
        pytest.skip("None lives for ever")
    lost = 0

    class Widget:
        def parent(self) -> None:
            nonlocal lost
            lost += 1
            ctypes.pythonapi.Py_DecRef(ctypes.py_object(None))

    monkeypatch.setattr(qt_fault, "QObject", Widget)
    yield
    for _ in range(lost):
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(None))


@pytest.mark.usefixtures("binding_that_loses_count")
def test_a_binding_that_will_end_the_program_is_told() -> None:
    told = qt_fault.qt_fault()
    assert told is not None and "ends napari" in told and "6.11.2" in told


def test_this_binding_counts_what_it_returns() -> None:
    assert qt_fault.qt_fault() is None
