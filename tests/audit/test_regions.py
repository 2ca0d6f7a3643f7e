from __future__ import annotations

import numpy as np
import pytest

from napari_ssamamba.audit.regions import pixels_inside


def test_centres_inside_a_polygon_count():
    triangle = np.array([[1.6, 2.0], [7.3, 1.2], [6.1, 9.9]])
    found = {tuple(p) for p in pixels_inside(triangle, (12, 15)).tolist()}

    def side(p, a, b):
        return (b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0])

    expected = set()
    for p in np.ndindex(12, 15):
        sides = [side(p, triangle[i], triangle[(i + 1) % 3]) for i in range(3)]
        if min(sides) > 0 or max(sides) < 0:
            expected.add(p)
    assert found == expected and len(expected) > 10


def test_a_rectangle_that_reaches_beyond_the_scene_is_cut():
    rectangle = np.array([[-5.0, -5], [-5, 2.4], [3.4, 2.4], [3.4, -5]])
    found = pixels_inside(rectangle, (10, 10))
    np.testing.assert_array_equal(found, np.argwhere(np.ones((4, 3))))
    beyond = pixels_inside(rectangle - 100, (10, 10))
    assert beyond.shape == (0, 2)


@pytest.mark.parametrize("at", [(4.2, 6.3), (0.0, 0.0)])
def test_a_tiny_shape_is_the_pixel_that_it_lies_in(at):
    tiny = np.array([[0, 0], [0, 0.1], [0.1, 0.1], [0.1, 0]]) + at
    np.testing.assert_array_equal(pixels_inside(tiny, (10, 10)), [np.round(at)])
