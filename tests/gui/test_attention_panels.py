from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from qtpy.QtGui import QImage, QPainter

from napari_ssamamba.data.tiles import Window
from napari_ssamamba.gui.attention_controls import AttentionControls
from napari_ssamamba.gui.attention_jobs import PIXEL, VIEW
from napari_ssamamba.gui.attention_plot import AttentionPlot, row_ticks


@pytest.fixture
def plot(qtbot, workflow, tiny_checkpoint):
    made = AttentionPlot(workflow.session)
    qtbot.addWidget(made)
    assert "train one first" in made.text.text()
    workflow.session.set_checkpoint(tiny_checkpoint)
    workflow.attention.follow_pixel(True)
    assert "Click a pixel" in made.text.text()
    return made


def pick(qtbot, workflow, row, column):
    workflow.session.pick(row, column)
    qtbot.waitUntil(lambda: workflow.job(PIXEL) is None)


def drawn(plot):
    """Return the weights that the picture shows."""
    return plot.image.image**3


def test_a_click_shows_the_matrix_on_the_fixed_scale(qtbot, workflow, plot):
    pick(qtbot, workflow, 12, 9)
    attention = workflow.session.attention
    np.testing.assert_allclose(drawn(plot), attention.pixel.weights.mean((0, 1)), rtol=1e-5)
    assert tuple(plot.image.levels) == plot.bar.levels() == (0, 1)
    ticks = [tick for group in plot.bar.axis._tickLevels for tick in group]
    assert [text for _, text in sorted(ticks)] == ["0", "0.01", "0.1", "0.3", "1"]
    for at, text in ticks:
        assert at**3 == pytest.approx(float(text), abs=1e-6)
    assert "sum to 1.000" in plot.text.text() and "Gate 0." in plot.text.text()
    assert "border" not in plot.text.text()


@pytest.mark.parametrize("height", [110, 130, 170, 400])
def test_names_at_the_axes_do_not_overlap_in_a_low_window(qtbot, workflow, plot, height):
    plot.show()
    pick(qtbot, workflow, 12, 9)
    plot.image.setImage(np.zeros((49, 49), np.float32), autoLevels=False)
    for side in ("left", "bottom"):
        plot.plot.getAxis(side).setTicks(row_ticks(7))
    plot.plot.setRange(xRange=(0, 49), yRange=(0, 49), padding=0)
    plot.resize(700, height)
    qtbot.wait(50)
    for axis, fewest in ((plot.plot.getAxis("left"), 3), (plot.bar.axis, 2)):
        picture = QImage(8, 8, QImage.Format.Format_ARGB32)
        painter = QPainter(picture)
        named = [(box, text) for box, _, text in axis.generateDrawSpecs(painter)[2]]
        painter.end()
        assert fewest <= len(named)
        named.sort(key=lambda n: n[0].top())
        for (above, a), (below, b) in pairwise(named):
            assert above.center().y() + 5 < below.center().y() - 5, f"{a} and {b}"
    assert height < 400 or len(named) == 5


def test_block_head_and_direction_are_chosen(qtbot, workflow, plot):
    pick(qtbot, workflow, 23, 19)
    assert "beyond the scene's border" in plot.text.text()
    weights = workflow.session.attention.pixel.weights
    plot.block.setCurrentIndex(2)
    np.testing.assert_allclose(drawn(plot), weights[1].mean(0), rtol=1e-5)
    plot.head.setCurrentIndex(1)
    np.testing.assert_allclose(drawn(plot), weights[1, 0], rtol=1e-5)
    plot.direction.setCurrentIndex(1)
    heat = workflow.session.attention.heat_map()
    np.testing.assert_array_equal(heat.grid.ravel(), weights[1, 0][:, 4])
    assert f"sum to {weights[1, 0][:, 4].sum():.3f}" in plot.text.text()


