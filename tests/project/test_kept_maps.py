"""Maps that are kept come back as they were, whole or in part, and never with wrong numbers."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from napari_ssamamba.data.tiles import Window
from napari_ssamamba.errors import FileFormatError
from napari_ssamamba.prediction.mosaic import FINAL, NUMBERS, UNKNOWN, Mosaic
from napari_ssamamba.project import kept_maps, map_folder
from napari_ssamamba.project.kept_maps import (
    KeptMap,
    MapHeader,
    begin_map,
    read_model,
    remove_oldest,
)
from napari_ssamamba.project.map_folder import FolderHeader, MapFolder
from napari_ssamamba.project.user_data import new_begun

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_ssamamba.checkpoint import Checkpoint
    from napari_ssamamba.data.cube import Cube

SHAPE = 150, 90


@pytest.fixture
def cube(tiny_job: Any) -> Cube:
    return replace(tiny_job.cube, raw=np.zeros((*SHAPE, 6), np.int16), fingerprint="f")


def header(checkpoint: Checkpoint, **changes: Any) -> MapHeader:
    fields = {
        "rows": SHAPE[0],
        "columns": SHAPE[1],
        "classes": checkpoint.classes.classes,
        "members": "mixed",
        "complete": False,
        "outdated": False,
        "mapped": 0,
    }
    return MapHeader(**(fields | changes))


def computed(*windows: Window, seed: int = 0) -> Mosaic:
    """Return a map of which some parts are final."""
    mosaic, rng = Mosaic.unknown(SHAPE), np.random.default_rng(seed)
    for window in windows:
        here = window.rows, window.columns
        mosaic.ids[here] = rng.integers(1, 5, window.shape)
        for name in NUMBERS:
            getattr(mosaic, name)[here] = rng.random(window.shape)
        mosaic.level[here] = FINAL
    return mosaic


def read(kept: KeptMap) -> Mosaic:
    mosaic = Mosaic.blank(SHAPE)
    for _ in MapFolder(kept.path).read(mosaic):
        pass
    return mosaic


def assert_same(a: Mosaic, b: Mosaic) -> None:
    for name in map_folder.ARRAYS:
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)


def begin(cube: Cube, root: Path, checkpoint: Checkpoint) -> MapFolder:
    return begin_map(cube, root, new_begun(), checkpoint)


def test_a_map_comes_back_in_the_parts_that_were_mapped(
    cube: Cube, tiny_checkpoint: Checkpoint, tmp_path: Path
) -> None:
    folder = begin(cube, tmp_path, tiny_checkpoint)
    assert kept_maps.kept_maps(cube, tmp_path) == []  # nothing is mapped yet
    windows = [Window(60, 92, 0, 90), Window(0, 20, 30, 50), Window(140, 150, 80, 90)]
    for n in range(1, 4):
        folder.write(computed(*windows[:n]), windows[n - 1 : n], header(tiny_checkpoint))
        [kept] = kept_maps.kept_maps(cube, tmp_path)
        assert_same(read(kept), computed(*windows[:n]))
        assert kept.header.mapped == sum(w.shape[0] * w.shape[1] for w in windows[:n])
    assert kept.told_shortly == "25 % mapped"
    whole = computed(Window(0, 150, 0, 90))
    complete = header(tiny_checkpoint, complete=True, outdated=True)
    folder.write(whole, [Window(0, 150, 0, 90)], complete)
    [kept] = kept_maps.kept_maps(cube, tmp_path)
    assert_same(read(kept), whole)
    assert kept.told_shortly == "complete, outdated"


def test_what_was_not_mapped_is_unknown_whatever_was_shown_there(
    cube: Cube, tiny_checkpoint: Checkpoint, tmp_path: Path
) -> None:
    mosaic = computed(Window(0, 10, 0, 10))
    mosaic.ids[40:] = 3  # the map from before shows through
    mosaic.confidence[40:] = 0.9
    mosaic.level[20:30] = FINAL - 2  # and a coarse pass
    mosaic.ids[20:30] = 2
    folder = begin(cube, tmp_path, tiny_checkpoint)
    folder.write(mosaic, [Window(0, *SHAPE[:1], 0, SHAPE[1])], header(tiny_checkpoint))
    [kept] = kept_maps.kept_maps(cube, tmp_path)
    found = read(kept)
    assert (found.ids[40:] == 0).all() and np.isnan(found.confidence[40:]).all()
    assert (found.ids[20:30] == 2).all() and (found.level[20:30] == FINAL - 2).all()
    assert (found.level[40:] == UNKNOWN).all()
    assert kept.header.mapped == 100


def test_the_model_comes_back_with_the_names_of_the_map(
    cube: Cube, tiny_checkpoint: Checkpoint, tmp_path: Path
) -> None:
    first = tiny_checkpoint.classes.classes[0]
    renamed = tiny_checkpoint.classes.rename(first.id, "Lettuce")
    folder = begin(cube, tmp_path, tiny_checkpoint)
    folder.write(computed(), [], header(tiny_checkpoint, classes=renamed.classes))
    [kept] = kept_maps.kept_maps(cube, tmp_path)
    model = read_model(kept)
    assert model.classes[first.id].name == "Lettuce"
    for name, weights in tiny_checkpoint.weights.items():
        assert torch.equal(model.weights[name], weights)


def test_a_pixel_is_final_only_with_its_numbers(
    cube: Cube,
    tiny_checkpoint: Checkpoint,
    tmp_path: Path,
    disk_that_takes: Callable[[int], AbstractContextManager[None]],
) -> None:
    folder = begin(cube, tmp_path, tiny_checkpoint)
    folder.write(computed(), [], header(tiny_checkpoint))
    whole = Window(0, 150, 0, 90)
    after = computed(whole)
    full = 128 + 4 * 150 * 90
    for size in range(0, full, full // 12):
        with disk_that_takes(size), pytest.raises(OSError):
            folder.write(after, [whole], header(tiny_checkpoint))
        [kept] = kept_maps.kept_maps(cube, tmp_path)
        assert (read(kept).level == UNKNOWN).all()
    folder.write(after, [whole], header(tiny_checkpoint))
    assert_same(read(kept), after)


def test_no_map_is_begun_on_a_disk_without_room(
    cube: Cube,
    tiny_checkpoint: Checkpoint,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    usage = type("Usage", (), {"free": 15 * 150 * 90 - 1})
    monkeypatch.setattr(map_folder.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(OSError, match="No space left"):
        begin(cube, tmp_path, tiny_checkpoint)
    assert not list(tmp_path.rglob("*.npy"))


def test_a_disk_that_fills_up_is_left_as_it_was(
    cube: Cube,
    tiny_checkpoint: Checkpoint,
    tmp_path: Path,
    disk_that_takes: Callable[[int], AbstractContextManager[None]],
) -> None:
    for size in (1000, 4 * 150 * 90):  # the model does not fit, or an array
        with disk_that_takes(size), pytest.raises(OSError):
            begin(cube, tmp_path, tiny_checkpoint)
        assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("spoil", "found"),
    [
        (lambda path: (path / "level.npy").unlink(), "level.npy: it cannot be read"),
        (lambda path: (path / "ids.npy").write_bytes(b"\x93NUMPY"), "ids.npy: it cannot be read"),
        (lambda path: np.save(path / "ids.npy", np.zeros(3)), "ids.npy: float64 of shape"),
        (
            lambda path: np.save(path / "ids.npy", np.array([None]), allow_pickle=True),
            "ids.npy: it cannot be read",
        ),
    ],
)
def test_a_damaged_map_is_refused_by_name(
    cube: Cube,
    tiny_checkpoint: Checkpoint,
    tmp_path: Path,
    spoil: Callable[[Path], object],
    found: str,
) -> None:
    folder = begin(cube, tmp_path, tiny_checkpoint)
    folder.write(computed(), [], header(tiny_checkpoint))
    spoil(folder.path)
    [kept] = kept_maps.kept_maps(cube, tmp_path)
    with pytest.raises(FileFormatError, match=found):
        read(kept)


def test_maps_of_the_first_version_have_no_attention(
    cube: Cube, tiny_checkpoint: Checkpoint, tmp_path: Path
) -> None:
    folder = begin(cube, tmp_path, tiny_checkpoint)
    folder.write(computed(), [], header(tiny_checkpoint))
    told = json.loads((folder.path / "map.json").read_text()) | {"version": 1}
    del told["attention"]
    (folder.path / "map.json").write_text(json.dumps(told))
    [kept] = kept_maps.kept_maps(cube, tmp_path)
    assert not kept.header.attention and kept.told == "0 % mapped, 3 classes"


def test_maps_with_a_damaged_header_are_not_listed_and_not_removed(
    cube: Cube, tiny_checkpoint: Checkpoint, tmp_path: Path
) -> None:
    folder = begin(cube, tmp_path, tiny_checkpoint)
    folder.write(computed(), [], header(tiny_checkpoint))
    told = json.loads((folder.path / "map.json").read_text())
    for text in ("{", json.dumps(told | {"version": 3}), json.dumps(told | {"more": 1})):
        (folder.path / "map.json").write_text(text)
        assert kept_maps.kept_maps(cube, tmp_path) == []
    remove_oldest(cube, tmp_path, ())
    assert folder.path.exists()


def left_of(
    n: int, scenes: list[Cube], root: Path, checkpoint: Checkpoint, used: int, **changes: Any
) -> list[int]:
    """Keep n maps of scenes in turn; return which are left where one is in use all the time."""
    folders: list[MapFolder] = []
    for of in (scenes * n)[:n]:
        folders.append(begin(of, root, checkpoint))
        folders[-1].write(computed(), [], header(checkpoint, **changes))
        remove_oldest(of, root, [folder.path for folder in folders[used : used + 1]])
    return [number for number, folder in enumerate(folders) if folder.path.exists()]


def test_the_oldest_of_a_scene_go_but_none_that_is_used(
    cube: Cube, tiny_checkpoint: Checkpoint, tmp_path: Path
) -> None:
    other = replace(cube, fingerprint="g")
    begin(other, tmp_path, tiny_checkpoint).write(computed(), [], header(tiny_checkpoint))
    assert kept_maps.MAPS_A_SCENE == 3
    assert left_of(6, [cube], tmp_path, tiny_checkpoint, used=1) == [1, 3, 4, 5]
    assert len(kept_maps.kept_maps(other, tmp_path)) == 1


@pytest.mark.parametrize(("attention", "a_pixel"), [(False, 15), (True, 31)])
def test_the_oldest_of_all_go_where_they_take_too_much(
    cube: Cube,
    tiny_checkpoint: Checkpoint,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    attention: bool,
    a_pixel: int,
) -> None:
    scenes = [replace(cube, fingerprint=name) for name in "abcdefgh"]
    monkeypatch.setattr(kept_maps, "MOST_BYTES", 4 * a_pixel * 150 * 90)
    left = left_of(8, scenes, tmp_path, tiny_checkpoint, used=2, attention=attention)
    assert left == [2, 4, 5, 6, 7]


def test_it_says_when_it_was_and_how_far(
    cube: Cube, tiny_checkpoint: Checkpoint, tmp_path: Path
) -> None:
    folder = begin(cube, tmp_path, tiny_checkpoint)
    folder.write(computed(), [], header(tiny_checkpoint))
    [kept] = kept_maps.kept_maps(cube, tmp_path)
    assert str(kept).endswith(f" · 0 % mapped, {len(tiny_checkpoint.classes)} classes")
    assert str(kept).startswith(f"{kept.changed:%d %b %Y}")
    assert kept.short.endswith(" · 0 % mapped")


class Doubled:
    """A layer of two numbers a pixel: its confidence, and twice that."""

    name, depth, dtype = "doubled", 2, np.dtype(np.float32)

    def __init__(self, mosaic: Mosaic) -> None:
        self.values = np.stack([mosaic.confidence, 2 * mosaic.confidence], -1)

    def read(self, window: Window) -> NDArray[np.float32]:
        return self.values[window.rows, window.columns]

    def write(self, window: Window, values: NDArray[np.float32]) -> None:
        self.values[window.rows, window.columns] = values


def test_a_layer_says_nothing_where_no_tile_had_come(tmp_path: Path, cube: Cube) -> None:
    known, rest = Window(10, 100, 30, 90), Window(100, 150, 0, 90)
    mosaic, whole = computed(known), computed(known, rest)
    layer, found = Doubled(mosaic), Doubled(whole)
    folder = MapFolder(tmp_path / "map", [layer])
    folder.begin(SHAPE)
    folder.write(mosaic, [known], FolderHeader(mapped=0))
    for _ in MapFolder(folder.path, [found]).read(Mosaic.blank(SHAPE)):
        pass
    np.testing.assert_array_equal(found.values, layer.values)
    assert np.isnan(found.values[:10]).all() and not np.isnan(found.values[10:100, 30:]).any()
