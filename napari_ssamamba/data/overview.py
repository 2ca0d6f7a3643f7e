"""Overviews: a scene thinned out, in a file of its own from which any band is read at once.

Where all bands of a pixel lie side by side, one band of the whole scene goes through all of the
file. Its overview is written once, in the background, and kept in the user's cache folder, from
which those that were not used for longest go when it becomes too large.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from napari_ssamamba.data.atomic import written_whole
from napari_ssamamba.data.cached_files import name_of, remove_oldest
from napari_ssamamba.data.cube import BlockFile
from napari_ssamamba.data.mapped_file import MappedFile
from napari_ssamamba.events import Progress

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from napari_ssamamba.data.cube import Cube

COSTLY_BYTES = 128 * 2**20
"""A band that goes through more of the file is not read from it at once."""

OVERVIEW_BYTES = 256 * 2**20
"""Most that the overview of one scene takes."""

CACHE_BYTES = 2 * 2**30
"""Most that all overviews take together."""

BLOCK_BYTES = 8 * 2**20
"""Of the overview, written at once; more where a row of blocks of the file holds more."""


@dataclass(frozen=True, slots=True, eq=False)
class Overview:
    """A scene thinned out.

    Attributes
    ----------
    factor : int
        Its pixel (i, j) is the scene's (i · factor + factor // 2, j · factor + factor // 2).
    cube : Cube
        The same bands, nodata and units.
    """

    factor: int
    cube: Cube


def needs_overview(cube: Cube) -> bool:
    """Tell whether a band of the whole scene is too costly to be read from its files."""
    touched = cube.touched_bytes(range(cube.rows), range(cube.columns))
    return bool(cube.paths) and touched > COSTLY_BYTES


def overview_factor(cube: Cube) -> int:
    """Return the least power of 2, from 2, that leaves `OVERVIEW_BYTES` or less."""
    factor, pixel = 2, cube.bands * cube.raw.dtype.itemsize
    while (cube.rows // factor) * (cube.columns // factor) * pixel > OVERVIEW_BYTES:
        factor *= 2
    return factor


def make_overview(cube: Cube, folder: Path) -> Generator[Progress, None, Overview]:
    """Return a scene's overview, from the cache folder or made anew.

    Parameters
    ----------
    cube : Cube
        Read from files.
    folder : Path
        The cache.

    Yields
    ------
    Progress
        In rows of the overview.

    Returns
    -------
    Overview
    """
    factor = overview_factor(cube)
    path = folder / name_of(cube, factor)
    if path.exists():
        os.utime(path)  # used last
    else:
        yield from _write(cube, factor, path)
        remove_oldest(folder, CACHE_BYTES)
    bands_first = np.load(path, mmap_mode="r", allow_pickle=False)
    raw = MappedFile(bands_first.transpose(1, 2, 0))
    return Overview(factor, replace(cube, raw=raw, interleave="bsq", paths=(path,)))


def _write(cube: Cube, factor: int, path: Path) -> Generator[Progress, None, None]:
    """Write every n-th pixel, bands first; nothing appears before all is written."""
    rows, columns = cube.rows // factor, cube.columns // factor
    dtype = cube.raw.dtype
    header = {
        "descr": np.lib.format.dtype_to_descr(dtype),
        "fortran_order": False,
        "shape": (cube.bands, rows, columns),
    }
    middle = factor // 2
    across = slice(middle, columns * factor, factor)
    at_once = max(1, BLOCK_BYTES // (columns * cube.bands * dtype.itemsize))
    if isinstance(cube.raw, BlockFile):  # whole blocks: none is decoded twice
        high = max(1, cube.raw.blocks[0] // factor)
        at_once = -(-at_once // high) * high
    with written_whole(path.parent) as temporary, (temporary / path.name).open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        start = file.tell()
        for first in range(0, rows, at_once):
            yield Progress(done=first, total=rows, text=f"Overview of {cube.name}")
            last = min(first + at_once, rows)
            down = slice(first * factor + middle, last * factor, factor)
            block = np.asarray(cube.raw[down, across, slice(None)])
            for band in range(cube.bands):
                file.seek(start + dtype.itemsize * columns * (band * rows + first))
                file.write(block[..., band].tobytes())
