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

PIXELS_AT_ONCE = 8192
"""With 256 bands 8 MB as numbers."""


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
    """Read the patches around pixels, good bands only, part by part.

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
    offsets = np.arange(-half, half + 1)
    rows = pixels[:, 0, None, None] + offsets[:, None]  # (patches, P, 1)
    columns = pixels[:, 1, None, None] + offsets  # (patches, 1, P)
    inside = (rows >= 0) & (rows < cube.rows) & (columns >= 0) & (columns < cube.columns)
    needed, place = np.unique((rows * cube.columns + columns)[inside], return_inverse=True)
    table = np.zeros((needed.size + 1, cube.good_indices.size), np.float32)
    for part in _parts(needed.size):
        values, _ = standardise_block(_read(cube, needed[part]), standardiser)
        table[1:][part] = values
        yield Progress(done=part.stop, total=needed.size, text="Reading training patches")
    index = np.zeros(inside.shape, np.int32)
    index[inside] = place + 1
    return PatchTable(table, index.reshape(len(pixels), patch_size**2))


def read_spectra(cube: Cube, pixels: NDArray[np.int32]) -> NDArray[np.float32]:
    """Read single pixels, good bands only, part by part.

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
    flat = pixels[:, 0].astype(np.int64) * cube.columns + pixels[:, 1]
    needed, place = np.unique(flat, return_inverse=True)
    spectra = np.empty((needed.size, cube.good_indices.size), np.float32)
    for part in _parts(needed.size):
        spectra[part] = _read(cube, needed[part])
    return spectra[place]


def _read(cube: Cube, places: NDArray[np.int64]) -> NDArray[np.float32]:
    """Read pixels by their number in the scene, good bands only."""
    rows, columns = np.divmod(places, cube.columns)
    return cube.read_pixels(rows, columns, cube.good_indices)


def _parts(count: int) -> Iterator[slice]:
    """Cut pixels in the scene's order into parts that are read at once."""
    for start in range(0, count, PIXELS_AT_ONCE):
        yield slice(start, min(start + PIXELS_AT_ONCE, count))
