"""Spectra are scaled by training pixels; what is missing becomes the centre."""

from __future__ import annotations

import numpy as np
import pytest

from napari_ssamamba.data import standardise
from napari_ssamamba.data.cube import Cube
from napari_ssamamba.data.standardise import fit_mean_deviation, fit_min_max
from napari_ssamamba.events import result_of

SPECTRA = np.array([[1, 5, np.nan, 7], [3, 5, np.nan, np.nan]], np.float32)


def test_mean_and_deviation() -> None:
    standardise = fit_mean_deviation(SPECTRA)
    np.testing.assert_allclose(standardise(SPECTRA), [[-1, 0, 0, 0], [1, 0, 0, 0]])
    assert standardise(SPECTRA).dtype == np.float32
    assert "2 training pixels" in standardise.fitted_on


def test_range() -> None:
    np.testing.assert_allclose(fit_min_max(SPECTRA)(SPECTRA), [[0, 0, 0, 0], [1, 0, 0, 0]])


def test_wrong_values_of_the_sensor_are_brought_back() -> None:
    limit = standardise.LIMIT
    wrong = np.array([[5576, 5, np.inf, 7 - 1e6], [2 + limit - 0.5, 5, 0, 7]], np.float32)
    scaled = fit_mean_deviation(SPECTRA)(wrong)
    np.testing.assert_allclose(scaled, [[limit, 0, limit, -limit], [limit - 0.5, 0, 0, 0]])


def test_the_published_scaling_leaves_them() -> None:
    assert fit_min_max(SPECTRA)(np.full((1, 4), 5577, np.float32))[0, 0] == 2788


@pytest.mark.parametrize("fit", [fit_mean_deviation, fit_min_max])
def test_bands_without_spread_or_measurement_stay_finite(fit: object) -> None:
    assert callable(fit)
    values = fit(SPECTRA)(np.full((3, 4), 9, np.float32))
    assert np.isfinite(values).all()


def whole_scene() -> Cube:
    rng = np.random.default_rng(3)
    stored = rng.integers(100, 900, (37, 23, 5)).astype(np.int16)
    stored[4:9, :6] = -1
    stored[rng.random(stored.shape) < 0.05] = -1
    good = np.array([True, False, True, True, True])
    return Cube("scene", stored, good_bands=good, nodata=-1)


@pytest.mark.parametrize("ranges", [False, True])
def test_statistics_of_a_scene_in_one_pass_are_those_of_all_its_measured_pixels(
    ranges: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standardise, "BLOCK_VALUES", 200)
    cube = whole_scene()
    spectra = cube.read(slice(None), slice(None)).reshape(-1, 4)
    spectra = spectra[2 * np.isnan(spectra).sum(axis=1) <= 4]
    expected = (fit_min_max if ranges else fit_mean_deviation)(spectra)
    found = result_of(standardise.fit_to_scene(cube, ranges=ranges))
    np.testing.assert_allclose(found.center, expected.center, rtol=1e-5)
    np.testing.assert_allclose(found.spread, expected.spread, rtol=1e-5)
    assert found.limit == expected.limit
    assert f"{len(spectra)} pixels of the scene" in found.fitted_on
