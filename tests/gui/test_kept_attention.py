"""The maps of the attention are kept with the map that they were computed with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_ssamamba.data.room import Room
from napari_ssamamba.events import result_of
from napari_ssamamba.gui.dock import MainDock
from napari_ssamamba.prediction.mosaic import FINAL
from napari_ssamamba.prediction.predictor import predict
from napari_ssamamba.project.kept_maps import kept_maps
from napari_ssamamba.project.map_folder import MapFolder, layers_of
from napari_ssamamba.session import Session, ShownMap

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari_ssamamba.checkpoint import Checkpoint
    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.gui.workflow import Workflow


@pytest.fixture
def with_attention(start: Callable[[], Workflow]) -> Workflow:
    workflow = start()
    workflow.session.attention.with_map = True
    return workflow


@pytest.fixture
def restored(qtbot: Any, program: Callable[[Cube], Workflow], cube: Cube) -> Callable[[], Workflow]:
    """Start the program anew, without a model, and bring back the map that is kept."""

    def restore() -> Workflow:
        workflow = program(cube)
        [offered] = workflow.kept.maps.offered
        assert offered.told.endswith("with attention maps") == offered.header.attention
        workflow.kept.maps.restore(offered)
        qtbot.waitUntil(lambda: workflow.session.map is not None)
        return workflow

    return restore


def attention_of(session: Session) -> Any:
    maps = session.attention.maps
    assert maps is not None and not maps.replaced and not maps.outdated
    return maps.values


def kept_attention(user_data: Path, cube: Cube, classes: Any) -> Any:
    [kept] = kept_maps(cube, user_data)
    read = ShownMap.blank((96, 80), attention=True, classes=classes)
    for _ in MapFolder(kept.path, layers_of(read)).read(read):
        pass
    return read.attention


def test_they_go_on_after_a_crash(
    qtbot: Any,
    with_attention: Workflow,
    map_a_part: Any,
    restored: Any,
    cube: Cube,
    tiny_checkpoint: Checkpoint,
    user_data: Path,
) -> None:
    map_a_part(with_attention)
    with_attention.kept.maps.flush()
    before = with_attention.session
    final: Any = before.map.level == FINAL  # type: ignore[union-attr]
    # The program is gone; it is started again, without a model.
    workflow = restored()
    session, shown = workflow.session, workflow.session.map
    assert session.attention.with_map and shown.stopped
    found = attention_of(session)
    np.testing.assert_array_equal(found[:, final], attention_of(before)[:, final])
    assert np.isnan(found[:, ~final]).all() and np.isfinite(found).any()

    workflow.mapping.continue_map()
    qtbot.waitUntil(lambda: shown.complete)
    workflow.kept.maps.flush()
    whole = result_of(predict(cube, tiny_checkpoint, device="cpu", attention=True))
    assert session.attention.maps.values is found
    np.testing.assert_allclose(found, whole.attention, atol=1e-5)
    kept = kept_attention(user_data, cube, tiny_checkpoint.classes)
    np.testing.assert_array_equal(kept, found)


def test_a_map_without_them_lets_those_of_another_model_go(
    start: Any, map_all: Any, restored: Any
) -> None:
    map_all(start())
    assert restored().session.attention.maps is None


def test_they_are_outdated_as_their_map_is(
    with_attention: Workflow, map_all: Any, restored: Any
) -> None:
    map_all(with_attention)
    with_attention.session.map.outdated = True  # type: ignore[union-attr]
    with_attention.kept.maps.flush()
    session = restored().session
    maps = session.attention.maps
    assert not session.attention.with_map  # nothing of them is left to do
    assert maps.outdated and not maps.replaced and np.isfinite(maps.values).any()


def test_they_are_kept_again_where_their_file_went(
    with_attention: Workflow,
    map_all: Any,
    cube: Cube,
    tiny_checkpoint: Checkpoint,
    user_data: Path,
) -> None:
    map_all(with_attention)
    [path] = user_data.rglob("attention.npy")
    path.unlink()
    with_attention.session.events.classes.emit()  # as when one is renamed
    with_attention.kept.maps.flush()
    kept = kept_attention(user_data, cube, tiny_checkpoint.classes)
    np.testing.assert_array_equal(kept, attention_of(with_attention.session))


def test_there_has_to_be_room_for_them(
    with_attention: Workflow, map_all: Any, restored: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    map_all(with_attention)
    asked: list[int] = []
    monkeypatch.setattr(Room, "arrays", lambda _, needed: (asked.append(needed), np.zeros)[1])
    restored()
    assert asked == [31 * 96 * 80]


def test_the_box_shows_that_a_restored_map_goes_on_with_them(
    qtbot: Any, with_attention: Workflow, map_a_part: Any, program: Any, cube: Cube
) -> None:
    map_a_part(with_attention)
    with_attention.kept.maps.flush()
    workflow = program(cube)
    dock = MainDock(workflow.session, workflow)
    qtbot.addWidget(dock)
    assert not dock.map.attention.with_map.isChecked()
    workflow.kept.maps.restore(workflow.kept.maps.offered[0])
    qtbot.waitUntil(dock.map.attention.with_map.isChecked)
