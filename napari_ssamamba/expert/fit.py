"""Fitting the spectral expert to labelled pixels, as a generator."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from napari_ssamamba.data.standardise import standardise_block
from napari_ssamamba.data.tiles import Window, read_tile
from napari_ssamamba.events import Progress, retold
from napari_ssamamba.expert.asking import ask_alone
from napari_ssamamba.expert.calibration import (
    PRIOR_PIXELS,
    fit_pool,
    log_softmax,
    pool,
    with_floor,
)
from napari_ssamamba.expert.components import principal_components, slope_components
from napari_ssamamba.expert.discriminant import fit_discriminant
from napari_ssamamba.expert.folds import spatial_folds
from napari_ssamamba.expert.kernel import fit_kernel
from napari_ssamamba.expert.logistic import fit_logistic
from napari_ssamamba.expert.noise import neighbour_differences, noise_whitening
from napari_ssamamba.expert.quadratic import fit_quadratic
from napari_ssamamba.expert.shares import shift_of_shares
from napari_ssamamba.expert.spectral_expert import (
    KINDS,
    Classifiers,
    SpectralExpert,
    share_of_surroundings,
)
from napari_ssamamba.expert.support import (
    LABELS,
    choose_weight,
    lack_of_support,
    log_support,
    places_around,
    usual_support,
)
from napari_ssamamba.expert.surroundings import read_with_surroundings

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray

    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.data.standardise import Standardiser
    from napari_ssamamba.expert.choosing import Fitted

AnyFitted = TypeVar("AnyFitted", bound="Fitted[Any]")

FOLDS = 5
"""Also of the networks that are asked about labels held out. With 3 and 4 the expert is level
within 0.3 points of overall accuracy on draws of real scenes (EnMAP with 30 labels a class, seeds
10 to 19, and 100, 10 to 13; training tiles cut anew, 10 to 13; Salinas-A, 10 to 15), but loses 0.4
and 0.6 on Houston's stand-in with 30 labels (10 to 12)."""

WINDOWS, WINDOW = 64, 8
"""Windows of the scene, and their side in pixels, from which the components, the noise and the
classes' shares are computed."""

UNDECIDED = np.array([0.5, 0.5])
"""Weights of both views' kernel regressions as far as held-out pixels say nothing else, while it is
undecided whether the surroundings stay."""

EXPECTED = 0.35
"""Weight of each of four classifiers, as far as held-out pixels say nothing else."""

OF_ITS_OWN = (KINDS,)
"""Which four: all of the pixel's own spectrum, where the surroundings are left out."""

IN_FIELDS = (("linear",), ("linear", "kernel", "logistic"))
"""Which four in fields, of either view. Beside the surroundings, few labels suit the regressions of
the pixel's own spectrum less (Salinas-A with 5 labels a class, seeds 10 to 29: right on 90 and 91
of 100 pixels, where the linear analysis is on 98), and the quadratic one that of either. What that
changes in the expert's overall accuracy and average over classes, beside linear analysis and kernel
regression alone, a sixth each of the own spectrum and a third of the surroundings, on random draws
by seeds of 10 and more: Salinas-A with 5 labels a class +0.08 and +0.08 (35 draws), with 10 0.00
and -0.01 (20); the built-in scene with 30 and 100 +0.05 and +0.02 (six); stand-ins for HongHu with
100 and, its surroundings kept, for Houston with 30 0.00 and -0.04 (two), -0.07 and -0.08 (four)."""

WORTH = 8.0
"""How many held-out pixels a classifier, about, these expectations are worth where the surroundings
are left out; in fields `PRIOR_PIXELS`. Few labels choose weights badly: those of four classifiers
alike are better. Beside 1 pixel, and a half each expected of linear analysis and kernel regression,
on random draws by seeds of 10 and more: EnMAP with 30 labels a class +0.21 and +0.37 (25 draws),
with 100 +0.09 and +0.17 (six); tiles cut anew and Houston's stand-in level within 0.06. With 30
pixels these lose 0.2 and 0.4. In fields 8 gain 0.04 more on Salinas-A, and Houston's stand-in, its
surroundings kept, loses 0.6 (30 labels a class, four draws)."""

CLEARLY_LESS = 0.43
"""Share of the surroundings in the weights of both views' kernel regressions below which they are
left out. Without evidence it is a half. 0.46 to 1.00 on Salinas-A with 5, 10 and 30 labels a class
(seeds 10 to 44, 10 to 24, 10 to 13) and 0.50 to 0.54 on the built-in scene (10 to 12); 0.00 to 0.40
on EnMAP with 30 and 100 (10 to 34, 10 to 15), where leaving them out gains 0.3 to 0.5 points of
overall accuracy, and 0.02 to 0.15 on training tiles cut anew (10 to 14), where it gains 0.6. On
Houston's stand-in it is 0.30 to 0.45 (six draws), and the expert level. The discriminant analyses
part the scenes less clearly: with them, 0.36 to 0.83 on the same draws of Salinas-A and 0.00 to
0.40 on those of EnMAP."""


