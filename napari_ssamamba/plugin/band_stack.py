"""The scene as napari's slider wants it: ``(band, row, column)``, a band read when it is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_ssamamba.data.layout import bands_last_to_first

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_ssamamba.data.cube import Cube

SAMPLED_BANDS = 5
SAMPLED_SIDE = 256
"""Side, in pixels, of the square in the scene's middle that the contrast is taken from."""

PERCENTILES = (1.0, 99.0)


class BandStack:
    """A cube as an array of bands, for dask to index.

    Attributes
    ----------
    shape : tuple of int
        Bands, rows, columns.
    dtype : dtype
        float32.
    ndim : int
        3.
    """

    def __init__(self, cube: Cube) -> None:
        self._cube = cube
        self.shape = (cube.bands, cube.rows, cube.columns)
        self.dtype = np.dtype(np.float32)
        self.ndim = 3

    def __getitem__(self, key: tuple[slice | int, slice | int, slice | int]) -> NDArray[Any]:
        """Read the block that slices and numbers select, missing values as NaN."""
        bands, rows, columns = (k if isinstance(k, slice) else slice(k, k + 1) for k in key)
        block = bands_last_to_first(self._cube.read(rows, columns, bands))
        return block[tuple(slice(None) if isinstance(k, slice) else 0 for k in key)]


def lazy_bands(cube: Cube) -> Any:
    """Return a dask array of float32, shape (bands, rows, columns), one chunk a band."""
    import dask.array as da

    # The name keeps dask from hashing the array, which would read all of it.
    name = f"bands-{id(cube):x}"
    return da.from_array(  # type: ignore[no-untyped-call]
        BandStack(cube), chunks=(1, -1, -1), name=name, asarray=False
    )


def contrast_of(cube: Cube) -> tuple[float, float]:
    """Return the values that become black and white, from a small part of the scene.

    napari would read whole bands for it. NaN does not count; a scene without values is shown
    from 0 to 1.
    """
    rows, columns = _middle(cube.rows), _middle(cube.columns)
    good = cube.good_indices if cube.good_bands.any() else np.arange(cube.bands)
    chosen = good[np.linspace(0, good.size - 1, SAMPLED_BANDS).astype(int)]
    # band by band: at once, a reader would take all that lie between
    values = np.concatenate([cube.read(rows, columns, [b]).ravel() for b in set(chosen.tolist())])
    values = values[np.isfinite(values)]
    if values.size == 0:
        return 0.0, 1.0
    low, high = (float(v) for v in np.percentile(values, PERCENTILES))
    return (low, high) if high > low else (low, low + 1.0)


def _middle(size: int) -> slice:
    start = max(0, (size - SAMPLED_SIDE) // 2)
    return slice(start, min(size, start + SAMPLED_SIDE))
