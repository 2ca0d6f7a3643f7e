"""Arrays of a large scene in levels, of which napari reads and draws what is seen.

A layer of one array is brought to the screen as a whole after each change, and whole copies of it
are held by the drawing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_ssamamba.plugin.band_stack import CHUNK_SIDE, COARSEST_SIDE

if TYPE_CHECKING:
    from numpy.typing import NDArray

ONE_LEVEL_PIXELS = 2**22
"""Up to this size the whole is drawn in a few hundredths of a second. One of 1580 × 3750 pixels, in
levels, adds 50 MB less to what is held."""


class Chunked(np.ndarray[Any, Any]):
    """An array that says in which steps it is to be brought to the screen, see `CHUNK_SIDE`."""

    @property
    def chunks(self) -> tuple[int, ...]:
        """Rows, columns and, where there are such, channels of a step."""
        return (CHUNK_SIDE, CHUNK_SIDE, *self.shape[2:])


def in_levels(values: NDArray[Any]) -> NDArray[Any] | list[NDArray[Any]]:
    """Return an array as it is, or where it is large in levels, each half as fine as the last.

    Parameters
    ----------
    values : ndarray, shape (rows, columns) or (rows, columns, channels)

    Returns
    -------
    ndarray or list of ndarray
        Views: pixel i of level n is that in the middle of the 2ⁿ that it stands for.
    """
    rows, columns = values.shape[:2]
    if rows * columns <= ONE_LEVEL_PIXELS:
        return values
    levels: list[NDArray[Any]] = [values.view(Chunked)]
    factor = 2
    while max(levels[-1].shape[:2]) > COARSEST_SIDE and min(rows, columns) >= 2 * factor:
        down, across = (slice(factor // 2, n // factor * factor, factor) for n in (rows, columns))
        levels.append(values[down, across].view(Chunked))
        factor *= 2
    return levels
