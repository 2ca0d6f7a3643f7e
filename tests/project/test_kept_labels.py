"""What was painted is in a file, and comes back as it was."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import rasterio

from napari_ssamamba.data.classes import ClassTable
from napari_ssamamba.data.cube import Cube
from napari_ssamamba.data.labels import LabelMap
from napari_ssamamba.errors import FileFormatError
from napari_ssamamba.project import kept_labels as kept
from napari_ssamamba.project.kept_labels import keep_labels, read_kept
from napari_ssamamba.project.user_data import DATA, data_folder, new_begun

if TYPE_CHECKING:
    from pathlib import Path

TRANSFORM = (400_000.0, 30.0, 0.0, 5_800_000.0, 0.0, -30.0)
BEGUN = "20261127-140312-00000"
CLASSES = ClassTable().add("maize").add("winter wheat", "#123456").add("rye")


@pytest.fixture
def cube() -> Cube:
    cube = Cube("farm", np.ones((7, 8, 3), np.float32), crs="EPSG:32633", transform=TRANSFORM)
    return replace(cube, fingerprint="abc")


def painted(*pixels: tuple[int, int, int]) -> LabelMap:
    ids = np.zeros((7, 8), np.uint16)
    for row, column, id in pixels:
        ids[row, column] = id
    return LabelMap(ids, CLASSES)


def test_labels_come_back_with_all_classes_and_their_place(cube: Cube, tmp_path: Path) -> None:
    labels = painted((0, 0, 1), (3, 4, 2), (3, 5, 2), (6, 7, 300))  # 300: without a class
    assert keep_labels(labels, cube, tmp_path, new_begun())
    [found] = kept.kept_labels(cube, tmp_path)
    assert str(found).endswith(" · 4 pixels, 3 classes")
    back = read_kept(found, cube)
    np.testing.assert_array_equal(back.ids, labels.ids)
    assert back.classes.classes[:3] == CLASSES.classes
    assert back.classes[300].name == "Class 300"
    with rasterio.open(found.path) as file:
        assert file.crs.to_epsg() == 32633 and file.transform.to_gdal() == TRANSFORM


def test_a_painting_has_one_file_and_none_once_all_is_erased(cube: Cube, tmp_path: Path) -> None:
    begun = new_begun()
    for n in (1, 2, 2):
        assert keep_labels(painted(*[(i, i, 1) for i in range(n)]), cube, tmp_path, begun)
        assert [k.pixels for k in kept.kept_labels(cube, tmp_path)] == [n]
    assert not keep_labels(painted(), cube, tmp_path, begun)
    assert kept.kept_labels(cube, tmp_path) == []


def test_the_latest_paintings_stay_the_latest_first(cube: Cube, tmp_path: Path) -> None:
    for n in range(1, kept.FILES_A_SCENE + 3):
        keep_labels(painted(*[(i // 8, i % 8, 1) for i in range(n)]), cube, tmp_path, f"{BEGUN}{n}")
        [newest] = [k for k in kept.kept_labels(cube, tmp_path) if k.pixels == n]
        os.utime(newest.path, (1000 + n, 1000 + n))  # files of one moment have no order
    pixels = [k.pixels for k in kept.kept_labels(cube, tmp_path)]
    assert pixels == list(range(n, n - kept.FILES_A_SCENE, -1))


def test_a_scene_is_known_by_its_content_not_its_place(cube: Cube, tmp_path: Path) -> None:
    keep_labels(painted((0, 0, 1)), cube, tmp_path, new_begun())
    assert kept.kept_labels(replace(cube, name="copy"), tmp_path)
    assert not kept.kept_labels(replace(cube, fingerprint="another"), tmp_path)
    made = replace(cube, fingerprint=None)  # not read from a file
    assert not kept.kept_labels(made, tmp_path)
    keep_labels(painted((0, 0, 1)), made, tmp_path, new_begun())
    assert kept.kept_labels(made, tmp_path)
    assert not kept.kept_labels(replace(made, name="village"), tmp_path)


def test_other_files_are_let_alone_and_a_damaged_one_is_named(cube: Cube, tmp_path: Path) -> None:
    begun = new_begun()
    keep_labels(painted((0, 0, 1)), cube, tmp_path, begun)
    [found] = kept.kept_labels(cube, tmp_path)
    other = found.path.with_name("mine.tif")
    other.write_bytes(b"mine")
    found.path.write_bytes(found.path.read_bytes()[:40])
    assert [k.path for k in kept.kept_labels(cube, tmp_path)] == [found.path]
    with pytest.raises(FileFormatError, match=found.path.name):
        read_kept(found, cube)
    keep_labels(painted(), cube, tmp_path, begun)
    assert other.read_bytes() == b"mine"


def test_a_failed_write_leaves_what_was_kept(
    cube: Cube, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = new_begun()
    keep_labels(painted((0, 0, 1)), cube, tmp_path, begun)

    def full(*_: object, **__: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(OSError, match="No space"):
        keep_labels(painted((0, 0, 1), (1, 1, 2)), cube, tmp_path, begun)
    assert [k.pixels for k in kept.kept_labels(cube, tmp_path)] == [1]


def test_the_folder_is_the_user_s_unless_another_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert data_folder().is_absolute()
    monkeypatch.delenv(DATA)
    assert data_folder().name == "napari-ssamamba"
