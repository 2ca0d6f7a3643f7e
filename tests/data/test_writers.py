"""A map that was written opens as it was, on its scene's grid, or is not there at all."""

from __future__ import annotations

import gc
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import rasterio

from napari_ssamamba.data.classes import ClassTable
from napari_ssamamba.data.cube import Cube
from napari_ssamamba.data.info import describe
from napari_ssamamba.data.labels import LabelMap
from napari_ssamamba.data.readers import open_cube
from napari_ssamamba.data.reference import read_labels
from napari_ssamamba.data.writers import write_class_map, write_labels, write_layers
from napari_ssamamba.errors import LabelsError, SettingError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CLASSES = ClassTable().add("roof").add("Grün: Wald", "#123456", id=10).add("empty", id=12)


@pytest.fixture
def ids() -> np.ndarray[Any, np.dtype[np.uint16]]:
    ids = np.zeros((4, 5), np.uint16)
    ids[0], ids[2, 3:] = 1, 10
    return ids


@pytest.mark.parametrize("name", ["map.tif", "map.tiff", "map.hdr", "map.img", "map.dat"])
@pytest.mark.parametrize("highest", [12, 40_000])
def test_a_map_opens_as_it_was(
    name: str, highest: int, tmp_path: Path, scene: Cube, ids: np.ndarray[Any, Any]
) -> None:
    classes = CLASSES if highest == 12 else CLASSES.add("far", id=highest)
    ids[3, 0] = highest
    for path in write_class_map(tmp_path / "new folder" / name, ids, classes, cube=scene):
        labels = read_labels(path, scene)
        np.testing.assert_array_equal(labels.ids, ids)
        assert labels.classes == classes
    opened = open_cube(path)
    assert opened.crs == scene.crs
    assert opened.transform == scene.transform
    assert opened.raw.dtype == (np.uint8 if highest == 12 else np.uint16)
    assert not [p for p in (tmp_path / "new folder").iterdir() if p.name.startswith(".")]


def test_other_programs_see_colours_nodata_and_position(
    tmp_path: Path, scene: Cube, ids: np.ndarray[Any, Any]
) -> None:
    write_labels(tmp_path / "m.tif", LabelMap(ids, CLASSES), cube=scene)
    with rasterio.open(tmp_path / "m.tif") as file:
        assert file.colormap(1)[10] == (0x12, 0x34, 0x56, 255)
        assert file.nodata == 0
        assert file.transform.to_gdal() == scene.transform
        assert file.crs.to_epsg() == 32633
        assert file.compression.name == "deflate"


@pytest.mark.parametrize("name", ["map.tif", "map.img"])
def test_a_scene_without_position(
    name: str, tmp_path: Path, ramp: np.ndarray[Any, Any], ids: np.ndarray[Any, Any]
) -> None:
    cube = Cube(name="s", raw=ramp)
    write_class_map(tmp_path / name, ids, CLASSES, cube=cube)
    assert open_cube(tmp_path / name).transform is None
    np.testing.assert_array_equal(read_labels(tmp_path / name, cube).ids, ids)


def test_names_that_an_envi_header_cannot_hold(
    tmp_path: Path, scene: Cube, ids: np.ndarray[Any, Any]
) -> None:
    classes = CLASSES.rename(1, "roof, {flat}")
    write_class_map(tmp_path / "m.img", ids, classes, cube=scene)
    assert read_labels(tmp_path / "m.img").classes.names == ("roof; (flat)", *CLASSES.names[1:])


@pytest.mark.parametrize("name", ["c.tif", "c.hdr", "c.img"])
def test_layers_open_as_they_were(name: str, tmp_path: Path, scene: Cube) -> None:
    layers = np.random.default_rng(0).random((2, 4, 5)).astype(np.float32)
    layers[0, 0, 0] = np.nan
    write_layers(tmp_path / name, layers, ["entropy", "gate"], scene)
    cube = open_cube(tmp_path / name)
    np.testing.assert_array_equal(np.moveaxis(cube.raw[:, :, :], -1, 0), layers)
    assert cube.transform == scene.transform
    assert cube.interleave == "bsq"


