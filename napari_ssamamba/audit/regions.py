"""Which pixels a shape encloses that is drawn on a scene."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def pixels_inside(vertices: NDArray[np.float64], shape: tuple[int, int]) -> NDArray[np.int32]:
    """Return the pixels whose centres lie in a polygon.

    Parameters
    ----------
    vertices : ndarray of float64, shape (n, 2)
        Row and column of the corners; whole numbers are the centres of pixels.
    shape : tuple of int
        Rows and columns of the scene; what lies outside of it does not count.

    Returns
    -------
    ndarray of int32, shape (n, 2)
        Row and column. A shape that holds no centre gives the pixel that its middle lies in, so
        that a tiny one is of use too; none where that is outside of the scene.
    """
    from rasterio.features import rasterize

    low = np.floor(vertices.min(axis=0)).astype(int).clip(0, shape)
    high = (np.ceil(vertices.max(axis=0)).astype(int) + 1).clip(0, shape)
    rows, columns = (high - low).tolist()
    found = np.empty((0, 2), np.int64)
    if rows > 0 and columns > 0:
        # rasterio counts from the corner of the first pixel, x before y
        ring = (vertices - low + 0.5)[:, ::-1].tolist()
        polygon = {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}
        found = np.argwhere(rasterize([polygon], out_shape=(rows, columns))) + low
    if not len(found):
        middle = np.round(vertices.mean(axis=0))
        if ((middle >= 0) & (middle < shape)).all():
            found = middle[None]
    return found.astype(np.int32)
