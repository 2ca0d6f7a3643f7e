"""The map never has holes where a coarse tile has come, and ends as the fine tiles say."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_ssamamba.data.room import Room
from napari_ssamamba.data.tiles import Window
from napari_ssamamba.plugin.resident_memory import resident_mb
from napari_ssamamba.prediction.class_map import MapTile
from napari_ssamamba.prediction.mosaic import FINAL, UNKNOWN, Mosaic
from napari_ssamamba.prediction.order import Focus, Order, Seen

if TYPE_CHECKING:
    from pathlib import Path

ROWS, COLUMNS = 37, 53
TRUTH = np.random.default_rng(0).integers(1, 9, (ROWS, COLUMNS)).astype(np.uint16)


def tile(window: Window, stride: int, new: Any = None) -> MapTile:
    here = slice(window.row0, window.row1, stride), slice(window.column0, window.column1, stride)
    ids = TRUTH[here]
    value = ids.astype(np.float32) / 10
    mask = np.ones(ids.shape, bool) if new is None else new
    return MapTile(
        window=window, stride=stride, new=mask, ids=ids, confidence=value, margin=value,
        entropy=value,
    )  # fmt: skip


def test_a_coarse_tile_stands_for_the_nearest_pixels_up_to_the_border() -> None:
    mosaic = Mosaic.unknown((ROWS, COLUMNS))
    changed = mosaic.take(tile(Window(0, ROWS, 0, COLUMNS), 8))
    assert changed == Window(0, ROWS, 0, COLUMNS)
    rows = np.minimum((np.arange(ROWS) + 4) // 8 * 8, ROWS // 8 * 8)
    columns = np.minimum((np.arange(COLUMNS) + 4) // 8 * 8, COLUMNS // 8 * 8)
    np.testing.assert_array_equal(mosaic.ids, TRUTH[np.ix_(rows, columns)])
    assert (mosaic.level[::8, ::8] == FINAL).all()
    assert (mosaic.level == FINAL).sum() == 5 * 7
    assert (mosaic.level[mosaic.level != FINAL] == FINAL - 3).all()


def test_coarse_never_covers_what_is_finer() -> None:
    mosaic = Mosaic.unknown((ROWS, COLUMNS))
    mosaic.take(tile(Window(0, 16, 0, 16), 2))
    fine = mosaic.ids[:15, :15].copy()
    new = np.ones((5, 7), bool)
    new[:2, :2] = False  # those were in the first tile
    mosaic.take(tile(Window(0, ROWS, 0, COLUMNS), 8, new))
    np.testing.assert_array_equal(mosaic.ids[:15, :15], fine)
    assert (mosaic.level != UNKNOWN).all()


@pytest.mark.parametrize("view", [Window(0, ROWS, 0, COLUMNS), Window(5, 20, 30, 50)])
def test_all_tiles_of_an_order_make_the_map(view: Window) -> None:
    mosaic = Mosaic.unknown((ROWS, COLUMNS))
    order = Order(
        Window(0, ROWS, 0, COLUMNS), 10, np.zeros((ROWS, COLUMNS), bool), Focus(Seen(view))
    )
    seen_whole = False
    while (unit := order.take()) is not None:
        mosaic.take(tile(unit.window, unit.stride, unit.new))
        known = mosaic.level[view.rows, view.columns] != UNKNOWN
        seen_whole = seen_whole or bool(known.all())
        if seen_whole:
            assert known.all()
    assert seen_whole
    assert (mosaic.level == FINAL).all()
    np.testing.assert_array_equal(mosaic.ids, TRUTH)
    np.testing.assert_allclose(mosaic.entropy, TRUTH / 10, rtol=1e-6)


def test_a_map_on_disk_takes_little_memory(tmp_path: Path) -> None:
    side = 5000
    bytes_of_map = 15 * side**2  # 375 MB
    before = resident_mb()
    mosaic = Mosaic.blank((side, side), Room(0.0, tmp_path).arrays(bytes_of_map))
    most = 0.0
    for _ in mosaic.filling():
        most = max(most, resident_mb() or 0.0)
    for row in range(0, side, 500):
        window = Window(row, row + ROWS, row, row + COLUMNS)
        part = tile(Window(0, ROWS, 0, COLUMNS), 1)
        mosaic.take(replace(part, window=window))
    mosaic.leave_memory()
    assert np.count_nonzero(mosaic.level == FINAL) == 10 * ROWS * COLUMNS
    np.testing.assert_array_equal(mosaic.ids[500 : 500 + ROWS, 500 : 500 + COLUMNS], TRUTH)
    assert np.isnan(mosaic.margin[-1]).all()
    if before is not None:
        assert most - before < 150, "filling in the map brought it into memory"


def test_the_map_before_stands_there_until_tiles_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("napari_ssamamba.prediction.mosaic.FILLED_AT_ONCE", 10 * COLUMNS)
    before = Mosaic.unknown((ROWS, COLUMNS))
    before.take(tile(Window(0, ROWS, 0, COLUMNS), 1))
    after = Mosaic.blank((ROWS, COLUMNS))
    assert [event.done for event in after.filling(before)] == [10, 20, 30, ROWS]
    np.testing.assert_array_equal(after.ids, TRUTH)
    np.testing.assert_array_equal(after.margin, before.margin)
    assert (after.level == UNKNOWN).all()
