"""The attention in a viewer: layers that appear, hold their scale, are outdated, and go."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from napari_ssamamba.gui.attention_jobs import PIXEL, VIEW
from napari_ssamamba.plugin.attention_layers import ROLES
from napari_ssamamba.plugin.viewers import session_of
from napari_ssamamba.session import AttentionChoice


@pytest.fixture
def opened(make_napari_viewer: Any, tiny_job: Any, tiny_checkpoint: Any, qtbot: Any) -> Any:
    viewer = make_napari_viewer()
    opened = session_of(viewer)
    opened.viewer = viewer
    opened.session.open_cube(tiny_job.cube)
    qtbot.waitUntil(lambda: opened.session.composite_image is not None)
    opened.session.set_checkpoint(tiny_checkpoint)
    opened.workflow.attention.follow_pixel(True)
    yield opened
    opened.workflow.shut_down()


def attention_layers(opened: Any) -> list[Any]:
    return [layer for layer in opened.viewer.layers if layer.name.startswith("attention")]


def map_scene(opened: Any, qtbot: Any) -> None:
    opened.workflow.mapping.map_scene()
    qtbot.waitUntil(lambda: opened.workflow.job("map") is None)
    wait_for_layers(opened, qtbot, len(ROLES) if opened.session.attention.with_map else 0)


def wait_for_layers(opened: Any, qtbot: Any, n: int) -> None:
    """Layers come one by one."""
    layers = opened.bridge.layers
    qtbot.waitUntil(lambda: sum(layers[role] is not None for role in ROLES) == n)


def pick(opened: Any, qtbot: Any, row: int, column: int) -> Any:
    opened.bridge.pick(row, column)
    qtbot.waitUntil(lambda: opened.workflow.job(PIXEL) is None)
    return opened.bridge.layers["attention of a pixel"]


def test_mapping_with_attention_shows_four_layers_on_fixed_scales(opened: Any, qtbot: Any) -> None:
    opened.session.attention.with_map = True
    map_scene(opened, qtbot)
    layers = [opened.bridge.layers[role] for role in ROLES]
    assert [layer.visible for layer in layers] == [True, False, False, False]
    limits = [layer.contrast_limits for layer in layers]
    assert limits == [[0, 1], [0, pytest.approx(2**0.5)], [0, 1], [0, 1]]  # 3 × 3 patches
    for layer, values in zip(layers, opened.session.attention.maps.values, strict=True):
        layer.visible = True
        assert layer.colorbar.visible
        assert layer.data is values or np.shares_memory(layer.data, values)
    assert layers[0].name == "attention entropy (0–1)"
    assert layers[1].name == "attention distance (0–1.41 pixels)"
    value = opened.session.attention.maps.values[0, 9, 7]
    assert f"{value:.3f}"[:4] in str(layers[0].get_status((9, 7), world=True)["value"])


def test_layers_are_outdated_replaced_and_go(opened: Any, qtbot: Any, tiny_checkpoint: Any) -> None:
    opened.session.attention.with_map = True
    map_scene(opened, qtbot)
    first = opened.bridge.layers[ROLES[0]]
    first.visible = False
    opened.session.labels_painted()
    assert all(layer.name.endswith("(outdated)") for layer in attention_layers(opened))
    trained = replace(tiny_checkpoint, weights=dict(tiny_checkpoint.weights))
    opened.session.set_checkpoint(trained)
    map_scene(opened, qtbot)
    assert opened.bridge.layers[ROLES[0]] is first
    assert first.name == "attention entropy (0–1)" and not first.visible
    assert first.contrast_limits == [0, 1]
    opened.session.set_checkpoint(replace(tiny_checkpoint))
    opened.session.attention.with_map = False
    map_scene(opened, qtbot)
    assert attention_layers(opened) == []


def test_the_view_alone_is_computed_without_a_map(opened: Any, qtbot: Any) -> None:
    opened.viewer.scene.camera.zoom = 100
    opened.viewer.scene.camera.center = (0, 12, 10)
    height, width = opened.viewer.canvas.size
    region = opened.bridge.attention.view()
    assert region.row0 == max(0, round(12 - height / 200))
    assert region.column1 == min(20, round(10 + width / 200) + 1)
    opened.workflow.attention.map_view()
    qtbot.waitUntil(lambda: opened.workflow.job(VIEW) is None)
    wait_for_layers(opened, qtbot, 4)
    values = opened.bridge.layers[ROLES[0]].data
    assert np.isfinite(values[12, 10])
    known = np.argwhere(np.isfinite(values))
    assert known[:, 0].min() >= region.row0 and known[:, 0].max() < region.row1
    assert known[:, 1].min() >= region.column0 and known[:, 1].max() < region.column1
    assert opened.session.map is None
    opened.viewer.scene.camera.center = (0, 1000, 10)
    assert opened.bridge.attention.view() is None


def test_a_click_draws_the_weights_on_the_pixels_around(opened: Any, qtbot: Any) -> None:
    layer = pick(opened, qtbot, 12, 9)
    assert layer.data.shape == (3, 3)
    np.testing.assert_array_equal(layer.translate, (11, 8))
    np.testing.assert_array_equal(layer.scale, (1, 1))
    pixel = opened.session.attention.pixel
    own = pixel.weights.mean((0, 1))[4]
    assert layer.get_value((12, 9), world=True) == pytest.approx(own[4])
    assert layer.get_value((11, 10), world=True) == pytest.approx(own[2])
    assert layer.contrast_limits == [0, 1] and layer.gamma == pytest.approx(1 / 3)
    assert layer.name == "attention of pixel 12, 9 (0–1, cube root)"
    opened.session.attention.choose(AttentionChoice(block=0, head=1, received=True))
    column = pixel.weights[0, 1][:, 4]
    assert layer.get_value((11, 10), world=True) == pytest.approx(column[2])
    assert layer.name == "attention received by pixel 12, 9 (0–1, cube root)"
    assert layer.contrast_limits == [0, 1]


def test_at_a_corner_the_cells_beyond_the_border_are_left_out(opened: Any, qtbot: Any) -> None:
    layer = pick(opened, qtbot, 12, 9)
    assert pick(opened, qtbot, 23, 0) is layer
    assert layer.data.shape == (2, 2)
    np.testing.assert_array_equal(layer.translate, (22, 0))
    own = opened.session.attention.pixel.weights.mean((0, 1))[4].reshape(3, 3)
    np.testing.assert_allclose(layer.data, own[:2, 1:])
    assert pick(opened, qtbot, 0, 0) is None, "nothing was measured there"


def test_a_hidden_pixel_layer_stays_hidden_and_a_deleted_one_comes_back(
    opened: Any, qtbot: Any
) -> None:
    layer = pick(opened, qtbot, 12, 9)
    layer.visible = False
    assert pick(opened, qtbot, 13, 9) is layer and not layer.visible
    opened.viewer.layers.remove(layer)
    again = pick(opened, qtbot, 14, 9)
    assert again is not layer and again.visible


def test_painting_goes_on_after_the_layers_have_come(opened: Any, qtbot: Any) -> None:
    painted = opened.viewer.layers["training labels"]
    opened.viewer.layers.selection.active = painted
    pick(opened, qtbot, 12, 9)
    opened.session.attention.with_map = True
    map_scene(opened, qtbot)
    assert opened.viewer.layers.selection.active is painted
    picked = opened.viewer.layers[-1]  # a few pixels, shown while the tab Attention is
    assert opened.viewer.layers[-2] is painted and picked.data.shape == (3, 3)
