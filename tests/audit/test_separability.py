"""Spectral angle and Jeffries-Matusita distance against the textbook."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.covariance import LedoitWolf

from napari_ssamamba.audit.separability import separability, spectral_angle
from napari_ssamamba.errors import LabelsError


def test_the_angle_is_in_degrees_and_blind_to_brightness():
    a = np.array([1.0, 0, np.nan, 2])
    assert spectral_angle(a, 3 * a) == pytest.approx(0, abs=1e-5)
    assert spectral_angle(np.array([1.0, 0]), np.array([1.0, 1])) == pytest.approx(45)
    assert np.isnan(spectral_angle(a, np.full(4, np.nan)))


def jm_by_hand(a, b):
    within = np.sqrt((len(a) * a.var(0) + len(b) * b.var(0)) / (len(a) + len(b)))
    a, b = a / within, b / within
    first, second = LedoitWolf().fit(a).covariance_, LedoitWolf().fit(b).covariance_
    mean = (first + second) / 2
    d = a.mean(0) - b.mean(0)
    bhattacharyya = d @ np.linalg.inv(mean) @ d / 8 + 0.5 * np.log(
        np.linalg.det(mean) / np.sqrt(np.linalg.det(first) * np.linalg.det(second))
    )
    return 2 * (1 - np.exp(-bhattacharyya))


def test_the_distance_is_the_textbooks_with_shrunken_covariances():
    rng = np.random.default_rng(0)
    mix = rng.normal(size=(6, 6))
    a = rng.normal(size=(80, 6)) @ mix + 0.3
    b = rng.normal(size=(50, 6)) @ mix * 1.2
    found = separability(a, b)
    assert found.jeffries_matusita == pytest.approx(jm_by_hand(a, b), rel=1e-9)
    assert found.counts == (80, 50) and found.bands == 6
    assert all(0 < s < 1 for s in found.shrinkages)


def test_it_runs_from_the_same_to_no_overlap():
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(400, 5)), rng.normal(size=(400, 5))
    same, apart = separability(a, b), separability(a, b + 20)
    assert same.jeffries_matusita < 0.1
    assert apart.jeffries_matusita == pytest.approx(2, abs=1e-6)
    one = rng.normal(size=(20_000, 1))
    known = separability(one, rng.normal(size=(20_000, 1)) + 2)
    assert known.jeffries_matusita == pytest.approx(2 * (1 - np.exp(-4 / 8)), abs=0.03)


def test_with_few_pixels_in_many_bands_the_control_shows_what_the_distance_is_worth():
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=(8, 60)), rng.normal(size=(8, 60))
    found = separability(a, b)
    assert found.jeffries_matusita == pytest.approx(found.control, abs=0.4)
    assert found.jeffries_matusita > 0.5
    apart = separability(a, b + 3)
    assert apart.jeffries_matusita > 1.9


def test_bands_and_pixels_without_values_are_left_out():
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=(40, 5)), rng.normal(size=(30, 5)) + 1
    expected = separability(a[1:, :4], b[:, :4])
    a[:, 4] = np.nan  # off
    a[0, 2] = np.nan  # a dead element
    found = separability(a, b)
    assert found.counts == (39, 30) and found.bands == 4
    assert found.jeffries_matusita == pytest.approx(expected.jeffries_matusita)


def test_what_has_no_covariance_is_refused():
    spectra = np.random.default_rng(4).normal(size=(10, 4))
    with pytest.raises(LabelsError, match="2 pixels of a class are too few"):
        separability(spectra, spectra[:2])
    with pytest.raises(LabelsError, match="No band varies"):
        separability(np.ones((5, 4)), np.zeros((5, 4)))
