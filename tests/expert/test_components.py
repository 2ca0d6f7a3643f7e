"""Components of spectra and of their slopes."""

from __future__ import annotations

import numpy as np
import pytest

from napari_ssamamba.expert.components import (
    APART,
    COMPONENTS,
    WHITENING,
    principal_components,
    slope_components,
)


def spectra(bands: int) -> np.ndarray:
    """Return spectra whose neighbouring bands are alike."""
    return np.random.default_rng(0).normal(size=(300, bands)).cumsum(axis=1)


def test_components_are_uncorrelated_and_partly_whitened() -> None:
    sample = spectra(40)
    points = principal_components(sample)(sample)
    variances = np.linalg.eigvalsh(np.cov(sample.T, bias=True))[::-1][:COMPONENTS]
    np.testing.assert_allclose(points.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(
        np.cov(points.T, bias=True), np.diag(variances ** (1 - 2 * WHITENING)), atol=1e-6
    )


def test_slopes_are_blind_to_what_all_bands_share_and_follow_the_spectrum() -> None:
    sample, order = spectra(40), np.random.default_rng(1).permutation(40)
    brighter = sample + np.linspace(-3, 3, len(sample))[:, None]
    along = slope_components(sample, np.arange(40))
    np.testing.assert_allclose(along(brighter), along(sample), atol=1e-9)
    assert np.abs(principal_components(sample)(brighter - sample)).max() > 1

    mixed = np.empty_like(sample)
    mixed[:, order] = sample  # the file holds them in another order
    np.testing.assert_allclose(
        np.abs(slope_components(mixed, order)(mixed)), np.abs(along(sample)), atol=1e-6
    )
    differences = sample[:, APART:] - sample[:, :-APART]
    expected = principal_components(differences / differences.std(axis=0))
    found = expected(differences / differences.std(axis=0))
    np.testing.assert_allclose(np.abs(along(sample)), np.abs(found), atol=1e-6)


@pytest.mark.parametrize("bands", [1, 2, APART])
def test_few_bands_have_slopes_all_the_same(bands: int) -> None:
    sample = spectra(bands)
    found = slope_components(sample, np.arange(bands))(sample)
    assert found.shape == (300, 1) and np.isfinite(found).all()
    assert found.std() > 0.1


def test_bands_that_never_differ_say_nothing() -> None:
    sample = np.repeat(spectra(1), 12, axis=1)
    found = slope_components(sample, np.arange(12))(sample)
    np.testing.assert_allclose(found, 0, atol=1e-9)
