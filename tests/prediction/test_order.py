"""What is mapped when: where the user looks, coarse before fine, each pixel once."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

from napari_ssamamba.data.tiles import Window
from napari_ssamamba.prediction.order import (
    FIRST_PIXELS,
    READ_AT_ONCE,
    SCATTERED,
    TOO_FEW,
    Focus,
    Order,
    Seen,
    Unit,
    scattered_from,
)

ROWS, COLUMNS = 150, 220
SCENE = Window(0, ROWS, 0, COLUMNS)


def order_of(focus: Focus | None = None, **options: Any) -> Order:
    return Order(SCENE, 32, np.zeros((ROWS, COLUMNS), bool), focus, **options)


def all_of(order: Order) -> list[Unit]:
    units = []
    while (unit := order.take()) is not None:
        units.append(unit)
    return units


def seen_by(units: list[Unit], view: Window) -> np.ndarray:
    """Which units have a part in a view."""
    return np.array(
        [
            min(u.window.row1, view.row1) > max(u.window.row0, view.row0)
            and min(u.window.column1, view.column1) > max(u.window.column0, view.column0)
            for u in units
        ]
    )


@pytest.mark.parametrize(
    "seen",
    [None, Seen(SCENE), Seen(SCENE, 4.3), Seen(Window(40, 90, 101, 170)), Seen(Window(3, 4, 7, 8))],
    ids=str,
)
@pytest.mark.parametrize("again", [False, True])
@pytest.mark.parametrize("margin", [3, 13])
def test_each_pixel_comes_once(seen: Seen | None, again: bool, margin: int) -> None:
    count = np.zeros((ROWS, COLUMNS), int)
    for unit in all_of(order_of(Focus(seen), margin=margin, tiles_again=again)):
        assert (unit.pixels % unit.stride == 0).all()
        np.add.at(count, tuple(unit.pixels.T), 1)
        count[unit.lattice]  # lies in the scene
    assert (count == 1).all()


def test_the_view_comes_first_and_from_coarse_to_fine() -> None:
    view = Window(30, 130, 20, 140)
    units = all_of(order_of(Focus(Seen(view))))
    inside = seen_by(units, view)
    last = np.flatnonzero(inside)[-1]
    assert inside[: last + 1].all()  # nothing else before the view is done
    strides = [u.stride for u in units]
    assert strides[: last + 1] == sorted(strides[: last + 1], reverse=True)
    assert set(strides[: last + 1]) == {8, 4, 1}
    assert set(strides[last + 1 :]) == {1}
    inner = [u.pixels for u in units if u.stride == 8]
    count = [((p >= (30, 20)) & (p < (130, 140))).all(axis=1).sum() for p in inner]
    assert sum(count) <= FIRST_PIXELS


@pytest.mark.parametrize(("margin", "first"), [(0, 8), (6, 8), (13, 16), (40, 64)])
def test_pixels_are_read_one_by_one_where_little_lies_between_them(margin: int, first: int) -> None:
    order = Order(Window(0, 3000, 0, 5000), 32, np.zeros((3000, 5000), bool), margin=margin)
    assert scattered_from(margin) == first
    for stride in (4, 8, 16, 32, 64, 128):
        unit = order._nearest(stride, Window(0, 3000, 0, 5000), None)
        assert unit is not None and unit.scattered == (stride >= first)
        if unit.scattered:
            read = len(unit.pixels) * (2 * margin + 1) ** 2
            assert read <= READ_AT_ONCE or unit.new.shape[0] == 1


def test_coarse_passes_compute_nothing_far_from_the_view() -> None:
    view = Window(30, 130, 100, 160)
    coarse = [u for u in all_of(order_of(Focus(Seen(view)))) if u.stride >= SCATTERED]
    columns = np.concatenate([u.pixels for u in coarse])[:, 1]
    widest = max(u.stride for u in coarse)
    assert columns.min() >= 100 - widest
    assert columns.max() < 160 + widest


def test_a_view_that_moves_on_step_by_step_is_ahead_of_its_border() -> None:
    focus = Focus(Seen(Window(30, 130, 0, 60)))
    order = order_of(focus)
    units = []
    for column in range(0, 160, SCATTERED):
        focus.seen = Seen(Window(30, 130, column, column + 60))
        while (unit := order.take()) is not None:
            if unit.stride < SCATTERED:
                order.give_back(unit)
                break
            units.append(unit)
    moved = [len(u.pixels) for u in units if u.window.column1 > 60 + SCATTERED]
    assert sum(moved) >= 100
    assert np.mean(moved) >= TOO_FEW  # not the four or so that each step uncovers


def test_what_was_left_of_a_unit_comes_where_the_view_turns() -> None:
    focus = Focus(Seen(Window(30, 130, 0, 60)))
    order = order_of(focus)
    while (unit := order.take()) is not None and unit.stride >= SCATTERED:
        pass
    focus.seen = Seen(Window(30, 130, 150, 210))
    turned = order.take()
    assert turned is not None
    assert turned.stride >= SCATTERED
    assert seen_by([turned], focus.seen.view).all()


def test_within_a_pass_units_come_from_the_middle_outward() -> None:
    units = [u for u in all_of(order_of(Focus(Seen(SCENE)))) if u.stride == 1]
    away = [np.hypot(*(u.pixels.mean(axis=0) - (ROWS / 2, COLUMNS / 2))) for u in units]
    assert np.corrcoef(away, np.arange(len(away)))[0, 1] > 0.95


def test_finer_than_the_screen_is_done_at_once() -> None:
    assert {u.stride for u in all_of(order_of(Focus(Seen(SCENE, 4.3))))} == {16, 4, 1}
    assert {u.stride for u in all_of(order_of(Focus(Seen(SCENE, 8.6))))} == {16, 8, 1}
    assert {u.stride for u in all_of(order_of(Focus(Seen(SCENE, 40))))} == {1}
    assert {u.stride for u in all_of(order_of(Focus(Seen(SCENE)), tiles_again=False))} == {16, 8, 1}


def test_looking_elsewhere_reorders_what_is_left() -> None:
    focus = Focus(Seen(Window(0, 64, 0, 64)))
    order = order_of(focus)
    before = [order.take() for _ in range(3)]
    view = Window(100, 150, 150, 220)
    focus.seen = Seen(view)
    after = all_of(order)
    first = seen_by(after, view)
    assert first[: np.flatnonzero(first)[-1] + 1].all()
    every = Counter(tuple(p) for u in [*before, *after] if u for p in u.pixels.tolist())
    assert len(every) == ROWS * COLUMNS
    assert set(every.values()) == {1}


def test_what_is_given_back_comes_again() -> None:
    order = order_of(Focus(Seen(SCENE)))
    unit = order.take()
    assert unit is not None
    order.give_back(unit)
    again = order.take()
    assert again is not None
    assert (again.window, again.stride) == (unit.window, unit.stride)
    np.testing.assert_array_equal(again.new, unit.new)


def test_what_is_known_is_left_out() -> None:
    known = np.random.default_rng(0).random((ROWS, COLUMNS)) < 0.5
    order = Order(SCENE, 32, known.copy(), Focus(Seen(Window(0, 99, 0, 99))))
    found = np.concatenate([u.pixels for u in all_of(order)])
    assert not known[tuple(found.T)].any()
    assert len(found) == (~known).sum()


def test_a_view_beside_the_scene_changes_nothing() -> None:
    plain = [u.window for u in all_of(order_of())]
    beside = [u.window for u in all_of(order_of(Focus(Seen(Window(900, 990, 0, 50)))))]
    assert beside == plain
    assert [w.row0 for w in plain] == sorted(w.row0 for w in plain)
