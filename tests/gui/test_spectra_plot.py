from __future__ import annotations

from dataclasses import replace

import pytest
from qtpy.QtCore import Qt

from napari_ssamamba.gui.curve_list import OUTDATED
from napari_ssamamba.gui.spectra_plot import SpectraPlot
from napari_ssamamba.gui.workflow import Workflow
from napari_ssamamba.session import Session


@pytest.fixture
def plot(qtbot, tiny_job):
    session = Session()
    session.open_cube(tiny_job.cube)
    session.set_reference(tiny_job.reference)
    session.draw_from_reference(5, seed=0)
    workflow = Workflow(session)
    made = SpectraPlot(session, workflow)
    qtbot.addWidget(made)
    made.show()
    workflow.audit.compute_class_spectra()
    qtbot.waitUntil(lambda: made.legend.count() == 3)  # classes that have pixels
    yield made
    assert workflow.shut_down()


def colours(plot):
    return {curve.opts["pen"].color().name() for curve in plot.plot.listDataItems()}


def test_a_class_that_is_unchecked_in_the_legend_is_not_drawn(plot):
    first, *others = (c.color.lower() for c in list(plot._session.classes)[:3])
    assert colours(plot) == {first, *others}
    plot.legend.item(0).setCheckState(Qt.CheckState.Unchecked)
    assert colours(plot) == set(others)


def test_a_hidden_class_stays_hidden_when_classes_change(plot):
    plot.legend.item(0).setCheckState(Qt.CheckState.Unchecked)
    id = plot._session.classes.ids[0]
    plot._session.rename_class(id, "Sweetcorn")
    assert plot.legend.item(0).text() == "Sweetcorn"
    assert plot.legend.hidden() == {id}


def test_the_legend_says_that_the_map_is_outdated_until_it_is_replaced(plot, tiny_checkpoint):
    session, legend = plot._session, plot.legend

    def lines():
        return [legend.item(row).text() for row in range(legend.count())]

    names = lines()
    assert OUTDATED not in names
    session.set_checkpoint(tiny_checkpoint)
    session.mapping.run().close()
    session.mapping.finish()
    assert lines() == names
    session.labels_painted()
    assert lines() == [OUTDATED, *names]
    assert not legend.hidden() and not legend.hidden_curves()  # it is no class that is unchecked
    session.mapping.run().close()
    assert lines() == [OUTDATED, *names]  # the model is the same, and knows no other labels
    session.set_checkpoint(replace(tiny_checkpoint, weights=dict(tiny_checkpoint.weights)))
    session.mapping.run().close()
    assert lines() == names
    session.set_checkpoint(tiny_checkpoint)
    assert OUTDATED in lines()


def test_the_legend_names_the_maps_classes_where_nothing_is_labelled(
    qtbot, tiny_job, tiny_checkpoint
):
    session = Session()
    session.open_cube(tiny_job.cube)
    workflow = Workflow(session)
    plot = SpectraPlot(session, workflow)
    qtbot.addWidget(plot)
    session.set_checkpoint(tiny_checkpoint)
    assert plot.legend.count() == 0
    session.mapping.run().close()
    session.mapping.finish()
    items = [plot.legend.item(row) for row in range(plot.legend.count())]
    assert [item.text() for item in items] == [c.name for c in tiny_checkpoint.classes]
    assert {item.data(Qt.ItemDataRole.CheckStateRole) for item in items} == {None}
    assert not plot.legend.hidden()
    assert workflow.shut_down()


def test_the_axis_spans_the_bands_where_there_is_no_curve_and_then_the_curves(qtbot, tiny_job):
    session = Session()
    session.open_cube(tiny_job.cube)
    workflow = Workflow(session)
    plot = SpectraPlot(session, workflow)
    qtbot.addWidget(plot)
    plot.show()
    axis = tiny_job.cube.wavelengths

    def spans_the_bands():
        low, high = plot.plot.viewRange()[0]
        bands = axis.max() - axis.min()
        return low <= axis.min() < axis.max() <= high and high - low < 1.3 * bands

    assert spans_the_bands()
    session.set_reference(tiny_job.reference)
    session.draw_from_reference(5, seed=0)
    workflow.audit.compute_class_spectra()
    qtbot.waitUntil(lambda: plot.legend.count() == 3)
    qtbot.waitUntil(lambda: plot.plot.viewRange()[1][0] > 100)  # as high as the curves
    assert spans_the_bands()
    assert workflow.shut_down()
