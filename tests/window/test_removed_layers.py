"""Layers that go take with them what they were drawn with, and the window lives on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from qtpy.QtGui import QOpenGLContext

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.window

WAIT_MS = 500
"""For pictures to be drawn."""


def write_scene(path: Path, rows: int) -> Path:
    np.save(path, np.random.default_rng(0).normal(1000, 100, (rows, 50, 20)).astype(np.float32))
    path.with_suffix(".wavelengths.csv").write_text(
        "wavelength_nm\n" + "\n".join(map(str, range(400, 420)))
    )
    return path


def test_another_scene_opens_beside_a_copy_of_the_labels(
    qtbot: Any, window: Any, tmp_path: Path
) -> None:
    viewer = window.viewer

    def open_scene(rows: int) -> None:
        window.workflow.open([write_scene(tmp_path / f"{rows}.npy", rows)])
        window.until(lambda: window.session.cube is not None, 30)
        window.until(lambda: window.session.cube.name == str(rows), 30)
        window.until(lambda: "composite" in viewer.layers, 30)
        qtbot.wait(WAIT_MS)

    open_scene(60)
    labels = viewer.layers["training labels"]
    viewer.add_labels(labels.data.copy(), name="copy")
    qtbot.wait(WAIT_MS)
    open_scene(40)  # crashes where the context is another
    assert viewer.layers["composite"].data.shape[:2] == (40, 50)
    assert viewer.layers["copy"].data.shape == (60, 50)


def test_a_layer_is_removed_in_the_context_of_the_canvas(qtbot: Any, window: Any) -> None:
    layers = [window.viewer.add_labels(np.ones((9, 9), np.uint8)) for _ in range(2)]
    qtbot.wait(WAIT_MS)
    window.canvas.doneCurrent()
    window.viewer.layers.remove(layers[0])
    assert QOpenGLContext.currentContext() is window.canvas.context()
    qtbot.wait(WAIT_MS)
    window.viewer.close()
    window.viewer.layers.clear()  # without a canvas
