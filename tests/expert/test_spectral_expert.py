"""The expert follows the scene, and neither tiles nor the size of the scene show."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from sklearn.gaussian_process.kernels import RBF

from napari_ssamamba.data.cube import Cube
from napari_ssamamba.data.patches import read_spectra
from napari_ssamamba.data.standardise import fit_mean_deviation
from napari_ssamamba.data.tiles import Window, read_tile, tile_grid
from napari_ssamamba.events import result_of
from napari_ssamamba.expert.calibration import PRIOR_PIXELS, fit_pool
from napari_ssamamba.expert.choosing import Fitted
from napari_ssamamba.expert.discriminant import fit_discriminant
from napari_ssamamba.expert.fit import EXPECTED, WORTH, _weigh, fit_expert
from napari_ssamamba.expert.shares import shift_of_shares
from napari_ssamamba.expert.spectral_expert import KINDS
from napari_ssamamba.expert.surroundings import (
    RADIUS,
    SIGMA,
    average_around,
    average_block,
    read_with_surroundings,
)


def scene(*, fields: bool) -> tuple[Cube, np.ndarray]:
    """48 × 48 pixels of two classes: large fields of noisy spectra, or clear single pixels."""
    rng = np.random.default_rng(0)
    rows, columns = np.indices((48, 48))
    truth = ((rows // 16 + columns // 16) % 2) if fields else rng.integers(0, 2, (48, 48))
    noise = 2.5 if fields else 0.3
    means = rng.normal(size=(2, 8))
    values = means[truth] + rng.normal(0, noise, size=(48, 48, 8))
    values[5, 7] = np.nan
    return Cube("scene", values.astype(np.float32)), truth


def fitting(cube: Cube, truth: np.ndarray, n: int = 60, seed: int = 0) -> tuple[Any, Any]:
    """Return the generator that fits the expert to n pixels, and their standardiser."""
    pixels = np.random.default_rng(seed).permutation(np.argwhere(truth >= 0))
    pixels = pixels[(pixels != (5, 7)).any(axis=1)][:n].astype(np.int32)
    standardiser = fit_mean_deviation(read_spectra(cube, pixels))
    targets = truth[tuple(pixels.T)].astype(np.int64)
    return fit_expert(cube, pixels, targets, 2, standardiser, seed), standardiser


def fitted(cube: Cube, truth: np.ndarray, n: int = 60, seed: int = 0) -> tuple[Any, Any]:
    work, standardiser = fitting(cube, truth, n, seed)
    return result_of(work), standardiser


def classify(cube: Cube, expert: Any, standardiser: Any, tile_size: int) -> np.ndarray:
    found = np.full((cube.rows, cube.columns, 2), np.nan)
    for place in tile_grid(Window(0, cube.rows, 0, cube.columns), tile_size):
        tile = read_tile(cube, place, expert.margin, standardiser)
        found[place.rows, place.columns][tile.measured] = result_of(expert.classify(tile))
    return found


def test_slopes_follow_the_wavelengths_not_the_file() -> None:
    """Bands of EnMAP's two spectrometers overlap, so that a file holds them in another order."""
    cube, truth = scene(fields=False)
    raw = np.asarray(cube.raw).cumsum(axis=2)
    shuffled = np.random.default_rng(3).permutation(cube.bands)
    wavelengths = np.linspace(400, 900, cube.bands)
    plain = Cube("as it is", raw, wavelengths=wavelengths)
    mixed = Cube("mixed up", raw[:, :, shuffled], wavelengths=wavelengths[shuffled])
    one, other = (fitted(some, truth)[0].expert.components for some in (plain, mixed))
    spectra = np.random.default_rng(4).normal(size=(5, cube.bands))
    found = one(spectra)
    assert found.shape[1] == 8 + 3  # of eight bands, and of what lies five apart
    np.testing.assert_allclose(
        np.abs(other(spectra[:, shuffled])), np.abs(found), rtol=1e-3, atol=1e-3
    )


def test_surroundings_are_looked_at_in_fields_alone() -> None:
    for fields in (True, False):
        cube, truth = scene(fields=fields)
        fit, standardiser = fitted(cube, truth)
        assert fit.expert.sees_surroundings == fields
        assert (fit.expert.context > 0.5) == fields
        before = classify(cube, fit.expert, standardiser, 48)[20, 20]
        raw = np.array(cube.raw)
        raw[20, 21] += 5
        after = classify(Cube("changed beside", raw), fit.expert, standardiser, 48)[20, 20]
        assert (after != before).any() == fields


