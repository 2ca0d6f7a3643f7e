"""Regions drawn as shapes, and their curves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_ssamamba.plugin.region_layer import ROLE
from napari_ssamamba.plugin.viewers import session_of

if TYPE_CHECKING:
    from conftest import TinyJob

SQUARE = np.array([[10, 4], [10, 8], [14, 8], [14, 4.0]])


@pytest.fixture
def opened(make_napari_viewer: Any, tiny_job: TinyJob, qtbot: Any) -> Any:
    viewer = make_napari_viewer()
    opened = session_of(viewer)
    opened.viewer = viewer
    opened.session.open_cube(tiny_job.cube)
    opened.workflow.curves.draw_region()
    opened.layer = viewer.layers[ROLE]
    yield opened
    opened.workflow.shut_down()


def draw(opened: Any, qtbot: Any, *shapes: Any) -> None:
    before = len(opened.session.curves.curves)
    opened.layer.add_polygons(list(shapes))
    qtbot.waitUntil(lambda: len(opened.session.curves.curves) == before + len(shapes))


def test_a_drawn_region_becomes_a_curve_with_the_mean_of_its_pixels(
    opened: Any, qtbot: Any
) -> None:
    assert opened.layer.mode == "add_polygon"
    draw(opened, qtbot, SQUARE + 0.3)
    (curve,) = opened.session.curves.curves
    assert curve.kind == "region" and len(curve.pixels) == 16
    qtbot.waitUntil(lambda: opened.session.curves.curves[0].statistics is not None)
    cube = opened.session.cube
    values = cube.read_pixels(*curve.pixels.T)
    expected = np.where(cube.good_bands, values.mean(axis=0), np.nan)
    found = opened.session.curves.curves[0].statistics
    np.testing.assert_allclose(found.mean, expected, rtol=1e-5)
    assert opened.layer.mode == "pan_zoom"
    assert opened.viewer.layers.selection.active is not opened.layer


def test_curve_and_shape_go_together(opened: Any, qtbot: Any) -> None:
    draw(opened, qtbot, SQUARE, SQUARE + 5)
    curves = opened.session.curves
    first, second = (c.id for c in curves.curves)
    curves.remove(first)
    assert opened.layer.nshapes == 1
    np.testing.assert_array_equal(opened.layer.data[0], SQUARE + 5)
    opened.layer.selected_data = {0}
    opened.layer.remove_selected()
    qtbot.waitUntil(lambda: not curves.curves)
    assert second not in [c.id for c in curves.curves]


def test_a_moved_shape_gives_other_pixels_to_the_same_curve(opened: Any, qtbot: Any) -> None:
    draw(opened, qtbot, SQUARE)
    before = opened.session.curves.curves[0]
    opened.layer.data = [SQUARE + 3]
    qtbot.waitUntil(lambda: opened.session.curves.curves[0].pixels.min() >= 7)
    (after,) = opened.session.curves.curves
    assert (after.id, after.name) == (before.id, before.name)


def test_a_region_beside_the_scene_is_refused_and_vanishes(opened: Any, qtbot: Any) -> None:
    told = []
    opened.workflow.told.connect(lambda kind, text: told.append((kind, text)))
    opened.layer.add_polygons([SQUARE + 100])
    qtbot.waitUntil(lambda: bool(told))
    assert told[0][0] == "error" and "no pixel in the scene" in told[0][1]
    assert opened.layer.nshapes == 0 and not opened.session.curves.curves


def test_rectangles_and_ellipses_count_too(opened: Any, qtbot: Any) -> None:
    opened.layer.add_rectangles([[[2, 8], [6, 12]]])
    qtbot.waitUntil(lambda: len(opened.session.curves.curves) == 1)
    opened.layer.add_ellipses([[[12, 8], [18, 14]]])
    qtbot.waitUntil(lambda: len(opened.session.curves.curves) == 2)
    rows, columns = np.mgrid[:24, :20]
    inside = (rows - 15) ** 2 + (columns - 11) ** 2 < 2.99**2
    found = {tuple(p) for p in opened.session.curves.curves[1].pixels.tolist()}
    assert found >= {tuple(p) for p in np.argwhere(inside).tolist()}


def test_without_the_layer_there_are_no_regions(opened: Any, qtbot: Any) -> None:
    draw(opened, qtbot, SQUARE)
    opened.session.pick(9, 9)
    opened.session.curves.keep_pixel()
    opened.viewer.layers.remove(opened.layer)
    assert [c.kind for c in opened.session.curves.curves] == ["pixel"]
