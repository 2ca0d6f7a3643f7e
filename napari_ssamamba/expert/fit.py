"""Fitting the spectral expert to labelled pixels, as a generator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from napari_ssamamba.data.standardise import standardise_block
from napari_ssamamba.events import Progress
from napari_ssamamba.expert.calibration import fit_pool, log_softmax, pool, with_floor
from napari_ssamamba.expert.discriminant import LinearScores, fit_discriminant
from napari_ssamamba.expert.folds import spatial_folds
from napari_ssamamba.expert.kernel import KernelScores, fit_kernel
from napari_ssamamba.expert.spectral_expert import VIEWS, Components, SpectralExpert
from napari_ssamamba.expert.surroundings import read_with_surroundings

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray

    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.data.standardise import Standardiser

Result = TypeVar("Result")

FOLDS = 5

COMPONENTS = 30

WHITENING = 0.35
"""0 leaves the components as they are, 0.5 makes their variances equal."""

WINDOWS, WINDOW = 64, 8
"""Windows of the scene, and their side in pixels, from which the components are computed."""


@dataclass(frozen=True, slots=True, eq=False)
class FittedExpert:
    """The expert, and what it says of pixels when it has not learned from them.

    Attributes
    ----------
    expert : SpectralExpert
        Fitted to all pixels.
    held_out : ndarray of float64, shape (n, classes)
        Log-probabilities of each pixel by the members that did not learn from its fold.
    fold : ndarray of int64, shape (n,)
    """

    expert: SpectralExpert
    held_out: NDArray[np.float64]
    fold: NDArray[np.int64]


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
    views = yield from read_with_surroundings(cube, pixels, standardiser)
    components = yield from _fit_components(cube, views[0], standardiser, rng)
    fold = spatial_folds(pixels, targets, FOLDS, seed)
    linear: list[LinearScores] = []
    kernel: list[KernelScores] = []
    members: list[NDArray[np.float64]] = []
    for view in views:
        spectra = view.astype(np.float64)
        of_bands, held_out = yield from _telling(
            fit_discriminant(spectra, targets, classes, fold, floor), len(members)
        )
        linear.append(of_bands)
        members.append(with_floor(log_softmax(held_out), floor))
        of_components, held_out = yield from _telling(
            fit_kernel(components(spectra), targets, classes, fold, floor, rng), len(members)
        )
        kernel.append(of_components)
        members.append(with_floor(log_softmax(held_out), floor))
    weights = fit_pool(np.stack(members), targets)
    expert = SpectralExpert(components, tuple(linear), tuple(kernel), floor, weights)
    return FittedExpert(expert, pool(weights, np.stack(members)), fold)


def _telling(work: Generator[None, None, Result], done: int) -> Generator[Progress, None, Result]:
    """Do a piece of the fit, with an event at each of its pauses."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            result: Result = end.value
            return result
        yield Progress(done=done, total=2 * len(VIEWS), text="Fitting the spectral expert")


def _fit_components(
    cube: Cube,
    labelled: NDArray[np.float32],
    standardiser: Standardiser,
    rng: np.random.Generator,
) -> Generator[Progress, None, Components]:
    """Compute principal components of random windows of the scene and the labelled pixels."""
    sample = [labelled]
    for _ in range(WINDOWS):
        row = int(rng.integers(max(1, cube.rows - WINDOW + 1)))
        column = int(rng.integers(max(1, cube.columns - WINDOW + 1)))
        block = cube.read(slice(row, row + WINDOW), slice(column, column + WINDOW))
        values, measured = standardise_block(block, standardiser)
        sample.append(values[measured])
        yield Progress(text="Reading samples of the scene")
    spectra = np.concatenate(sample).astype(np.float64)
    center = spectra.mean(axis=0)
    variances, axes = np.linalg.eigh((spectra - center).T @ (spectra - center) / len(spectra))
    variances, axes = variances[::-1][:COMPONENTS], axes[:, ::-1][:, :COMPONENTS]
    scale = np.maximum(variances, 1e-6 * max(variances[0], 1e-12)) ** WHITENING
    return Components(center, axes / scale)
