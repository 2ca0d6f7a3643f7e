"""The whole job in a real window, with mouse and keys alone; `pytest -s` prints the figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_ssamamba.session import TrainingSettings
from napari_ssamamba.training.config import TrainingConfig

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.window

SECONDS_TO_CANCEL = 2.0


def test_paint_train_cancel_train_map(window: Any, stall_gauge: Any, shared_data: Path) -> None:
    session, dock = window.session, window.widget.main
    window.picture("empty")
    window.open(shared_data / "salinas_a" / "SalinasA_corrected.mat")
    window.picture("opened")

    window.choose_brush()
    window.drag((35, 20), (34, 25), (32, 30), (31, 34))
    window.click(dock.classes.add)
    window.type("Lettuce")
    window.drag((70, 10), (66, 20), (61, 30))
    window.until(lambda: min(session.label_counts().values()) > 10, 5)
    assert [c.name for c in session.classes] == ["Class 1", "Lettuce"]
    n_strokes = session.label_counts()[2]
    window.press(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    window.until(lambda: session.label_counts()[2] < n_strokes, 5)
    window.drag((70, 10), (66, 20), (61, 30))
    window.until(lambda: session.label_counts()[2] > 10, 5)
    window.press(Qt.Key.Key_1)
    assert session.selected_class == 1
    n_painted = session.label_counts()[1]
    window.picture("painted")

    window.click(dock.train.train)
    stall_gauge.start()
    window.until(lambda: len(session.history) > 1, 120)
    window.drag((33, 40), (32, 42), (31, 44), (31, 46))
    window.until(lambda: session.label_counts()[1] > n_painted + 15, 5)
    training = stall_gauge.stop()
    window.picture("training")
    assert window.workflow.job("train") is not None
    job = window.workflow.job("train")
    window.click(dock.train.progress.cancel)
    seconds = window.until(lambda: job.wait(0), 30)
    assert seconds < SECONDS_TO_CANCEL
    assert session.checkpoint is None
    assert session.label_counts()[1] > n_painted, "what was painted meanwhile is kept"
    window.picture("cancelled")

    config = TrainingConfig(epochs=4, min_steps=60, max_steps=60, lessons=500)
    session.set_training(TrainingSettings(device="cpu", config=config))  # a minute less
    window.click(dock.train.train)
    window.until(lambda: session.map is not None, 120)
    stall_gauge.start()
    window.until(lambda: session.map.complete, 120)
    mapping = stall_gauge.stop()
    assert set(np.unique(session.map.ids)) == {1, 2}
    window.viewer.layers.selection.active = window.viewer.layers["map"]
    window.drag((50, 50))
    assert session.picked == (50, 50)
    window.picture("mapped")
    print(
        f"\nlongest stall: {training:.0f} ms while training and painting, {mapping:.0f} ms while "
        f"mapping; training ended {1000 * seconds:.0f} ms after the click on Cancel"
    )
