"""Intervals against published figures, scipy, and the delta method done numerically."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from napari_ssamamba.audit.intervals import Z, kappa_interval, mean_interval, wilson

CONGALTON = np.array([[65, 4, 22, 24], [6, 81, 5, 8], [0, 11, 85, 19], [4, 7, 3, 90]])
"""The example matrix of Congalton and Green's book, whose κ is 0.65."""


def test_wilson_is_scipys():
    successes, n = [0, 3, 50, 7], [10, 7, 60, 7]
    for ends, k, m in zip(wilson(successes, n), successes, n, strict=True):
        expected = binomtest(k, m).proportion_ci(0.95, method="wilson")
        np.testing.assert_allclose(ends, [100 * expected.low, 100 * expected.high], atol=1e-9)
    assert np.isnan(wilson([0], [0])).all()


def test_kappa_of_the_textbook():
    """The book's variance, 0.000778, is 1 % higher: its θ4 takes the marginals crosswise."""
    interval = kappa_interval(CONGALTON)
    assert (interval.low + interval.high) / 2 == pytest.approx(65.35, abs=0.01)
    error = (interval.high - interval.low) / (2 * Z * 100)
    assert error**2 == pytest.approx(0.000778, rel=0.02)


def test_kappas_error_is_that_of_the_delta_method():
    rng = np.random.default_rng(0)
    matrix = rng.integers(0, 40, (5, 5)) + 60 * np.eye(5, dtype=int)
    p, n, step = matrix / matrix.sum(), matrix.sum(), 1e-6

    def kappa(q):
        chance = q.sum(0) @ q.sum(1)
        return (np.trace(q) - chance) / (1 - chance)

    slope = np.zeros_like(p)
    for at in np.ndindex(p.shape):
        moved = np.zeros_like(p)
        moved[at] = step
        slope[at] = (kappa(p + moved) - kappa(p - moved)) / (2 * step)
    variance = ((p * slope**2).sum() - (p * slope).sum() ** 2) / n
    interval = kappa_interval(matrix)
    assert (interval.high - interval.low) / 2 == pytest.approx(100 * Z * np.sqrt(variance))


def test_kappa_of_one_class_is_not_known():
    assert np.isnan(kappa_interval(np.array([[12]])).low)


def test_the_mean_of_one_proportion_has_its_interval():
    one = mean_interval([30, 0], [40, 0])
    np.testing.assert_allclose([one.low, one.high], wilson([30], [40])[0])


def test_the_interval_of_the_average_accuracy_covers_as_often_as_it_says():
    rng = np.random.default_rng(1)
    p, n = np.array([0.95, 0.8, 0.6]), np.array([40, 25, 60])
    drawn = (mean_interval(rng.binomial(n, p), n) for _ in range(2000))
    covered = np.mean([i.low <= 100 * p.mean() <= i.high for i in drawn])
    assert 0.93 < covered < 0.985
