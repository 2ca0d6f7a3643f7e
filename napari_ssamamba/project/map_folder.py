"""The folder of a map that is written while it is computed: each array of the `Mosaic`, a header.

More layers may lie beside them. The arrays are as NumPy writes them. What changes is written into
them where it lies, levels last, so that no pixel is ever taken for final whose numbers are not
there; then comes the header.
"""

from __future__ import annotations

import errno
import math
import os
import shutil
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from pydantic import BaseModel, ConfigDict

from napari_ssamamba.data.atomic import written_whole
from napari_ssamamba.data.tiles import Window
from napari_ssamamba.errors import FileFormatError
from napari_ssamamba.events import Progress
from napari_ssamamba.prediction.mosaic import BYTES_A_PIXEL, FINAL, NUMBERS, UNKNOWN, Mosaic

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Sequence
    from pathlib import Path

    from numpy.typing import DTypeLike, NDArray

HEADER = "map.json"

ARRAYS = {"ids": np.uint16, **dict.fromkeys(NUMBERS, np.float32), "level": np.uint8}
"""Each in a file of its name; the order in which they are written."""

ROWS_AT_ONCE = 64

REMEDY = "Map the scene again."


class Layer(Protocol):
    """Numbers of each pixel that a map has beside its `Mosaic`.

    Attributes
    ----------
    name : str
    depth : int
        How many numbers.
    dtype : dtype
        Of floating point: NaN stands where nothing is known.
    """

    name: str
    depth: int
    dtype: np.dtype[Any]

    def read(self, window: Window) -> NDArray[Any]:
        """Return those of a part of the scene, shape (rows, columns, depth)."""

    def write(self, window: Window, values: NDArray[Any]) -> None:
        """Take them."""


class AttentionLayer:
    """The attention of a map as a `Layer`.

    Parameters
    ----------
    values : ndarray of float32, shape (4, rows, columns)
        See `Mosaic.attention`.
    """

    def __init__(self, values: NDArray[np.float32]) -> None:
        self.name = "attention"
        self.depth = len(values)
        self.dtype: np.dtype[np.float32] = values.dtype
        self._values = np.moveaxis(values, 0, -1)

    def read(self, window: Window) -> NDArray[np.float32]:
        """Return a part, shape (rows, columns, 4)."""
        return self._values[window.rows, window.columns]

    def write(self, window: Window, values: NDArray[np.float32]) -> None:
        """Fill in a part."""
        self._values[window.rows, window.columns] = values


def layers_of(mosaic: Mosaic) -> list[Layer]:
    """Return what is kept of a map beside its arrays: the attention, if it holds that."""
    return [] if mosaic.attention is None else [AttentionLayer(mosaic.attention)]


class FolderHeader(BaseModel):
    """What every such folder says of its map; unknown names are refused.

    Attributes
    ----------
    mapped : int
        Pixels that are final.
    """

    model_config = ConfigDict(extra="forbid")

    mapped: int


