"""Arrays of a large scene in levels, of which napari reads and draws what is seen.

A layer of one array is brought to the screen as a whole after each change, and whole copies of it
are held by the drawing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_ssamamba.plugin.band_stack import COARSEST_SIDE

if TYPE_CHECKING:
    from numpy.typing import NDArray

ONE_LEVEL_PIXELS = 2**22
"""Up to this size the whole is drawn in a few hundredths of a second. One of 1580 × 3750 pixels, in
levels, adds 50 MB less to what is held."""


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
    levels, factor = [values], 2
    while max(levels[-1].shape[:2]) > COARSEST_SIDE and min(rows, columns) >= 2 * factor:
        down, across = (slice(factor // 2, n // factor * factor, factor) for n in (rows, columns))
        levels.append(values[down, across])
        factor *= 2
    return levels
