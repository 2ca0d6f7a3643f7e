from __future__ import annotations

from qtpy.QtWidgets import QComboBox

from napari_ssamamba.gui.dock import MainDock
from napari_ssamamba.gui.learning_curves import LearningCurves
from napari_ssamamba.gui.spectra_plot import SpectraPlot
from napari_ssamamba.training.events import EpochDone

NARROW = 330
"""Width of the dock in pixels: a long result wraps in it."""

LOW = 160
"""Pixels that the plots may ask for: napari's own docks ask for 600 of a laptop's 768."""


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
    )
    assert dock.train.result.height() >= dock.train.result.heightForWidth(NARROW - 60) > 100
    assert boxes


def test_spectra_make_no_window_higher(qtbot, workflow):
    spectra = SpectraPlot(workflow.session, workflow)
    qtbot.addWidget(spectra)
    spectra.show()
    spectra.controls.decided.click()
    spectra.decided.content.show()
    assert spectra.minimumSizeHint().height() < LOW


def test_curves_say_why_there_is_none(qtbot, workflow):
    session = workflow.session
    curves, losses = LearningCurves(session), {"epochs": 2, "loss": 0.7, "validation_loss": None}
    qtbot.addWidget(curves)
    assert "press Train" in curves.missing.text() and curves.loss_plot.isHidden()
    session.record_epoch(EpochDone(epoch=1, validation_accuracy=None, best=True, **losses))
    assert "held out" in curves.missing.text() and not curves.loss_plot.isHidden()
    assert curves.accuracy_plot.isHidden()
    session.record_epoch(EpochDone(epoch=2, validation_accuracy=80.0, best=True, **losses))
    assert curves.missing.isHidden() and not curves.accuracy_plot.isHidden()
