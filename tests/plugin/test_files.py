"""Opening and saving through napari's hooks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_ssamamba.errors import LabelsError, SettingError
from napari_ssamamba.plugin.reader import get_reader, read
from napari_ssamamba.plugin.writer import write_image_layer, write_labels_layer


def test_asking_for_a_reader_loads_nothing_heavy(tmp_path: Path) -> None:
    np.save(tmp_path / "cube.npy", np.zeros((4, 5, 6), np.float32))
    code = (
        "import sys; from napari_ssamamba.plugin.reader import get_reader;"
        f"assert get_reader({str(tmp_path / 'cube.npy')!r});"
        "heavy = {'torch', 'rasterio', 'dask', 'sklearn', 'spectral', 'scipy', 'napari'};"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_files_that_are_no_scenes_are_left_to_others(tmp_path: Path) -> None:
    note = tmp_path / "note.txt"
    note.write_text("no scene")
    assert get_reader(str(note)) is None
    assert get_reader(str(tmp_path / "missing.npy")) is None


def test_without_a_viewer_the_bands_are_one_lazy_layer(tmp_path: Path) -> None:
    values = np.arange(40 * 50 * 6, dtype=np.float32).reshape(40, 50, 6)
    np.save(tmp_path / "cube.npy", values)
    [(data, options, kind)] = read(str(tmp_path / "cube.npy"))
    assert (data.shape, kind, options["name"]) == ((6, 40, 50), "image", "cube")
    np.testing.assert_array_equal(np.asarray(data[2]), values[..., 2])


def test_labels_are_saved_with_their_names(tmp_path: Path) -> None:
    ids = np.array([[0, 1], [2, 2]], np.int64)
    attributes: dict[str, Any] = {"features": {"index": [0, 1, 2], "class": ["-", "Wheat", "Oats"]}}
    [path] = write_labels_layer(str(tmp_path / "map.tif"), ids, attributes)
    from napari_ssamamba.data.class_raster import read_geotiff_classes

    labels = read_geotiff_classes([Path(path)])
    np.testing.assert_array_equal(labels.values, ids)
    assert labels.names == {1: "Wheat", 2: "Oats"}


def test_labels_that_are_no_class_map_are_refused(tmp_path: Path) -> None:
    with pytest.raises(LabelsError, match="3 axes"):
        write_labels_layer(str(tmp_path / "map.img"), np.zeros((2, 2, 2), int), {})
    with pytest.raises(LabelsError, match="70000"):
        write_labels_layer(str(tmp_path / "map.img"), np.full((2, 2), 70000), {})
    with pytest.raises(SettingError, match="3 axes"):
        write_image_layer(str(tmp_path / "b.img"), np.zeros((3, 4, 5)), {"name": "stack"})


def test_layers_that_have_nothing_to_do_with_a_scene_are_saved_as_without_the_plugin(
    tmp_path: Path,
) -> None:
    import tifffile

    stack = np.arange(2000, dtype=np.uint32).reshape(2, 20, 50)
    for write, name in ((write_labels_layer, "cells.tif"), (write_image_layer, "volume.tif")):
        [path] = write(str(tmp_path / name), stack, {"name": "of others"})
        np.testing.assert_array_equal(tifffile.imread(path), stack)
