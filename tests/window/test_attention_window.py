"""The attention in a real window: maps of the view and of the scene, and of a clicked pixel."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from qtpy.QtCore import QPoint

from napari_ssamamba.data.reference import read_labels
from napari_ssamamba.gui.attention_jobs import PIXEL, VIEW
from napari_ssamamba.plugin.attention_layers import PIXEL_ROLE, ROLES
from napari_ssamamba.plugin.viewers import session_of
from napari_ssamamba.session import TrainingSettings
from napari_ssamamba.training.config import TrainingConfig

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.window

FROZEN_SECONDS = 2.0
"""The goal, 0.3 s, is far lower, but machines are noisy: read the printed figures for it."""


def test_attention_of_view_scene_and_pixel(
    window: Any, stall_gauge: Any, shared_data: Path
) -> None:
    window.viewer.theme = "dark"
    session, dock, plots = window.session, window.widget.main, window.widget.plots
    layers = session_of(window.viewer).bridge.layers
    folder = shared_data / "salinas_a"
    window.open(folder / "SalinasA_corrected.mat")
    session.set_reference(read_labels(folder / "SalinasA_gt.mat", session.cube))
    session.draw_from_reference(15, seed=0)
    config = TrainingConfig(epochs=4, min_steps=60, max_steps=60, lessons=300)
    session.set_training(TrainingSettings(device="cpu", config=config))
    window.workflow.training.then_map = False
    window.click(dock.train.train)
    window.until(lambda: session.checkpoint is not None, 200)

    camera = window.viewer.scene.camera
    whole = camera.zoom
    camera.zoom, camera.center = 5 * whole, (0, 40, 40)
    dock.scroll.ensureWidgetVisible(dock.map)
    window.click(dock.map.attention.view)
    window.until(lambda: window.workflow.job(VIEW) is None, 60)
    share = np.isfinite(session.attention.maps.values[0]).mean()
    assert 0 < share < 0.5
    assert session.map is None
    camera.zoom = 2 * whole
    window.picture("attention-of-the-view")
    camera.zoom, camera.center = whole, (0, 41.5, 42.5)

    box = dock.map.attention.with_map
    window.click(box, QPoint(8, box.height() // 2))
    assert session.attention.with_map
    window.click(dock.map.make)
    stall_gauge.start()
    window.until(lambda: session.map is not None and session.map.complete, 200)
    mapping = stall_gauge.stop()
    assert np.isfinite(session.attention.maps.values).all()
    window.picture("attention-of-the-scene")
    window.until(lambda: all(layers[role] is not None for role in ROLES), 10)
    for role in ROLES:
        for other in ROLES:
            layers[other].visible = other == role
        window.picture(role)

    for role in ROLES:
        layers[role].visible = False
    plots.setCurrentWidget(plots.attention)
    window.viewer.layers.selection.active = window.viewer.layers["map"]
    window.drag((50, 50))
    window.until(lambda: window.workflow.job(PIXEL) is None, 10)
    times: list[float] = []
    session.events.picked.connect(lambda: times.append(time.perf_counter()))
    session.attention.events.pixel.connect(lambda: times.append(time.perf_counter()))
    for n, pixel in enumerate(((30, 40), (20, 60), (70, 20)), 1):
        window.drag(pixel)
        window.until(lambda n=n: len(times) == 2 * n, 10)
        found = session.attention.pixel
        assert found is not None and (found.row, found.column) == pixel
    seconds = np.diff(times)[::2]
    camera.zoom, camera.center = 6 * whole, (0, 66, 22)
    window.picture("pixel-dark")
    window.viewer.theme = "light"
    window.picture("pixel-light")
    plots.attention.pixel.block.setCurrentIndex(1)
    plots.attention.pixel.head.setCurrentIndex(2)
    plots.attention.pixel.direction.setCurrentIndex(1)
    window.picture("received-light")
    camera.zoom, camera.center = 6 * whole, (0, 5, 5)
    window.drag((0, 1))
    window.until(lambda: session.attention.pixel.row == 0, 10)
    window.picture("corner-light")
    layer = layers[PIXEL_ROLE]
    assert layer.data.shape == (4, 5)
    answers = ", ".join(f"{1000 * s:.0f}" for s in seconds)
    print(f"\nlongest stall while mapping: {mapping:.0f} ms; clicks answered after {answers} ms")
    assert seconds.max() < FROZEN_SECONDS
