"""What the interface's tests share: a session with a tiny scene, and answers to dialogs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication

from napari_ssamamba.gui.workflow import Workflow
from napari_ssamamba.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import TinyJob


@pytest.fixture
def workflow(qtbot: Any, tiny_job: TinyJob) -> Iterator[Workflow]:
    session = Session()
    session.open_cube(tiny_job.cube)
    made = Workflow(session)
    yield made
    assert made.shut_down()


@pytest.fixture
def answer(qtbot: Any) -> Callable[[Callable[[Any], object]], None]:
    """Do something with the next dialog that opens, which waits for it."""

    def arrange(act: Callable[[Any], object]) -> None:
        def when_open() -> None:
            dialog = QApplication.activeModalWidget()
            if dialog is None:
                QTimer.singleShot(5, when_open)
            else:
                act(dialog)

        QTimer.singleShot(0, when_open)

    return arrange
