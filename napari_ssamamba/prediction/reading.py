"""Reads what is to be mapped next, in a thread, while the model is at work."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from napari_ssamamba.data.scattered import ScatteredTile, read_scattered
from napari_ssamamba.data.tiles import read_tile
from napari_ssamamba.prediction.order import SCATTERED

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from numpy.typing import NDArray

    from napari_ssamamba.checkpoint import Checkpoint
    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.data.tiles import Tile
    from napari_ssamamba.prediction.order import Order, Unit


class ReadAhead:
    """Takes unit after unit from an order, and reads one ahead.

    Parameters
    ----------
    order : Order
    read : callable
        Reads a unit; called in the thread.
    """

    def __init__(self, order: Order, read: Callable[[Unit], Tile]) -> None:
        self._order = order
        self._read = read
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="reading")
        self._ahead: tuple[Unit, Future[Tile]] | None = None
        self._begin()

    def next(self) -> tuple[Unit, Tile] | None:
        """Return what to compute now, None at the end, and begin to read what follows.

        Where the user has looked elsewhere meanwhile, what was read ahead is put back.
        """
        if self._ahead is not None and self._order.seen is not self._seen:
            unit, future = self._ahead
            self._order.give_back(unit)
            self._begin(unit, future)
        if self._ahead is None:
            return None
        unit, future = self._ahead
        tile = future.result()
        self._begin()
        return unit, tile

    def close(self) -> None:
        """End the thread."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _begin(self, last: Unit | None = None, reading: Future[Tile] | None = None) -> None:
        """Begin to read the next unit, unless that is the one which is being read."""
        self._seen = self._order.seen
        unit = self._order.take()
        if unit is None:
            self._ahead = None
        elif last is not None and reading is not None and _same(unit, last):
            self._ahead = unit, reading
        else:
            if reading is not None:
                reading.cancel()
            self._ahead = unit, self._pool.submit(self._read, unit)


def _same(a: Unit, b: Unit) -> bool:
    return a.window == b.window and a.stride == b.stride and np.array_equal(a.new, b.new)


def read_unit(cube: Cube, unit: Unit, margin: int, checkpoint: Checkpoint) -> Tile:
    """Read a unit's new pixels with so many pixels around them, as the checkpoint wants them."""
    standardiser, bands = checkpoint.standardiser, checkpoint.band_indices
    if unit.stride >= SCATTERED:
        return read_scattered(cube, unit.pixels, margin, standardiser, bands)
    wanted = np.zeros(unit.window.shape, bool)
    wanted[:: unit.stride, :: unit.stride] = unit.new
    return read_tile(cube, unit.window, margin, standardiser, bands).only(wanted)


def measured_pixels(unit: Unit, tile: Tile) -> NDArray[np.bool_]:
    """Tell which of a unit's new pixels were measured, shape of ``unit.new``."""
    measured = np.zeros(unit.new.shape, bool)
    if isinstance(tile, ScatteredTile):
        measured[unit.new] = tile.measured[:: 2 * tile.margin + 1, 0]
    else:
        measured = tile.measured[:: unit.stride, :: unit.stride]
    return measured