class MapFolder:
    """The folder of a map that changes.

    Parameters
    ----------
    path : Path
    layers : sequence of Layer
        Kept with the map.
    """

    def __init__(self, path: Path, layers: Sequence[Layer] = ()) -> None:
        self.path = path
        self._layers = layers

    def begin(self, shape: tuple[int, int]) -> None:
        """Make the folder, with arrays of which nothing is known.

        Parameters
        ----------
        shape : tuple of int
            Rows and columns.

        Raises
        ------
        OSError
            Where the folder cannot be written into, or its disk has too little room; then there
            is none.
        """
        path, layers = self.path, self._layers
        path.parent.mkdir(parents=True, exist_ok=True)
        needed = BYTES_A_PIXEL + sum(layer.depth * layer.dtype.itemsize for layer in layers)
        if shutil.disk_usage(path.parent).free < needed * math.prod(shape):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path.parent))
        try:
            _write_empty(path, shape, layers)
        except OSError:
            shutil.rmtree(path, ignore_errors=True)
            raise

    @property
    def is_whole(self) -> bool:
        """Whether all arrays are there; another window may have removed them."""
        names = (*ARRAYS, *(layer.name for layer in self._layers))
        return all((self.path / f"{name}.npy").exists() for name in names)

    def write(self, mosaic: Mosaic, changed: Iterable[Window], header: FolderHeader) -> int:
        """Write what changed in a map, which may go on changing.

        Parameters
        ----------
        mosaic : Mosaic
        changed : iterable of Window
            Parts in which something may have changed.
        header : FolderHeader
            Its `mapped` is counted here.

        Returns
        -------
        int
            What was counted.

        Raises
        ------
        OSError
            Where not all of it could be written; what was kept stays readable.
        """
        parts = _parts(changed, mosaic.level.shape[0])
        levels = [mosaic.level[part.rows, part.columns].copy() for part in parts]  # see above
        for name in ("ids", *NUMBERS):
            values = getattr(mosaic, name)
            self._put(name, parts, [values[part.rows, part.columns] for part in parts])
        for layer in self._layers:
            self._put(layer.name, parts, map(layer.read, parts))
        self._put("level", parts, levels)
        mapped = sum(int(np.count_nonzero(row == FINAL)) for row in mosaic.level)
        text = header.model_copy(update={"mapped": mapped}).model_dump_json()
        with written_whole(self.path) as temporary:
            (temporary / HEADER).write_text(text, encoding="utf-8")
        return mapped

    def read(self, mosaic: Mosaic) -> Generator[Progress, None, None]:
        """Read the arrays; of pixels that no tile had come for, nothing is known.

        Parameters
        ----------
        mosaic : Mosaic
            Filled in, as are the layers.

        Yields
        ------
        Progress
            In rows.

        Raises
        ------
        FileFormatError
            Where an array is missing, damaged or of another shape.
        """
        shape = rows, columns = mosaic.level.shape
        arrays = {name: self._open(name, shape, dtype) for name, dtype in ARRAYS.items()}
        beside = [
            (layer, self._open(layer.name, (*shape, layer.depth), layer.dtype))
            for layer in self._layers
        ]
        for first in range(0, rows, ROWS_AT_ONCE):
            here = slice(first, first + ROWS_AT_ONCE)
            for name, values in arrays.items():
                getattr(mosaic, name)[here] = values[here]
            unknown = mosaic.level[here] == UNKNOWN
            mosaic.ids[here][unknown] = 0
            for name in NUMBERS:
                getattr(mosaic, name)[here][unknown] = np.nan
            final = mosaic.level[here] == FINAL
            for layer, values in beside:
                known = np.where(final[..., np.newaxis], values[here], np.nan)
                layer.write(Window(first, first + len(known), 0, columns), known)
            done = min(first + ROWS_AT_ONCE, rows)
            yield Progress(done=done, total=rows, text="Reading the map")

    def remove(self) -> None:
        """Remove the map."""
        shutil.rmtree(self.path, ignore_errors=True)

    def _put(self, name: str, parts: list[Window], values: Iterable[NDArray[Any]]) -> None:
        """Write parts of an array into its file, which has to be there."""
        with (self.path / f"{name}.npy").open("rb+") as file:
            np.lib.format.read_magic(file)
            (_, columns, *depth), _, dtype = np.lib.format.read_array_header_1_0(file)
            start, size = file.tell(), math.prod(depth) * dtype.itemsize
            for part, block in zip(parts, values, strict=True):
                rows = np.ascontiguousarray(block)
                whole = part.columns == slice(0, columns)
                for n, row in enumerate([rows] if whole else rows):
                    place = (part.row0 + n) * columns + part.column0
                    file.seek(start + place * size)
                    file.write(row.tobytes())
            file.flush()
            os.fsync(file.fileno())

    def _open(self, name: str, shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
        """Open an array without reading it."""
        path, wanted = self.path / f"{name}.npy", (shape, np.dtype(dtype))
        try:
            values: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError) as error:
            raise FileFormatError(path, f"it cannot be read ({error})", REMEDY) from error
        if (values.shape, values.dtype) != wanted:
            found = f"{values.dtype} of shape {values.shape}, not {wanted[1]} of {wanted[0]}"
            raise FileFormatError(path, found, REMEDY)
        return values


def _write_empty(path: Path, shape: tuple[int, int], layers: Sequence[Layer]) -> None:
    arrays: list[tuple[str, np.dtype[Any], tuple[int, ...]]]
    arrays = [(name, np.dtype(dtype), shape) for name, dtype in ARRAYS.items()]
    arrays += [(layer.name, layer.dtype, (*shape, layer.depth)) for layer in layers]
    with written_whole(path) as temporary:
        for name, dtype, size in arrays:
            with (temporary / f"{name}.npy").open("wb") as file:
                described = {
                    "descr": np.lib.format.dtype_to_descr(dtype),
                    "fortran_order": False,
                    "shape": size,
                }
                np.lib.format.write_array_header_1_0(file, described)
                file.truncate(file.tell() + math.prod(size) * dtype.itemsize)


def _parts(changed: Iterable[Window], rows: int) -> list[Window]:
    """Join windows: no pixel comes twice, and what lies side by side is one part."""
    spans: dict[int, tuple[int, int]] = {}
    for window in changed:
        for block in range(window.row0 // ROWS_AT_ONCE, -(-window.row1 // ROWS_AT_ONCE)):
            first, last = spans.get(block, (window.column0, window.column1))
            spans[block] = min(first, window.column0), max(last, window.column1)
    return [
        Window(block * ROWS_AT_ONCE, min((block + 1) * ROWS_AT_ONCE, rows), *spans[block])
        for block in sorted(spans)
    ]
