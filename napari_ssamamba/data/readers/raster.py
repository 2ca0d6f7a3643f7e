"""Rasters read through rasterio window by window, one file or several tiles of one grid."""

from __future__ import annotations

import itertools
import math
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_ssamamba.data.georeferencing import open_raster
from napari_ssamamba.data.nodata import is_measured
from napari_ssamamba.errors import FileFormatError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_ssamamba.data.mapped_file import MappedFile

    Bands = range | NDArray[np.intp]

MAX_READ_BYTES = 64 * 2**20
"""Most that one call reads from a file, or what a single block of it holds."""

_OPENING = threading.Lock()
"""To be silent while a file is opened, the interpreter's list of warnings is exchanged."""


class Raster:
    """A raster file: a `BlockFile`.

    GDAL decodes whole blocks (strips or tiles), and keeps few of them: each is asked for once, for
    all that is wanted of it. A dataset may be used by one thread at a time; a thread that finds
    all in use opens another, so that none waits for what another one reads.

    Parameters
    ----------
    path : Path
    dataset : rasterio.DatasetReader

    Attributes
    ----------
    blocks : tuple of int
        Rows and columns of a block.
    compressed : bool
    copy : MappedFile or None
        See `BlockFile`.
    """

    def __init__(self, path: Path, dataset: Any) -> None:
        self.path = path
        self._idle = 2  # the window's thread and that of a job
        self._driver = dataset.driver
        self._free = [dataset]
        self.shape: tuple[int, int, int] = (dataset.height, dataset.width, dataset.count)
        self.dtype: np.dtype[Any] = np.dtype(dataset.dtypes[0])
        self.blocks: tuple[int, int] = dataset.block_shapes[0]
        self.compressed = dataset.compression is not None
        self.copy: MappedFile | None = None
        self._bands_apart = dataset.profile.get("interleave", "band") == "band"

    def __getitem__(self, key: tuple[slice, slice, slice], /) -> NDArray[Any]:
        """Read the block that the three slices select."""
        return self.read(key[0], key[1], range(self.shape[2])[key[2]])

    def read(self, rows: slice, columns: slice, bands: Bands) -> NDArray[Any]:
        """Read a part of any bands; blocks in which nothing of it lies are not read.

        Raises
        ------
        FileFormatError
            Where the file turns out to be damaged there.
        """
        down, across = range(self.shape[0])[rows], range(self.shape[1])[columns]
        wanted = np.asarray(bands)
        part = np.empty((len(down), len(across), wanted.size), self.dtype)
        if part.size == 0:
            return part
        with self._borrowed() as dataset:
            for r, c, b in self._parts(down, across, wanted.size):
                window = _span(down[r]), _span(across[c])
                values = self._read(dataset, window, wanted[b])
                # all between is read and thinned out here: GDAL's own shifts by half a step
                thinned = values[:, :: down.step, :: across.step]
                part[r, c, b] = np.moveaxis(thinned, 0, -1)
        return part

    def touched_bytes(self, rows: range, columns: range, bands: Bands) -> int:
        """Estimate how much a read decodes."""
        high, wide = (
            sum(min(block, n - first * block) for first in np.unique(np.array(wanted) // block))
            for wanted, block, n in zip((rows, columns), self.blocks, self.shape, strict=False)
        )
        read = len(bands) if self._bands_apart else self.shape[2]
        return int(high * wide * read * self.dtype.itemsize)

    def take_copy(self, copy: MappedFile) -> None:
        """Set `copy`, and keep no dataset open: GDAL keeps decoded blocks as long as it is."""
        self.copy = copy
        self.keep_open(0)

    def keep_open(self, idle: int) -> None:
        """Tell how many datasets stay open while no thread uses them."""
        self._idle = idle
        self._close_idle()

    def _close_idle(self) -> None:
        while len(self._free) > self._idle:
            try:
                self._free.pop(0).close()
            except IndexError:  # another thread has just borrowed it
                return

    def _parts(self, rows: range, columns: range, bands: int) -> Iterator[tuple[slice, ...]]:
        """Cut what is wanted into parts of `MAX_READ_BYTES`, but no block in two."""
        one = math.prod(self.blocks) * self.dtype.itemsize
        at_once = bands
        if self._bands_apart:
            at_once = min(bands, max(1, MAX_READ_BYTES // one))
        blocks = max(1, MAX_READ_BYTES // (one * at_once))
        wide = min(blocks, -(-self.shape[1] // self.blocks[1]))
        yield from itertools.product(
            _cut(rows, self.blocks[0], blocks // wide),
            _cut(columns, self.blocks[1], wide),
            [slice(first, first + at_once) for first in range(0, bands, at_once)],
        )

    @contextmanager
    def _borrowed(self) -> Iterator[Any]:
        """Lend a dataset that no other thread uses."""
        try:
            dataset = self._free.pop()
        except IndexError:
            with _OPENING:
                dataset = open_raster(self.path, self._driver)
        try:
            yield dataset
        finally:
            self._free.append(dataset)
            self._close_idle()

    def _read(
        self, dataset: Any, window: tuple[tuple[int, int], tuple[int, int]], bands: NDArray[Any]
    ) -> NDArray[Any]:
        from rasterio.errors import RasterioError

        try:
            values = dataset.read((bands + 1).tolist(), window=window)
        except RasterioError as error:
            (row0, row1), _ = window
            raise FileFormatError(
                self.path,
                f"rows {row0} to {row1} cannot be read ({error})",
                "Copy it again from its source; it may be damaged or truncated.",
            ) from error
        return np.asarray(values)


class Mosaic:
    """Tiles of one grid as one scene, with gaps where there is no tile: a `BlockFile`.

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
        self.blocks = tiles[0].blocks
        self.compressed = any(tile.compressed for tile in tiles)
        self.copy: MappedFile | None = None
        for tile in tiles:
            tile.keep_open(1)  # there may be as many tiles as a process may open files
        self.dtype = tiles[0].dtype
        rows = max(r + t.shape[0] for t, (r, _) in self._tiles)
        columns = max(c + t.shape[1] for t, (_, c) in self._tiles)
        self.shape: tuple[int, int, int] = (rows, columns, tiles[0].shape[2])

    def __getitem__(self, key: tuple[slice, slice, slice], /) -> NDArray[Any]:
        """Read the block that the three slices select."""
        return self.read(key[0], key[1], range(self.shape[2])[key[2]])

    def read(self, rows: slice, columns: slice, bands: Bands) -> NDArray[Any]:
        """Read a part of any bands, from the tiles that it touches; see `Raster.read`."""
        down, across = range(self.shape[0])[rows], range(self.shape[1])[columns]
        part = np.full((len(down), len(across), len(bands)), self._fill, self.dtype)
        for tile, place, there in self._touched(down, across):
            here = part[place]
            values = tile.read(*there, bands)
            np.copyto(here, values, where=is_measured(values, self._fill))
        return part

    def touched_bytes(self, rows: range, columns: range, bands: Bands) -> int:
        """Estimate how much a read decodes."""
        return sum(
            tile.touched_bytes(
                range(tile.shape[0])[there[0]], range(tile.shape[1])[there[1]], bands
            )
            for tile, _, there in self._touched(rows, columns)
        )

    def take_copy(self, copy: MappedFile) -> None:
        """Set `copy`, and keep no tile open."""
        self.copy = copy
        for tile, _ in self._tiles:
            tile.keep_open(0)

    def _touched(
        self, rows: range, columns: range
    ) -> Iterator[tuple[Raster, tuple[slice, slice], tuple[slice, slice]]]:
        """Yield the tiles in which wanted pixels lie, where in what is wanted, and in the tile."""
        for tile, (row0, column0) in self._tiles:
            here_rows, tile_rows = _overlap(rows, row0, tile.shape[0])
            here_columns, tile_columns = _overlap(columns, column0, tile.shape[1])
            if here_rows.start < here_rows.stop and here_columns.start < here_columns.stop:
                yield tile, (here_rows, here_columns), (tile_rows, tile_columns)


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


def _cut(wanted: range, block: int, at_once: int) -> list[slice]:
    """Cut what is wanted along an axis where neighbours lie in different blocks.

    Parameters
    ----------
    wanted : range
    block : int
        Pixels of a block.
    at_once : int
        Neighbouring blocks that stay together; of those in which nothing is wanted, none.

    Returns
    -------
    list of slice
        Positions in `wanted`.
    """
    blocks = np.array(wanted) // block
    groups = blocks // max(1, at_once)
    cuts = np.flatnonzero((np.diff(groups) > 0) | (np.diff(blocks) > 1)) + 1
    return [slice(a, b) for a, b in itertools.pairwise([0, *cuts.tolist(), len(wanted)])]


def _span(wanted: range) -> tuple[int, int]:
    return wanted[0], wanted[-1] + 1
