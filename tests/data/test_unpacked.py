"""Copies of compressed scenes: the same values, read without decoding, made again when they go."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import psutil
import pytest
import rasterio
from rasterio.transform import Affine

from napari_ssamamba.data import cached_files, unpacked
from napari_ssamamba.data.georeferencing import without_georeference_warning
from napari_ssamamba.data.readers import open_cube
from napari_ssamamba.data.readers.raster import Raster
from napari_ssamamba.data.unpacked import needs_unpacking, unpack
from napari_ssamamba.errors import FileFormatError
from napari_ssamamba.events import result_of

if TYPE_CHECKING:
    from pathlib import Path

    from napari_ssamamba.data.cube import Cube

TILED = {"tiled": True, "blockxsize": 32, "blockysize": 16}
VALUES = np.random.default_rng(0).integers(0, 9999, (90, 70, 6)).astype(np.int16)


def scene(path: Path, **options: Any) -> Cube:
    profile = {"height": 90, "width": 70, "count": 6, "dtype": "int16", "nodata": -1}
    with (
        without_georeference_warning(),
        rasterio.open(path, "w", driver="GTiff", **profile, **options) as file,
    ):
        file.write(np.moveaxis(VALUES, -1, 0))
    return open_cube(path)


@pytest.fixture(autouse=True)
def costly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any scene is large."""
    monkeypatch.setattr(unpacked, "COSTLY_BYTES", 0)


@pytest.mark.parametrize("most", [1, 3000, 2**26])
@pytest.mark.parametrize("interleave", ["band", "pixel"])
@pytest.mark.parametrize("blocks", [TILED, {"blockysize": 4}], ids=["tiles", "strips"])
def test_a_copy_has_the_same_values_and_is_read_in_place_of_the_file(
    tmp_path: Path,
    interleave: str,
    blocks: dict[str, Any],
    most: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(unpacked, "PART_BYTES", most)
    cube = scene(tmp_path / "s.tif", compress="deflate", interleave=interleave, **blocks)
    assert needs_unpacking(cube)
    costs = cube.touched_bytes(range(3, 4), range(5, 6), range(6))
    cube.raw.take_copy(result_of(unpack(cube, tmp_path / "cache")))
    assert not needs_unpacking(cube)

    def refused(*args: Any) -> Any:
        raise AssertionError("the file was read")

    monkeypatch.setattr(Raster, "_read", refused)
    rows, columns, bands = slice(3, 77, 5), slice(2, 70, 3), np.array([4, 0])
    np.testing.assert_array_equal(
        cube.read(rows, columns, bands), VALUES[rows, columns][..., bands]
    )
    r, c = np.array([89, 0, 30]), np.array([2, 69, 33])
    np.testing.assert_array_equal(cube.read_pixels(r, c), VALUES[r, c])
    assert cube.touched_bytes(range(3, 4), range(5, 6), range(6)) != costs


def test_a_copy_that_went_is_done_without(tmp_path: Path) -> None:
    cube = scene(tmp_path / "s.tif", compress="deflate")
    cube.raw.take_copy(result_of(unpack(cube, tmp_path / "cache")))
    shutil.rmtree(tmp_path / "cache")
    np.testing.assert_array_equal(cube.read(slice(None), slice(None)), VALUES)
    np.testing.assert_array_equal(cube.read_pixels([3], [4]), VALUES[[3], [4]])


@pytest.mark.parametrize("tiles", [1, 2])
def test_files_with_a_copy_are_closed_with_what_was_decoded_of_them(
    tmp_path: Path, tiles: int
) -> None:
    paths = [tmp_path / f"{n}.tif" for n in range(tiles)]
    for n, path in enumerate(paths):
        scene(path, compress="deflate", transform=Affine(1, 0, 70 * n, 0, -1, 0), crs="EPSG:32633")
    cube = open_cube(paths)
    raw: Any = cube.raw
    assert open_among(paths) == tiles
    raw.take_copy(result_of(unpack(cube, tmp_path / "cache")))
    assert open_among(paths) == 0
    np.testing.assert_array_equal(raw[:, :70, :], VALUES)  # what reads it all the same
    assert open_among(paths) == 0


def open_among(paths: list[Path]) -> int:
    """Count the files among these that the process has open."""
    return len({file.path for file in psutil.Process().open_files()} & {str(p) for p in paths})


def test_a_copy_is_made_once_and_the_oldest_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "cache"
    one, two = (scene(tmp_path / f"{n}.tif", compress="deflate") for n in "ab")
    first = result_of(unpack(one, folder))
    with monkeypatch.context() as context:
        context.setattr(Raster, "_read", None)
        assert result_of(unpack(one, folder)).path == first.path
    monkeypatch.setattr(unpacked, "COPIES_BYTES", 1)
    second = result_of(unpack(two, folder))
    assert list(folder.iterdir()) == [second.path]


def test_no_copy_is_made_where_the_disk_would_be_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Usage(NamedTuple):
        free: int

    cube = scene(tmp_path / "s.tif", compress="deflate")
    monkeypatch.setattr(
        unpacked.shutil, "disk_usage", lambda _: Usage(unpacked.SPARED_BYTES + VALUES.nbytes - 1)
    )
    assert result_of(unpack(cube, tmp_path / "cache")) is None
    assert list((tmp_path / "cache").iterdir()) == []


def test_of_a_copy_that_fails_nothing_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cube, read = scene(tmp_path / "s.tif", compress="deflate"), Raster._read

    def damaged(self: Raster, dataset: Any, window: Any, bands: Any) -> Any:
        if window[0][0] > 40:
            raise FileFormatError(self.path, "it is damaged", "Copy it again.")
        return read(self, dataset, window, bands)

    monkeypatch.setattr(unpacked, "PART_BYTES", 1)
    monkeypatch.setattr(Raster, "_read", damaged)
    with pytest.raises(FileFormatError):
        result_of(unpack(cube, tmp_path / "cache"))
    assert list((tmp_path / "cache").iterdir()) == []


def test_small_and_plain_scenes_need_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not needs_unpacking(scene(tmp_path / "plain.tif"))
    np.save(tmp_path / "s.npy", VALUES)
    assert not needs_unpacking(open_cube(tmp_path / "s.npy", layout="rows,columns,bands"))
    cube = scene(tmp_path / "s.tif", compress="deflate")
    monkeypatch.setattr(unpacked, "COSTLY_BYTES", VALUES.nbytes)
    assert not needs_unpacking(cube)


def test_another_file_of_the_same_name_has_a_copy_of_its_own(tmp_path: Path) -> None:
    cube = scene(tmp_path / "s.tif", compress="deflate")
    before = cached_files.name_of(cube, "unpacked")
    assert before == cached_files.name_of(open_cube(tmp_path / "s.tif"), "unpacked")
    assert before != cached_files.name_of(cube, "something else")
    assert before != cached_files.name_of(
        scene(tmp_path / "s.tif", compress="deflate", zlevel=1), "unpacked"
    )
