"""Continuum and derivative against plain numpy."""

from __future__ import annotations

import numpy as np
import pytest

from napari_ssamamba.audit.continuum import (
    continuum,
    first_derivative,
    remove_continuum,
    view_spectra,
)
from napari_ssamamba.audit.plot_order import plot_order
from napari_ssamamba.audit.spectra import class_spectra, pixel_spectra
from napari_ssamamba.data.classes import ClassTable
from napari_ssamamba.data.cube import Cube
from napari_ssamamba.events import result_of


def hull_by_hand(x, y):
    """The highest of all lines between two values, band by band."""
    hull = y.copy()
    for i in range(x.size):
        for j in range(i + 1, x.size):
            between = (x >= x[i]) & (x <= x[j])
            line = y[i] + (y[j] - y[i]) * (x - x[i]) / (x[j] - x[i])
            hull[between] = np.maximum(hull[between], line[between])
    return hull


def test_the_continuum_is_the_convex_hull_from_above():
    rng = np.random.default_rng(1)
    x = np.sort(rng.uniform(400, 2500, 40))
    y = rng.uniform(0.1, 0.6, (25, 40)).cumsum(axis=1) * rng.uniform(0.5, 2, (25, 40))
    expected = np.stack([hull_by_hand(x, row) for row in y])
    np.testing.assert_allclose(continuum(y, x), expected, rtol=1e-12)
    quotient = remove_continuum(y, x)
    np.testing.assert_allclose(quotient, y / expected, rtol=1e-12)
    assert quotient.max() == 1 and (quotient[:, [0, -1]] == 1).all()


def test_a_single_absorption_is_as_deep_as_it_was_made():
    x = np.linspace(2000, 2400, 81)
    depth = 0.3 * np.exp(-(((x - 2200) / 20) ** 2))
    y = (0.2 + 1e-4 * x) * (1 - depth)
    np.testing.assert_allclose(remove_continuum(y[None], x)[0], 1 - depth, atol=1e-3)


def test_missing_values_have_no_quotient_and_do_not_bend_the_others():
    x = np.arange(6) * 10.0 + 400
    y = np.array([[np.nan, 2.0, 1.0, np.nan, 4.0, 4.0], [np.nan] * 6, [-1.0, -2, -1, -2, -1, -1]])
    found = remove_continuum(y, x)
    expected = [np.nan, 1, 1 / (2 + 2 / 3), np.nan, 1, 1]
    np.testing.assert_allclose(found[0], expected)
    assert np.isnan(found[1:]).all()  # without values, and below zero


def test_bands_at_the_same_wavelength_do_no_harm():
    x = np.array([400.0, 410, 410, 420, 420])
    y = np.array([[1.0, 2, 3, 1, 1]])
    assert np.isfinite(continuum(y, x)).all()
    assert (continuum(y, x) >= y).all()


def test_the_derivative_is_numpys_within_runs_of_good_bands():
    x = np.array([400.0, 410, 425, 500, 505, 900, 910])
    y = np.random.default_rng(0).normal(size=(4, 7))
    connected = np.array([True, True, False, True, False, False, False])
    found = first_derivative(y, x, connected)
    np.testing.assert_array_equal(found[:, :3], np.gradient(y[:, :3], x[:3], axis=1))
    np.testing.assert_array_equal(found[:, 3:5], np.gradient(y[:, 3:5], x[3:5], axis=1))
    assert np.isnan(found[:, 5:]).all()  # each alone between bands that are off


def test_views_keep_the_order_of_the_file_and_blank_bands_that_are_off():
    wavelengths = np.array([700.0, 500, 600, 900, 800, 1000])
    good = np.array([True, True, True, False, True, True])
    order = plot_order(wavelengths, good)
    values = np.random.default_rng(2).uniform(1, 2, (3, 6))
    for view in ("values", "continuum removed", "derivative"):
        shown = view_spectra(view, values, wavelengths, order)
        assert np.isnan(shown[:, 3]).all()
    np.testing.assert_array_equal(
        view_spectra("values", values, wavelengths, order)[:, good], values[:, good]
    )
    by_wavelength = [1, 2, 0, 4]  # 500 to 800 nm; 900 nm is off
    np.testing.assert_array_equal(
        shown[:, by_wavelength],
        np.gradient(values[:, by_wavelength], wavelengths[by_wavelength], axis=1),
    )
    assert np.isnan(shown[:, 5]).all()


@pytest.mark.parametrize("view", ["values", "continuum removed", "derivative"])
def test_averages_are_of_each_spectrum_as_it_is_shown(view):
    rng = np.random.default_rng(3)
    raw = rng.uniform(100, 900, (20, 30, 9)).astype(np.float32)
    ids = np.zeros((20, 30), np.uint16)
    ids[3:18] = 7
    good = np.ones(9, bool)
    good[4] = False
    cube = Cube("scene", raw, wavelengths=np.arange(9) * 20.0 + 500, good_bands=good)
    found = result_of(class_spectra(cube, ids, ClassTable.from_ids([7]), view=view))[7]
    spectra = raw[3:18].reshape(-1, 9).astype(float)
    shown = view_spectra(view, spectra, cube.wavelengths, plot_order(cube.wavelengths, good))
    np.testing.assert_allclose(found.mean[good], shown.mean(axis=0)[good], rtol=1e-9)
    np.testing.assert_allclose(found.deviation[good], shown.std(axis=0)[good], rtol=1e-9)
    assert found.view == view and found.n == 450
    same = result_of(pixel_spectra(cube, np.argwhere(ids == 7).astype(np.int32), view=view))
    np.testing.assert_array_equal(same.mean, found.mean)
