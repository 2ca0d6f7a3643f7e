"""The one place where axis orders are converted.

Scenes and everything that users see are ``(row, column, band)``; torch sees
``(batch, band, height, width)``; napari's slider wants ``(band, row, column)``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def bands_last_to_first(array: NDArray[np.generic]) -> NDArray[np.generic]:
    """Turn ``(..., row, column, band)`` into ``(..., band, row, column)``, as a view."""
    return np.moveaxis(array, -1, -3)


def bands_first_to_last(array: NDArray[np.generic]) -> NDArray[np.generic]:
    """Turn ``(..., band, row, column)`` into ``(..., row, column, band)``, as a view."""
    return np.moveaxis(array, -3, -1)
