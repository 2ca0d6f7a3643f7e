"""Training patches from a lazy cube: only the pixels that they need are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_ssamamba.data.standardise import standardise_block
from napari_ssamamba.events import Progress

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from numpy.typing import NDArray

    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.data.standardise import Standardiser

STRIP = 16
"""Rows read at once."""

LONGEST_RUN = 512
"""Columns read at once: with `STRIP` and 400 bands, 13 MB."""

GAP = 8
"""Unneeded columns between two needed ones that are read along rather than skipped."""


@dataclass(frozen=True, slots=True, eq=False)
class PatchTable:
    """Patches that overlap, each pixel stored once.

    Attributes
    ----------
    table : ndarray of float32, shape (pixels + 1, bands)
        Standardised spectra. Row 0 is all zero: it stands for what lies beyond the scene's border.
    index : ndarray of int32, shape (patches, P²)
        Rows of the table, each patch in row-major order.
    """

    table: NDArray[np.float32]
    index: NDArray[np.int32]


def read_patches(
    cube: Cube, pixels: NDArray[np.int32], patch_size: int, standardiser: Standardiser
) -> Generator[Progress, None, PatchTable]:
    """Read the patches around pixels, good bands only, block by block.

    Parameters
    ----------
    cube : Cube
    pixels : ndarray of int32, shape (patches, 2)
        Row and column of the centres.
    patch_size : int
        P, odd.
    standardiser : Standardiser
        Over the good bands.

    Yields
    ------
    Progress
        In pixels.

    Returns
    -------
    PatchTable
    """
    half = patch_size // 2
    offsets = np.arange(-half, half + 1, dtype=np.int32)
    rows = pixels[:, 0, None, None] + offsets[:, None]  # (patches, P, 1)
    columns = pixels[:, 1, None, None] + offsets  # (patches, 1, P)
    rows, columns = np.broadcast_arrays(rows, columns)
    inside = (rows >= 0) & (rows < cube.rows) & (columns >= 0) & (columns < cube.columns)
    top, below = (int(rows[inside].min()), int(rows[inside].max()) + 1) if len(pixels) else (0, 0)
    needed = np.zeros((below - top, cube.columns), bool)
    needed[rows[inside] - top, columns[inside]] = True

    place = np.zeros(needed.shape, np.int32)
    place[needed] = np.arange(1, needed.sum() + 1)
    table = np.zeros((int(needed.sum()) + 1, cube.good_indices.size), np.float32)
    done = 0
    for strip, column_slice in _blocks(needed):
        row_slice = slice(top + strip.start, top + strip.stop)
        values, _ = standardise_block(cube.read(row_slice, column_slice), standardiser)
        wanted = needed[strip, column_slice]
        table[place[strip, column_slice][wanted]] = values[wanted]
        done += int(wanted.sum())
        yield Progress(done=done, total=len(table) - 1, text="Reading training patches")

    index = np.zeros(inside.shape, np.int32)
    index[inside] = place[rows[inside] - top, columns[inside]]
    return PatchTable(table, index.reshape(len(pixels), patch_size**2))


def read_spectra(cube: Cube, pixels: NDArray[np.int32]) -> NDArray[np.float32]:
    """Read single pixels, good bands only, in few reads.

    Parameters
    ----------
    cube : Cube
    pixels : ndarray of int32, shape (n, 2)
        Row and column.

    Returns
    -------
    ndarray of float32, shape (n, good bands)
        In physical units; missing values are NaN.
    """
    needed = np.zeros((cube.rows, cube.columns), bool)
    needed[pixels[:, 0], pixels[:, 1]] = True
    place = np.zeros(needed.shape, np.int32)
    place[needed] = np.arange(needed.sum())
    spectra = np.empty((int(needed.sum()), cube.good_indices.size), np.float32)
    for row_slice, column_slice in _blocks(needed):
        wanted = needed[row_slice, column_slice]
        spectra[place[row_slice, column_slice][wanted]] = cube.read(row_slice, column_slice)[wanted]
    return spectra[place[pixels[:, 0], pixels[:, 1]]]


def _blocks(needed: NDArray[np.bool_]) -> Iterator[tuple[slice, slice]]:
    """Cover the needed pixels with blocks, row by row of the scene."""
    for row0 in range(0, needed.shape[0], STRIP):
        columns = np.flatnonzero(needed[row0 : row0 + STRIP].any(axis=0))
        if columns.size == 0:
            continue
        for run in np.split(columns, np.flatnonzero(np.diff(columns) > GAP) + 1):
            for column0 in range(int(run[0]), int(run[-1]) + 1, LONGEST_RUN):
                column1 = min(column0 + LONGEST_RUN, int(run[-1]) + 1)
                used = np.flatnonzero(needed[row0 : row0 + STRIP, column0:column1].any(axis=1))
                rows = slice(row0 + int(used[0]), row0 + int(used[-1]) + 1)
                yield rows, slice(column0, column1)
