"""A large scene's map in a real window: it fills from the view's middle outward, and follows it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from napari_ssamamba.data.labels import LabelMap, draw_training_pixels
from napari_ssamamba.data.sample.stand_in import plan_stand_in, write_stand_in
from napari_ssamamba.prediction.mosaic import FINAL, UNKNOWN
from napari_ssamamba.session import TrainingSettings
from napari_ssamamba.training.config import TrainingConfig

if TYPE_CHECKING:
    from pathlib import Path

    from napari_ssamamba.data.tiles import Window

pytestmark = pytest.mark.window

SHAPE = 1580, 3750, 32
PER_CLASS = 10
ZOOM = 4.0
"""Screen pixels for one of the scene: fine enough that every pixel of the view is wanted."""

COARSE = 16
"""The view's first pixels lie so far apart; those around it stand for its border."""

MOVES = 40
"""Fewer pixels than a chunk has along a side."""

UNDER_WAY = 3
"""Tiles that may still come where the view was before."""

PICTURES = 1, 3, 10
"""Seconds after the click on Map."""


@pytest.fixture
def scene(tmp_path: Path) -> tuple[Path, LabelMap]:
    """Write a stand-in, and draw a few labels for it."""
    path = tmp_path / "stand-in.img"
    plan = plan_stand_in(*SHAPE)
    for _ in write_stand_in(path, plan, "bip"):
        pass
    drawn = draw_training_pixels(LabelMap(plan.ids, plan.classes), PER_CLASS, seed=0)
    return path, LabelMap(drawn, plan.classes)


@pytest.mark.parametrize("role", ["composite", "bands"])
def test_a_view_that_moves_a_little_is_drawn_but_not_read_again(
    window: Any, scene: Any, role: str
) -> None:
    window.workflow.open([scene[0]])
    window.until(lambda: window.session.composite_image is not None, 60)
    window.until(lambda: window.workflow.job("composite") is None, 60)
    layers, camera = window.viewer.layers, window.viewer.scene.camera
    layers["composite"].visible, layers["bands"].visible = role == "composite", role == "bands"
    camera.zoom = ZOOM
    read: list[Any] = []
    layers[role].events.set_data.connect(read.append)
    drawn = [0]
    canvas = window.viewer.window._qt_viewer.canvas._scene_canvas
    canvas.events.draw.connect(lambda _: drawn.append(len(drawn)))
    camera.center = (0, SHAPE[0] // 2, SHAPE[1] // 2)
    window.until(lambda: len(read) > 0, 10)
    read.clear()
    for column in range(MOVES):
        before = len(drawn)
        camera.center = (0, SHAPE[0] // 2, SHAPE[1] // 2 + column)
        window.until(lambda before=before: len(drawn) > before, 10)
    assert len(read) <= 2  # where each border of the view enters other pixels' chunks


def test_the_map_fills_from_the_view_outward_while_panning(window: Any, scene: Any) -> None:
    path, labels = scene
    session, viewer, dock = window.session, window.viewer, window.widget.main
    window.workflow.open([path])
    window.until(lambda: session.composite_image is not None, 60)
    window.until(lambda: window.workflow.job("composite") is None, 60)
    session.set_labels(labels)
    config = TrainingConfig(epochs=1, min_steps=2, max_steps=2)
    slow = TrainingSettings(device="cpu", config=config, members="network", preview=False)
    session.set_training(slow)
    window.workflow.training.then_map = False
    window.click(dock.train.train)
    window.until(lambda: session.checkpoint is not None, 60)
    viewer.layers.selection.active = viewer.layers["composite"]
    viewer.scene.camera.zoom = ZOOM
    viewer.scene.camera.center = (0, SHAPE[0] // 2, SHAPE[1] // 2)
    came: list[Window] = []
    beyond: list[Window] = []  # what came although the view was not finished

    def note(tile: Window) -> None:
        view = session.mapping.focus.seen.view
        came.append(tile)
        if not is_near(tile, view) and (session.map.level[view.rows, view.columns] != FINAL).any():
            beyond.append(tile)

    session.events.map_tile.connect(note)

    window.click(dock.map.make)
    clicked = time.perf_counter()
    first = session.mapping.focus.seen.view
    for seconds in PICTURES[:2]:
        window.until(lambda at=clicked + seconds: time.perf_counter() >= at, 10)
        window.picture(f"map-after-{seconds}-s")
    shown = session.map
    window.until(lambda: (shown.level[first.rows, first.columns] != UNKNOWN).all(), 10)
    assert not beyond
    middle = (first.row0 + first.row1) / 2
    assert abs((came[0].row0 + came[0].row1) / 2 - middle) < first.shape[0] / 4

    for _ in range(2):
        row, column = viewer.scene.camera.center[-2:]
        across = 0.4 * first.shape[1]
        window.drag((row, column + across), (row, column), (row, column - across))
    second = session.mapping.focus.seen.view
    assert not is_near(first, second)
    beyond.clear()
    turned = len(came)
    window.until(lambda: time.perf_counter() >= clicked + PICTURES[2], 15)
    window.picture(f"map-after-{PICTURES[2]}-s-and-panning")
    window.until(lambda: (shown.level[second.rows, second.columns] != UNKNOWN).all(), 10)
    assert len(came) > turned + UNDER_WAY
    assert len(beyond) <= UNDER_WAY
    window.workflow.mapping.cancel()


def is_near(part: Window, view: Window) -> bool:
    """Tell whether a part of the scene is seen, or would be a coarse pixel further on."""
    return (
        min(part.row1, view.row1) > max(part.row0, view.row0) - COARSE
        and min(part.column1, view.column1) > max(part.column0, view.column0) - COARSE
    )
