"""Work in turns of the event loop."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from qtpy.QtCore import QObject, QTimer

from napari_ssamamba.errors import SSAMambaError
from napari_ssamamba.gui import turns as turns_module
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


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Callable[[list[int], int], Iterator[None]]:
    """Makes steps of which two fill a turn, by a clock that nothing else moves."""
    now = 0.0
    monkeypatch.setattr(turns_module, "time", SimpleNamespace(perf_counter=lambda: now))

    def make(done: list[int], count: int) -> Iterator[None]:
        nonlocal now
        for step in range(count):
            now += SECONDS_A_TURN / 2
            done.append(step)
            yield

    return make


def test_the_window_answers_between_the_steps(turns: Turns, qtbot: Any, steps: Any) -> None:
    done: list[int] = []
    answered: list[int] = []
    timer = QTimer()
    timer.timeout.connect(lambda: answered.append(len(done)))
    turns.begin(steps(done, 12))
    assert len(done) == 2
    timer.start(0)
    qtbot.waitUntil(lambda: len(done) == 12)
    timer.stop()
    assert len(set(answered)) > 2


def test_what_is_left_is_dropped_for_others(
    turns: Turns, qtbot: Any, steps: Any, pass_turns: Any
) -> None:
    first: list[int] = []
    second: list[int] = []
    turns.begin(steps(first, 12))
    turns.begin(steps(second, 4))
    qtbot.waitUntil(lambda: len(second) == 4)
    assert len(first) == 2
    turns.begin(steps(second, 4))
    turns.stop()
    pass_turns()
    assert (len(first), len(second)) == (2, 6)


def test_an_error_is_told_and_ends_it(
    turns: Turns, qtbot: Any, told: list[str], pass_turns: Any
) -> None:
    def failing() -> Iterator[None]:
        yield
        raise SSAMambaError("no room")

    turns.begin(failing())
    qtbot.waitUntil(lambda: told == ["no room"])
    pass_turns()
    assert told == ["no room"]
