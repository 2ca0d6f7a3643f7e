"""Tiles: a scene cut into windows, each read with the halo that its patches need."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_ssamamba.data.standardise import standardise_block
from napari_ssamamba.errors import SettingError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.data.standardise import Standardiser


class Window(NamedTuple):
    """A rectangle of pixels, ends excluded."""

    row0: int
    row1: int
    column0: int
    column1: int

    @property
    def rows(self) -> slice:
        """Rows as a slice."""
        return slice(self.row0, self.row1)

    @property
    def columns(self) -> slice:
        """Columns as a slice."""
        return slice(self.column0, self.column1)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows, columns."""
        return self.row1 - self.row0, self.column1 - self.column0


@dataclass(frozen=True, slots=True, eq=False)
class Tile:
    """A window of a scene with its halo, standardised.

    Attributes
    ----------
    window : Window
        The core, without the halo.
    margin : int
        Width of the halo in pixels.
    block : ndarray of float32, shape (rows + 2 margin, columns + 2 margin, bands)
        0 beyond the scene's border and where nothing was measured.
    measured : ndarray of bool, shape of the window
        Which pixels of the core were measured, and are wanted.
    """

    window: Window
    margin: int
    block: NDArray[np.float32]
    measured: NDArray[np.bool_]

    @property
    def pixels(self) -> NDArray[np.int64]:
        """Row and column in the scene of the measured pixels, (n, 2), in their order."""
        first = np.array([self.window.row0, self.window.column0])
        return np.asarray(np.argwhere(self.measured) + first)

    def with_margin(self, margin: int) -> Tile:
        """Return the same tile with a narrower halo, sharing its memory."""
        cut = self.margin - margin
        rows, columns, _ = self.block.shape
        block = self.block[cut : rows - cut, cut : columns - cut]
        return Tile(self.window, margin, block, self.measured)

    def only(self, wanted: NDArray[np.bool_]) -> Tile:
        """Return the same tile with fewer of its pixels wanted, a mask of the core's shape."""
        return replace(self, measured=self.measured & wanted)


def check_region(region: Window | None, cube: Cube) -> Window:
    """Return the region, the whole scene for None.

    Raises
    ------
    SettingError
        Where it is empty or reaches beyond the scene.
    """
    if region is None:
        return Window(0, cube.rows, 0, cube.columns)
    row0, row1, column0, column1 = region
    if not (0 <= row0 < row1 <= cube.rows and 0 <= column0 < column1 <= cube.columns):
        raise SettingError(
            "region",
            f"{row0}:{row1},{column0}:{column1}",
            f"choose rows within 0:{cube.rows} and columns within 0:{cube.columns} of "
            f"{cube.name}, the second number larger than the first.",
        )
    return Window(*region)


def tile_grid(region: Window, tile_size: int) -> list[Window]:
    """Cut a region into tiles that cover each pixel once, row by row.

    Parameters
    ----------
    region : Window
    tile_size : int
        Side of a tile in pixels; those at the far edges are smaller.

    Raises
    ------
    SettingError
        Where `tile_size` is less than 1.
    """
    check_tile_size(tile_size)
    return [
        Window(
            row, min(row + tile_size, region.row1), column, min(column + tile_size, region.column1)
        )
        for row in range(region.row0, region.row1, tile_size)
        for column in range(region.column0, region.column1, tile_size)
    ]


def check_tile_size(tile_size: int) -> None:
    """Refuse tiles of less than a pixel.

    Raises
    ------
    SettingError
    """
    if tile_size < 1:
        raise SettingError("tile_size", tile_size, "choose 1 pixel or more.")


def read_tile(
    cube: Cube,
    window: Window,
    margin: int,
    standardiser: Standardiser,
    bands: NDArray[np.int64] | None = None,
) -> Tile:
    """Read a window with its halo.

    Parameters
    ----------
    cube : Cube
    window : Window
    margin : int
        Width of the halo.
    standardiser : Standardiser
        Over `bands`.
    bands : ndarray of int64, optional
        By default the cube's good bands.

    Returns
    -------
    Tile
    """
    row0, row1 = max(0, window.row0 - margin), min(cube.rows, window.row1 + margin)
    column0, column1 = max(0, window.column0 - margin), min(cube.columns, window.column1 + margin)
    stored = cube.read(slice(row0, row1), slice(column0, column1), bands)
    values, measured = standardise_block(stored, standardiser)

    rows, columns = window.shape
    block = np.zeros((rows + 2 * margin, columns + 2 * margin, values.shape[2]), np.float32)
    top, left = row0 - (window.row0 - margin), column0 - (window.column0 - margin)
    block[top : top + values.shape[0], left : left + values.shape[1]] = values
    core = measured[
        window.row0 - row0 : window.row1 - row0, window.column0 - column0 : window.column1 - column0
    ]
    return Tile(window, margin, block, core)
