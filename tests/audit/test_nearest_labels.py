"""The nearest training pixels against plain numpy."""

from __future__ import annotations

import numpy as np
import pytest

from napari_ssamamba.audit.nearest_labels import (
    nearest_in_space,
    nearest_pixels,
    spectral_angles,
)


@pytest.fixture
def labelled():
    rng = np.random.default_rng(2)
    pixels = np.argwhere(rng.random((30, 40)) < 0.1).astype(np.int32)
    return pixels, rng.normal(5, 2, (len(pixels), 12)).astype(np.float32)


def test_three_in_space_then_the_one_of_the_smallest_angle(labelled):
    pixels, spectra = labelled
    at, spectrum = (11, 17), np.linspace(3, 6, 12).astype(np.float32)
    found = nearest_pixels(at, spectrum, pixels, spectra)
    distances = np.sqrt(((pixels - at) ** 2).sum(axis=1))
    angles = [
        np.degrees(np.arccos(s @ spectrum / np.sqrt((s @ s) * (spectrum @ spectrum))))
        for s in spectra.astype(float)
    ]
    assert [n.distance for n in found[:3]] == pytest.approx(np.sort(distances)[:3].tolist())
    assert found[3].angle == pytest.approx(min(angles), abs=1e-4)
    for near in found:
        i = int(np.flatnonzero((pixels == (near.row, near.column)).all(axis=1))[0])
        assert near.distance == pytest.approx(distances[i])
        assert near.angle == pytest.approx(angles[i], abs=1e-4)
    in_space = nearest_in_space(at, pixels)
    assert {tuple(p) for p in in_space.tolist()} == {(n.row, n.column) for n in found[:3]}


def test_a_pixel_is_not_near_itself_and_none_counts_twice(labelled):
    pixels, spectra = labelled
    at = tuple(pixels[5].tolist())
    twice = nearest_pixels(at, spectra[5], np.vstack([pixels] * 2), np.vstack([spectra] * 2))
    assert at not in {(n.row, n.column) for n in twice}
    assert len({(n.row, n.column) for n in twice[:3]}) == 3
    assert all(n.distance > 0 for n in twice)


def test_where_there_are_few_or_none_fewer_are_found():
    two = np.array([[3, 4], [0, 0]], np.int32)
    found = nearest_pixels((0, 0), np.ones(5, np.float32), two, np.ones((2, 5), np.float32))
    assert [(n.row, n.column, n.distance) for n in found] == [(3, 4, 5.0)] * 2
    nothing = np.empty((0, 2), np.int32), np.empty((0, 5), np.float32)
    assert nearest_pixels((0, 0), np.ones(5, np.float32), *nothing) == ()
    assert len(nearest_in_space((0, 0), nothing[0])) == 0


def test_bands_that_are_missing_do_not_count_and_no_spectrum_has_no_angle():
    one = np.array([1, 0, np.nan, 0], np.float32)
    others = np.array([[1, 1, 7, 0], [np.nan] * 4, [0, 0, 1, 0], [2, 0, 0, 0]], np.float32)
    angles = spectral_angles(one, others)
    np.testing.assert_allclose(angles, [45, np.nan, np.nan, 0], atol=1e-6)
