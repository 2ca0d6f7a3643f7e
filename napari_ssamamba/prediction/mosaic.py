"""The arrays of a map, filled tile by tile, with coarse tiles standing in for what is to come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from napari_ssamamba.data.classes import UNLABELLED
from napari_ssamamba.data.tiles import Window

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_ssamamba.prediction.class_map import MapTile

FINAL = 0
"""Level of pixels that were computed, or are known to have no measurement."""

UNKNOWN = 255
"""Level of pixels that no tile has come for."""


@dataclass(slots=True, eq=False, kw_only=True)
class Mosaic:
    """What a map holds of each pixel of the scene, 15 bytes.

    Attributes
    ----------
    ids : ndarray of uint16, shape (rows, columns)
        Class ids, 0 where there is no measurement and where nothing is known.
    confidence, margin, entropy : ndarray of float32, shape (rows, columns)
        See `MapTile`; NaN where the id is 0.
    level : ndarray of uint8, shape (rows, columns)
        `FINAL`, `UNKNOWN`, or n for a provisional value: that of a pixel up to 2ⁿ away.
    """

    ids: NDArray[np.uint16]
    confidence: NDArray[np.float32]
    margin: NDArray[np.float32]
    entropy: NDArray[np.float32]
    level: NDArray[np.uint8]

    @classmethod
    def unknown(cls, shape: tuple[int, int], **fields: Any) -> Self:
        """Return one of which nothing is known, rows by columns."""
        numbers = [np.full(shape, np.nan, np.float32) for _ in range(3)]
        return cls(
            ids=np.full(shape, UNLABELLED, np.uint16),
            confidence=numbers[0],
            margin=numbers[1],
            entropy=numbers[2],
            level=np.full(shape, UNKNOWN, np.uint8),
            **fields,
        )

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
            level = tile.stride.bit_length() - 1
            mask = mask[pick] & (self.level[changed.rows, changed.columns] > level)
            self.level[changed.rows, changed.columns][mask] = level
        here = changed.rows, changed.columns
        for name in ("ids", "confidence", "margin", "entropy"):
            np.copyto(getattr(self, name)[here], getattr(tile, name)[pick], where=mask)
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
