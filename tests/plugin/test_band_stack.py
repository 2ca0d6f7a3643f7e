from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_ssamamba.data import overview as overview_module
from napari_ssamamba.data.cube import Cube
from napari_ssamamba.data.overview import make_overview, needs_overview
from napari_ssamamba.data.readers import open_cube
from napari_ssamamba.events import result_of
from napari_ssamamba.plugin import band_stack
from napari_ssamamba.plugin.band_stack import BandSource, band_levels

if TYPE_CHECKING:
    from pathlib import Path

SHAPE = (61, 90, 7)


@pytest.fixture
def values() -> np.ndarray[Any, Any]:
    stored = np.random.default_rng(1).integers(1, 9000, SHAPE, np.uint16)
    return stored


@pytest.fixture
def cube(values: np.ndarray[Any, Any], tmp_path: Path) -> Cube:
    np.save(tmp_path / "scene.npy", values)
    return open_cube(tmp_path / "scene.npy")


@pytest.fixture
def costly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let reading more than a tenth of the scene be too much."""
    monkeypatch.setattr(overview_module, "COSTLY_BYTES", 61 * 90 * 7 * 2 // 10)
    monkeypatch.setattr(band_stack, "COSTLY_BYTES", 61 * 90 * 7 * 2 // 10)


def test_a_small_scene_has_one_level_whose_bands_are_the_files(
    cube: Cube, values: np.ndarray[Any, Any]
) -> None:
    (level,) = band_levels(BandSource(cube))
    assert level.shape == (7, 61, 90)
    np.testing.assert_array_equal(np.asarray(level[3]), values[..., 3])
    np.testing.assert_array_equal(level[np.int64(-1), 5:9, 7], values[5:9, 7, 6])


def test_slices_alone_read_nothing_until_a_band_is_chosen(
    values: np.ndarray[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = BandSource(Cube("scene", values))
    (level,) = band_levels(source)
    monkeypatch.setattr(BandSource, "read", None)
    window = level[:, 10:20, 30:50]
    assert window.shape == (7, 10, 20)
    monkeypatch.undo()
    np.testing.assert_array_equal(window[2, :, :], values[10:20, 30:50, 2])


def test_levels_of_a_large_scene_take_the_pixel_in_the_middle(
    values: np.ndarray[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(band_stack, "ONE_LEVEL_PIXELS", 100)
    monkeypatch.setattr(band_stack, "COARSEST_SIDE", 20)
    levels = band_levels(BandSource(Cube("scene", values)))
    assert [level.shape for level in levels] == [(7, 61, 90), (7, 30, 45), (7, 15, 22), (7, 7, 11)]
    np.testing.assert_array_equal(np.asarray(levels[2][4]), values[2:60:4, 2:88:4, 4])


@pytest.mark.usefixtures("costly")
def test_a_costly_file_is_read_in_some_rows_until_its_overview_is_there(
    cube: Cube, values: np.ndarray[Any, Any], tmp_path: Path
) -> None:
    assert needs_overview(cube)
    source = BandSource(cube)
    (level,) = band_levels(source)
    coarse = np.asarray(level[3])
    assert coarse.shape == (61, 90)
    every = np.flatnonzero((coarse != coarse[0]).any(axis=1))[0]
    np.testing.assert_array_equal(coarse[::every], values[::every, :, 3])
    # a window that is small enough is read as it is
    np.testing.assert_array_equal(level[:, 7:9, 20:60][3, :, :], values[7:9, 20:60, 3])

    source.overview = result_of(make_overview(cube, tmp_path / "cache"))
    rows, columns = np.minimum(np.arange(61) // 2, 29), np.minimum(np.arange(90) // 2, 44)
    thin = values[1:60:2, 1:90:2, 3]
    np.testing.assert_array_equal(np.asarray(level[3]), thin[np.ix_(rows, columns)])

    shutil.rmtree(tmp_path / "cache")  # as another window does that makes room
    np.testing.assert_array_equal(np.asarray(level[3]), coarse)


def test_what_is_as_coarse_as_the_overview_comes_from_it(
    cube: Cube, values: np.ndarray[Any, Any], tmp_path: Path
) -> None:
    source = BandSource(cube)
    source.overview = result_of(make_overview(cube, tmp_path / "cache"))
    source.cube = Cube("scene", np.zeros_like(values))  # what is read from the scene is zero
    coarse = source.read(range(3, 4), range(1, 60, 2), range(1, 90, 2))
    np.testing.assert_array_equal(coarse[0], values[1:60:2, 1:90:2, 3])
    assert not source.read(range(3, 4), range(60), range(90)).any()
