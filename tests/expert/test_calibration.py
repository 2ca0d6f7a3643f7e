"""Probabilities and weights mean what they say."""

from __future__ import annotations

import numpy as np
import pytest

from napari_ssamamba.expert.calibration import (
    best_temperature,
    fit_pool,
    log_softmax,
    mean_log_loss,
    pool,
    with_floor,
)


def noisy(rng: np.random.Generator, targets: np.ndarray, strength: float) -> np.ndarray:
    """Scores that know the class so well: log-probabilities, (n, 3)."""
    scores = rng.normal(size=(len(targets), 3))
    scores[np.arange(len(targets)), targets] += strength
    return log_softmax(scores)


@pytest.fixture
def targets() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 3, 300)


def test_who_knows_nothing_gets_no_weight(targets: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    good, useless = noisy(rng, targets, 3), noisy(rng, targets, 0)
    weights = fit_pool(np.stack((useless, good)), targets)
    assert weights[0] < 0.1 * weights[1]


def test_two_who_err_independently_are_better_together(targets: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    members = np.stack((noisy(rng, targets, 1.5), noisy(rng, targets, 1.5)))
    weights = fit_pool(members, targets)
    assert (weights > 0.3).all()
    mixed = mean_log_loss(pool(weights, members), targets)
    assert mixed < min(mean_log_loss(m, targets) for m in members)


def test_few_pixels_silence_nobody() -> None:
    rng = np.random.default_rng(0)
    few = np.array([0, 1, 2])
    weights = fit_pool(np.stack((noisy(rng, few, 1), noisy(rng, few, 1.2))), few)
    assert weights.min() > 0.3


def test_a_floor_bounds_what_one_error_costs() -> None:
    sure_and_wrong = log_softmax(np.array([[1000.0, 0.0]]))
    assert mean_log_loss(with_floor(sure_and_wrong, 0.1), np.array([1])) == pytest.approx(
        -np.log(0.05)
    )
    np.testing.assert_allclose(np.exp(with_floor(sure_and_wrong, 0.1)).sum(axis=1), 1)


def test_scores_that_are_too_sure_are_cooled(targets: np.ndarray) -> None:
    scores = 10 * noisy(np.random.default_rng(0), targets, 1)
    factor, loss = best_temperature(scores, targets, np.geomspace(0.01, 1, 30), 0.003)
    assert 0.05 < factor < 0.2
    assert loss < mean_log_loss(with_floor(log_softmax(scores), 0.003), targets)