@dataclass(frozen=True, slots=True, eq=False)
class FittedExpert:
    """The expert, and what it says of pixels when it has not learned from them.

    Attributes
    ----------
    expert : SpectralExpert
        Fitted to all pixels.
    held_out : ndarray of float64, shape (n, classes)
        Log-probabilities of each pixel by the members that did not learn from its fold, without
        `SpectralExpert.shift`, as held-out labels have the labels' shares, and without its
        `SpectralExpert.support`.
    fold : ndarray of int64, shape (n,)
    without : dict of int
        By the number of a fold: the expert of those members, without `SpectralExpert.shift`. The
        labels of the fold only took part in choosing a few settings and the members' weights.
    """

    expert: SpectralExpert
    held_out: NDArray[np.float64]
    fold: NDArray[np.int64]
    without: dict[int, SpectralExpert]


def fit_expert(
    cube: Cube,
    pixels: NDArray[np.int32],
    targets: NDArray[np.int64],
    classes: int,
    standardiser: Standardiser,
    seed: int,
) -> Generator[Progress, None, FittedExpert]:
    """Fit the spectral expert; of the scene, the pixels' surroundings and some windows are read.

    Parameters
    ----------
    cube : Cube
    pixels : ndarray of int32, shape (n, 2)
        Row and column of labelled pixels.
    targets : ndarray of int64, shape (n,)
        Their class numbers, from 0.
    classes : int
    standardiser : Standardiser
    seed : int

    Yields
    ------
    Progress

    Returns
    -------
    FittedExpert
    """
    rng = np.random.default_rng(seed)
    floor = 1 / (len(pixels) + 2)
    views: tuple[NDArray[np.float32], ...]
    views = yield from read_with_surroundings(cube, pixels, standardiser)
    windows = _draw_windows(cube, rng)
    sample, differences = yield from _read_sample(cube, views[0], standardiser, windows)
    of_spectra = principal_components(sample)
    components = of_spectra.beside(slope_components(sample, _order(cube)))
    fold = spatial_folds(pixels, targets, FOLDS, seed)
    whitening = noise_whitening(differences)
    fits: dict[str, list[Any]] = {kind: [] for kind in KINDS}
    given = targets, classes, fold, floor

    def fitting(_pause: None) -> Progress:
        done, total = sum(map(len, fits.values())), len(fits) * len(views)
        return Progress(done=done, total=total, text="Fitting the spectral expert")

    def keep(
        kind: str, work: Generator[None, None, AnyFitted]
    ) -> Generator[Progress, None, AnyFitted]:
        fitted = yield from retold(work, fitting)
        fits[kind].append(fitted)
        return fitted

    for view in views:
        points = of_spectra(view.astype(np.float64))
        yield from keep("kernel", fit_kernel(points, *given, rng))
    weights, _ = _weigh({"kernel": fits["kernel"]}, targets, floor, UNDECIDED, PRIOR_PIXELS)
    if share_of_surroundings(weights, len(views)) < CLEARLY_LESS:
        views = views[:1]
        del fits["kernel"][1:]
    for view in views:
        spectra = view.astype(np.float64)
        points = components(spectra)
        yield from keep("linear", fit_discriminant(spectra, *given, whitening))
        yield from keep("quadratic", fit_quadratic(points, *given))
        yield from keep("logistic", fit_logistic(points, *given, rng))
    likely, worth = (OF_ITS_OWN, WORTH) if len(views) == 1 else (IN_FIELDS, PRIOR_PIXELS)
    expected = np.array([EXPECTED * (kind in of_view) for of_view in likely for kind in KINDS])
    weights, held_out = _weigh(fits, targets, floor, expected, worth)

    def expert_without(number: int | None) -> SpectralExpert:
        members = [
            [fitted.whole if number is None else fitted.without[number] for fitted in of_view]
            for of_view in zip(*fits.values(), strict=True)
        ]
        return SpectralExpert(
            components=components,
            views=tuple(
                Classifiers(linear, quadratic, tuple(regressions))
                for linear, quadratic, *regressions in members
            ),
            floor=floor,
            weights=weights,
            shift=np.zeros(classes),
            support=0.0,
            usual=np.zeros(classes),
        )

    expert = expert_without(None)
    without = {number: expert_without(number) for number in fits["logistic"][0].without}
    mapped = yield from _mapped_shares(cube, expert, standardiser, windows)
    if mapped is not None:
        shift = shift_of_shares(np.bincount(targets, minlength=classes), mapped)
        expert = replace(expert, shift=shift)
    around = yield from _choose_support(cube, pixels, targets, standardiser, fold, without, rng)
    expert = replace(expert, **around)
    without = {number: replace(one, **around) for number, one in without.items()}
    return FittedExpert(expert, held_out, fold, without)


