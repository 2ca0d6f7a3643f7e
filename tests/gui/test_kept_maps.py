"""A map is kept while it is made, and can be looked at and continued after a crash."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_ssamamba.data.tiles import Window
from napari_ssamamba.events import result_of
from napari_ssamamba.gui import kept_map_jobs
from napari_ssamamba.gui.dock import MainDock
from napari_ssamamba.gui.kept_work import KEPT
from napari_ssamamba.gui.workflow import Workflow
from napari_ssamamba.prediction.mosaic import FINAL
from napari_ssamamba.prediction.predictor import predict
from napari_ssamamba.project import kept_maps as kept
from napari_ssamamba.project.map_folder import ARRAYS, MapFolder
from napari_ssamamba.session import Session, ShownMap

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import TinyJob

    from napari_ssamamba.checkpoint import Checkpoint
    from napari_ssamamba.data.cube import Cube


def states(user_data: Path, cube: Cube) -> list[str]:
    return [found.told_shortly for found in kept.kept_maps(cube, user_data)]


def test_a_map_goes_on_after_a_crash(
    qtbot: Any,
    start: Any,
    map_a_part: Any,
    cube: Cube,
    tiny_checkpoint: Checkpoint,
    user_data: Path,
) -> None:
    crashed = start()
    map_a_part(crashed)
    qtbot.waitUntil(lambda: len(states(user_data, cube)) == 1)
    before = crashed.session.map
    # The program is gone; it is started again, without a model.
    session = Session()
    workflow, told = Workflow(session), []
    workflow.kept.offered.connect(told.append)
    session.open_cube(cube)
    [offered] = workflow.kept.maps.offered
    assert told == [KEPT.format(f"a map and its model in Map ({offered.short})")]
    assert 0 < offered.header.mapped < 96 * 80
    workflow.kept.maps.restore(offered)
    qtbot.waitUntil(lambda: session.map is not None)
    shown: Any = session.map
    assert shown.stopped and not shown.complete and session.mapping.can_continue
    final = before.level == FINAL
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(shown, name)[final], getattr(before, name)[final])
    assert session.classes.names == tiny_checkpoint.classes.names
    assert workflow.kept.maps.offered == []  # it is what is shown

    workflow.mapping.continue_map()
    qtbot.waitUntil(lambda: shown.complete)
    assert workflow.shut_down()
    assert states(user_data, cube) == ["complete"]
    whole = result_of(predict(cube, tiny_checkpoint, device="cpu"))
    [again] = kept.kept_maps(cube, user_data)
    read = ShownMap.blank((96, 80), classes=tiny_checkpoint.classes)
    for _ in MapFolder(again.path).read(read):
        pass
    np.testing.assert_array_equal(read.ids, whole.ids)
    np.testing.assert_allclose(read.confidence, whole.confidence, atol=1e-5)


def test_a_complete_map_is_compared_when_it_comes_back(
    qtbot: Any, start: Any, map_all: Any, cube: Cube, tiny_job: TinyJob
) -> None:
    map_all(start())
    workflow = start()
    session = workflow.session
    truth = tiny_job.reference
    session.set_reference(replace(truth, ids=np.tile(truth.ids, (4, 4))))
    workflow.kept.maps.restore(workflow.kept.maps.offered[0])
    qtbot.waitUntil(lambda: session.accuracy is not None)
    qtbot.waitUntil(lambda: session.audit.confusion is not None)
    assert session.map.complete and not session.map.outdated
    assert not session.mapping.can_continue


def bands(*numbers: int) -> Any:
    return np.isin(np.arange(6), numbers)


@pytest.mark.parametrize("of_this_scene", [True, False])
def test_the_bands_are_those_of_the_model_again(
    qtbot: Any,
    start: Any,
    map_all: Any,
    cube: Cube,
    tiny_checkpoint: Checkpoint,
    of_this_scene: bool,
) -> None:
    before = start()
    if of_this_scene:
        record = replace(tiny_checkpoint.record, scene_shape=cube.shape, fingerprint="wide")
        before.session.set_checkpoint(replace(tiny_checkpoint, record=record))
    map_all(before)
    workflow = start()
    session = workflow.session
    learned = bands(0, 1, 3, 4, 5)
    assert (session.cube.good_bands == learned).all()
    session.switch_bands(bands(2), True)
    session.switch_bands(bands(0, 4), False)
    workflow.kept.maps.restore(workflow.kept.maps.offered[0])
    qtbot.waitUntil(lambda: session.map is not None)
    expected = learned if of_this_scene else bands(1, 2, 3, 5)
    assert (session.cube.good_bands == expected).all()


def test_water_absorption_is_hidden_again(cube: Cube, tiny_checkpoint: Checkpoint) -> None:
    wavelengths = np.array([1200, 1250, 1400, 1500, 1550, 1600.0])  # band 2 lies in the water
    scene = replace(cube, wavelengths=wavelengths, good_bands=np.ones(6, bool))
    record = replace(tiny_checkpoint.record, scene_shape=cube.shape, fingerprint="wide")
    assert tiny_checkpoint.band_indices.tolist() == [0, 1, 3, 4, 5]
    session = Session()
    session.open_cube(scene)
    shown = ShownMap.blank(
        (96, 80),
        classes=tiny_checkpoint.classes,
        checkpoint=replace(tiny_checkpoint, record=record),
    )
    session.mapping.take_restored(shown)
    assert session.band_switches.water_hidden
    assert (session.need_cube().good_bands == bands(0, 1, 3, 4, 5)).all()


def test_a_map_that_is_cancelled_goes_and_the_one_before_stays(
    start: Any, map_a_part: Any, map_all: Any, cube: Cube, user_data: Path
) -> None:
    workflow = start()
    map_all(workflow)
    first = workflow.session.map
    map_a_part(workflow)
    workflow.kept.maps.flush()
    assert len(states(user_data, cube)) == 2
    workflow.mapping.cancel()
    assert workflow.session.map is first
    workflow.kept.maps.flush()
    assert states(user_data, cube) == ["complete"]
    assert workflow.kept.maps.offered == []


def test_a_map_that_another_takes_the_place_of_is_offered(
    qtbot: Any, start: Any, map_all: Any, cube: Cube, user_data: Path
) -> None:
    workflow = start()
    map_all(workflow)
    first = workflow.session.map
    map_all(workflow)
    second = workflow.session.map
    assert second is not first and len(states(user_data, cube)) == 2
    [offered] = workflow.kept.maps.offered
    workflow.kept.maps.restore(offered)
    session = workflow.session
    qtbot.waitUntil(lambda: session.map is not second)
    np.testing.assert_array_equal(session.map.ids, first.ids)
    [other] = workflow.kept.maps.offered
    assert other.path != offered.path
    assert len(states(user_data, cube)) == 2  # looking at one makes no third


@pytest.mark.usefixtures("as_on_windows")
def test_the_oldest_map_makes_no_room_while_it_is_brought_back(
    qtbot: Any, start: Any, map_a_part: Any, map_all: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "MAPS_A_SCENE", 1)
    monkeypatch.setattr(kept_map_jobs, "MILLISECONDS_TO_KEEP", 1_000_000)
    for _ in range(2):
        map_all(start())
    workflow = start()
    _, oldest = workflow.kept.maps.offered
    map_a_part(workflow)  # in no file yet: it is written first when the oldest is asked for
    workflow.kept.maps.restore(oldest)
    qtbot.waitUntil(lambda: workflow.session.map.complete)
    assert oldest.path.exists() and oldest not in workflow.kept.maps.offered
    for _ in range(3):  # now it may go
        map_all(workflow)
    assert not oldest.path.exists()
    assert all(found.path.exists() for found in workflow.kept.maps.offered)


@pytest.mark.parametrize("leave", ["close", "another scene", "training"])
def test_what_is_mapped_when_the_user_leaves_is_kept(
    qtbot: Any,
    start: Any,
    map_a_part: Any,
    cube: Cube,
    tiny_job: TinyJob,
    user_data: Path,
    leave: str,
) -> None:
    workflow = start()
    map_a_part(workflow)
    mapped = int((workflow.session.map.level == FINAL).sum())
    if leave == "close":
        assert workflow.shut_down()
    elif leave == "another scene":
        workflow._replace_cube(tiny_job.cube, None)
        assert workflow.kept.maps.offered == []
        workflow.kept.maps.flush()
    else:
        truth = tiny_job.reference
        workflow.session.set_labels(replace(truth, ids=np.tile(truth.ids, (4, 4))))
        workflow.training.train()
        workflow.kept.maps.flush()
    [found] = kept.kept_maps(cube, user_data)
    assert found.header.mapped == mapped and not found.header.complete
    assert found.header.outdated == (leave == "training")


def test_names_and_the_state_follow(start: Any, map_all: Any, cube: Cube, user_data: Path) -> None:
    workflow = start()
    workflow.training.take_classes(workflow.session.checkpoint.classes)
    map_all(workflow)
    session = workflow.session
    session.rename_class(session.classes.ids[0], "Lettuce")
    session.labels[0, 0] = session.classes.ids[0]
    session.labels_painted()
    workflow.kept.maps.flush()
    [found] = kept.kept_maps(cube, user_data)
    assert found.header.classes[0].name == "Lettuce"
    assert found.told_shortly == "complete, outdated"


def test_the_preview_of_a_training_is_not_kept(
    start: Any, cube: Cube, tiny_checkpoint: Checkpoint, user_data: Path
) -> None:
    workflow = start()
    session = workflow.session
    for preview, n in ((True, 0), (False, 1)):
        classes = tiny_checkpoint.classes
        session.map = ShownMap.blank(
            (96, 80), classes=classes, checkpoint=tiny_checkpoint, preview=preview
        )
        session.events.map.emit()
        session.events.map_tile.emit(Window(0, 10, 0, 10))
        workflow.kept.maps.flush()
        assert len(states(user_data, cube)) == n


def test_what_cannot_be_kept_is_told_once_and_kept_later(
    start: Any, map_a_part: Any, cube: Cube, user_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workflow, told = start(), []
    workflow.told.connect(lambda level, text: told.append((level, text)))
    file = user_data / "file"
    file.write_text("no folder")
    monkeypatch.setenv("SSAMAMBA_DATA", str(file))
    map_a_part(workflow)
    for _ in range(2):
        workflow.kept.maps.flush()
    [(level, text)] = told
    assert level == "error" and text.startswith(f"{file}: the map cannot be kept there")
    monkeypatch.setenv("SSAMAMBA_DATA", str(user_data))
    workflow.kept.maps.flush()
    assert len(states(user_data, cube)) == 1


@pytest.mark.parametrize("alone", [False, True], ids=["tiles came", "its header changed"])
def test_a_map_whose_folder_went_is_kept_anew(
    qtbot: Any, start: Any, map_a_part: Any, map_all: Any, cube: Cube, user_data: Path, alone: bool
) -> None:
    workflow = start()
    (map_all if alone else map_a_part)(workflow)
    workflow.kept.maps.flush()
    [found] = kept.kept_maps(cube, user_data)
    MapFolder(found.path).remove()
    workflow.pause("map", False)
    qtbot.waitUntil(lambda: workflow.session.map.complete)
    workflow.session.map.outdated = True
    for _ in range(2):
        workflow.kept.maps.flush()
    [found] = kept.kept_maps(cube, user_data)
    read = ShownMap.blank((96, 80), classes=workflow.session.map.classes)
    for _ in MapFolder(found.path).read(read):
        pass
    np.testing.assert_array_equal(read.ids, workflow.session.map.ids)


@pytest.mark.parametrize("gone", [False, True])
def test_a_damaged_map_is_told_and_what_is_shown_stays(
    qtbot: Any, start: Any, map_all: Any, gone: bool
) -> None:
    map_all(start())
    workflow, told = start(), []
    workflow.told.connect(lambda level, text: told.append((level, text)))
    [offered] = workflow.kept.maps.offered
    if gone:  # another window made room
        MapFolder(offered.path).remove()
    else:
        (offered.path / "ids.npy").write_bytes(b"nothing")
    workflow.kept.maps.restore(offered)
    qtbot.waitUntil(lambda: len(told) == 1)
    why = "model.safetensors: there is no such file" if gone else "ids.npy: it cannot be read"
    assert told[0][0] == "error" and why in told[0][1]
    assert workflow.session.map is None
    qtbot.waitUntil(lambda: workflow.kept.maps.offered == [offered] * (not gone))


def test_a_click_brings_labels_map_and_decisions_back(
    qtbot: Any, start: Any, map_all: Any, cube: Cube, tiny_job: TinyJob, tiny_checkpoint: Checkpoint
) -> None:
    before = start()
    session = before.session
    ids = np.zeros((96, 80), np.uint16)
    ids[tuple(tiny_checkpoint.training_pixels.T)] = tiny_checkpoint.training_ids
    session.set_labels(replace(tiny_job.reference, ids=ids))
    session.labels_painted()
    map_all(before)
    session.decisions.label((50, 60), 2, 5)
    session.learned.behind = False  # as after a training
    map_all(before)
    assert before.shut_down()

    workflow = Workflow(after := Session())
    dock = MainDock(after, workflow)
    qtbot.addWidget(dock)
    dock.show()
    after.open_cube(cube)
    bar = dock.messages
    assert bar.restore.isVisible()
    qtbot.mouseClick(bar.restore, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(after.decisions.made) > 0)
    np.testing.assert_array_equal(after.labels, session.labels)
    np.testing.assert_array_equal(after.map.ids, session.map.ids)
    assert not after.map.outdated  # which labels that come after it would do
    assert after.decisions.made == session.decisions.made
    assert after.classes == session.classes
    assert bar.text.text().startswith("Decisions restored") and not bar.restore.isVisible()
    assert [kept.told_shortly for kept in workflow.kept.maps.offered] == ["complete, outdated"]
    assert workflow.shut_down()
