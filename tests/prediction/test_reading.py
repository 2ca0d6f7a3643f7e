"""Units are read ahead, handed out in their order and each once, also where the user looks away."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_ssamamba.data.tiles import Window
from napari_ssamamba.prediction.order import Focus, Order, Seen
from napari_ssamamba.prediction.reading import ReadAhead

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_ssamamba.prediction.order import Unit

SIDE, TILE = 64, 8


def drain(ahead: ReadAhead, look: Callable[[int], None] = lambda n: None) -> list[Window]:
    """Take all units; before each, the user may look elsewhere."""
    windows: list[Window] = []
    try:
        while (found := ahead.next()) is not None:
            unit, tile = found
            assert tile == unit.window
            windows.append(unit.window)
            look(len(windows))
    finally:
        ahead.close()
    return windows


def make_order(focus: Focus | None = None) -> Order:
    return Order(Window(0, SIDE, 0, SIDE), TILE, np.zeros((SIDE, SIDE), bool), focus)


@pytest.mark.parametrize("ahead", [1, 3])
def test_units_come_in_their_order_and_each_once(ahead: int) -> None:
    def read(unit: Unit) -> Any:
        return unit.window

    one_by_one = make_order()
    expected = []
    while (unit := one_by_one.take()) is not None:
        expected.append(unit.window)
    assert drain(ReadAhead(make_order(), read, ahead)) == expected
    assert len(expected) == (SIDE // TILE) ** 2


def test_so_many_are_read_at_the_same_time() -> None:
    together = threading.Barrier(3, timeout=20)  # nobody passes before three are there

    def read(unit: Unit) -> Any:
        if unit.window.row0 == 0 and unit.window.column0 < 3 * TILE:
            together.wait()
        return unit.window

    assert len(drain(ReadAhead(make_order(), read, 3))) == (SIDE // TILE) ** 2


@pytest.mark.parametrize("ahead", [1, 3])
def test_what_was_read_ahead_is_put_back_where_the_user_looks_away(ahead: int) -> None:
    near, far = Window(0, TILE, 0, TILE), Window(SIDE - TILE, SIDE, SIDE - TILE, SIDE)
    focus = Focus(Seen(near))
    read_units: list[Window] = []

    def read(unit: Unit) -> Any:
        read_units.append(unit.window)
        return unit.window

    def look(taken: int) -> None:
        if taken == 1:
            focus.seen = Seen(far)

    windows = drain(ReadAhead(make_order(focus), read, ahead), look)
    assert windows[:2] == [near, far]
    assert len(windows) == len(set(map(str, windows))) == (SIDE // TILE) ** 2
    again = len(read_units) - len(windows)
    assert again <= ahead  # what was put back, and nothing else


def test_a_unit_that_comes_next_all_the_same_is_not_read_again() -> None:
    whole = Window(0, SIDE, 0, SIDE)
    focus = Focus(Seen(whole))
    read_units: list[Window] = []

    def read(unit: Unit) -> Any:
        read_units.append(unit.window)
        return unit.window

    def look(taken: int) -> None:
        focus.seen = Seen(whole)  # another object: a pan that comes back

    windows = drain(ReadAhead(make_order(focus), read, 3), look)
    assert sorted(map(str, read_units)) == sorted(map(str, windows))
