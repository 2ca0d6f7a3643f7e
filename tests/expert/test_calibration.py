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
    root_weights,
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


def test_the_prior_counts_as_so_many_pixels(targets: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    members = np.stack((noisy(rng, targets, 2), noisy(rng, targets, 1)))
    expected = np.array([0.0, 1.0])
    weights = [
        fit_pool(members, targets, expected=expected, prior_pixels=pixels)[0]
        for pixels in (0.0, 30.0, 300.0, 1e6)
    ]
    assert weights == sorted(weights, reverse=True)
    assert weights[0] == pytest.approx(fit_pool(members, targets)[0], abs=0.02)
    assert weights[-1] == pytest.approx(0, abs=1e-3)


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


def test_the_temperature_is_that_of_the_least_loss(targets: np.ndarray) -> None:
    scores = np.asfortranarray(4 * noisy(np.random.default_rng(2), targets, 1))
    factors, before = np.geomspace(0.05, 2, 12), scores.copy()
    losses = [mean_log_loss(with_floor(log_softmax(scores * f), 0.05), targets) for f in factors]
    factor, loss = best_temperature(scores, targets, factors, 0.05)
    assert factor == factors[np.argmin(losses)]
    assert loss == pytest.approx(min(losses), rel=1e-12)
    np.testing.assert_array_equal(scores, before)


def test_classes_count_as_the_root_of_their_pixels() -> None:
    targets = np.array([0] * 16 + [2] * 4)
    counts = root_weights(targets)
    assert counts.mean() == pytest.approx(1)
    assert counts[targets == 0].sum() / counts[targets == 2].sum() == pytest.approx(4 / 2)
    np.testing.assert_allclose(root_weights(np.repeat([0, 1, 2], 5)), 1)


def test_a_member_that_knows_rare_classes_is_heard_when_these_count_more() -> None:
    rng = np.random.default_rng(0)
    targets = np.repeat([0, 1], [380, 20])
    of_many = np.where(np.eye(2, dtype=bool)[targets], 0.9, 0.1)
    of_many[targets == 1] = (0.9, 0.1)  # never finds the rare class
    of_rare = rng.dirichlet((2, 2), len(targets))
    of_rare[targets == 1] = (0.1, 0.9)
    members = np.log(np.stack((of_many, of_rare)))
    alike = fit_pool(members, targets)
    rooted = fit_pool(members, targets, root_weights(targets))
    assert rooted[1] / rooted.sum() > alike[1] / alike.sum() + 0.05
    by_hand = np.repeat(np.arange(400), np.where(targets == 1, 4, 1))  # the rare ones four times
    weights = np.where(targets == 1, 4.0, 1.0)
    scaled = fit_pool(members, targets, weights / weights.mean())
    repeated = fit_pool(members[:, by_hand], targets[by_hand])
    np.testing.assert_allclose(scaled, repeated, atol=0.02)  # but for the prior