def _choose_support(
    cube: Cube,
    pixels: NDArray[np.int32],
    targets: NDArray[np.int64],
    standardiser: Standardiser,
    fold: NDArray[np.int64],
    without: dict[int, SpectralExpert],
    rng: np.random.Generator,
) -> Generator[Progress, None, dict[str, Any]]:
    """Choose how much counts what lies around, on some labels, by experts without their fold.

    Where the surroundings are left out, it does not.
    """
    if not any(expert.sees_surroundings for expert in without.values()):
        return {}
    some = rng.permutation(len(pixels))[:LABELS]
    held_out, support, of_truth = [], [], []
    for number, expert in without.items():
        here = some[fold[some] == number]
        places = places_around(pixels[here])
        said, known = yield from ask_alone(cube, places, standardiser, expert)
        held_out.append(said[:, 0])
        support.append(log_support(np.exp(said), known))
        of_truth.append(targets[here])
    found, labels = np.concatenate(support), np.concatenate(of_truth)
    usual = usual_support(found, labels)
    lack = lack_of_support(found, usual)
    weight = choose_weight(np.concatenate(held_out), lack, labels)
    return {"support": weight, "usual": usual}


def _weigh(
    fits: dict[str, list[Any]],
    targets: NDArray[np.int64],
    floor: float,
    expected: NDArray[np.float64],
    worth: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Choose the members' weights, those of the first view first; and mix what is held out."""
    views = zip(*fits.values(), strict=True)
    stacked = np.stack(
        [with_floor(log_softmax(fit.held_out), floor) for view in views for fit in view]
    )
    weights = fit_pool(stacked, targets, expected=expected, prior_pixels=worth)
    return weights, pool(weights, stacked)


def _draw_windows(cube: Cube, rng: np.random.Generator) -> list[Window]:
    """Draw the windows, in a small scene smaller ones."""
    windows = []
    for _ in range(WINDOWS):
        row = int(rng.integers(max(1, cube.rows - WINDOW + 1)))
        column = int(rng.integers(max(1, cube.columns - WINDOW + 1)))
        ends = min(row + WINDOW, cube.rows), min(column + WINDOW, cube.columns)
        windows.append(Window(row, ends[0], column, ends[1]))
    return windows


def _read_sample(
    cube: Cube,
    labelled: NDArray[np.float32],
    standardiser: Standardiser,
    windows: list[Window],
) -> Generator[Progress, None, tuple[NDArray[np.float64], NDArray[np.float32]]]:
    """Read windows of the scene.

    Returns
    -------
    sample : ndarray of float64, shape (n, bands)
        The labelled pixels' spectra and the windows'.
    differences : ndarray of float32, shape (pairs, bands)
        See `neighbour_differences`.
    """
    sample, differences = [labelled], []
    for window in windows:
        values, measured = standardise_block(cube.read(window.rows, window.columns), standardiser)
        sample.append(values[measured])
        differences.append(neighbour_differences(values, measured))
        yield Progress(text="Reading samples of the scene")
    return np.concatenate(sample).astype(np.float64), np.concatenate(differences)


def _order(cube: Cube) -> NDArray[np.int64]:
    """Return the order of the good bands along the spectrum; where unknown, the file's."""
    if cube.wavelengths is None:
        return np.arange(cube.good_indices.size)
    return np.argsort(cube.wavelengths[cube.good_indices], kind="stable")


def _mapped_shares(
    cube: Cube, expert: SpectralExpert, standardiser: Standardiser, windows: list[Window]
) -> Generator[Progress, None, NDArray[np.float64] | None]:
    """Return the mean probability of each class over the windows; None if nothing was measured."""
    event = Progress(text="Estimating how much of the scene each class covers")
    total, pixels = np.zeros(expert.classes), 0
    for window in windows:
        tile = read_tile(cube, window, expert.margin, standardiser)
        yield event
        said = yield from retold(expert.classify(tile), lambda _: event)
        total += np.exp(said).sum(axis=0)
        pixels += len(said)
    return total / pixels if pixels else None