@pytest.mark.parametrize("fields", [True, False])
def test_four_classifiers_are_expected_alike_as_far_as_labels_say_nothing_else(
    monkeypatch: pytest.MonkeyPatch, fields: bool
) -> None:
    """In fields the linear one of either view, and the surroundings' regressions."""
    of_its_own = [EXPECTED] * 4
    in_fields = [EXPECTED, 0, 0, 0, EXPECTED, 0, EXPECTED, EXPECTED]  # in the order of `KINDS`
    asked = []

    def surely(members: np.ndarray, targets: np.ndarray, **prior: Any) -> np.ndarray:
        asked.append(prior["prior_pixels"])
        return fit_pool(members, targets, **(prior | {"prior_pixels": 1e9}))

    monkeypatch.setattr("napari_ssamamba.expert.fit.fit_pool", surely)
    monkeypatch.setattr("napari_ssamamba.expert.fit.CLEARLY_LESS", 0.4 if fields else 0.6)
    weights = fitted(*scene(fields=fields))[0].expert.weights
    assert weights == pytest.approx(in_fields if fields else of_its_own, abs=1e-3)
    assert asked == [PRIOR_PIXELS, PRIOR_PIXELS if fields else WORTH]


def test_the_discriminant_is_given_the_scenes_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def look(differences: np.ndarray) -> np.ndarray:
        seen.append(differences)
        return np.eye(8) * 2

    monkeypatch.setattr("napari_ssamamba.expert.fit.noise_whitening", look)
    given = []

    def fit(*inputs: Any) -> Any:
        given.append(inputs[-1])
        return fit_discriminant(*inputs)

    monkeypatch.setattr("napari_ssamamba.expert.fit.fit_discriminant", fit)
    _, standardiser = fitted(*scene(fields=True))
    [differences] = seen
    assert 5000 < len(differences) <= 64 * 2 * 8 * 7
    np.testing.assert_allclose(
        differences.std(axis=0), 2.5 * 2**0.5 / standardiser.spread, rtol=0.15
    )
    assert len(given) == 2 and all((whitening == np.eye(8) * 2).all() for whitening in given)


def test_surroundings_that_are_left_out_get_no_more_classifiers() -> None:
    for fields in (True, False):
        work, _ = fitting(*scene(fields=fields))
        told = [event for event in work if event.text == "Fitting the spectral expert"]
        first, last = told[0], told[-1]
        assert (first.done, first.total) == (0, 8)
        assert (last.done, last.total) == ((7, 8) if fields else (3, 4))


def test_an_expert_without_surroundings_pools_its_own_classifiers_alone() -> None:
    cube, truth = scene(fields=False)
    fit, standardiser = fitted(cube, truth)
    expert = fit.expert
    assert expert.weights.shape == (4,) and expert.margin == 0
    spectra = read_spectra(cube, np.array([[3, 3], [40, 9]], np.int32))
    values = standardiser(spectra).astype(np.float64)
    pooled = np.zeros((2, 2))
    points = expert.components(values)
    [own] = expert.views
    kernel, logistic = own.regressions
    scores = [own.linear(values), own.quadratic(points)]
    for regression, seen in ((kernel, points[:, :8]), (logistic, points)):
        near = RBF((2 * regression.gamma) ** -0.5)(seen, regression.centers)
        scores.append(near @ regression.coefficients + regression.bias)
    for weight, score in zip(expert.weights, scores, strict=True):
        share = np.exp(score) / np.exp(score).sum(axis=1, keepdims=True)
        pooled += weight * np.log((1 - expert.floor) * share + expert.floor / 2)
    expected = np.exp(pooled + expert.shift)
    expected /= expected.sum(axis=1, keepdims=True)
    found = np.exp(classify(cube, expert, standardiser, 48))
    np.testing.assert_allclose([found[3, 3], found[40, 9]], expected, rtol=1e-5)


def test_many_labels_outweigh_what_is_expected_of_classifiers_and_few_do_not() -> None:
    shares = []
    for n in (8, 2000):
        truth = np.arange(n) % 3
        useful, useless = np.where(np.eye(3)[truth] > 0, 1.0, 0.0), np.zeros((n, 3))
        fits: Any = {
            kind: [Fitted(None, {}, useful if kind == "kernel" else useless)] for kind in KINDS
        }
        weights, mixed = _weigh(fits, truth, 0.0, np.full(4, EXPECTED), WORTH)
        assert (mixed.argmax(axis=1) == truth).all()
        weight = dict(zip(KINDS, weights, strict=True))
        shares.append(weight["kernel"] / EXPECTED)
    assert 1.0 < shares[0] < 1.5
    assert shares[1] > 2


def test_few_equal_labels_do_not_make_classes_equally_large() -> None:
    """Nine tenths of the scene is one class; the labels are drawn alike."""
    rng = np.random.default_rng(0)
    truth = (rng.random((48, 48)) < 0.1).astype(int)
    values = rng.normal(size=(2, 8))[truth] + rng.normal(0, 1.6, (48, 48, 8))
    cube = Cube("unequal", values.astype(np.float32))
    pixels = np.concatenate([rng.permutation(np.argwhere(truth == k))[:20] for k in (0, 1)])
    standardiser = fit_mean_deviation(read_spectra(cube, pixels))
    targets = truth[tuple(pixels.T)]
    fit = result_of(fit_expert(cube, pixels.astype(np.int32), targets, 2, standardiser, 0))
    plain = replace(fit.expert, shift=np.zeros(2))
    mapped = classify(cube, fit.expert, standardiser, 48)
    as_labelled = classify(cube, plain, standardiser, 48)
    assert fit.expert.shift[0] > 0 > fit.expert.shift[1]
    assert (as_labelled.argmax(-1) == 1).mean() > 0.2  # twice too many
    assert (mapped.argmax(-1) == truth).mean() > (as_labelled.argmax(-1) == truth).mean() + 0.015
    # the shift comes from a sample of the scene: about the shares of its whole map
    shares = np.exp(as_labelled).reshape(-1, 2).mean(axis=0)
    np.testing.assert_allclose(
        fit.expert.shift, shift_of_shares(np.array([20, 20]), shares), atol=0.1
    )