def test_what_cannot_be_written(tmp_path: Path, scene: Cube, ids: np.ndarray[Any, Any]) -> None:
    with pytest.raises(LabelsError, match=r"2 × 5 pixels is not on the grid of scene.*4 × 5"):
        write_class_map(tmp_path / "m.tif", ids[:2], CLASSES, cube=scene)
    with pytest.raises(LabelsError, match=r"ids without a class: \[10\]"):
        write_class_map(tmp_path / "m.tif", ids, CLASSES.remove(10), cube=scene)
    with pytest.raises(SettingError, match=r"m\.jpg"):
        write_class_map(tmp_path / "m.jpg", ids, CLASSES, cube=scene)
    with pytest.raises(SettingError, match="1 layers of 4 × 5"):
        write_layers(tmp_path / "m.tif", np.zeros((2, 4, 5), np.float32), ["x"], scene)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["m.tif", "m.img"])
def test_a_failure_leaves_the_old_map(
    name: str,
    tmp_path: Path,
    scene: Cube,
    ids: np.ndarray[Any, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written = write_class_map(tmp_path / name, ids, CLASSES, cube=scene)
    before = {p: p.read_bytes() for p in written}

    def full(*_: object, **__: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr("rasterio.io.DatasetWriter.write_colormap", full, raising=False)
    monkeypatch.setattr("spectral.io.envi.write_envi_header", full)
    with pytest.raises(OSError, match="no space"):
        write_class_map(tmp_path / name, ids * 0, CLASSES, cube=scene)
    assert {p: p.read_bytes() for p in tmp_path.iterdir()} == before


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("what", ["map.tif", "map.img", "layer.tif", "layer.img"])
def test_a_disk_that_is_full_for_the_last_bytes_leaves_the_old_map(
    what: str, tmp_path: Path, scene: Cube, disk_that_takes: Callable[..., Any]
) -> None:
    path, rng = tmp_path / what, np.random.default_rng(0)
    cube = Cube("field", np.zeros((70, 80, 3)), crs=scene.crs, transform=scene.transform)
    drawn = rng.choice([0, 1, 10, 12], size=(70, 80)).astype(np.uint16)
    layers = rng.random((1, 70, 80), np.float32)

    def write() -> tuple[Path, ...]:
        if what.startswith("map"):
            return write_class_map(path, drawn, CLASSES, cube=cube)
        return write_layers(path, layers, ["x"], cube)

    before = {p: p.read_bytes() for p in write()}
    size = max(len(content) for content in before.values())
    for missing in (*range(1, 40), *range(40, size // 2, 97)):
        with disk_that_takes(size - missing), pytest.raises(OSError) as refused:
            write()
        assert {p: p.read_bytes() for p in tmp_path.iterdir()} == before
        if path.suffix == ".tif":
            assert str(refused.value).endswith(f"is the disk full?: {str(path)!r}")
        del refused
    gc.collect()  # spectral leaves the files that it could not write to the collector


def test_a_description_is_json(shared_data: Path) -> None:
    cube = open_cube(shared_data / "enmap_potsdam/images/enmap_potsdam_tile_128_0.tif")
    told = json.loads(json.dumps(describe(cube), allow_nan=False))
    assert (told["rows"], told["columns"], told["bands"]) == (32, 32, 224)
    assert told["dtype"] == "float32"
    assert told["interleave"] == "bsq"
    assert told["nodata"] == -32768
    assert told["crs"] == "EPSG:32633"
    assert told["transform"] == [366015, 30, 0, 5809965, 0, -30]
    assert told["n_good_bands"] == sum(told["good_bands"]) == 218
    assert told["wavelengths"][0] == 418.24
    assert told["synthetic"] is False


def test_a_bare_description(ramp: np.ndarray[Any, Any]) -> None:
    told = describe(Cube(name="s", raw=ramp.astype(">i2"), nodata=float("nan")))
    assert told["dtype"] == "int16"
    assert told["nodata"] is told["wavelengths"] is told["crs"] is told["transform"] is None
