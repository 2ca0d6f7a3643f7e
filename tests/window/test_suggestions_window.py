"""What to label next and suspect labels, in a real window: stepped through and decided by key."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_ssamamba.data.reference import read_labels
from napari_ssamamba.gui.labelling_jobs import CHECK, SUGGEST
from napari_ssamamba.plugin.viewers import session_of
from napari_ssamamba.session import TrainingSettings
from napari_ssamamba.training.config import TrainingConfig

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.window

SECONDS_TO_ANSWER = 0.3


def test_suggestions_and_suspects_are_decided_by_key(
    window: Any, stall_gauge: Any, shared_data: Path
) -> None:
    window.viewer.theme = "dark"
    session, dock = window.session, window.widget.main
    layers = session_of(window.viewer).bridge.layers
    folder = shared_data / "salinas_a"
    window.open(folder / "SalinasA_corrected.mat")
    session.set_reference(read_labels(folder / "SalinasA_gt.mat", session.cube))
    session.draw_from_reference(8, seed=0)
    wrong = np.argwhere(session.labels == 10)[2]
    session.labels[tuple(wrong)] = 1
    session.labels_painted()
    window.picture("suggest-empty")
    config = TrainingConfig(epochs=2, min_steps=30, max_steps=30)
    session.set_training(TrainingSettings(device="cpu", config=config))
    window.click(dock.train.train)
    window.until(lambda: session.map is not None and session.map.complete, 200)
    window.until(lambda: session.audit.confusion is not None, 30)

    panel, suggestions = dock.suggestions, session.suggestions
    dock.scroll.ensureWidgetVisible(panel)
    stall_gauge.start()
    window.click(panel.find)
    window.until(lambda: window.workflow.job(SUGGEST) is None, 30)
    window.until(lambda: layers["suggestions"] is not None, 5)
    stall = stall_gauge.stop()
    assert suggestions.found
    dock.scroll.ensureWidgetVisible(panel)
    window.picture("suggest-found")

    started = time.perf_counter()
    window.press(Qt.Key.Key_G)
    first = suggestions.found[0]
    assert suggestions.position == 0
    assert session.picked == (first.row, first.column)
    answered = time.perf_counter() - started
    assert window.viewer.scene.camera.center[-2:] == pytest.approx((first.row, first.column))
    window.picture("suggest-looked-at")
    window.press(Qt.Key.Key_Y)
    assert session.labels[first.row, first.column] == first.mapped
    assert suggestions.position == 1
    second, other = suggestions.found[1], session.classes.ids[3]
    window.press(Qt.Key.Key_4)
    window.press(Qt.Key.Key_Y)
    assert session.labels[second.row, second.column] == other
    window.press(Qt.Key.Key_K)
    third = suggestions.found[2]
    assert session.labels[third.row, third.column] == 0
    assert suggestions.undecided() == len(suggestions.found) - 3
    window.press(Qt.Key.Key_G, Qt.KeyboardModifier.ShiftModifier)
    assert suggestions.position == len(suggestions.found) - 1  # those decided about are passed by
    window.picture("suggest-decided")
    window.click(panel.undo)
    window.click(panel.undo)
    assert session.labels[second.row, second.column] == 0
    assert suggestions.position == 1
    panel.list.setFocus()
    QTest.keyClick(panel.list, Qt.Key.Key_Down)
    assert session.picked == (third.row, third.column)
    QTest.keyClick(panel.list, Qt.Key.Key_Return)
    assert session.labels[third.row, third.column] == third.mapped
    window.viewer.theme = "light"
    window.picture("suggest-light")

    suspects, panel = session.suspects, dock.suspects
    dock.scroll.ensureWidgetVisible(panel)
    window.click(panel.find)
    window.until(lambda: window.workflow.job(CHECK) is None and suspects.checked is not None, 60)
    assert tuple(wrong) in {tuple(p) for p in suspects.pixels.tolist()}
    row = suspects.pixels.tolist().index(wrong.tolist())
    dock.scroll.ensureWidgetVisible(panel)
    window.click(panel.list.viewport(), panel.list.visualItemRect(panel.list.item(row)).center())
    assert session.picked == tuple(wrong)
    window.picture("suspects-light")
    window.press(Qt.Key.Key_Y)
    assert session.labels[tuple(wrong)] == suspects.proposed[row]
    window.viewer.theme = "dark"
    window.picture("suspects-dark")
    print(f"\nlongest stall {stall:.0f} ms; G answered after {1000 * answered:.0f} ms")
    assert answered < SECONDS_TO_ANSWER
