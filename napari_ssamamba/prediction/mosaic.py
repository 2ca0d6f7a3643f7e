"""The arrays of a map, filled tile by tile, with coarse tiles standing in for what is to come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from napari_ssamamba.data.room import leave_memory
from napari_ssamamba.data.tiles import Window
from napari_ssamamba.events import Progress
from napari_ssamamba.prediction.class_map import ATTENTION_SCALARS

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray

    from napari_ssamamba.data.room import Allocate
    from napari_ssamamba.prediction.class_map import MapTile

FINAL = 255
"""Level of pixels that were computed, or are known to have no measurement."""

UNKNOWN = 0
"""Level of pixels that no tile has come for: that of arrays which nobody wrote into."""

BYTES_A_PIXEL = 15
"""Of all but the attention."""

ATTENTION_BYTES = 4 * len(ATTENTION_SCALARS)
"""A pixel."""

FILLED_AT_ONCE = 2**19
"""Pixels, 8 MB, and as much of the attention; see `Mosaic.filling`."""

NUMBERS = ("confidence", "margin", "entropy")
"""Names of the arrays of numbers from 0 to 1."""


def bytes_a_pixel(attention: bool) -> int:
    """Return what a map takes, with its attention or without."""
    return BYTES_A_PIXEL + (ATTENTION_BYTES if attention else 0)


def take_attention(values: NDArray[np.float32], tile: MapTile) -> None:
    """Write a tile's attention into the scene's, shape (4, rows, columns), if it has any."""
    if tile.attention is not None:
        values[:, *tile.lattice][:, tile.new] = tile.attention[:, tile.new]


@dataclass(slots=True, eq=False, kw_only=True)
class Mosaic:
    """What a map holds of each pixel of the scene, `BYTES_A_PIXEL` and its attention.

    Attributes
    ----------
    ids : ndarray of uint16, shape (rows, columns)
        Class ids, 0 where there is no measurement and where nothing is known.
    confidence, margin, entropy : ndarray of float32, shape (rows, columns)
        See `MapTile`; NaN where the id is 0.
    level : ndarray of uint8, shape (rows, columns)
        `FINAL`, `UNKNOWN`, or `FINAL` − n for a provisional value: that of a pixel up to 2ⁿ away.
    attention : ndarray of float32, shape (4, rows, columns), or None
        `ATTENTION_SCALARS` of the pixels that were computed, else NaN; None where nobody asked.
    """

    ids: NDArray[np.uint16]
    confidence: NDArray[np.float32]
    margin: NDArray[np.float32]
    entropy: NDArray[np.float32]
    level: NDArray[np.uint8]
    attention: NDArray[np.float32] | None = None

    @classmethod
    def blank(
        cls,
        shape: tuple[int, int],
        allocate: Allocate = np.zeros,
        *,
        attention: bool = False,
        **fields: Any,
    ) -> Self:
        """Return one of which nothing is known, its numbers 0 until they are filled in.

        Parameters
        ----------
        shape : tuple of int
            Rows and columns.
        allocate : callable
            Makes the arrays.
        attention : bool
            Whether it holds the attention, too.
        """
        if attention:
            fields["attention"] = allocate((len(ATTENTION_SCALARS), *shape), np.float32)
        numbers = {name: allocate(shape, np.float32) for name in NUMBERS}
        ids, level = allocate(shape, np.uint16), allocate(shape, np.uint8)
        return cls(ids=ids, level=level, **numbers, **fields)

    @classmethod
    def unknown(cls, shape: tuple[int, int], allocate: Allocate = np.zeros, **fields: Any) -> Self:
        """Return one of which nothing is known, filled in; as `blank`."""
        blank = cls.blank(shape, allocate, **fields)
        for _ in blank.filling():
            pass
        return blank

    def filling(self, before: Mosaic | None = None) -> Generator[Progress, None, None]:
        """Fill in what is known of a blank one before any tile comes, row by row.

        Parameters
        ----------
        before : Mosaic, optional
            Its ids and numbers stand there until then, else 0 and NaN.

        Yields
        ------
        Progress
            In rows, after `FILLED_AT_ONCE` pixels.
        """
        rows, columns = self.level.shape
        at_once = max(1, FILLED_AT_ONCE // max(columns, 1))
        for first in range(0, rows, at_once):
            here = slice(first, first + at_once)
            for name in ("ids", *NUMBERS):
                values = getattr(self, name)
                if before is not None:
                    values[here] = getattr(before, name)[here]
                    leave_memory(getattr(before, name))
                elif name in NUMBERS:
                    values[here] = np.nan
                leave_memory(values)
            if self.attention is not None:
                self.attention[:, here] = np.nan
                leave_memory(self.attention)
            yield Progress(done=min(first + at_once, rows), total=rows, text="Preparing the map")

    def leave_memory(self) -> None:
        """Let what was touched of arrays on disk leave the process's memory."""
        for name in ("ids", "level", *NUMBERS):
            leave_memory(getattr(self, name))
        if self.attention is not None:
            leave_memory(self.attention)

    def take(self, tile: MapTile) -> Window:
        """Write a tile into the arrays; return the part of the scene that it changed.

        The pixels of a coarse tile also stand for those around them, as far as nothing better is
        known there.
        """
        changed, mask = tile.window, tile.new
        pick: tuple[Any, ...] = (slice(None), slice(None))
        if tile.stride > 1:
            rows = _Cells(tile.window.row0, mask.shape[0], tile.stride, self.level.shape[0])
            columns = _Cells(tile.window.column0, mask.shape[1], tile.stride, self.level.shape[1])
            changed = Window(rows.start, rows.stop, columns.start, columns.stop)
            pick = np.ix_(rows.nearest, columns.nearest)
            level = FINAL - (tile.stride.bit_length() - 1)
            mask = mask[pick] & (self.level[changed.rows, changed.columns] < level)
            self.level[changed.rows, changed.columns][mask] = level
        here = changed.rows, changed.columns
        for name in ("ids", *NUMBERS):
            np.copyto(getattr(self, name)[here], getattr(tile, name)[pick], where=mask)
        if self.attention is not None:
            take_attention(self.attention, tile)
        self.level[tile.lattice][tile.new] = FINAL
        return changed


class _Cells:
    """The rows (or columns) that those of a lattice are nearest to.

    Parameters
    ----------
    first, count, stride : int
        The lattice's.
    end : int
        Of the scene; the last of a lattice stands for all up to there, as 0 does from the start.
    """

    def __init__(self, first: int, count: int, stride: int, end: int) -> None:
        last = first + (count - 1) * stride
        self.start = max(0, first - stride // 2)
        self.stop = end if last + stride >= end else last + stride - stride // 2
        place = (np.arange(self.start, self.stop) - first + stride // 2) // stride
        self.nearest = place.clip(0, count - 1)
