"""What to label next and suspect labels, in a real window: stepped through and decided by key."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QStyle, QStyleOptionComboBox

from napari_ssamamba.data.reference import read_labels
from napari_ssamamba.data.split import hold_out_validation
from napari_ssamamba.events import result_of
from napari_ssamamba.gui.labelling_jobs import CHECK, SUGGEST
from napari_ssamamba.model.config import ModelConfig
from napari_ssamamba.plugin.viewers import session_of
from napari_ssamamba.session import TrainingSettings
from napari_ssamamba.training.config import TrainingConfig
from napari_ssamamba.training.trainer import train

if TYPE_CHECKING:
    from pathlib import Path

    from napari_ssamamba.checkpoint import Checkpoint

pytestmark = pytest.mark.window

FROZEN_SECONDS = 2.0
"""The goal, 0.3 s, is far lower, but machines are noisy: read the printed figures for it."""


def small_model(session: Any) -> Checkpoint:
    """Train a network of a few numbers, so that the scene is mapped in seconds."""
    config = TrainingConfig(
        epochs=4, min_steps=200, max_steps=200, learning_rate=5e-3, mixture="network"
    )
    model = ModelConfig(
        bands=1, classes=1, patch_size=5, d_model=8, d_state=2, heads=2, depth=2, dropout=0.1
    )
    split = hold_out_validation(session.labels, 0.2, 0)
    work = train(session.cube, split, session.classes, model, config, "cpu")
    return result_of(work)


def row_of(session: Any) -> int:
    """Return the row of the matrix that the averaged class has."""
    place: int = session.audit.confusion.classes.ids.index(session.class_attention.id)
    return place


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
    session.set_checkpoint(small_model(session))
    window.click(dock.map.make)
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

    quick = TrainingConfig(lessons=600, min_steps=40, max_steps=40)
    session.set_training(TrainingSettings(device="cpu", config=quick))
    suspects, panel = session.suspects, dock.suspects
    dock.scroll.ensureWidgetVisible(panel)
    option = QStyleOptionComboBox()
    panel.members.initStyleOption(option)
    box, part = QStyle.ComplexControl.CC_ComboBox, QStyle.SubControl.SC_ComboBoxEditField
    room = panel.members.style().subControlRect(box, option, part, panel.members).width()
    assert room >= panel.members.fontMetrics().horizontalAdvance(panel.members.currentText())
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

    plots = window.widget.plots
    plots.setCurrentWidget(plots.attention)
    window.click(plots.attention.show_class, QPoint(8, plots.attention.show_class.height() // 2))
    session.audit.choose_cell(session.audit.confusion.worst()[0])
    window.until(lambda: session.class_attention.found is not None, 60)
    found = session.class_attention.found
    assert found.right.weights.sum((-2, -1)) == pytest.approx(1, abs=1e-4)
    assert found.wrong.of == session.audit.confusion.matrix.sum(1)[row_of(session)] - found.right.of
    window.picture("class-attention-dark")
    window.viewer.theme = "light"
    window.viewer.window.resize(1100, 700)
    window.picture("class-attention-light-small")
    print(f"\nlongest stall {stall:.0f} ms; G answered after {1000 * answered:.0f} ms")
    assert answered < FROZEN_SECONDS
