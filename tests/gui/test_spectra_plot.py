from __future__ import annotations

import pytest
from qtpy.QtCore import Qt

from napari_ssamamba.gui.spectra_plot import SpectraPlot
from napari_ssamamba.gui.workflow import Workflow
from napari_ssamamba.session import Session


@pytest.fixture
def plot(qtbot, tiny_job):
    session = Session()
    session.open_cube(tiny_job.cube)
    for name in ("Maize", "Meadow"):
        session.add_class(name)
    session.labels[0, :3], session.labels[4, :3] = 1, 2
    session.labels_painted()
    workflow = Workflow(session)
    made = SpectraPlot(session, workflow)
    qtbot.addWidget(made)
    workflow.compute_class_spectra()
    qtbot.waitUntil(lambda: made.legend.count() == 2)
    yield made
    assert workflow.shut_down()


def colours(plot):
    return {curve.opts["pen"].color().name() for curve in plot.plot.listDataItems()}


def test_a_class_that_is_unchecked_in_the_legend_is_not_drawn(plot):
    maize, meadow = (c.color for c in plot._session.classes)
    assert colours(plot) == {maize.lower(), meadow.lower()}
    plot.legend.item(0).setCheckState(Qt.CheckState.Unchecked)
    assert colours(plot) == {meadow.lower()}


def test_a_hidden_class_stays_hidden_when_classes_change(plot):
    plot.legend.item(0).setCheckState(Qt.CheckState.Unchecked)
    plot._session.rename_class(1, "Sweetcorn")
    assert plot.legend.item(0).text() == "Sweetcorn"
    assert plot.legend.hidden() == {1}
