from __future__ import annotations

from qtpy.QtWidgets import QComboBox

from napari_ssamamba.gui.dock import MainDock, PlotsDock
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
        timeout=2000,
    )
    assert dock.train.result.height() >= dock.train.result.heightForWidth(NARROW - 60) > 100
    assert boxes


def test_plots_make_no_window_higher(qtbot, workflow):
    plots = PlotsDock(workflow.session, workflow)
    qtbot.addWidget(plots)
    plots.show()
    plots.spectra.controls.decided.click()
    plots.spectra.decided.content.show()
    of_class = plots.attention.of_class
    plots.setCurrentWidget(plots.attention)
    plots.attention.show_class.click()
    of_class.text.setText("how the weights of right and of wrong pixels differ " * 8)
    for picture in (of_class.right, of_class.wrong):
        picture.plot.show()
        picture.title.show()
    assert plots.attention.minimumSizeHint().height() < LOW
    plots.setCurrentWidget(plots.spectra)
    assert plots.spectra.minimumSizeHint().height() < LOW


def test_curves_say_why_there_is_none(qtbot, workflow):
    session = workflow.session
    plots = PlotsDock(session, workflow)
    qtbot.addWidget(plots)
    curves, losses = plots.curves, {"epochs": 2, "loss": 0.7, "validation_loss": None}
    assert "press Train" in curves.missing.text() and curves.loss_plot.isHidden()
    session.record_epoch(EpochDone(epoch=1, validation_accuracy=None, best=True, **losses))
    assert "held out" in curves.missing.text() and not curves.loss_plot.isHidden()
    assert curves.accuracy_plot.isHidden()
    session.record_epoch(EpochDone(epoch=2, validation_accuracy=80.0, best=True, **losses))
    assert curves.missing.isHidden() and not curves.accuracy_plot.isHidden()