def test_a_pixel_without_measurement_says_so(qtbot, workflow, plot):
    pick(qtbot, workflow, 12, 9)
    pick(qtbot, workflow, 0, 0)
    assert workflow.session.attention.pixel is None
    assert "not measured" in plot.text.text()


def test_a_new_model_reads_the_pixel_anew(qtbot, workflow, plot, tiny_checkpoint):
    pick(qtbot, workflow, 12, 9)
    before = workflow.session.attention.pixel
    weights = {k: v * 1.5 for k, v in tiny_checkpoint.weights.items()}
    workflow.session.set_checkpoint(replace(tiny_checkpoint, weights=weights))
    qtbot.waitUntil(lambda: workflow.session.attention.pixel is not None)
    after = workflow.session.attention.pixel
    assert not np.allclose(before.weights, after.weights)


def test_the_view_is_mapped_on_demand_and_can_be_cancelled(qtbot, workflow, tiny_checkpoint):
    controls = AttentionControls(workflow.session, workflow)
    qtbot.addWidget(controls)
    attention = workflow.session.attention
    assert not controls.view.isEnabled()
    workflow.session.set_checkpoint(tiny_checkpoint)
    workflow.attention.view_of = lambda: Window(5, 15, 5, 15)
    controls.view.click()
    assert workflow.job(VIEW) is not None and not controls.view.isEnabled()
    qtbot.waitUntil(lambda: workflow.job(VIEW) is None)
    assert np.isfinite(attention.maps.values[0]).sum() == 100
    assert controls.view.isEnabled() and not controls.state.text()
    workflow.session.labels_painted()
    assert controls.state.text() == "Attention maps outdated: labels changed since the training."
    workflow.session.set_checkpoint(replace(tiny_checkpoint))
    assert controls.state.text() == "Attention maps outdated: the model is another since."
    before = attention.maps
    controls.view.click()
    assert attention.maps is not before
    workflow.cancel(VIEW)
    assert attention.maps is before


def test_a_view_beside_the_scene_is_told(qtbot, workflow, tiny_checkpoint):
    workflow.session.set_checkpoint(tiny_checkpoint)
    workflow.attention.view_of = lambda: None
    with qtbot.waitSignal(workflow.told) as told:
        workflow.attention.map_view()
    assert "not in view" in told.args[1]


def test_mapping_the_scene_ends_the_mapping_of_the_view(qtbot, workflow, tiny_checkpoint):
    workflow.session.set_checkpoint(tiny_checkpoint)
    workflow.attention.view_of = lambda: Window(0, 24, 0, 20)
    workflow.attention.map_view()
    workflow.session.attention.with_map = True
    workflow.mapping.map_scene()
    assert workflow.job(VIEW) is None
    qtbot.waitUntil(lambda: workflow.job("map") is None)
    assert np.isfinite(workflow.session.attention.maps.values[0]).sum() == 24 * 20 - 9


def test_a_model_without_gates_says_so(qtbot, workflow, tiny_checkpoint):
    controls = AttentionControls(workflow.session, workflow)
    qtbot.addWidget(controls)
    model = replace(tiny_checkpoint.model, gate=False)
    weights = {k: v for k, v in tiny_checkpoint.weights.items() if "fusion.gate" not in k}
    workflow.session.set_checkpoint(replace(tiny_checkpoint, model=model, weights=weights))
    workflow.attention.view_of = lambda: Window(5, 7, 5, 7)
    controls.view.click()
    qtbot.waitUntil(lambda: workflow.job(VIEW) is None)
    assert "No map of the gate" in controls.state.text()


def test_a_click_computes_no_attention_once_it_is_no_longer_looked_at(qtbot, workflow, plot):
    pick(qtbot, workflow, 12, 9)
    assert workflow.session.attention.pixel is not None
    workflow.attention.follow_pixel(False)
    assert workflow.session.attention.pixel is None
    pick(qtbot, workflow, 11, 9)
    assert workflow.session.attention.pixel is None
