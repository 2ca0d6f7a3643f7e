"""Rasters: any part and bands of them are read, each block of the file once, by many threads."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import rasterio

from napari_ssamamba.data.georeferencing import without_georeference_warning
from napari_ssamamba.data.overview import make_overview
from napari_ssamamba.data.readers import open_cube, raster
from napari_ssamamba.data.readers.raster import Raster
from napari_ssamamba.events import result_of

if TYPE_CHECKING:
    from pathlib import Path

    from napari_ssamamba.data.cube import Cube

TILED = {"tiled": True, "blockxsize": 32, "blockysize": 16}
LAYOUTS = {
    "tiles by band": {"interleave": "band", **TILED},
    "tiles by pixel": {"interleave": "pixel", **TILED},
    "strips by band": {"interleave": "band", "blockysize": 4},
    "strips by pixel": {"interleave": "pixel", "blockysize": 4},
}
VALUES = np.random.default_rng(0).integers(0, 9999, (90, 70, 6)).astype(np.int16)


@pytest.fixture(params=LAYOUTS)
def cube(request: pytest.FixtureRequest, tmp_path: Path) -> Cube:
    return scene(tmp_path, request.param)


def scene(folder: Path, layout: str) -> Cube:
    profile = {"height": 90, "width": 70, "count": 6, "dtype": "int16", "compress": "deflate"}
    path = folder / "s.tif"
    with (
        without_georeference_warning(),
        rasterio.open(path, "w", driver="GTiff", **profile, **LAYOUTS[layout]) as file,
    ):
        file.write(np.moveaxis(VALUES, -1, 0))
    return open_cube(path)


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What is read from files: the rows, columns and bands of each time."""
    found, read = [], Raster._read

    def noted(self: Raster, dataset: Any, window: Any, bands: Any) -> Any:
        found.append((*window, bands.tolist()))
        return read(self, dataset, window, bands)

    monkeypatch.setattr(Raster, "_read", noted)
    return found


