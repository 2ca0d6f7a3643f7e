"""Spectra are scaled by training pixels; what is missing becomes the centre."""

from __future__ import annotations

import numpy as np
import pytest

from napari_ssamamba.data.standardise import fit_mean_deviation, fit_min_max

SPECTRA = np.array([[1, 5, np.nan, 7], [3, 5, np.nan, np.nan]], np.float32)


def test_mean_and_deviation() -> None:
    standardise = fit_mean_deviation(SPECTRA)
    np.testing.assert_allclose(standardise(SPECTRA), [[-1, 0, 0, 0], [1, 0, 0, 0]])
    assert standardise(SPECTRA).dtype == np.float32
    assert "2 training pixels" in standardise.fitted_on


def test_range() -> None:
    np.testing.assert_allclose(fit_min_max(SPECTRA)(SPECTRA), [[0, 0, 0, 0], [1, 0, 0, 0]])


@pytest.mark.parametrize("fit", [fit_mean_deviation, fit_min_max])
def test_bands_without_spread_or_measurement_stay_finite(fit: object) -> None:
    assert callable(fit)
    values = fit(SPECTRA)(np.full((3, 4), 9, np.float32))
    assert np.isfinite(values).all()
