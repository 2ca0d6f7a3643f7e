"""The scene as napari's slider wants it: ``(band, row, column)``, a band read when it is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_ssamamba.data.overview import COSTLY_BYTES

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.data.overview import Overview

SAMPLED_BANDS = 5
SAMPLED_SIDE = 256
"""Side, in pixels, of the square in the scene's middle that the contrast is taken from."""

SAMPLED_ROWS = 16
"""Of the square: in a file that lies pixel by pixel, each costs as much as all bands of it,
and the window waits for them."""

PERCENTILES = (1.0, 99.0)

ONE_LEVEL_PIXELS = 2**20
"""Scenes up to this size are shown from their bands as they are, larger ones in levels."""

COARSEST_SIDE = 512
"""Pixels along the longer side of the coarsest level, at most."""

CHUNK_SIDE = 128
"""What is seen of a large scene is read and brought to the screen in steps of so many pixels. A
view that moves within them is only drawn; of one of 1000 × 700 pixels some 40 % more is held."""


class BandSource:
    """Reads bands of a scene, from its overview where the file would make the window wait.

    Parameters
    ----------
    cube : Cube

    Attributes
    ----------
    overview : Overview or None
        Set once it is there; done without when its file went from the cache.
    """

    def __init__(self, cube: Cube) -> None:
        self.cube = cube
        self.overview: Overview | None = None

    def read(self, bands: range, rows: range, columns: range) -> NDArray[np.float32]:
        """Read every n-th pixel of a part of the scene.

        The overview's nearest pixels stand in where it is as fine as what is wanted, or where that
        goes through more than `COSTLY_BYTES` of the file; without an overview rows are left out
        there, and each stands for those below it too.

        Returns
        -------
        ndarray of float32, shape (bands, rows, columns)
            Missing values are NaN.
        """
        costs = self.cube.touched_bytes(rows, columns, bands)
        every = max(1, -(-costs // COSTLY_BYTES))
        overview = self.overview
        if overview is not None and not overview.cube.paths[0].exists():
            overview = self.overview = None
        if overview is not None and overview.factor <= every * rows.step:
            thin, factor = overview.cube, overview.factor
            down = np.minimum(np.array(rows) // factor, thin.rows - 1)
            across = np.minimum(np.array(columns) // factor, thin.columns - 1)
            inside = slice(int(down[0]), int(down[-1]) + 1)
            beside = slice(int(across[0]), int(across[-1]) + 1)
            block = thin.read(inside, beside, _slice(bands))
            block = block[np.ix_(down - down[0], across - across[0])]
        else:
            block = self.cube.read(_slice(rows[::every]), _slice(columns), _slice(bands))
            if every > 1:
                block = np.repeat(block, every, axis=0)[: len(rows)]
        return np.moveaxis(block, -1, 0)


class BandStack:
    """A cube as an array of bands that is read where a number selects a band.

    Slices alone give another stack, and read nothing.

    Attributes
    ----------
    shape : tuple of int
        Bands, rows, columns.
    dtype : dtype
        float32.
    ndim : int
        3.
    chunks : tuple of int
        See `CHUNK_SIDE`.
    """

    dtype = np.dtype(np.float32)
    ndim = 3
    chunks = (1, CHUNK_SIDE, CHUNK_SIDE)

    def __init__(self, source: BandSource, bands: range, rows: range, columns: range) -> None:
        self._source = source
        self._axes = (bands, rows, columns)
        self.shape = (len(bands), len(rows), len(columns))

    @property
    def size(self) -> int:
        """Number of values."""
        return int(np.prod(self.shape))

    def __getitem__(self, key: Any) -> BandStack | NDArray[np.float32]:
        """Select by slices and numbers."""
        keys = key if isinstance(key, tuple) else (key,)
        keys = keys + (slice(None),) * (3 - len(keys))
        # a number that is out of range raises, as for arrays
        bands, rows, columns = (
            axis[k] if isinstance(k, slice) else range(axis[k], axis[k] + 1)
            for axis, k in zip(self._axes, keys, strict=True)
        )
        stack = BandStack(self._source, bands, rows, columns)
        if all(isinstance(k, slice) for k in keys):
            return stack
        return np.asarray(stack)[tuple(slice(None) if isinstance(k, slice) else 0 for k in keys)]

    def __array__(
        self, dtype: DTypeLike | None = None, copy: bool | None = None
    ) -> NDArray[np.float32]:
        """Read all of it."""
        if 0 in self.shape:
            return np.empty(self.shape, dtype or self.dtype)
        return np.asarray(self._source.read(*self._axes), dtype)


def band_levels(source: BandSource) -> list[BandStack]:
    """Return a scene's bands in levels, each half as fine as the one before, the first complete.

    Small scenes (`ONE_LEVEL_PIXELS`) have one. Pixel i of level n is the scene's pixel in the
    middle of those that it stands for.
    """
    cube = source.cube
    bands, levels, factor = range(cube.bands), [], 1
    while True:
        rows, columns = (
            range(factor // 2, n // factor * factor, factor) for n in (cube.rows, cube.columns)
        )
        levels.append(BandStack(source, bands, rows, columns))
        longest, narrowest = max(len(rows), len(columns)), min(len(rows), len(columns))
        if cube.rows * cube.columns <= ONE_LEVEL_PIXELS or longest <= COARSEST_SIDE:
            return levels
        if narrowest < 2:
            return levels
        factor *= 2


def contrast_of(cube: Cube) -> tuple[float, float]:
    """Return the values that become black and white, from a small part of the scene.

    napari would read whole bands for it. NaN does not count; a scene without values is shown
    from 0 to 1.
    """
    rows, columns = _middle(cube.rows, SAMPLED_ROWS), _middle(cube.columns, SAMPLED_SIDE)
    good = cube.good_indices if cube.good_bands.any() else np.arange(cube.bands)
    chosen = good[np.linspace(0, good.size - 1, SAMPLED_BANDS).astype(int)]
    values = cube.read(rows, columns, np.unique(chosen))
    values = values[np.isfinite(values)]
    if values.size == 0:
        return 0.0, 1.0
    low, high = (float(v) for v in np.percentile(values, PERCENTILES))
    return (low, high) if high > low else (low, low + 1.0)


def _middle(size: int, at_most: int) -> slice:
    """Every n-th of `SAMPLED_SIDE` places, so many at most."""
    start = max(0, (size - SAMPLED_SIDE) // 2)
    stop = min(size, start + SAMPLED_SIDE)
    return slice(start, stop, -(-(stop - start) // at_most))


def _slice(values: range) -> slice:
    return slice(values.start, values.stop, values.step)
