from __future__ import annotations

from qtpy.QtWidgets import QComboBox

from napari_ssamamba.gui.dock import MainDock

NARROW = 330
"""Width of the dock in pixels: a long result wraps in it."""


def test_a_long_result_does_not_squeeze_the_settings_above_it(qtbot, workflow):
    dock = MainDock(workflow.session, workflow)
    qtbot.addWidget(dock)
    dock.resize(NARROW, 600)
    dock.show()
    dock.train.result.setText("held-out accuracy and what it was measured on " * 12)
    dock.train.result.show()
    boxes = dock.train.findChildren(QComboBox)
    qtbot.waitUntil(
        lambda: all(b.height() >= b.sizeHint().height() for b in (*boxes, dock.train.result)),
        timeout=2000,
    )
    assert dock.train.result.height() >= dock.train.result.heightForWidth(NARROW - 60) > 100
    assert boxes
