"""What lies around a pixel supports its class as far as held-out labels are right by it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_ssamamba.data.cube import Cube
from napari_ssamamba.data.patches import read_spectra
from napari_ssamamba.data.standardise import fit_mean_deviation
from napari_ssamamba.data.tiles import Window, read_tile
from napari_ssamamba.events import result_of
from napari_ssamamba.expert.asking import ask
from napari_ssamamba.expert.fit import fit_expert
from napari_ssamamba.expert.spectral_expert import KINDS
from napari_ssamamba.expert.support import (
    CELL,
    CELLS,
    EXPECTED,
    choose_weight,
    lack_of_support,
    log_support,
    usual_support,
)
from napari_ssamamba.expert.surroundings import read_with_surroundings

if TYPE_CHECKING:
    from numpy.typing import NDArray

A, B = np.array([0.99, 0.01]), np.array([0.01, 0.99])
ODDS = np.array([0.7, 0.3])
"""Of a pixel that is A, say its spectrum."""


def around(own: NDArray[Any], of_a: NDArray[np.bool_]) -> NDArray[Any]:
    """Probabilities in 5 × 5 cells, of which A lies in some, and B in the others."""
    said = np.array([A if of_a[tuple(step + 2)] else B for step in CELLS])
    said[0] = own
    return said[None]


ROWS, COLUMNS = np.indices((5, 5)) - 2


def supported(said: NDArray[Any], known: NDArray[Any] | None = None) -> NDArray[Any]:
    measured = np.ones(said.shape[:2], bool) if known is None else known
    odds = said[:, 0] * np.exp(2 * log_support(said, measured))
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))[0]


def test_corners_and_borders_of_fields_stay_and_what_is_narrow_yields() -> None:
    corner, border = (ROWS >= 0) & (COLUMNS >= 0), COLUMNS >= 0
    assert supported(around(ODDS, corner))[0] > 0.7 and supported(around(ODDS, border))[0] > 0.7
    for line in (ROWS == 0, COLUMNS == 0, ROWS == COLUMNS, 2 * ROWS == COLUMNS):
        assert supported(around(ODDS, ROWS > 9))[0] < supported(around(ODDS, line))[0] < 0.5


def test_what_was_not_measured_says_nothing() -> None:
    known = np.zeros((1, 25), bool)
    known[0, 0] = True
    expected = ODDS * (ODDS + 1e-3) ** 2
    found = supported(around(ODDS, COLUMNS > 9), known)
    np.testing.assert_allclose(found, expected / expected.sum())


@pytest.mark.parametrize("wide", [True, False])
def test_held_out_labels_say_how_much_it_counts(*, wide: bool) -> None:
    """Labels of A, of which the spectra are not sure: in a field of it, or along a line."""
    place = around(ODDS, COLUMNS >= 0 if wide else COLUMNS == 0)
    lack = np.repeat(log_support(place, np.ones((1, 25), bool)), 60, axis=0)
    held_out, targets = np.log(np.tile(ODDS, (60, 1))), np.zeros(60, int)
    chosen = choose_weight(held_out, lack, targets)
    assert chosen > EXPECTED if wide else chosen <= 0.5
    alike = np.zeros((60, 2))
    assert choose_weight(alike, alike, targets) == EXPECTED


def test_a_class_lacks_support_where_it_has_less_than_at_its_labels() -> None:
    support = np.log([[0.9, 0.1], [0.9, 0.1], [0.5, 0.2], [0.7, 0.6]])
    usual = usual_support(support, np.array([0, 0, 0, 1]))
    mean, deviation = np.log([0.9, 0.9, 0.5]).mean(), np.log([0.9, 0.9, 0.5]).std()
    np.testing.assert_allclose(usual, [mean - 2 * deviation, np.log(0.6)])
    found = lack_of_support(np.log([[0.8, 0.5], [0.2, 0.9]]), usual)
    expected = [[0, np.log(0.5 / 0.6)], [np.log(0.2) - mean + 2 * deviation, 0]]
    np.testing.assert_allclose(found, expected, atol=1e-12)
    assert usual_support(support, np.zeros(4, int))[1] == 0


@pytest.fixture(scope="module")
def fields() -> tuple[Cube, NDArray[Any]]:
    """48 × 48 pixels: fields of 16 × 16 of two classes, and a corner without measurements."""
    rng = np.random.default_rng(0)
    rows, columns = np.indices((48, 48))
    truth = (rows // 16 + columns // 16) % 2
    values = rng.normal(size=(2, 8))[truth] + rng.normal(0, 2.5, (48, 48, 8))
    values[:9, 40:] = np.nan
    return Cube("fields", values.astype(np.float32)), truth


def fitted(cube: Cube, truth: NDArray[Any]) -> tuple[Any, Any]:
    measured = np.isfinite(np.asarray(cube.raw)).all(axis=-1)
    pixels = np.random.default_rng(0).permutation(np.argwhere(measured))[:60].astype(np.int32)
    scale = fit_mean_deviation(read_spectra(cube, pixels))
    targets = truth[tuple(pixels.T)].astype(np.int64)
    return result_of(fit_expert(cube, pixels, targets, 2, scale, 0)), scale


def test_an_expert_in_fields_counts_it_and_one_of_single_pixels_does_not(fields: Any) -> None:
    fit, _ = fitted(*fields)
    assert fit.expert.sees_surroundings and fit.expert.support >= 1
    for one in fit.without.values():
        assert one.support == fit.expert.support and (one.usual == fit.expert.usual).all()
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 2, (48, 48))
    values = rng.normal(size=(2, 8))[truth] + rng.normal(0, 0.6, (48, 48, 8))
    fit, _ = fitted(Cube("single pixels", values.astype(np.float32)), truth)
    assert fit.expert.support == 0 and fit.expert.margin == 0


def test_an_edge_between_fields_that_looks_like_another_field_is_not_mapped_as_one() -> None:
    rng = np.random.default_rng(2)
    rows, columns = np.indices((48, 48))
    below = rows - columns / 2 - 12  # a slanted border
    looks = np.where(columns > 40, 2, (below > 0).astype(int))
    means, edge = rng.normal(size=(3, 8)), (np.abs(below) < 1) & (columns < 32)
    values = means[looks]
    values[edge] = 0.4 * values[edge] + 0.6 * means[2]
    cube = Cube("edge", (values + rng.normal(0, 0.4, (48, 48, 8))).astype(np.float32))
    inside = [(np.abs(below) > 6) & (looks == number) for number in (0, 1)] + [looks == 2]
    labelled = np.concatenate([rng.permutation(np.argwhere(mask))[:8] for mask in inside])
    scale = fit_mean_deviation(read_spectra(cube, labelled))
    targets = np.repeat(np.arange(3), 8)
    fit = result_of(fit_expert(cube, labelled.astype(np.int32), targets, 3, scale, 0))
    views, weights = fit.expert.views[:1], fit.expert.weights[: len(KINDS)]
    everywhere = np.argwhere(looks >= 0).astype(np.int32)
    maps = []
    for support in (0.0, 2.0):
        expert = replace(fit.expert, views=views, weights=weights, support=support)
        said = result_of(ask(cube, everywhere, scale, expert))
        maps.append(said.argmax(axis=1).reshape(48, 48))
    wrong = [(found[edge] == 2).mean() for found in maps]
    right = [(found[~edge] == looks[~edge]).mean() for found in maps]
    assert wrong[0] > 0.5 and wrong[1] < 0.1
    assert right[1] >= right[0] - 0.005


@pytest.mark.parametrize("noise", [0.3, 1.0])
def test_a_narrow_class_that_is_labelled_stays(
    monkeypatch: pytest.MonkeyPatch, noise: float
) -> None:
    monkeypatch.setattr("napari_ssamamba.expert.fit.CLEARLY_LESS", 0.0)
    rng = np.random.default_rng(4)
    rows, columns = np.indices((64, 64))
    truth = np.where(rows < 32, 0, 1)
    truth[(rows + columns // 2) % 21 == 0] = 2  # tracks, a pixel wide
    values = 2 * rng.normal(size=(3, 8))[truth] + rng.normal(0, noise, (64, 64, 8))
    cube = Cube("tracks", values.astype(np.float32))
    labelled = np.concatenate([rng.permutation(np.argwhere(truth == k))[:5] for k in range(3)])
    scale = fit_mean_deviation(read_spectra(cube, labelled))
    targets = np.repeat(np.arange(3), 5)
    fit = result_of(fit_expert(cube, labelled.astype(np.int32), targets, 3, scale, 0))
    tracks, right = np.argwhere(truth == 2).astype(np.int32), []
    for support in (0.0, fit.expert.support):
        said = result_of(ask(cube, tracks, scale, replace(fit.expert, support=support)))
        right.append((said.argmax(axis=1) == 2).mean())
    assert fit.expert.support > 1 and right[1] > 0.97 * right[0] > 0.9


@pytest.mark.parametrize("of_own", [True, False])
def test_tiles_and_single_pixels_say_what_the_equation_does(fields: Any, *, of_own: bool) -> None:
    """Told pixel by pixel, at borders of the scene and of what was measured, too."""
    cube, _ = fields
    fit, scale = fitted(*fields)
    expert = fit.expert
    if of_own:
        views, weights = expert.views[:1], expert.weights[: len(KINDS)]
        expert = replace(expert, views=views, weights=weights, support=1.5)
    alone: dict[tuple[int, int], Any] = {}
    for row, column in np.ndindex(cube.rows, cube.columns):
        pixel = np.array([[row, column]], np.int32)
        read = result_of(read_with_surroundings(cube, pixel, scale))
        if read[0].any():
            said = expert.log_probabilities(*read[: len(expert.views)])
            alone[row, column] = np.exp(said[0])
    pixels = np.array([(0, 0), (3, 39), (8, 36), (20, 44), (47, 47), (24, 15)], np.int32)
    expected = []
    for row, column in pixels.tolist():
        means = []
        for first in np.ndindex(3, 3):
            at = [(row, column)]
            for step in np.ndindex(3, 3):
                i, j = (first[k] + step[k] - 2 for k in (0, 1))
                middle = (row // CELL + i) * CELL + 1, (column // CELL + j) * CELL + 1
                if (i, j) != (0, 0) and middle in alone:
                    at.append(middle)
            means.append(np.mean([alone[place] for place in at], axis=0))
        share = (np.max(means, axis=0) + 1e-3) / np.exp(expert.usual)
        odds = alone[row, column] * np.minimum(share, 1) ** expert.support
        expected.append(np.log(odds / odds.sum()))
    found = result_of(ask(cube, pixels, scale, expert))
    np.testing.assert_allclose(found, expected, atol=1e-5)
    tile = read_tile(cube, Window(0, 48, 0, 48), expert.margin, scale)
    wanted = np.zeros((48, 48), bool)
    wanted[tuple(pixels.T)] = True
    order = np.lexsort((pixels[:, 1], pixels[:, 0]))
    np.testing.assert_allclose(
        result_of(expert.classify(tile.only(wanted))), np.array(expected)[order], atol=1e-5
    )
    whole = np.full((48, 48, 2), np.nan)
    whole[tile.measured] = result_of(expert.classify(tile))
    np.testing.assert_allclose(whole[tuple(pixels.T)], expected, atol=1e-5)
