"""Rasters read through rasterio window by window, one file or several tiles of one grid."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_ssamamba.data.nodata import is_measured
from napari_ssamamba.errors import FileFormatError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

MAX_READ_BYTES = 64 * 2**20
"""Most that one call reads from a file; a stepped read of a large scene takes several."""


class Raster:
    """A raster file: a `RawCube`.

    A GDAL dataset may be used by one thread at a time, so reads take turns.

    Parameters
    ----------
    path : Path
        For messages.
    dataset : rasterio.DatasetReader
        Kept open as long as this lives.
    """

    def __init__(self, path: Path, dataset: Any) -> None:
        self.path = path
        self._dataset = dataset
        self._lock = threading.Lock()
        self.shape: tuple[int, int, int] = (dataset.height, dataset.width, dataset.count)
        self.dtype: np.dtype[Any] = np.dtype(dataset.dtypes[0])

    def __getitem__(self, key: tuple[slice, slice, slice], /) -> NDArray[Any]:
        """Read the block that the three slices select.

        Raises
        ------
        FileFormatError
            Where the file turns out to be damaged there.
        """
        rows, columns, bands = (
            range(*part.indices(n)) for part, n in zip(key, self.shape, strict=True)
        )
        block = np.empty((len(rows), len(columns), len(bands)), self.dtype)
        if block.size == 0:
            return block
        span = columns[-1] + 1 - columns[0]
        # whole rows are read and thinned out here: GDAL's own thinning shifts by half a step
        at_once = max(1, MAX_READ_BYTES // (span * rows.step * len(bands) * self.dtype.itemsize))
        for first in range(0, len(rows), at_once):
            part = rows[first : first + at_once]
            values = self._read(part[0], part[-1] + 1, columns[0], columns[-1] + 1, bands)
            thinned = values[:, :: rows.step, :: columns.step]
            block[first : first + len(part)] = np.moveaxis(thinned, 0, -1)
        return block

    def _read(self, row0: int, row1: int, column0: int, column1: int, bands: range) -> NDArray[Any]:
        from rasterio.errors import RasterioError

        try:
            with self._lock:
                values = self._dataset.read(
                    [b + 1 for b in bands], window=((row0, row1), (column0, column1))
                )
        except RasterioError as error:
            raise FileFormatError(
                self.path,
                f"rows {row0} to {row1} cannot be read ({error})",
                "Copy it again from its source; it may be damaged or truncated.",
            ) from error
        return np.asarray(values)


class Mosaic:
    """Tiles of one grid as one scene, with gaps where there is no tile: a `RawCube`.

    Where tiles overlap, the later one counts where it has a measurement.

    Parameters
    ----------
    tiles : sequence of Raster
        All of one type and number of bands.
    corners : sequence of (int, int)
        Row and column of each tile's first pixel in the scene.
    fill : float
        Stored value of gaps: the scene's nodata.
    """

    def __init__(
        self, tiles: Sequence[Raster], corners: Sequence[tuple[int, int]], fill: float
    ) -> None:
        self._tiles = tuple(zip(tiles, corners, strict=True))
        self._fill = fill
        self.dtype = tiles[0].dtype
        rows = max(r + t.shape[0] for t, (r, _) in self._tiles)
        columns = max(c + t.shape[1] for t, (_, c) in self._tiles)
        self.shape: tuple[int, int, int] = (rows, columns, tiles[0].shape[2])

    def __getitem__(self, key: tuple[slice, slice, slice], /) -> NDArray[Any]:
        """Read the block that the three slices select, from the tiles that it touches."""
        rows, columns, bands = (
            range(*part.indices(n)) for part, n in zip(key, self.shape, strict=True)
        )
        block = np.full((len(rows), len(columns), len(bands)), self._fill, self.dtype)
        for tile, (row0, column0) in self._tiles:
            here_rows, tile_rows = _overlap(rows, row0, tile.shape[0])
            here_columns, tile_columns = _overlap(columns, column0, tile.shape[1])
            here = block[here_rows, here_columns]
            if here.size:
                values = tile[tile_rows, tile_columns, key[2]]
                np.copyto(here, values, where=is_measured(values, self._fill))
        return block


def _overlap(wanted: range, first: int, length: int) -> tuple[slice, slice]:
    """Where a tile meets the wanted pixels along one axis.

    Parameters
    ----------
    wanted : range
        Pixels of the scene.
    first, length : int
        The tile's pixels in the scene.

    Returns
    -------
    tuple of slice
        Positions in `wanted`, and pixels of the tile.
    """
    step = wanted.step
    begin = max(0, -(-(first - wanted.start) // step))
    end = max(begin, min(len(wanted), -(-(first + length - wanted.start) // step)))
    start = wanted.start + begin * step - first
    return slice(begin, end), slice(start, start + (end - begin) * step, step)