def test_held_out_score_is_what_the_map_reaches() -> None:
    cube, truth = scene(fields=True)
    fit, standardiser = fitted(cube, truth, n=200)
    found = classify(cube, fit.expert, standardiser, 48).argmax(axis=-1)
    measured = np.isfinite(cube.raw[..., 0])
    reached = (found == truth)[measured].mean()
    pixels = np.random.default_rng(0).permutation(np.argwhere(truth >= 0))
    pixels = pixels[(pixels != (5, 7)).any(axis=1)][:200]
    held_out = (fit.held_out.argmax(axis=1) == truth[tuple(pixels.T)]).mean()
    assert reached > 0.85
    assert held_out == pytest.approx(reached, abs=0.08)


@pytest.mark.parametrize("fields", [True, False])
def test_tiles_do_not_show(*, fields: bool) -> None:
    cube, truth = scene(fields=fields)
    fit, standardiser = fitted(cube, truth)
    whole = classify(cube, fit.expert, standardiser, 48)
    assert np.isnan(whole[5, 7]).all()
    for size in (7, 16):
        np.testing.assert_allclose(classify(cube, fit.expert, standardiser, size), whole, atol=1e-5)


def test_surroundings_are_the_weighted_mean_of_measured_pixels() -> None:
    rng = np.random.default_rng(0)
    block = rng.normal(size=(2 * RADIUS + 4, 2 * RADIUS + 3, 2)).astype(np.float32)
    block[3, 3] = 0  # not measured
    distance = np.arange(-RADIUS, RADIUS + 1)
    kernel = np.exp(-0.5 * (distance / SIGMA) ** 2)
    weights = np.outer(kernel, kernel)
    side = 2 * RADIUS + 1
    windows = sliding_window_view(block, (side, side), axis=(0, 1))  # (4, 3, 2, side, side)
    measured = sliding_window_view(block.any(axis=-1), (side, side)) * weights
    expected = (windows * measured[:, :, None]).sum((-1, -2)) / measured.sum((-1, -2))[..., None]
    np.testing.assert_allclose(average_block(block, RADIUS), expected, atol=1e-5)
    for share in (0.02, 0.5):  # each of the two ways
        wanted = rng.random(expected.shape[:2]) < share
        wanted[0, -1] = True
        around = average_around(block, RADIUS, wanted)
        np.testing.assert_allclose(around, expected[wanted], atol=1e-5)


def test_training_pixels_see_the_surroundings_that_tiles_see() -> None:
    cube, _ = scene(fields=True)
    pixels = np.array([[0, 0], [5, 8], [47, 20], [24, 24]], np.int32)
    standardiser = fit_mean_deviation(read_spectra(cube, pixels))
    own, around = result_of(read_with_surroundings(cube, pixels, standardiser))
    tile = read_tile(cube, Window(0, 48, 0, 48), RADIUS, standardiser)
    at = tuple(pixels.T)
    averaged = average_block(tile.block, RADIUS)
    np.testing.assert_allclose(around, averaged[at], atol=1e-5)
    np.testing.assert_allclose(own, tile.block[RADIUS:-RADIUS, RADIUS:-RADIUS][at], atol=1e-6)


def test_the_same_seed_gives_the_same_expert() -> None:
    cube, truth = scene(fields=True)
    one, _ = fitted(cube, truth)
    other, _ = fitted(cube, truth)
    np.testing.assert_array_equal(one.expert.weights, other.expert.weights)
    np.testing.assert_array_equal(one.held_out, other.held_out)


def test_one_noiseless_spectrum_a_class_is_enough() -> None:
    raw = np.zeros((20, 20, 4), np.float32)
    raw[:, 10:] = 1.0
    pixels = np.array([[0, 0], [9, 9], [0, 19], [9, 12]], np.int32)
    cube = Cube("two", raw + np.float32(1))
    standardiser = fit_mean_deviation(read_spectra(cube, pixels))
    targets = np.array([0, 0, 1, 1])
    fit = result_of(fit_expert(cube, pixels, targets, 2, standardiser, 0))
    found = classify(cube, fit.expert, standardiser, 20).argmax(axis=-1)
    assert (found[:, :8] == 0).all() and (found[:, 12:] == 1).all()
