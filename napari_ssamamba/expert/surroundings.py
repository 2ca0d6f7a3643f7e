"""A pixel's surroundings: spectra averaged with a Gaussian over the measured pixels around it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_ssamamba.data.patches import read_patches

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray

    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.data.standardise import Standardiser
    from napari_ssamamba.events import Progress

RADIUS = 6
"""The Gaussian ends so many pixels away: what a tile needs around it."""

SIGMA = 3.0
"""Its deviation in pixels. Chosen with random splits of Salinas-A, EnMAP Potsdam, Jasper Ridge and
the built-in scene by seeds 10 to 13: with further deviations between 0 and 3, fields gain 0.1 to
0.2 points and mixed scenes lose as much or more."""

AT_ONCE = 128
"""Pixels whose surroundings are held in memory at once: 19 MB with 218 bands."""


def average_block(block: NDArray[np.float32], margin: int) -> NDArray[np.float32]:
    """Average each core pixel's surroundings.

    Parameters
    ----------
    block : ndarray of float32, shape (rows + 2 margin, columns + 2 margin, bands)
        Standardised; 0 in all bands where nothing was measured, as in `Tile`.
    margin : int
        `RADIUS` or more.

    Returns
    -------
    ndarray of float32, shape (rows, columns, bands)
        The same to the last bit whichever tile a pixel lies in; 0 where nothing was measured near.
    """
    from scipy.ndimage import correlate1d

    measured = np.asarray(block.any(axis=-1, keepdims=True), np.float32)
    kernel = gaussian()

    def smooth(values: NDArray[np.float32]) -> NDArray[np.float32]:
        rows = slice(margin, values.shape[0] - margin)
        columns = slice(margin, values.shape[1] - margin)
        down = correlate1d(values, kernel, axis=0, mode="constant")[rows]
        return np.asarray(correlate1d(down, kernel, axis=1, mode="constant")[:, columns])

    weight, total = smooth(measured), smooth(block)
    return np.asarray(np.divide(total, weight, out=np.zeros_like(total), where=weight > 0))


def average_around(
    block: NDArray[np.float32], margin: int, wanted: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Average the surroundings of some core pixels, in the way that costs less.

    Parameters
    ----------
    block, margin
        See `average_block`.
    wanted : ndarray of bool, shape (rows, columns)

    Returns
    -------
    ndarray of float32, shape (wanted pixels, bands)
        Equal to ``average_block(block, margin)[wanted]`` to rounding.
    """
    side = 2 * RADIUS + 1
    rows, columns, bands = block.shape
    if wanted.sum() * side >= (rows + wanted.shape[0]) * columns:  # products a band, over `side`
        return average_block(block, margin)[wanted]
    measured = np.asarray(block.any(axis=-1)).ravel()
    weights = np.outer(gaussian(), gaussian()).astype(np.float32).ravel()  # (side²,)
    steps = np.arange(side)
    offsets = (steps[:, None] * columns + steps).ravel()
    around = np.empty((int(wanted.sum()), bands), np.float32)
    first = (np.argwhere(wanted) + margin - RADIUS) @ (columns, 1)  # of each pixel's surroundings
    table = block.reshape(-1, bands)
    for start in range(0, len(first), AT_ONCE):
        index = first[start : start + AT_ONCE, None] + offsets  # (part, side²)
        share = weights * measured[index]
        share /= np.maximum(share.sum(axis=1, keepdims=True), np.finfo(np.float32).tiny)
        around[start : start + AT_ONCE] = (share[:, None] @ table[index])[:, 0]
    return around


def read_with_surroundings(
    cube: Cube, pixels: NDArray[np.int32], standardiser: Standardiser
) -> Generator[Progress, None, tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Read pixels and the averages of their surroundings, part by part.

    Parameters
    ----------
    cube : Cube
    pixels : ndarray of int32, shape (n, 2)
        Row and column.
    standardiser : Standardiser

    Yields
    ------
    Progress

    Returns
    -------
    own, around : ndarray of float32, shape (n, bands)
        Standardised.
    """
    side = 2 * RADIUS + 1
    weights = np.outer(gaussian(), gaussian()).astype(np.float32).ravel()  # (side²,)
    own = np.empty((len(pixels), cube.good_indices.size), np.float32)
    around = np.empty_like(own)
    # neighbours together, so that the parts share few pixels
    order = np.lexsort((pixels[:, 1], pixels[:, 0] // side))
    for start in range(0, len(pixels), AT_ONCE):
        part = order[start : start + AT_ONCE]
        patches = yield from read_patches(cube, pixels[part], side, standardiser)
        measured = np.asarray(patches.table.any(axis=1))
        share = weights * measured[patches.index]  # (part, side²)
        share /= np.maximum(share.sum(axis=1, keepdims=True), np.finfo(np.float32).tiny)
        for row, index, of_pixel in zip(part, patches.index, share, strict=True):
            around[row] = of_pixel @ patches.table[index]
        own[part] = patches.table[patches.index[:, side * side // 2]]
    return own, around


def read_own(
    cube: Cube, pixels: NDArray[np.int32], standardiser: Standardiser
) -> Generator[Progress, None, NDArray[np.float32]]:
    """Read what `read_with_surroundings` returns first, (n, bands), without what lies around."""
    patches = yield from read_patches(cube, pixels, 1, standardiser)
    return np.asarray(patches.table[patches.index[:, 0]])


def gaussian() -> NDArray[np.float64]:
    """Return the Gaussian in one direction, its sum 1."""
    distance = np.arange(-RADIUS, RADIUS + 1)
    kernel = np.exp(-0.5 * (distance / SIGMA) ** 2)
    return np.asarray(kernel / kernel.sum())
