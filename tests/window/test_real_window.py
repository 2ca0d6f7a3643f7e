"""The whole job in a real window, with mouse and keys alone; `pytest -s` prints the figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

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
    labels = session.labels.copy()
    window.picture("painted")

    window.click(dock.train.train)
    stall_gauge.start()
    window.until(lambda: len(session.history) > 1, 120)
    window.drag((33, 40), (31, 44))
    training = stall_gauge.stop()
    window.picture("training")
    assert window.workflow.job("train") is not None
    job = window.workflow.job("train")
    window.click(dock.train.progress.cancel)
    seconds = window.until(lambda: job.wait(0), 30)
    assert seconds < SECONDS_TO_CANCEL
    assert session.checkpoint is None
    assert not np.array_equal(session.labels, labels), "what was painted meanwhile is kept"
    window.picture("cancelled")

    dock.train.epochs.setFocus()
    dock.train.epochs.selectAll()
    window.type("5")
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
