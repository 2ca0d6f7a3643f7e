"""The audited pixels in a napari viewer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_ssamamba.audit.confusion import Cell
from napari_ssamamba.plugin.viewers import session_of

if TYPE_CHECKING:
    from conftest import TinyJob

NAME = "audited pixels"


@pytest.fixture
def opened(make_napari_viewer: Any, tiny_job: TinyJob, map_with_errors: Any, qtbot: Any) -> Any:
    """A map in which two pixels of class 2 are 5, and three of class 5 are 9."""
    viewer = make_napari_viewer()
    opened = session_of(viewer)
    opened.viewer = viewer
    session = opened.session
    session.open_cube(tiny_job.cube)
    session.set_reference(tiny_job.reference)
    map_with_errors(session, {(2, 5): [0, 1], (5, 9): [0, 1, 2]})
    opened.workflow.audit.confuse()
    qtbot.waitUntil(lambda: session.audit.confusion is not None)
    yield opened
    opened.workflow.shut_down()


def marked(opened: Any) -> list[list[int]]:
    return np.argwhere(opened.viewer.layers[NAME].data > 0).tolist()


def test_the_layer_shows_exactly_the_cells_pixels_and_goes_with_the_cell(opened: Any) -> None:
    audit = opened.session.audit
    audit.choose_cell(Cell(2, 5))
    assert marked(opened) == sorted(audit.pixels.tolist()) and len(audit.pixels) == 2
    layer = opened.viewer.layers[NAME]
    drawn: list[int] = []
    layer.events.set_data.connect(lambda event: drawn.append(1))
    audit.choose_cell(Cell(5, 9))
    assert opened.viewer.layers[NAME] is layer
    assert marked(opened) == sorted(audit.pixels.tolist()) and len(audit.pixels) == 3
    assert len(drawn) == 1
    assert opened.viewer.layers.selection.active is not layer
    audit.choose_cell(None)
    assert marked(opened) == []
    audit.set_confusion(None)
    assert NAME not in opened.viewer.layers


def test_the_keys_fly_from_error_to_error_and_show_the_spectrum(opened: Any) -> None:
    session, camera = opened.session, opened.viewer.scene.camera
    opened.viewer.layers.selection.active = opened.viewer.layers["training labels"]
    camera.zoom = 2.0
    handler = opened.viewer.window._qt_viewer._key_map_handler
    handler.press_key("N")
    first, second, third = session.audit.pixels.tolist()
    for key, at in ((None, first), ("N", second), ("N", third), ("Shift-N", second)):
        if key:
            handler.press_key(key)
        assert session.picked == tuple(at)
        assert list(camera.center[-2:]) == at
        data = opened.viewer.layers[NAME].data
        assert np.argwhere(data == 2).tolist() == [at]
        np.testing.assert_array_equal(
            session.picked_spectrum, session.cube.read_pixels(*np.array([at]).T)[0]
        )
    assert camera.zoom > 2.0 and len(marked(opened)) == 3


def test_the_layer_is_there_before_a_cell_is_chosen(opened: Any, qtbot: Any) -> None:
    qtbot.waitUntil(lambda: NAME in opened.viewer.layers)
    assert marked(opened) == []


def test_keys_decide_over_the_picture_and_what_cannot_be_is_told(opened: Any) -> None:
    session, told = opened.session, []
    opened.workflow.told.connect(lambda level, text: told.append(text))
    opened.viewer.layers.selection.active = opened.viewer.layers["training labels"]
    handler = opened.viewer.window._qt_viewer._key_map_handler
    handler.press_key("W")
    assert "Step to one first" in told[0] and not session.decisions.made
    handler.press_key("N")
    first = session.audit.looked_at
    handler.press_key("A")
    reference = int(session.reference.ids[first])
    assert opened.viewer.layers["training labels"].data[first] == reference
    handler.press_key("W")
    handler.press_key("S")
    assert [d.kind for d in session.decisions.made] == ["accepted", "marked wrong", "skipped"]


def test_changed_pixels_are_a_layer(opened: Any, qtbot: Any, tiny_checkpoint: Any) -> None:
    session = opened.session
    before = session.map.ids.copy()
    session.changes.keep_before()
    session.set_checkpoint(tiny_checkpoint)
    session.mapping.run().close()
    session.map.ids[...] = 5
    session.mapping.finish()
    qtbot.waitUntil(lambda: "changed pixels" in opened.viewer.layers)
    data = opened.viewer.layers["changed pixels"].data
    np.testing.assert_array_equal(data > 0, (before != 5) & (before > 0))


def test_flying_to_the_selection_shows_all_of_it(opened: Any) -> None:
    audit, camera = opened.session.audit, opened.viewer.scene.camera
    audit.choose_cell(Cell(5, 9))
    audit.look_at_all()
    low, high = audit.pixels.min(axis=0), audit.pixels.max(axis=0)
    half = np.array(opened.viewer.canvas.size) / camera.zoom / 2
    middle = np.array(camera.center[-2:])
    assert (middle - half <= low).all() and (high <= middle + half).all()


def test_a_deleted_layer_comes_back_with_the_next_cell(opened: Any) -> None:
    audit = opened.session.audit
    audit.choose_cell(Cell(2, 5))
    opened.viewer.layers.remove(NAME)
    audit.step(1)
    audit.choose_cell(Cell(5, 9))
    assert marked(opened) == sorted(audit.pixels.tolist())


def test_without_a_matrix_the_key_says_what_is_missing(
    make_napari_viewer: Any, tiny_job: TinyJob
) -> None:
    viewer = make_napari_viewer()
    opened = session_of(viewer)
    opened.session.open_cube(tiny_job.cube)
    viewer.window._qt_viewer._key_map_handler.press_key("N")
    assert "No model yet" in str(viewer.status)
    opened.workflow.shut_down()


def test_another_scene_takes_the_audited_pixels_away(opened: Any, tiny_job: TinyJob) -> None:
    opened.session.audit.choose_cell(Cell(5, 9))
    opened.session.open_cube(tiny_job.cube)
    assert NAME not in opened.viewer.layers
