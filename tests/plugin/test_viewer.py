"""What users see and do in a napari viewer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtGui import QMovie
from qtpy.QtWidgets import QLabel

from napari_ssamamba.data.band_lists import BandList
from napari_ssamamba.data.tiles import Window
from napari_ssamamba.plugin import band_stack
from napari_ssamamba.plugin.viewers import session_of
from napari_ssamamba.prediction.mosaic import FINAL
from napari_ssamamba.project.kept_labels import kept_labels
from napari_ssamamba.training.config import TrainingConfig

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import TinyJob

PICTURE_LAYERS = ["bands", "composite", "reference", "training labels"]
MAP_LAYERS = ["map (none yet)", "to come", "confidence"]
"""There as soon as the scene is."""


@pytest.fixture
def opened(make_napari_viewer: Any, tiny_job: TinyJob, qtbot: Any) -> Any:
    viewer = make_napari_viewer()
    opened = session_of(viewer)
    opened.viewer = viewer
    opened.session.open_cube(tiny_job.cube)
    opened.session.set_reference(tiny_job.reference)
    qtbot.waitUntil(lambda: opened.session.composite_image is not None)
    yield opened
    opened.workflow.shut_down()


def test_a_scene_is_shown_as_bands_colours_and_labels_to_paint_on(opened: Any) -> None:
    names = [layer.name for layer in opened.viewer.layers]
    assert [n for n in names if n not in MAP_LAYERS] == PICTURE_LAYERS
    assert opened.viewer.layers["bands"].data.shape == (6, 24, 20)
    assert not opened.viewer.layers["bands"].visible
    band = np.asarray(opened.viewer.layers["bands"].data[3])
    np.testing.assert_array_equal(
        band, opened.session.cube.read(slice(None), slice(None), [3])[..., 0]
    )


def test_bands_of_a_large_scene_are_not_read_before_the_image_that_hides_them(
    opened: Any, tiny_job: TinyJob, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(band_stack, "ONE_LEVEL_PIXELS", 100)
    monkeypatch.setattr(band_stack, "COARSEST_SIDE", 12)
    read = []
    really_read = band_stack.BandSource.read

    def noted(*what: Any) -> Any:
        read.append(what)
        return really_read(*what)

    monkeypatch.setattr(band_stack.BandSource, "read", noted)
    opened.session.open_cube(tiny_job.cube)
    assert opened.viewer.layers["bands"].multiscale
    qtbot.waitUntil(lambda: opened.session.composite_image is not None)
    assert read == []
    opened.viewer.layers["bands"].visible = True
    assert read != []


def test_a_new_layer_does_not_end_what_is_drawn_on_the_active_one(
    opened: Any, tiny_job: TinyJob
) -> None:
    told: list[Any] = []
    opened.viewer.layers.selection.events.active.connect(told.append)
    before = opened.bridge.layers["reference"]
    opened.session.set_reference(tiny_job.reference)
    assert opened.bridge.layers["reference"] is not before
    assert told == []


def test_the_map_s_layers_wait_for_it(opened: Any, qtbot: Any) -> None:
    layers, viewer = opened.bridge.layers, opened.viewer
    qtbot.waitUntil(lambda: all(name in viewer.layers for name in MAP_LAYERS))
    names = [layer.name for layer in viewer.layers]
    assert names == [*PICTURE_LAYERS[:3], *MAP_LAYERS, *PICTURE_LAYERS[3:]]
    assert not layers["map"].data.any()
    assert (layers["to come"].data == FINAL).all()  # transparent
    assert not layers["confidence"].visible
    opened.session.add_class("Second")
    assert list(layers["map"].features["class"]) == ["unlabelled", "Class 1", "Second"]


def test_stated_wavelengths_are_shown_above_the_picture_at_once(opened: Any) -> None:
    opened.viewer.layers["bands"].visible = True
    opened.viewer.dims.set_current_step(0, 3)
    before = opened.session.composite_image
    opened.session.set_wavelengths(BandList(np.arange(6) * 50.0 + 800))
    assert opened.viewer.canvas.overlays.text.text == "band 4 · 950.0 nm"
    assert opened.workflow.job("composite") is not None
    assert opened.session.composite_image is before


def test_painting_writes_into_the_session_and_counts(opened: Any, qtbot: Any) -> None:
    layer = opened.viewer.layers["training labels"]
    assert layer.data is opened.session.labels
    told: list[int] = []
    opened.session.events.labels.connect(lambda: told.append(1))
    layer.brush_size = 1
    layer.paint((5, 5), layer.selected_label)
    qtbot.waitUntil(lambda: len(told) == 1)
    assert opened.session.label_counts() == {1: 1}
    layer.undo()
    qtbot.waitUntil(lambda: len(told) == 2)
    assert opened.session.label_counts() == {1: 0}


def test_strokes_from_before_other_labels_came_are_not_undone(opened: Any, qtbot: Any) -> None:
    session, layer = opened.session, opened.viewer.layers["training labels"]
    layer.brush_size = 1
    layer.mode = "paint"
    layer.paint((5, 5), 1)
    session.draw_from_reference(5, seed=0)
    assert (layer.editable, layer.mode) == (True, "paint")
    drawn = session.labels.copy()
    layer.undo()
    np.testing.assert_array_equal(session.labels, drawn)
    first, second, *_ = session.classes.ids
    layer.paint((0, 0), first)
    layer.paint((0, 0), second)
    session.delete_class(first)
    layer.undo()
    assert first not in session.labels


def test_the_band_is_named_while_bands_are_seen(opened: Any) -> None:
    overlay = opened.viewer.canvas.overlays.text
    opened.viewer.dims.set_current_step(0, 3)
    assert not overlay.visible
    opened.viewer.layers["bands"].visible = True
    assert overlay.visible
    assert overlay.text == "band 4 · 750.0 nm"
    opened.viewer.layers["bands"].visible = False
    assert not overlay.visible


def test_labels_of_another_shape_are_refused_with_both_shapes(opened: Any) -> None:
    from napari.utils.notifications import notification_manager

    layer = opened.viewer.layers["training labels"]
    layer.paint((5, 5), layer.selected_label)
    layer.data = np.zeros((7, 9), np.uint16)
    assert "7 × 9 labels, the scene has 24 × 20" in notification_manager.records[-1].message
    assert layer.data is opened.session.labels and layer.data[5, 5] == 1


def test_another_class_table_colours_and_names_the_labels(opened: Any) -> None:
    opened.session.rename_class(1, "Wheat")
    opened.session.recolor_class(1, "#ff0000")
    layer = opened.viewer.layers["training labels"]
    layer.data[2, 3] = 1
    layer.refresh()
    np.testing.assert_allclose(layer.get_color(1), [1, 0, 0, 1])
    assert "Wheat" in str(layer.get_status((2, 3), world=True))


def test_map_and_reference_look_as_their_classes_do_now(
    opened: Any, tiny_job: Any, tiny_checkpoint: Any, tile_of: Any, qtbot: Any
) -> None:
    session, layers = opened.session, opened.bridge.layers
    session.set_labels(tiny_job.reference)
    session.set_reference(tiny_job.reference)
    session.set_checkpoint(tiny_checkpoint)
    session.mapping.run().close()
    session.mapping.add_tile(tile_of(Window(0, 4, 0, 4), 5))
    qtbot.waitUntil(lambda: layers["map"] is not None)
    session.rename_class(5, "Sweetcorn")
    session.recolor_class(5, "#ff0000")
    for role in ("map", "reference", "training labels"):
        layer = layers[role]
        np.testing.assert_allclose(layer.get_color(5), [1, 0, 0, 1])
        assert "Sweetcorn" in list(layer.features["class"])


def test_the_label_in_hand_and_the_selected_class_are_one(opened: Any) -> None:
    layer = opened.viewer.layers["training labels"]
    second = opened.session.add_class("Second")
    assert layer.selected_label == second
    layer.selected_label = 1
    assert opened.session.selected_class == 1
    layer.selected_label = 77
    assert (layer.selected_label, opened.session.selected_class) == (1, 1)
    layer.selected_label = 0
    assert opened.session.selected_class == 1


def test_number_keys_choose_the_class_on_each_layer(opened: Any) -> None:
    opened.session.add_class("Second")
    handler = opened.viewer.window._qt_viewer._key_map_handler
    for layer in list(opened.viewer.layers):
        opened.viewer.layers.selection.active = layer
        handler.press_key("1")
        assert opened.session.selected_class == 1
        handler.press_key("2")
        assert opened.session.selected_class == 2


def test_layers_may_be_renamed_moved_and_deleted(opened: Any) -> None:
    viewer, session = opened.viewer, opened.session
    layer = viewer.layers["training labels"]
    layer.name = "mine"
    viewer.layers.move(viewer.layers.index(layer), 0)
    layer.paint((5, 5), 1)
    assert session.labels.any()
    viewer.layers.remove("composite")
    session.set_composite_image(session.composite_image)
    assert "composite" in viewer.layers
    viewer.layers.remove(layer)
    session.add_class("Second")
    assert viewer.layers["training labels"].data is session.labels
    assert session.label_counts()[1] > 0


def test_another_scene_replaces_the_layers(opened: Any, tiny_job: TinyJob) -> None:
    before = list(opened.viewer.layers)
    opened.session.open_cube(tiny_job.cube)
    assert not set(before) & set(opened.viewer.layers)


@pytest.fixture
def refreshed_every_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("napari_ssamamba.plugin.map_layers.MILLISECONDS_BETWEEN_REFRESHES", 0)


@pytest.mark.usefixtures("refreshed_every_turn")
def test_tiles_appear_while_the_map_is_computed(
    opened: Any, tiny_checkpoint: Any, tile_of: Any, qtbot: Any, pass_turns: Any
) -> None:
    session = opened.session
    session.set_checkpoint(tiny_checkpoint)
    session.mapping.run().close()
    window = Window(0, 4, 0, 4)
    session.mapping.add_tile(tile_of(window, 5))
    layers = opened.bridge.layers
    qtbot.waitUntil(lambda: layers["to come"] is not None)
    layer = layers["map"]
    qtbot.waitUntil(lambda: layer.data is session.map.ids)
    pass_turns()
    assert layer.name == "map (mapping…)"
    drawn: list[int] = []
    layer.events.set_data.connect(lambda event: drawn.append(1))
    for _ in range(5):
        session.mapping.add_tile(tile_of(window, 5))
    qtbot.waitUntil(lambda: bool(drawn))
    pass_turns()
    assert len(drawn) == 1
    assert (layer.data[:4, :4] == 5).all()
    session.mapping.stop()
    assert layer.name == "map (stopped at 3 %)"
    session.mapping.finish()
    assert layer.name == "map"
    assert not layers["to come"].visible
    session.labels_painted()
    assert layer.name == "map (outdated)"


def test_training_in_the_thread_ends_with_a_complete_map(opened: Any, qtbot: Any) -> None:
    _label_and_train(opened, steps=8)
    qtbot.waitUntil(lambda: opened.session.map is not None and opened.session.map.complete)
    qtbot.waitUntil(lambda: "map" in opened.viewer.layers)
    assert opened.viewer.layers["map"].data.any()
    qtbot.waitUntil(lambda: opened.viewer.layers["map"].thumbnail[..., :3].any())
    assert opened.session.mapping.focus.seen is not None


def test_closing_the_viewer_ends_the_training(opened: Any, qtbot: Any) -> None:
    _label_and_train(opened, steps=100000)
    job = opened.workflow.job("train")
    assert job is not None
    qtbot.waitUntil(lambda: len(opened.activity.bars) > 0)
    opened.viewer.close()
    qtbot.waitUntil(lambda: job.wait(0))


def test_strokes_of_the_last_moment_before_the_viewer_closes_are_kept(
    opened: Any, tiny_job: TinyJob, user_data: Path
) -> None:
    layer = opened.bridge.layers["training labels"]
    opened.workflow.kept.flush()  # what opening the scene brought is written
    layer.paint((3, 4), 1)
    opened.viewer.close()
    [kept] = kept_labels(tiny_job.cube, user_data)
    assert kept.pixels == np.count_nonzero(opened.session.labels) > 0


def test_cancel_in_the_activity_dock_ends_the_training(opened: Any, qtbot: Any) -> None:
    from napari._qt.widgets.qt_progress_bar import QtLabeledProgressBar

    _label_and_train(opened, steps=100000)
    job = opened.workflow.job("train")
    window = opened.viewer.window._qt_window
    qtbot.waitUntil(lambda: len(window.findChildren(QtLabeledProgressBar)) > 0)
    (bar,) = window.findChildren(QtLabeledProgressBar)
    wheels = [movie for label in window.findChildren(QLabel) if (movie := label.movie())]
    qtbot.waitUntil(lambda: bool(opened.activity.bars))
    assert [wheel.state() for wheel in wheels] == [QMovie.MovieState.Paused]
    bar.cancel_button.click()
    qtbot.waitUntil(lambda: job.wait(0))
    assert opened.workflow.job("train") is None
    assert opened.session.checkpoint is None


def test_clicking_picks_the_pixel_but_dragging_does_not(opened: Any) -> None:
    from types import SimpleNamespace

    callback = opened.viewer.mouse_drag_callbacks[-1]
    opened.viewer.layers.selection.active = opened.viewer.layers["composite"]
    event = SimpleNamespace(
        type="mouse_press", button=1, pos=(50, 50), position=(0.0, 6.2, 7.7), modifiers=()
    )
    clicked = callback(opened.viewer, event)
    next(clicked)
    event.type = "mouse_release"
    assert next(clicked, "ended") == "ended"
    assert opened.session.picked == (6, 8)
    event.type, event.position = "mouse_press", (0.0, 1.0, 1.0)
    dragged = callback(opened.viewer, event)
    next(dragged)
    event.type, event.pos = "mouse_move", (90, 90)
    next(dragged)
    event.type = "mouse_release"
    assert next(dragged, "ended") == "ended"
    assert opened.session.picked == (6, 8)


def _label_and_train(opened: Any, steps: int) -> None:
    from napari_ssamamba.session import TrainingSettings

    session = opened.session
    session.draw_from_reference(12, seed=0)
    config = TrainingConfig(epochs=4, min_steps=steps, max_steps=steps)
    session.set_training(TrainingSettings(device="cpu", config=config))
    opened.workflow.training.train()


@pytest.mark.parametrize(("low", "to_the_bottom"), [(0, False), (10**6, True)])
def test_on_a_low_screen_napari_s_docks_reach_the_bottom(
    make_napari_viewer: Any, monkeypatch: pytest.MonkeyPatch, low: int, to_the_bottom: bool
) -> None:
    monkeypatch.setattr("napari_ssamamba.plugin.viewers.LOW_SCREEN", low)
    viewer = make_napari_viewer()
    viewer.window.add_plugin_dock_widget("napari-ssamamba")
    window, sides = viewer.window._qt_window, Qt.DockWidgetArea
    left = window.corner(Qt.Corner.BottomLeftCorner)
    assert (left == sides.LeftDockWidgetArea) is to_the_bottom
    assert window.corner(Qt.Corner.BottomRightCorner) == sides.RightDockWidgetArea
    session_of(viewer).workflow.shut_down()
