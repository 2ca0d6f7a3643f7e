"""From the largest confusion to a better map, in a real window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QMenu

from napari_ssamamba.data.reference import read_labels
from napari_ssamamba.plugin.viewers import session_of
from napari_ssamamba.session import TrainingSettings
from napari_ssamamba.training.config import TrainingConfig

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.window

KEY, CTRL = Qt.Key, Qt.KeyboardModifier.ControlModifier


def test_errors_are_stepped_through_corrected_and_learned(
    window: Any, qtbot: Any, shared_data: Path
) -> None:
    window.viewer.theme = "dark"
    session, dock, plots = window.session, window.widget.main, window.widget.plots
    layers = session_of(window.viewer).bridge.layers
    audit, panel = session.audit, dock.audit
    folder = shared_data / "salinas_a"
    window.open(folder / "SalinasA_corrected.mat")
    session.set_reference(read_labels(folder / "SalinasA_gt.mat", session.cube))
    session.draw_from_reference(3, seed=0)
    # As small as makes a map that is right and wrong: what is looked at is what follows it.
    config = TrainingConfig(epochs=1, min_steps=6, max_steps=6, mixture="network")
    session.set_training(TrainingSettings(device="cpu", config=config, members="network"))
    window.click(dock.train.train)
    window.until(lambda: audit.confusion is not None, 200)

    # The largest cell off the diagonal, clicked in the matrix, is shown everywhere.
    plots.setCurrentWidget(plots.confusion)
    window.viewer.layers["map"].visible = False
    qtbot.wait(300)
    largest = audit.confusion.worst()[0]
    table = plots.confusion.table
    at = table.visualRect(plots.confusion.model.index_of(largest)).center()
    QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=at)
    n = audit.confusion.count(largest)
    assert audit.cell == largest and len(audit.pixels) == n > 3
    assert (layers["audited pixels"].data > 0).sum() == n
    window.picture("audit_matrix_dark")
    plots.setCurrentWidget(plots.crops)
    assert plots.crops.model.rowCount() == n

    # Three errors by key over the picture; the gallery goes along.
    window.viewer.layers.selection.active = window.viewer.layers["training labels"]
    for step in range(3):
        window.press(KEY.Key_N)
        assert audit.position == step == plots.crops.view.currentIndex().row()
    window.until(lambda: session.evidence.pixel is not None, 20)
    window.until(lambda: session.evidence.pixel.pixel == audit.looked_at, 20)
    dock.scroll.ensureWidgetVisible(panel.decisions)
    window.picture("audit_step_dark")

    # Relabel, by a digit in the menu; undo; relabel again.
    pixel, before = audit.looked_at, session.labels.copy()
    wanted = session.decisions.choices().index(session.classes[largest.reference])

    def relabel() -> None:
        window.press(KEY.Key_R)
        window.until(lambda: isinstance(QApplication.activePopupWidget(), QMenu), 5)
        window.picture("audit_relabel_dark")
        QTest.keyClick(QApplication.activePopupWidget(), str(1 + wanted))
        window.until(lambda: len(session.decisions.made) == 1, 5)

    relabel()
    assert session.labels[pixel] == largest.reference and audit.position == 3
    assert layers["training labels"].data[pixel] == largest.reference
    window.click(panel.decisions.undo)
    np.testing.assert_array_equal(session.labels, before)
    assert audit.looked_at == pixel and session.decisions.made == []
    relabel()

    # Accept by key in the gallery, mark one wrong and skip one by button.
    crops = plots.crops.view
    window.viewer.window._qt_window.activateWindow()
    crops.setFocus()
    window.until(crops.hasFocus, 5)
    accepted = audit.looked_at
    QTest.keyClick(crops, KEY.Key_A)
    assert session.labels[accepted] == largest.reference
    QTest.keyClick(crops, KEY.Key_Z, CTRL)
    assert session.labels[accepted] == 0 and audit.looked_at == accepted
    QTest.keyClick(crops, KEY.Key_A)
    window.click(panel.decisions.buttons["marked wrong"])
    assert audit.confusion.count(largest) == n - 1 == plots.crops.model.rowCount()
    window.click(panel.decisions.buttons["skipped"])
    QTest.keyClick(crops, KEY.Key_Right)
    assert audit.position == crops.currentIndex().row()
    window.picture("audit_decided_dark")
    window.viewer.theme = "light"
    window.picture("audit_decided_light")

    # Retrain, and see what changed.
    then = session.map.ids.copy()
    truth = audit.compared_with.ids.copy()
    window.click(panel.changes.retrain)
    window.until(lambda: session.changes.found is not None, 200)
    window.until(lambda: audit.confusion is not None and not audit.outdated, 30)
    now, found = session.map.ids, session.changes.found.found
    learned = np.vstack([session.checkpoint.training_pixels, session.checkpoint.validation_pixels])
    truth[tuple(learned.T)] = 0
    truth[tuple(np.array([d.pixel for d in session.decisions.made]).T)] = 0
    counted = truth > 0
    assert found.counted == counted.sum() and found.changed == (then != now).sum()
    assert found.fixed == (counted & (then != truth) & (now == truth)).sum()
    assert found.broken == (counted & (then == truth) & (now != truth)).sum()
    assert f"{found.fixed:,} fixed" in panel.changes.text.text()
    window.until(lambda: layers["changed pixels"] is not None, 5)
    assert (layers["changed pixels"].data > 0).sum() == found.changed
    window.viewer.layers["map"].visible = False
    window.viewer.reset_view()
    dock.scroll.ensureWidgetVisible(panel.changes)
    window.picture("audit_changes_light")
    window.viewer.theme = "dark"
    window.viewer.window.resize(900, 560)
    window.picture("audit_small_dark")
