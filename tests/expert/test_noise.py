"""The noise that neighbours show, and what the discriminant analysis makes of it."""

from __future__ import annotations

import numpy as np
import pytest

from napari_ssamamba.events import result_of
from napari_ssamamba.expert.discriminant import discriminants, fit_discriminant
from napari_ssamamba.expert.noise import EVENLY, neighbour_differences, noise_whitening


def test_differences_are_those_of_neighbours_that_were_both_measured() -> None:
    values = np.array([[[1.0], [4.0]], [[16.0], [0.0]]], np.float32)
    measured = np.array([[True, True], [True, False]])
    assert sorted(neighbour_differences(values, measured)[:, 0]) == [3, 15]
    assert neighbour_differences(values, np.zeros((2, 2), bool)).shape == (0, 1)


def test_whitening_makes_noise_alike_in_all_directions() -> None:
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(5, 5))
    noise = rng.normal(size=(20_000, 5)) @ mixing
    whitening = noise_whitening(noise.astype(np.float32))
    np.testing.assert_allclose(whitening, whitening.T)
    # what noise is left, beside what was added: the same in all directions
    alike = noise[(noise**2).sum(axis=1) <= np.median((noise**2).sum(axis=1))]
    covariance = alike.T @ alike / len(alike)
    even = covariance / covariance.trace() * 5 + EVENLY * np.eye(5)
    np.testing.assert_allclose(whitening @ even @ whitening, np.eye(5), atol=1e-5)


def test_pairs_across_borders_do_not_count() -> None:
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(1000, 4)) * (1, 2, 3, 4)
    borders = np.zeros((400, 4))
    borders[:, 0] = 100
    within = noise_whitening(noise.astype(np.float32))
    both = noise_whitening(np.concatenate((noise, borders)).astype(np.float32))
    scale = np.trace(both) / np.trace(within)
    np.testing.assert_allclose(both / scale, within, atol=0.25)


@pytest.mark.parametrize("pairs", [0, 7])
def test_without_noise_bands_stay_as_they_are(pairs: int) -> None:
    np.testing.assert_array_equal(noise_whitening(np.zeros((pairs, 3), np.float32)), np.eye(3))


def test_discriminant_reads_bands_as_given() -> None:
    rng = np.random.default_rng(1)
    spectra, targets, fold = rng.normal(size=(12, 8)), np.arange(12) % 3, np.arange(12) % 4
    whitening = noise_whitening((rng.normal(size=(50, 8)) / np.arange(1, 9)).astype(np.float32))
    found = result_of(fit_discriminant(spectra, targets, 3, fold, 0.01, whitening))
    for number, scores in found.without.items():
        out = fold == number
        np.testing.assert_allclose(scores(spectra[out]), found.held_out[out], atol=1e-9)
    [fit] = discriminants(spectra @ whitening, targets, 3, [0.1])
    np.testing.assert_allclose(fit.after(whitening)(spectra), fit(spectra @ whitening))


def test_few_labels_tell_classes_apart_where_neighbours_show_the_noise() -> None:
    rng = np.random.default_rng(1)
    right, right_plain = [], []
    for _ in range(10):
        noise = rng.normal(size=(20, 20)) / np.arange(1, 21)  # loud and quiet directions
        means = rng.normal(size=(3, 20)) * 0.15
        targets, others = np.repeat([0, 1, 2], 4), rng.integers(0, 3, 500)  # fewer than bands
        spectra, unseen = (
            means[k] + rng.normal(size=(len(k), 20)) @ noise for k in (targets, others)
        )
        pairs = (rng.normal(size=(5000, 20)) @ noise).astype(np.float32)
        for whitening, found in ((noise_whitening(pairs), right), (np.eye(20), right_plain)):
            work = fit_discriminant(spectra, targets, 3, np.arange(12) % 4, 0.01, whitening)
            found.append((result_of(work).whole(unseen).argmax(axis=1) == others).mean())
    assert np.mean(right) > np.mean(right_plain) + 0.2
