"""Tiles cover a region once, and their halos hold what lies around them."""

from __future__ import annotations

import numpy as np
import pytest

from napari_ssamamba.data.cube import Cube
from napari_ssamamba.data.standardise import Standardiser
from napari_ssamamba.data.tiles import Window, check_region, read_tile, tile_grid
from napari_ssamamba.errors import SettingError

IDENTITY = Standardiser(np.zeros(2, np.float32), np.ones(2, np.float32), "nothing")


@pytest.mark.parametrize("size", [1, 4, 7, 100])
def test_each_pixel_lies_in_one_tile(size: int) -> None:
    region = Window(2, 13, 5, 25)
    covered = np.zeros((20, 30), int)
    for tile in tile_grid(region, size):
        assert max(tile.shape) <= size
        covered[tile.rows, tile.columns] += 1
    assert (covered[region.rows, region.columns] == 1).all()
    assert covered.sum() == 11 * 20


def test_a_halo_is_the_scene_and_zero_beyond_its_border() -> None:
    values = np.random.default_rng(0).normal(size=(12, 10, 2)).astype(np.float32)
    values[5, 5] = np.nan
    padded = np.pad(np.nan_to_num(values), ((3, 3), (3, 3), (0, 0)))
    for window in (Window(0, 4, 0, 4), Window(4, 8, 4, 8), Window(9, 12, 8, 10)):
        tile = read_tile(Cube("scene", values), window, 3, IDENTITY)
        expected = padded[window.row0 : window.row1 + 6, window.column0 : window.column1 + 6]
        np.testing.assert_array_equal(tile.block, expected)
        measured = ~np.isnan(values[window.rows, window.columns, 0])
        np.testing.assert_array_equal(tile.measured, measured)


@pytest.mark.parametrize("region", [(0, 13, 0, 5), (3, 3, 0, 5), (-1, 4, 0, 5), (0, 4, 6, 11)])
def test_a_region_beyond_the_scene_is_refused(region: tuple[int, int, int, int]) -> None:
    cube = Cube("scene", np.zeros((12, 10, 2), np.float32))
    assert check_region(None, cube) == Window(0, 12, 0, 10)
    with pytest.raises(SettingError, match="rows within 0:12 and columns within 0:10"):
        check_region(Window(*region), cube)


def test_a_tile_size_of_nothing_is_refused() -> None:
    with pytest.raises(SettingError, match="tile_size"):
        tile_grid(Window(0, 4, 0, 4), 0)
