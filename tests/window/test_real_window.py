"""A real window, from opening the sample to the map, with mouse and buttons."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.window


def test_paint_train_cancel_train_map(tmp_path: Path, qtbot: Any) -> None:
    import napari
    from qtpy.QtCore import QPoint, Qt
    from qtpy.QtTest import QTest

    from napari_ssamamba.data.sample import sample_scene
    from napari_ssamamba.plugin.dock_widget import SSAMambaWidget
    from napari_ssamamba.plugin.viewers import session_of
    from napari_ssamamba.session import TrainingSettings

    viewer = napari.Viewer(show_welcome_screen=False)
    viewer.window.resize(1400, 860)
    widget = SSAMambaWidget(viewer)
    viewer.window.add_dock_widget(widget, area="right", name="SSA-Mamba")
    opened = session_of(viewer)
    session, workflow = opened.session, opened.workflow
    try:
        session.open_cube(sample_scene(60, 60)[0])
        qtbot.waitUntil(lambda: session.composite_image is not None, timeout=30000)
        second = session.add_class("Second")
        layer = viewer.layers["training labels"]
        layer.mode = "paint"
        qtbot.wait(500)
        canvas = viewer.window._qt_viewer.canvas.native
        middle = canvas.rect().center()
        for id, x in ((1, -60), (second, 60)):
            session.select_class(id)
            QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=middle + QPoint(x, -40))
            for y in range(-40, 41, 10):
                QTest.mouseMove(canvas, middle + QPoint(x, y))
                qtbot.wait(20)
            QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=middle + QPoint(x, 40))
        qtbot.waitUntil(lambda: min(session.label_counts().values()) > 5, timeout=5000)
        session.set_training(TrainingSettings(device="cpu", config=_training(epochs=5000)))
        QTest.mouseClick(widget.main.train.train, Qt.MouseButton.LeftButton)
        qtbot.waitUntil(lambda: len(session.history) > 0, timeout=60000)
        workflow.cancel("train")
        assert workflow.job("train") is None
        session.set_training(TrainingSettings(device="cpu", config=_training(epochs=4)))
        workflow.train()
        qtbot.waitUntil(lambda: session.map is not None and session.map.complete, timeout=90000)
        assert {1, second} & set(session.map.ids.ravel().tolist())
        qtbot.wait(500)
        shot = os.environ.get("SSAMAMBA_SCREENSHOT", str(tmp_path / "window.png"))
        viewer.window.screenshot(shot, canvas_only=False)
    finally:
        viewer.close()
    assert workflow.job("map") is None


def _training(epochs: int) -> Any:
    from napari_ssamamba.training.config import TrainingConfig

    return TrainingConfig(epochs=epochs, min_steps=2 * epochs, max_steps=2 * epochs)
