"""What is outlined in a crop, pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest

from napari_ssamamba.audit.crops import LINE, Outline, cut, outlined_crop, region_around

RED, BLUE = "#ff0000", "#0000ff"


@pytest.fixture
def scene():
    rng = np.random.default_rng(0)
    image = rng.integers(1, 250, (20, 30, 4)).astype(np.uint8)
    image[..., 3] = 255
    return image


def test_a_crop_is_the_scene_around_the_pixel_enlarged_with_nothing_beyond_its_border(scene):
    crop = outlined_crop(scene, (1, 28), 7, 5, ())
    assert crop.shape == (35, 35, 4)
    small = crop[2::5, 2::5]
    expected = np.zeros((7, 7, 4), np.uint8)
    expected[2:, :5] = scene[0:5, 25:30]
    np.testing.assert_array_equal(small, expected)
    middle = crop[15:20, 15:20]
    assert (middle == scene[1, 28]).all()
    assert (crop[14, 15:20] == 255).all() and (crop[13, 15:20] == (0, 0, 0, 255)).all()


def test_only_the_part_of_a_class_that_reaches_the_centre_is_outlined():
    ids = np.zeros((9, 9), np.uint16)
    ids[4, 4:7] = 5
    ids[3, 7] = 5  # joined at a corner
    ids[0, 0] = 5
    region = region_around(ids, 5)
    expected = ids == 5
    expected[0, 0] = False
    np.testing.assert_array_equal(region, expected)
    assert region_around(ids, 8).sum() == 1  # the centre itself


def test_outlines_follow_the_regions_and_lie_side_by_side(scene):
    ids = np.zeros((20, 30), np.uint16)
    ids[8:13, 10:15] = 2
    crop = outlined_crop(
        scene, (10, 12), 15, 4, (Outline(ids, 2, RED, 0), Outline(ids, 2, BLUE, LINE))
    )
    box = slice(5 * 4, 10 * 4)
    border = np.zeros((60, 60), bool)
    border[box, box] = True
    border[22:38, 22:38] = False  # two pixels wide
    red = (crop == (255, 0, 0, 255)).all(axis=-1)
    np.testing.assert_array_equal(red, border)
    blue = (crop == (0, 0, 255, 255)).all(axis=-1)
    assert blue.sum() == 16**2 - 12**2 and not (red & blue).any()


def test_a_single_pixel_has_its_outline_within_another(scene):
    reference, mapped = np.full((20, 30), 1, np.uint16), np.zeros((20, 30), np.uint16)
    mapped[10, 12] = 2
    outlines = Outline(reference, 1, RED, 0), Outline(mapped, 2, BLUE, LINE)
    crop = outlined_crop(scene, (10, 12), 7, 3, outlines)
    blue = (crop == (0, 0, 255, 255)).all(axis=-1)
    assert np.argwhere(blue).tolist() == [[10, 10]]


def test_a_region_that_goes_on_beyond_the_crop_has_no_line_at_its_edge(scene):
    ids = np.full((20, 30), 2, np.uint16)
    crop = outlined_crop(scene, (10, 12), 7, 4, (Outline(ids, 2, RED, 0),))
    assert not (crop == (255, 0, 0, 255)).all(axis=-1).any()


def test_cutting_keeps_the_centre_in_the_middle(scene):
    for row, column in ((0, 0), (19, 29), (10, 0)):
        assert (cut(scene, row, column, 31)[15, 15] == scene[row, column]).all()
