"""Image crops around pixels, enlarged, with the truth and the map outlined."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

LINE = 2
"""Screen pixels that an outline is wide."""

FRAME = (255, 255, 255, 255), (0, 0, 0, 255)
"""Colours of the lines around the centre pixel, from the inner: to be seen on any ground."""


@dataclass(frozen=True, slots=True, eq=False)
class Outline:
    """What to outline in a crop: the region of one class around the centre.

    Attributes
    ----------
    ids : ndarray of uint16, shape (rows, columns)
        Class ids of the whole scene.
    id : int
        The class.
    color : str
        ``"#rrggbb"``.
    inset : int
        Screen pixels from the region's border inwards, so that two outlines do not cover each
        other; fewer where nothing would be left.
    """

    ids: NDArray[np.uint16]
    id: int
    color: str
    inset: int


def cut(values: NDArray[Any], row: int, column: int, side: int) -> NDArray[Any]:
    """Cut a square out of a scene; beyond the scene's border it is 0.

    Parameters
    ----------
    values : ndarray, shape (rows, columns, ...)
    row, column : int
        Of the square's centre.
    side : int
        In pixels, odd.
    """
    half = side // 2
    square = np.zeros((side, side, *values.shape[2:]), values.dtype)
    row0, column0 = max(row - half, 0), max(column - half, 0)
    inside = values[row0 : row + half + 1, column0 : column + half + 1]
    top, left = row0 - row + half, column0 - column + half
    square[top : top + inside.shape[0], left : left + inside.shape[1]] = inside
    return square


def region_around(ids: NDArray[np.uint16], id: int) -> NDArray[np.bool_]:
    """Return a square's pixels of a class that are connected with its centre, at sides or corners.

    The centre counts as one of them, whatever its class.

    Parameters
    ----------
    ids : ndarray of uint16, shape (side, side)
    id : int
    """
    from scipy.ndimage import label

    of_class = ids == id
    half = len(ids) // 2
    of_class[half, half] = True
    parts, _ = label(of_class, np.ones((3, 3)))
    return np.asarray(parts == parts[half, half])


def outlined_crop(
    image: NDArray[np.uint8],
    pixel: tuple[int, int],
    side: int,
    scale: int,
    outlines: tuple[Outline, ...],
) -> NDArray[np.uint8]:
    """Cut out the image around a pixel and enlarge it, nearest neighbour.

    Parameters
    ----------
    image : ndarray of uint8, shape (rows, columns, 4)
        Composite of the scene, RGBA.
    pixel : tuple of int
        Row and column.
    side : int
        Of the crop, in pixels of the scene, odd.
    scale : int
        Screen pixels a pixel of the scene.
    outlines : tuple of Outline
        Drawn in this order.

    Returns
    -------
    ndarray of uint8, shape (side × scale, side × scale, 4)
        Transparent beyond the scene's border. A white frame and a black one around it mark the
        centre pixel.
    """
    large = _enlarged(cut(image, *pixel, side), scale)
    for outline in outlines:
        region = _enlarged(region_around(cut(outline.ids, *pixel, side), outline.id), scale)
        large[_border(region, outline.inset, LINE)] = (*bytes.fromhex(outline.color[1:]), 255)
    for k, color in enumerate(FRAME, 1):
        square = np.zeros(large.shape[:2], bool)
        within = slice(side // 2 * scale - k, (side // 2 + 1) * scale + k)
        square[within, within] = True
        large[_border(square, 0, 1)] = color
    return large


def _enlarged(values: NDArray[Any], scale: int) -> NDArray[Any]:
    return values.repeat(scale, axis=0).repeat(scale, axis=1)


def _border(region: NDArray[np.bool_], inset: int, width: int) -> NDArray[np.bool_]:
    """Return a line along a region's inner border; none along the picture's edge."""
    for _ in range(inset):
        smaller = _eroded(region)
        if not smaller.any():  # a single pixel of the scene is seen, too
            break
        region = smaller
    inner = region
    for _ in range(width):
        inner = _eroded(inner)
    return region & ~inner


def _eroded(region: NDArray[np.bool_]) -> NDArray[np.bool_]:
    padded = np.pad(region, 1, mode="edge")
    middle = padded[1:-1, 1:-1]
    return np.asarray(
        middle & padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    )
