"""What is kept is written by one thread at a time, however slow the disk is."""

from __future__ import annotations

import shutil
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_ssamamba.gui import kept_jobs, kept_label_jobs, kept_map_jobs
from napari_ssamamba.project.kept_labels import keep_labels, kept_labels, read_kept
from napari_ssamamba.project.kept_maps import begin_map, kept_maps
from napari_ssamamba.project.map_folder import MapFolder
from napari_ssamamba.session import ShownMap

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import TinyJob

    from napari_ssamamba.checkpoint import Checkpoint
    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.gui.workflow import Workflow


def test_a_map_that_takes_long_to_begin_is_begun_once(
    qtbot: Any,
    program: Callable[[Cube], Workflow],
    tiny_job: TinyJob,
    tiny_checkpoint: Checkpoint,
    user_data: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun = []

    def begin_slowly(*args: Any) -> MapFolder:
        begun.append(args)
        time.sleep(0.3)
        return begin_map(*args)

    monkeypatch.setattr(kept_map_jobs, "begin_map", begin_slowly)
    cube = replace(tiny_job.cube, raw=np.tile(tiny_job.cube.raw, (4, 4, 1)), fingerprint="wide")
    workflow = program(cube)
    session = workflow.session
    session.set_checkpoint(tiny_checkpoint)
    workflow.mapping.map_scene()
    qtbot.waitUntil(lambda: session.map is not None and session.map.complete)
    workflow.kept.maps.flush()
    assert len(begun) == 1
    [found] = kept_maps(cube, user_data)
    read = ShownMap.blank((96, 80), classes=session.map.classes)
    for _ in MapFolder(found.path).read(read):
        pass
    np.testing.assert_array_equal(read.ids, session.map.ids)


@pytest.fixture
def go_on() -> threading.Event:
    return threading.Event()


@pytest.fixture
def held(
    qtbot: Any,
    program: Callable[[Cube], Workflow],
    tiny_job: TinyJob,
    go_on: threading.Event,
    monkeypatch: pytest.MonkeyPatch,
) -> tuple[Workflow, list[str]]:
    """A program whose first write of labels waits at its end for `go_on`, and what it told."""
    done = threading.Event()

    def keep_and_wait(*args: Any) -> bool:
        kept = keep_labels(*args)
        if not done.is_set():
            done.set()
            assert go_on.wait(20)
        return kept

    monkeypatch.setattr(kept_label_jobs, "keep_labels", keep_and_wait)
    monkeypatch.setattr(kept_jobs, "SECONDS_TO_WRITE", 0.05)
    workflow, told = program(tiny_job.cube), []
    workflow.told.connect(lambda level, text: told.append(text))
    workflow.training.take_classes(tiny_job.reference.classes)
    paint(workflow, 0)
    qtbot.waitUntil(done.is_set)
    return workflow, told


def paint(workflow: Workflow, row: int) -> None:
    workflow.session.labels[row, :4] = 2
    workflow.session.labels_painted()


def pixels(cube: Cube, user_data: Path) -> list[int]:
    return [kept.pixels for kept in kept_labels(cube, user_data)]


def test_older_labels_never_replace_newer_ones(
    qtbot: Any, held: tuple[Workflow, list[str]], tiny_job: TinyJob, user_data: Path, go_on: Any
) -> None:
    workflow, told = held
    paint(workflow, 1)
    qtbot.wait(500)  # many times as long as a change waits, and as `flush` would
    assert told == [] and pixels(tiny_job.cube, user_data) == [4]
    go_on.set()
    qtbot.waitUntil(lambda: pixels(tiny_job.cube, user_data) == [8])
    [found] = kept_labels(tiny_job.cube, user_data)
    np.testing.assert_array_equal(read_kept(found, tiny_job.cube).ids, workflow.session.labels)


def test_a_write_that_does_not_end_is_told(
    held: tuple[Workflow, list[str]],
    tiny_job: TinyJob,
    user_data: Path,
    go_on: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    workflow, told = held
    paint(workflow, 1)
    workflow.kept.labels.flush()
    [text] = told
    assert "it is still being written after 0.05 seconds" in text
    assert pixels(tiny_job.cube, user_data) == [4]
    go_on.set()
    monkeypatch.setattr(kept_jobs, "SECONDS_TO_WRITE", 10.0)
    workflow.kept.labels.flush()
    [found] = kept_labels(tiny_job.cube, user_data)
    np.testing.assert_array_equal(read_kept(found, tiny_job.cube).ids, workflow.session.labels)


def test_what_another_window_removed_to_make_room_is_written_again_at_the_end(
    qtbot: Any,
    program: Callable[[Cube], Workflow],
    tiny_job: TinyJob,
    tiny_checkpoint: Checkpoint,
    user_data: Path,
) -> None:
    workflow = program(tiny_job.cube)
    session = workflow.session
    session.set_labels(tiny_job.reference)
    session.set_checkpoint(tiny_checkpoint)
    workflow.mapping.map_scene()
    qtbot.waitUntil(lambda: session.map is not None and session.map.complete)
    session.decisions.label((0, 0), 5, 2)
    workflow.kept.flush()
    found = list(user_data.glob("*/*/*"))
    assert sorted(path.parent.parent.name for path in found) == ["decisions", "labels", "maps"]
    for path in found:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert workflow.shut_down()
    assert sorted(user_data.glob("*/*/*")) == sorted(found)
    [kept] = kept_maps(tiny_job.cube, user_data)
    read = ShownMap.blank((24, 20), classes=session.map.classes)
    for _ in MapFolder(kept.path).read(read):
        pass
    np.testing.assert_array_equal(read.ids, session.map.ids)
    [labels] = kept_labels(tiny_job.cube, user_data)
    np.testing.assert_array_equal(read_kept(labels, tiny_job.cube).ids, session.labels)


def test_a_name_given_while_labels_are_written_is_in_the_file(
    held: tuple[Workflow, list[str]],
    tiny_job: TinyJob,
    user_data: Path,
    go_on: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    workflow, _ = held
    monkeypatch.setattr(kept_jobs, "SECONDS_TO_WRITE", 10.0)
    workflow.session.rename_class(2, "Lettuce")
    go_on.set()
    assert workflow.shut_down()
    [found] = kept_labels(tiny_job.cube, user_data)
    assert read_kept(found, tiny_job.cube).classes[2].name == "Lettuce"


def test_labels_are_kept_once_there_is_memory_again(
    program: Callable[[Cube], Workflow],
    tiny_job: TinyJob,
    user_data: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refused(*args: Any) -> bool:
        raise MemoryError

    monkeypatch.setattr(kept_label_jobs, "keep_labels", refused)
    workflow, told = program(tiny_job.cube), []
    workflow.told.connect(lambda level, text: told.append(text))
    paint(workflow, 0)
    workflow.kept.labels.flush()
    assert [text for text in told if "kept there" in text and "too little memory" in text] == told
    monkeypatch.setattr(kept_label_jobs, "keep_labels", keep_labels)
    workflow.kept.labels.flush()
    assert pixels(tiny_job.cube, user_data) == [4]


def test_a_map_that_goes_on_while_it_is_written_is_kept_whole_when_it_is_left(
    qtbot: Any,
    program: Callable[[Cube], Workflow],
    tiny_job: TinyJob,
    tiny_checkpoint: Checkpoint,
    user_data: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun, go_on, write = threading.Event(), threading.Event(), MapFolder.write

    def held(self: MapFolder, *args: Any) -> int:
        begun.set()
        assert go_on.wait(20)
        return write(self, *args)

    monkeypatch.setattr(MapFolder, "write", held)
    cube = replace(tiny_job.cube, raw=np.tile(tiny_job.cube.raw, (4, 4, 1)), fingerprint="wide")
    workflow = program(cube)
    session = workflow.session
    session.set_checkpoint(tiny_checkpoint)
    session.events.map_tile.connect(lambda _: workflow.pause("map", not begun.is_set()))
    workflow.mapping.map_scene()
    qtbot.waitUntil(begun.is_set)
    workflow.pause("map", False)
    qtbot.waitUntil(lambda: session.map is not None and session.map.complete)
    ids = session.map.ids.copy()
    workflow._replace_cube(tiny_job.cube, None)
    go_on.set()
    workflow.kept.flush()
    [kept] = kept_maps(cube, user_data)
    read = ShownMap.blank((96, 80), classes=tiny_checkpoint.classes)
    for _ in MapFolder(kept.path).read(read):
        pass
    np.testing.assert_array_equal(read.ids, ids)
