"""Copies of compressed scenes from which any part is read at once.

A pixel of a compressed file costs the block that it lies in, and what is learned from lies all over
the scene: a training decodes most of it, and several times. A copy is written once, in the
window's background or before a command's work, and kept in the user's cache folder, from which
those that were not used for longest go.
"""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import numpy as np

from napari_ssamamba.data.atomic import written_whole
from napari_ssamamba.data.cached_files import name_of, remove_oldest
from napari_ssamamba.data.cube import BlockFile
from napari_ssamamba.data.downloads import cache_folder
from napari_ssamamba.data.mapped_file import MappedFile
from napari_ssamamba.data.overview import COSTLY_BYTES
from napari_ssamamba.events import Progress

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path
    from typing import BinaryIO

    from numpy.typing import NDArray

    from napari_ssamamba.data.cube import Cube

COPIES = "unpacked"
"""In the user's cache folder."""

COPIES_BYTES = 16 * 2**30
"""Most that all copies take together."""

SPARED_BYTES = 4 * 2**30
"""Of the disk, which stay free."""

PART_BYTES = 4 * 2**20
"""Values that are decoded at once, or those of a single block; three times as much is held. With
16 MB opening the large scene of `ssamamba benchmark --scene --geotiff` adds 28 MB more."""


def needs_unpacking(cube: Cube) -> bool:
    """Tell whether a scene is compressed, large, and not copied yet."""
    raw = cube.raw
    if not isinstance(raw, BlockFile) or not raw.compressed or raw.copy is not None:
        return False
    return _size(cube) > COSTLY_BYTES


def read_from_copy(
    cube: Cube, folder: Path | None = None
) -> Generator[Progress, None, MappedFile | None]:
    """Read a scene from its copy from now on, which is made where there is none: see `unpack`.

    Parameters
    ----------
    cube : Cube
        See `needs_unpacking`.
    folder : Path, optional
        By default that in the user's cache folder.
    """
    copy = yield from unpack(cube, folder or cache_folder() / COPIES)
    if copy is not None:
        assert isinstance(cube.raw, BlockFile)
        cube.raw.take_copy(copy)
    return copy


def unpack(cube: Cube, folder: Path) -> Generator[Progress, None, MappedFile | None]:
    """Return a scene's copy, from the cache folder or made anew.

    Parameters
    ----------
    cube : Cube
        See `needs_unpacking`.
    folder : Path
        The cache.

    Yields
    ------
    Progress
        In pixels.

    Returns
    -------
    MappedFile or None
        Pixel by pixel, or line by line where the scene lies band by band. None where the disk has
        too little room.

    Raises
    ------
    OSError
        Where it could not be written; then nothing is.
    """
    path = folder / name_of(cube, "unpacked")
    if path.exists():
        os.utime(path)  # used last
    else:
        folder.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(folder).free < _size(cube) + SPARED_BYTES:
            return None
        with written_whole(folder) as temporary, (temporary / path.name).open("wb") as file:
            yield from _write(cube, file)
        remove_oldest(folder, COPIES_BYTES)
    stored = np.load(path, mmap_mode="r", allow_pickle=False)
    return MappedFile(stored if cube.interleave == "bip" else stored.transpose(0, 2, 1))


def _size(cube: Cube) -> int:
    return cube.rows * cube.columns * cube.bands * cube.raw.dtype.itemsize


def _write(cube: Cube, file: BinaryIO) -> Generator[Progress, None, None]:
    """Write the values block by block, each of which is decoded once."""
    raw, by_pixel = cube.raw, cube.interleave == "bip"
    assert isinstance(raw, BlockFile)
    last = (cube.columns, cube.bands) if by_pixel else (cube.bands, cube.columns)
    header = {
        "descr": np.lib.format.dtype_to_descr(raw.dtype),
        "fortran_order": False,
        "shape": (cube.rows, *last),
    }
    np.lib.format.write_array_header_1_0(file, header)
    start, item = file.tell(), raw.dtype.itemsize
    high, wide = (min(side, n) for side, n in zip(raw.blocks, cube.shape, strict=False))
    pixel = cube.bands * item
    across = min(cube.columns, max(1, PART_BYTES // (high * wide * pixel)) * wide)
    down = max(1, PART_BYTES // (high * across * pixel)) * high
    done, total = 0, cube.rows * cube.columns
    for row in range(0, cube.rows, down):
        for column in range(0, cube.columns, across):
            yield Progress(done=done, total=total, text=f"Unpacking {cube.name}")
            part = raw[row : row + down, column : column + across, :]
            _put(file, part, start + row * cube.columns * pixel, column, cube, by_pixel)
            done += part.shape[0] * part.shape[1]


def _put(
    file: BinaryIO, part: NDArray[np.generic], start: int, column: int, cube: Cube, by_pixel: bool
) -> None:
    """Write a part whose first row begins at `start` in the file."""
    item, line = part.dtype.itemsize, cube.columns * cube.bands * part.dtype.itemsize
    if part.shape[1] == cube.columns:
        file.seek(start)
        file.write(np.ascontiguousarray(part if by_pixel else part.transpose(0, 2, 1)).data)
        return
    for number, of_row in enumerate(part):
        if by_pixel:
            file.seek(start + number * line + column * cube.bands * item)
            file.write(np.ascontiguousarray(of_row).data)
        else:
            for band in range(cube.bands):
                file.seek(start + number * line + (band * cube.columns + column) * item)
                file.write(of_row[:, band].tobytes())