@pytest.mark.parametrize("most", [1, 5000, 2**26])
@pytest.mark.parametrize(
    ("rows", "columns", "bands"),
    [
        (slice(None), slice(None), [0, 1, 2, 3, 4, 5]),
        (slice(3, 77, 5), slice(2, 70, 3), [5, 0, 2]),
        (slice(7, 90, 40), slice(31, 33), [3]),
        (slice(15, 17), slice(0, 70, 64), [1, 2]),
        (slice(4, 4), slice(None), [1]),
    ],
)
def test_any_part_is_read(
    cube: Cube, rows: slice, columns: slice, bands: Any, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(raster, "MAX_READ_BYTES", most)
    expected = VALUES[rows, columns][..., bands]
    np.testing.assert_array_equal(cube.raw.read(rows, columns, np.array(bands)), expected)
    every = VALUES[rows, columns]
    np.testing.assert_array_equal(cube.raw[rows, columns, :], every)


@pytest.mark.parametrize("most", [1, 3000, 2**26])
def test_a_block_is_decoded_once(
    cube: Cube, windows: list[Any], most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(raster, "MAX_READ_BYTES", most)
    windows.clear()
    cube.raw.read(slice(1, None, 2), slice(None), np.arange(6))
    high, wide = cube.raw.blocks
    seen = []
    for (row0, row1), (column0, column1), bands in windows:
        down = range(row0 // high, (row1 - 1) // high + 1)
        across = range(column0 // wide, (column1 - 1) // wide + 1)
        layers = bands if cube.interleave == "bsq" else [0]
        seen += [(r, c, b) for r in down for c in across for b in layers]
        block = 2 * high * wide * (1 if cube.interleave == "bsq" else len(bands))
        assert 2 * (row1 - row0) * (column1 - column0) * len(bands) <= max(most, block)
    assert len(seen) == len(set(seen))


def test_blocks_in_which_nothing_is_wanted_are_left_out(tmp_path: Path, windows: list[Any]) -> None:
    cube = scene(tmp_path, "strips by pixel")
    windows.clear()
    cube.raw.read(slice(0, 90, 30), slice(None), np.array([0]))
    assert [rows for rows, _, _ in windows] == [(0, 1), (30, 31), (60, 61)]


@pytest.mark.parametrize(
    ("layout", "pixels"),
    [
        ("tiles by band", 3 * 48 * 32),
        ("tiles by pixel", 6 * 48 * 32),
        ("strips by band", 3 * 9 * 4 * 70),
        ("strips by pixel", 6 * 9 * 4 * 70),
    ],
)
def test_what_a_read_decodes_is_told(layout: str, pixels: int, tmp_path: Path) -> None:
    cube = scene(tmp_path, layout)
    bands = np.array([0, 2, 5])
    assert cube.touched_bytes(range(10, 44), range(3, 20), bands) == 2 * pixels
    # blocks in which nothing is wanted cost nothing, and the last ones are shorter
    high = {"t": 16 + 10, "s": 4 + 2}[layout[0]]
    read = 3 if layout.endswith("band") else 6
    assert cube.touched_bytes(range(0, 90, 89), range(70), bands) == 2 * read * high * 70


def test_pixels_of_a_tile_are_read_together(
    tmp_path: Path, windows: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("napari_ssamamba.data.cube.LARGEST_BOX", 0)
    path = tmp_path / "s.tif"
    values = np.arange(256 * 256 * 2, dtype=np.int32).reshape(256, 256, 2)
    profile = {"height": 256, "width": 256, "count": 2, "dtype": "int32"}
    tiles = {"tiled": True, "blockxsize": 128, "blockysize": 128}
    with (
        without_georeference_warning(),
        rasterio.open(path, "w", driver="GTiff", **profile, **tiles) as file,
    ):
        file.write(np.moveaxis(values, -1, 0))
    cube = open_cube(path)
    windows.clear()
    rows, columns = np.array([1, 100, 120, 130, 255]), np.array([2, 90, 5, 130, 1])
    np.testing.assert_array_equal(cube.read_pixels(rows, columns), values[rows, columns])
    assert [(rows[0] // 128, columns[0] // 128) for rows, columns, _ in windows] == [
        (0, 0),
        (1, 0),
        (1, 1),
    ]


def test_an_overview_decodes_each_tile_once(
    tmp_path: Path, windows: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("napari_ssamamba.data.overview.BLOCK_BYTES", 1)
    cube = scene(tmp_path, "tiles by pixel")
    windows.clear()
    overview = result_of(make_overview(cube, tmp_path / "cache"))
    tiles = [(rows[0] // 16, (rows[1] - 1) // 16) for rows, _, _ in windows]
    assert tiles == [(n, n) for n in range(6)]
    np.testing.assert_array_equal(overview.cube.raw[:, :, :], VALUES[1:90:2, 1:70:2])


def test_no_thread_waits_for_what_another_one_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cube = scene(tmp_path, "tiles by pixel")
    begun, go_on, read = threading.Event(), threading.Event(), Raster._read

    def held(self: Raster, *args: Any) -> Any:
        if not begun.is_set():
            begun.set()
            assert go_on.wait(20)
        return read(self, *args)

    monkeypatch.setattr(Raster, "_read", held)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(lambda: cube.raw[:, :, :])
        assert begun.wait(20)
        np.testing.assert_array_equal(cube.raw[3:5, 3:9, 1:2], VALUES[3:5, 3:9, 1:2])
        go_on.set()
        np.testing.assert_array_equal(slow.result(), VALUES)


def test_few_files_stay_open(cube: Cube) -> None:
    meet = threading.Barrier(5)

    def read(_: int) -> None:
        with cube.raw._borrowed():
            meet.wait(20)

    with ThreadPoolExecutor(5) as pool:
        list(pool.map(read, range(5)))
    assert len(cube.raw._free) == 2
    assert not any(dataset.closed for dataset in cube.raw._free)
    np.testing.assert_array_equal(cube.raw[:, :, :], VALUES)


@pytest.mark.parametrize("told", ["", "17"])
def test_gdal_keeps_few_decoded_blocks_unless_it_is_told_otherwise(
    told: str, tmp_path: Path
) -> None:
    scene(tmp_path, "tiles by pixel")
    code = (
        "import sys; from pathlib import Path; from rasterio.env import get_gdal_config\n"
        "from napari_ssamamba.data.readers import open_cube; open_cube(Path(sys.argv[1]))\n"
        "print(get_gdal_config('GDAL_CACHEMAX'))"
    )
    environment = {k: v for k, v in os.environ.items() if k != "GDAL_CACHEMAX"}
    environment |= {"GDAL_CACHEMAX": told} if told else {}
    command = [sys.executable, "-c", code, str(tmp_path / "s.tif")]
    found = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert (found.stdout.strip() == "256") == (told == "")
