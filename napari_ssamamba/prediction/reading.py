"""Reads what is to be mapped next, in threads, while the model is at work."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np

from napari_ssamamba.data.scattered import ScatteredTile, read_scattered
from napari_ssamamba.data.tiles import read_tile

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future

    from numpy.typing import NDArray

    from napari_ssamamba.checkpoint import Checkpoint
    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.data.tiles import Tile
    from napari_ssamamba.prediction.order import Order, Unit

Read = TypeVar("Read")


class ReadAhead(Generic[Read]):
    """Takes unit after unit from an order, and reads some ahead.

    Parameters
    ----------
    order : Order
    read : callable
        Reads a unit; called in threads.
    ahead : int
        How many units are read at the same time, each in a thread of its own.
    """

    def __init__(self, order: Order, read: Callable[[Unit], Read], ahead: int = 1) -> None:
        self._order = order
        self._read = read
        self._count = ahead
        self._pool = ThreadPoolExecutor(ahead, thread_name_prefix="reading")
        self._ahead: deque[tuple[Unit, Future[Read]]] = deque()
        self._fill()

    def next(self) -> tuple[Unit, Read] | None:
        """Return what to compute now, None at the end, and begin to read what follows.

        Where the user has looked elsewhere meanwhile, what was read ahead is put back, and read
        again unless it comes next all the same.
        """
        if self._order.seen is not self._seen:
            before = list(self._ahead)
            self._ahead.clear()
            for unit, _ in before:
                self._order.give_back(unit)
            self._fill(before)
        if not self._ahead:
            return None
        unit, future = self._ahead.popleft()
        read = future.result()
        self._fill()
        return unit, read

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _fill(self, before: Sequence[tuple[Unit, Future[Read]]] = ()) -> None:
        """Begin to read what comes next, as far as that was not begun before."""
        self._seen = self._order.seen
        while len(self._ahead) < self._count and (unit := self._order.take()) is not None:
            known = [future for other, future in before if _same(unit, other)]
            future = known[0] if known else self._pool.submit(self._read, unit)
            self._ahead.append((unit, future))
        kept = {id(future) for _, future in self._ahead}
        for _, future in before:
            if id(future) not in kept:
                future.cancel()


def _same(a: Unit, b: Unit) -> bool:
    return a.window == b.window and a.stride == b.stride and np.array_equal(a.new, b.new)


def read_unit(cube: Cube, unit: Unit, margin: int, checkpoint: Checkpoint) -> Tile:
    """Read a unit's new pixels with so many pixels around them, as the checkpoint wants them."""
    standardiser, bands = checkpoint.standardiser, checkpoint.band_indices
    if unit.scattered:
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
