"""The bands that decided, below the spectra."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_ssamamba.data.cube import Cube
from napari_ssamamba.gui.spectra_lines import lines_of, nearest
from napari_ssamamba.gui.spectra_plot import SpectraPlot


@pytest.fixture
def plot(qtbot, workflow):
    made = SpectraPlot(workflow.session, workflow)
    qtbot.addWidget(made)
    made.show()
    return made


def test_what_is_missing_is_said(plot, workflow, tiny_checkpoint, tiny_job):
    plot.controls.decided.setChecked(True)
    panel, session = plot.decided, workflow.session
    assert "No model yet" in panel.missing.text() and panel.missing.isVisible()
    session.set_checkpoint(tiny_checkpoint)
    assert "Click a pixel" in panel.missing.text()
    panel.subject.setCurrentIndex(1)
    assert "Nothing is selected" in panel.explained.text()
    assert panel.subject.isVisible(), "or nobody could choose the pixel again"
    session.open_cube(Cube("other", np.zeros((4, 4, 3), np.float32)))
    panel.subject.setCurrentIndex(0)
    assert "has 3 bands" in panel.missing.text()


def test_bars_and_sentences_are_those_of_the_session(plot, qtbot, workflow, tiny_checkpoint):
    session, panel = workflow.session, plot.decided
    session.set_checkpoint(tiny_checkpoint)
    session.pick(9, 9)
    assert session.attribution.found is None, "nobody asked for it yet"
    plot.controls.decided.setChecked(True)
    qtbot.waitUntil(lambda: session.attribution.found is not None)
    found = session.attribution.found.attribution
    np.testing.assert_array_equal(panel.bars.opts["height"], found.values)
    np.testing.assert_array_equal(panel.bars.opts["x"], session.cube.wavelengths[found.bands])
    low, high = panel.plot.getPlotItem().vb.viewRange()[1]
    assert low == -high and high >= np.abs(found.values).max()
    assert f"{found.probability:.2f} = {found.baseline:.2f}" in panel.explained.text()
    assert "the map's mixture (network" in panel.explained.text()
    first = session.attribution.masking
    panel.low.setValue(540)
    panel.high.setValue(560)
    qtbot.mouseClick(panel.mask, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: session.attribution.masking is not first)
    masking = session.attribution.masking
    assert masking.bands.tolist() == [1]
    qtbot.waitUntil(lambda: "540–560 nm" in panel.masked.text())
    assert f"{masking.before:.2f}" in panel.masked.text()
    session.pick(1, 1)
    qtbot.waitUntil(lambda: "not measured" in panel.explained.text())


def test_the_map_that_is_shown_is_explained_by_the_model_that_made_it(
    plot, qtbot, workflow, tiny_checkpoint
):
    session = workflow.session
    session.set_checkpoint(tiny_checkpoint)
    session.pick(9, 9)
    plot.controls.decided.setChecked(True)
    qtbot.waitUntil(lambda: session.attribution.found is not None)
    workflow.mapping.map_scene()
    qtbot.waitUntil(lambda: session.map is not None and session.map.complete)
    before, said = session.attribution.found.attribution, plot.decided.explained.text()
    again = replace(
        tiny_checkpoint,
        record=replace(
            tiny_checkpoint.record,
            mixture=replace(tiny_checkpoint.record.mixture, network_weight=0.9, expert_weight=0.1),
        ),
    )
    session.set_checkpoint(again)  # trained anew; the map is not made anew yet
    assert session.map.checkpoint is tiny_checkpoint
    assert session.attribution.found is not None
    assert session.attribution.found.attribution is before
    assert plot.decided.explained.text() == said, "the shares are still those of the map's model"
    workflow.mapping.map_scene()
    qtbot.waitUntil(lambda: session.map.checkpoint is again)
    qtbot.waitUntil(lambda: session.attribution.found is not None)
    assert session.attribution.found.attribution.probability != before.probability
    assert "network 90 %" in plot.decided.explained.text()


def test_the_pointer_reads_the_nearest_curve(workflow):
    session = workflow.session
    session.pick(9, 9)
    session.curves.keep_pixel()
    session.pick(20, 3)
    lines = list(lines_of(session, set(), set(), deviations=False))
    assert [a.name for a in lines] == ["Pixel 9, 9", "Pixel 20, 3"]
    x, y = lines[0].x[3], lines[0].y[3]
    line, index = nearest(lines, x + 3, y, (1.0, 1.0), 40)
    assert (line.name, index) == ("Pixel 9, 9", 3)
    assert nearest(lines, x, y + 1e6, (1.0, 1.0), 40) is None
    assert not lines[0].connected[1], "band 3 is off"


def test_curves_are_renamed_hidden_and_removed_in_the_list(plot, qtbot, workflow):
    session = workflow.session
    session.pick(9, 9)
    id = session.curves.keep_pixel()
    item = plot.legend.item(0)
    item.setText("Meadow")
    assert session.curves.curves[0].name == "Meadow"
    plot.legend.item(0).setCheckState(Qt.CheckState.Unchecked)
    assert plot.legend.hidden_curves() == {id}
    assert [a.name for a in plot._lines] == ["Pixel 9, 9"]  # the picked one
    plot.legend.setCurrentRow(0)
    plot.legend.setFocus()
    qtbot.keyClick(plot.legend, Qt.Key.Key_Delete)
    qtbot.waitUntil(lambda: not session.curves.curves)
    assert plot.legend.count() == 0
