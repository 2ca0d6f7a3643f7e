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
    EXPECTED,
    SIDE,
    choose_weight,
    lack_of_support,
    log_support,
    places_around,
    usual_support,
)
from napari_ssamamba.expert.surroundings import read_with_surroundings

if TYPE_CHECKING:
    from numpy.typing import NDArray

A, B = np.array([0.99, 0.01]), np.array([0.01, 0.99])
ODDS = np.array([0.7, 0.3])
"""Of a pixel that is A, say its spectrum."""


MIDDLE = np.array([[31, 40]])
"""Of a cell of 3 × 3 pixels."""


def around(own: NDArray[Any], **of: NDArray[Any]) -> NDArray[Any]:
    """Probabilities around it: B, but for the pixel and the corners named, e.g. up_left."""
    steps = {"up": (-SIDE, 0), "down": (SIDE, 0), "left": (0, -SIDE), "right": (0, SIDE)}
    places = (places_around(MIDDLE) - MIDDLE)[0]
    said = np.stack([own if not place.any() else B for place in places])
    for name, value in of.items():
        step = np.sum([steps[part] for part in name.split("_")], axis=0)
        [place] = np.flatnonzero((places == step).all(axis=1))
        said[place] = value
    return said[None]


def supported(said: NDArray[Any], known: NDArray[Any] | None = None) -> NDArray[Any]:
    measured = np.ones(said.shape[:2], bool) if known is None else known
    odds = said[:, 0] * np.exp(2 * log_support(said, measured))
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))[0]


def test_corners_and_borders_of_fields_stay_and_what_is_narrow_yields() -> None:
    corner = around(ODDS, down=A, right=A, down_right=A)
    border = around(ODDS, up=A, down=A, right=A, up_right=A, down_right=A)
    assert supported(corner)[0] > 0.7 and supported(border)[0] > 0.7
    line, single = around(ODDS, up=A, down=A), around(ODDS)
    assert supported(single)[0] < 0.2 < supported(line)[0] < 0.6 < ODDS[0]


def test_what_was_not_measured_says_nothing() -> None:
    known = np.zeros((1, 9), bool)
    known[0, 0] = True
    expected = ODDS * (ODDS + 1e-3) ** 2
    np.testing.assert_allclose(supported(around(ODDS), known), expected / expected.sum())


@pytest.mark.parametrize("wide", [True, False])
def test_held_out_labels_say_how_much_it_counts(*, wide: bool) -> None:
    """Labels of A, of which the spectra are not sure: in a field of it, or along a line."""
    place = around(ODDS, down=A, right=A, down_right=A) if wide else around(ODDS, up=A, down=A)
    lack = np.repeat(log_support(place, np.ones((1, 9), bool)), 60, axis=0)
    held_out, targets = np.log(np.tile(ODDS, (60, 1))), np.zeros(60, int)
    chosen = choose_weight(held_out, lack, targets)
    assert chosen > EXPECTED + 1 if wide else chosen <= 0.5
    alike = np.zeros((60, 2))
    assert choose_weight(alike, alike, targets) == EXPECTED


def test_a_class_lacks_support_where_it_has_less_than_at_its_labels() -> None:
    support = np.log([[0.9, 0.1], [0.9, 0.1], [0.5, 0.2], [0.7, 0.6]])
    usual = usual_support(support, np.array([0, 0, 0, 1]))
    mean, deviation = np.log([0.9, 0.9, 0.5]).mean(), np.log([0.9, 0.9, 0.5]).std()
    np.testing.assert_allclose(usual, [mean - deviation, np.log(0.6)])
    found = lack_of_support(np.log([[0.8, 0.5], [0.2, 0.9]]), usual)
    expected = [[0, np.log(0.5 / 0.6)], [np.log(0.2) - mean + deviation, 0]]
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
        for down in (-6, 6):
            for right in (-6, 6):
                cells = [(row + i, column + j) for i, j in ((down, 0), (0, right), (down, right))]
                corners = [(i - i % 3 + 1, j - j % 3 + 1) for i, j in cells]
                at = [(row, column), *(corner for corner in corners if corner in alone)]
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
