"""Work in turns of the event loop."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from qtpy.QtCore import QObject, QTimer

from napari_ssamamba.errors import SSAMambaError
from napari_ssamamba.gui.turns import SECONDS_A_TURN, Turns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def turns(qtbot: Any, told: list[str]) -> Iterator[Turns]:
    def request(change: Callable[[], object]) -> bool:
        try:
            change()
        except SSAMambaError as error:
            told.append(str(error))
            return False
        return True

    parent = QObject()
    yield Turns(request, parent)
    parent.deleteLater()


def slow_steps(done: list[int], count: int) -> Iterator[None]:
    for step in range(count):
        time.sleep(SECONDS_A_TURN / 2)
        done.append(step)
        yield


def test_the_window_answers_between_the_steps(turns: Turns, qtbot: Any) -> None:
    done: list[int] = []
    turns.begin(slow_steps(done, 12))
    assert len(done) < 6
    answered: list[int] = []
    timer = QTimer()
    timer.timeout.connect(lambda: answered.append(len(done)))
    timer.start(1)
    qtbot.waitUntil(lambda: len(done) == 12)
    timer.stop()
    assert len(set(answered)) > 2


def test_what_is_left_is_dropped_for_others(turns: Turns, qtbot: Any) -> None:
    first: list[int] = []
    second: list[int] = []
    turns.begin(slow_steps(first, 12))
    turns.begin(slow_steps(second, 4))
    qtbot.waitUntil(lambda: len(second) == 4)
    begun = len(first)
    turns.begin(slow_steps(second, 4))
    turns.stop()
    qtbot.wait(100)
    assert len(first) == begun < 12
    assert len(second) < 8


def test_an_error_is_told_and_ends_it(turns: Turns, qtbot: Any, told: list[str]) -> None:
    def failing() -> Iterator[None]:
        yield
        raise SSAMambaError("no room")

    turns.begin(failing())
    qtbot.waitUntil(lambda: told == ["no room"])
    qtbot.wait(20)
    assert told == ["no room"]
