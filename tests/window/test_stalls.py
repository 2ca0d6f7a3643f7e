"""How long the window is away while the work goes on; `pytest -s` prints the figures."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

pytestmark = pytest.mark.window

FROZEN_MS = 2000
"""A user would say that the window froze. The design's goal is far lower, but machines are noisy:
read the printed figures for it."""


def test_panning_goes_on_while_training(qtbot: Any, stall_gauge: Any) -> None:
    import napari

    from napari_ssamamba.data.sample import sample_scene
    from napari_ssamamba.plugin.dock_widget import SSAMambaWidget
    from napari_ssamamba.plugin.viewers import session_of

    viewer = napari.Viewer(show_welcome_screen=False)
    widget = SSAMambaWidget(viewer)
    viewer.window.add_dock_widget(widget, area="right")
    opened = session_of(viewer)
    session, workflow = opened.session, opened.workflow
    steps = itertools.count()

    def pan() -> None:
        viewer.scene.camera.center = (0, 50 + next(steps) % 20, 50)

    try:
        cube, reference = sample_scene(100, 100)
        session.open_cube(cube)
        session.set_reference(reference)
        session.draw_from_reference(10, seed=0)
        qtbot.waitUntil(lambda: session.composite_image is not None, timeout=30000)
        qtbot.wait(5000)
        idle = stall_gauge.longest_ms(5, pan)
        workflow.train()
        training = stall_gauge.longest_ms(10, pan)
        assert workflow.job("train") is not None or session.checkpoint is not None
        print(f"longest stall: idle {idle:.0f} ms, training {training:.0f} ms")
        assert training < FROZEN_MS
    finally:
        viewer.close()
