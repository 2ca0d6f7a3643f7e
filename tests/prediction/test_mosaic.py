"""The map never has holes where a coarse tile has come, and ends as the fine tiles say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from napari_ssamamba.data.tiles import Window
from napari_ssamamba.prediction.class_map import MapTile
from napari_ssamamba.prediction.mosaic import FINAL, UNKNOWN, Mosaic
from napari_ssamamba.prediction.order import Focus, Order, Seen

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
    assert (mosaic.level[mosaic.level != FINAL] == 3).all()


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
