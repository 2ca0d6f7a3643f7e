"""The classifiers do what scikit-learn's and SciPy's do, and hold out what they are scored on."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.gaussian_process.kernels import RBF
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LogisticRegression

from napari_ssamamba.events import result_of
from napari_ssamamba.expert.calibration import log_softmax
from napari_ssamamba.expert.discriminant import discriminants, fit_discriminant
from napari_ssamamba.expert.folds import BLOCK, by_typicality, spatial_folds
from napari_ssamamba.expert.kernel import RIDGES, fit_kernel, squared_distances
from napari_ssamamba.expert.logistic import RIDGES as LOGISTIC_RIDGES
from napari_ssamamba.expert.logistic import TEMPERATURES, fit_logistic
from napari_ssamamba.expert.quadratic import fit_quadratic, quadratic_discriminants


@pytest.fixture
def clouds() -> tuple[np.ndarray, np.ndarray]:
    """Three classes of 40 points in 6 bands, some of which overlap."""
    rng = np.random.default_rng(0)
    targets = np.repeat([0, 1, 2], 40)
    return rng.normal(size=(3, 6))[targets] * 1.5 + rng.normal(size=(120, 6)), targets


def test_discriminant_is_scikit_learns(clouds: Any) -> None:
    spectra, targets = clouds
    [fit] = discriminants(spectra, targets, 3, [0.2])
    theirs = LinearDiscriminantAnalysis(
        solver="lsqr", covariance_estimator=Shrunk(0.2)
    ).fit(spectra, targets)  # fmt: skip
    scores, expected = fit(spectra), theirs.decision_function(spectra)
    np.testing.assert_allclose(
        scores - scores[:, :1], expected - expected[:, :1], rtol=1e-8, atol=1e-8
    )


class Shrunk:
    """Shrinks each class's covariance as `discriminants` shrinks the mean of them.

    With classes of one size the mean of the shrunken covariances is the shrunken mean.
    """

    def __init__(self, b: float) -> None:
        self.b = b

    def fit(self, spectra: np.ndarray) -> Shrunk:
        s = np.cov(spectra, rowvar=False, ddof=0)
        self.covariance_ = (1 - self.b) * s + self.b * np.trace(s) / len(s) * np.eye(len(s))
        return self


def test_quadratic_discriminant_is_the_normal_distributions(clouds: Any) -> None:
    points, targets = clouds
    fit, alike = quadratic_discriminants(points, targets, 3, [0.3, 1.0])
    scores = fit(points)
    own = [points[targets == k] for k in range(3)]
    within = sum(len(c) * np.cov(c, rowvar=False, ddof=0) for c in own) / len(points)
    within += 1e-3 * np.trace(within) / 6 * np.eye(6)
    expected = np.stack(
        [
            multivariate_normal(
                c.mean(axis=0), 0.7 * np.cov(c, rowvar=False, ddof=0) + 0.3 * within
            ).logpdf(points)
            for c in own
        ],
        axis=1,
    )
    np.testing.assert_allclose(scores - scores[:, :1], expected - expected[:, :1], atol=1e-8)
    linear = alike(points)  # one covariance for all
    [same] = discriminants(points, targets, 3, [1e-3 / (1 + 1e-3)])
    expected = same(points) / (1 + 1e-3)
    np.testing.assert_allclose(linear - linear[:, :1], expected - expected[:, :1], atol=1e-8)


def test_kernel_regression_is_scikit_learns(clouds: Any) -> None:
    points, targets = clouds
    fold = np.arange(120) % 5
    fit = result_of(fit_kernel(points, targets, 3, fold, 0.01, np.random.default_rng(0))).whole
    one_hot = np.eye(3)[targets] - np.eye(3)[targets].mean(axis=0)
    gram = RBF((2 * fit.gamma) ** -0.5)(points)
    # the ridge is the one that explains the coefficients; the temperature is a factor
    predicted = gram @ fit.coefficients
    best = min(
        abs(
            predicted / np.abs(predicted).max()
            - (p := KernelRidge(alpha=ridge, kernel="precomputed").fit(gram, one_hot).predict(gram))
            / np.abs(p).max()
        ).max()
        for ridge in RIDGES
    )
    assert best < 1e-6


def test_fewer_centers_than_pixels_learn_from_all_pixels(
    clouds: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("napari_ssamamba.expert.kernel.CENTERS", 25)
    monkeypatch.setattr("napari_ssamamba.expert.kernel.SEARCHED_CENTERS", 20)
    monkeypatch.setattr("napari_ssamamba.expert.kernel.SEARCHED", 40)
    monkeypatch.setattr("napari_ssamamba.expert.kernel.AT_ONCE", 7)
    points, targets = clouds
    fold = np.arange(120) % 5
    found = result_of(fit_kernel(points, targets, 3, fold, 0.01, np.random.default_rng(0)))
    fit, held_out = found.whole, found.held_out
    assert fit.centers.shape == (25, 6)
    one_hot = np.eye(3)[targets] - np.eye(3)[targets].mean(axis=0)
    rbf = RBF((2 * fit.gamma) ** -0.5)
    seen, among = rbf(points, fit.centers), rbf(fit.centers)
    # scaled to their largest, they are the least squares of one of the ridges
    worst = [
        abs(fit.coefficients / abs(fit.coefficients).max() - c / abs(c).max()).max()
        for ridge in RIDGES
        for c in [np.linalg.solve(seen.T @ seen + ridge * among, seen.T @ one_hot)]
    ]
    assert min(worst) < 1e-5
    assert (held_out.argmax(axis=1) == targets).mean() > 0.7


@pytest.mark.parametrize("kind", ["kernel", "logistic"])
def test_labels_beyond_the_most_are_scored_but_not_learned(
    clouds: Any, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr("napari_ssamamba.expert.kernel.SEARCHED", 30)
    monkeypatch.setattr("napari_ssamamba.expert.kernel.MOST_PIXELS", 60)
    monkeypatch.setattr("napari_ssamamba.expert.logistic.MOST_PIXELS", 60)
    points, targets = clouds
    fold = np.arange(120) % 5
    changed = targets.copy()
    left_out = np.sort(np.random.default_rng(0).permutation(120)[60:])
    changed[left_out] = (changed[left_out] + 1) % 3
    fit = {"kernel": fit_kernel, "logistic": fit_logistic}[kind]

    def learn(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        found = result_of(fit(points, labels, 3, fold, 0.01, np.random.default_rng(0)))
        return found.whole.coefficients, found.held_out

    learned, held_out = learn(targets)
    np.testing.assert_array_equal(learn(changed)[0], learned)
    assert (held_out[left_out].argmax(axis=1) == targets[left_out]).mean() > 0.6


def test_distances_are_those_of_the_definition() -> None:
    a, b = np.random.default_rng(0).normal(size=(2, 5, 3))
    expected = ((a[:, None] - b) ** 2).sum(axis=-1)
    np.testing.assert_allclose(squared_distances(a, b), expected, atol=1e-12)


def test_logistic_regression_is_scikit_learns(clouds: Any) -> None:
    points, targets = clouds
    fold, rng = np.arange(120) % 5, np.random.default_rng(0)
    found = result_of(fit_logistic(points, targets, 3, fold, 0.01, rng))
    fit, held_out = found.whole, found.held_out
    near = RBF((2 * fit.gamma) ** -0.5)(points)  # each pixel is a center
    spread, axes = np.linalg.eigh(near)
    seen = axes * np.sqrt(spread.clip(0))
    # the ridge and the temperature are those that explain the log-odds
    worst = [
        abs(log_softmax(fit(points) / factor) - model.predict_log_proba(seen)).max()
        for ridge in LOGISTIC_RIDGES
        for model in [LogisticRegression(C=1 / ridge, tol=1e-8, max_iter=5000)]
        if model.fit(seen, targets) is not None
        for factor in TEMPERATURES
    ]
    assert min(worst) < 0.02
    assert (held_out.argmax(axis=1) == targets).mean() > 0.7


KINDS = pytest.mark.parametrize("kind", ["linear", "kernel", "quadratic", "logistic"])


def fit_member(kind: str, points: np.ndarray, targets: np.ndarray, fold: np.ndarray) -> Any:
    """Fit a member to points of three classes."""
    given = points, targets, 3, fold, 0.01
    if kind == "linear":
        return result_of(fit_discriminant(*given, np.eye(points.shape[1])))
    if kind == "quadratic":
        return result_of(fit_quadratic(*given))
    fit = {"kernel": fit_kernel, "logistic": fit_logistic}[kind]
    return result_of(fit(*given, np.random.default_rng(0)))


@KINDS
def test_held_out_scores_do_not_know_their_own_label(clouds: Any, kind: str) -> None:
    targets = np.random.default_rng(3).integers(0, 3, 120)  # nothing to learn
    found = fit_member(kind, clouds[0], targets, np.arange(120) % 5)
    assert (found.held_out.argmax(axis=1) == targets).mean() < 0.5


@KINDS
def test_each_fold_is_scored_by_the_member_that_did_not_learn_it(clouds: Any, kind: str) -> None:
    points, targets = clouds
    fold = np.arange(120) % 5
    found = fit_member(kind, points, targets, fold)
    assert sorted(found.without) == [0, 1, 2, 3, 4]
    for number, member in found.without.items():
        own = fold == number
        said = member(points)
        np.testing.assert_allclose(said[own], found.held_out[own], rtol=1e-3, atol=1e-4)
        assert abs(said - found.whole(points)).max() > 1e-3  # which learned the fold, too
        swapped = np.where(own, (targets + 1) % 3, targets)  # labels of the fold alone
        other = fit_member(kind, points, swapped, fold)
        of_truth = other.without[number](points)[own].argmax(axis=1) == targets[own]
        assert of_truth.mean() > 0.6


def test_neighbours_are_held_out_together() -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 60, size=(300, 2)).astype(np.int32)
    targets = rng.integers(0, 4, 300)
    fold = spatial_folds(pixels, targets, 5, 0)
    squares = pixels // BLOCK
    for square in np.unique(squares, axis=0):
        assert len(np.unique(fold[(squares == square).all(axis=1)])) == 1
    for c in range(4):
        shares = np.bincount(fold[targets == c], minlength=5) / (targets == c).sum()
        assert shares.min() > 0.08 and shares.max() < 0.35


def test_the_typical_fold_has_its_part_of_each_class() -> None:
    targets = np.repeat([0, 1, 3], [40, 20, 8])
    fold = np.concatenate((np.arange(40) % 4, np.arange(20) % 4, np.repeat([0, 1, 3, 3], 2)))
    fold[:5] = 1  # the second one has most labels, the third lacks a class
    found = by_typicality(fold, targets)
    assert found[0] == 0 and sorted(found) == [0, 1, 2, 3]
    assert by_typicality((fold + 3) % 4, targets)[0] == 3


def test_a_class_of_one_stroke_is_divided_all_the_same() -> None:
    pixels = np.array([[r, c] for r in range(6) for c in range(2)] + [[40, c] for c in range(60)])
    targets = np.array([0] * 12 + [1] * 60)
    fold = spatial_folds(pixels.astype(np.int32), targets, 3, 0)
    assert set(fold[targets == 0]) == {0, 1, 2}
