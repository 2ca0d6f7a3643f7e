"""Single pixels far apart, read as one tile: what lies around each, one block below the other.

A coarse look at a large scene takes every 64th pixel or so. To read all that lies between them
would take as long as to read the scene.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_ssamamba.data.standardise import standardise_block
from napari_ssamamba.data.tiles import Tile, Window

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.data.standardise import Standardiser


@dataclass(frozen=True, slots=True, eq=False)
class ScatteredTile(Tile):
    """Pixels with the surroundings of each.

    Pixel k is at row k · (2 margin + 1) of the core, which is one column wide. What a patch or an
    average of a pixel's surroundings reads lies in the pixel's own block. The window counts rows
    and columns of the core, not of the scene.

    Attributes
    ----------
    places : ndarray of int64, shape (n, 2)
        Row and column of each pixel in the scene.
    """

    places: NDArray[np.int64]

    @property
    def pixels(self) -> NDArray[np.int64]:
        """See `Tile.pixels`."""
        return self.places[self.measured[:: 2 * self.margin + 1, 0]]

    def with_margin(self, margin: int) -> ScatteredTile:
        """Return the same pixels with fewer of the others around each."""
        side, cut = 2 * self.margin + 1, self.margin - margin
        blocks = self.block.reshape(-1, side, side, self.block.shape[2])
        inner = blocks[:, cut : side - cut, cut : side - cut]
        return _stacked(inner, margin, self.measured[::side, 0], self.places)


def read_scattered(
    cube: Cube,
    pixels: NDArray[np.int64],
    margin: int,
    standardiser: Standardiser,
    bands: NDArray[np.int64],
) -> ScatteredTile:
    """Read single pixels with what lies around each.

    Parameters
    ----------
    cube : Cube
    pixels : ndarray of int64, shape (n, 2)
        Row and column.
    margin : int
        Pixels on each side.
    standardiser : Standardiser
        Over `bands`.
    bands : ndarray of int64

    Returns
    -------
    ScatteredTile
        Zero beyond the scene's border, as `read_tile` has it.
    """
    reach = np.arange(-margin, margin + 1)
    rows = pixels[:, 0, None, None] + reach[:, None]  # (n, side, 1)
    columns = pixels[:, 1, None, None] + reach  # (n, 1, side)
    inside = (rows >= 0) & (rows < cube.rows) & (columns >= 0) & (columns < cube.columns)
    rows, columns = np.broadcast_arrays(rows, columns)
    needed, place = np.unique(rows[inside] * cube.columns + columns[inside], return_inverse=True)
    stored = cube.read_pixels(*np.divmod(needed, cube.columns), bands)
    values, measured = standardise_block(stored, standardiser)
    blocks = np.zeros((*inside.shape, bands.size), np.float32)
    blocks[inside] = values[place]
    core = np.zeros(inside.shape, bool)
    core[inside] = measured[place]
    return _stacked(blocks, margin, core[:, margin, margin], pixels)


def _stacked(
    blocks: NDArray[np.float32],
    margin: int,
    measured: NDArray[np.bool_],
    places: NDArray[np.int64],
) -> ScatteredTile:
    """Put blocks of shape (n, side, side, bands) one below the other."""
    count, side, _, bands = blocks.shape
    core = np.zeros(((count - 1) * side + 1, 1), bool)
    core[::side, 0] = measured
    window = Window(0, len(core), 0, 1)
    return ScatteredTile(window, margin, blocks.reshape(count * side, side, bands), core, places)
