"""Smoothed principal components of a scene: the features of EMP-SVM."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_ssamamba.data.standardise import fit_mean_deviation
from napari_ssamamba.data.tiles import Window, read_tile, tile_grid
from napari_ssamamba.events import Progress

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray

    from napari_ssamamba.data.cube import Cube

COMPONENTS = 30

SIGMAS = (1.0, 2.0)
"""Deviations in pixels of the Gaussians that smooth them."""

TILE, SAMPLED = 128, 20_000


def smoothed_components(
    cube: Cube, labelled: NDArray[np.float32], seed: int
) -> Generator[Progress, None, dict[str, NDArray[np.float32]]]:
    """Compute the scene's leading principal components, smoothed over its measured pixels.

    The scene is read twice, tile by tile.

    Parameters
    ----------
    cube : Cube
    labelled : ndarray of float32, shape (n, bands)
        Training spectra, by whose mean and deviation bands are scaled.
    seed : int
        Of the sample of pixels that the components are computed from.

    Returns
    -------
    dict of str to ndarray of float32, shape (rows, columns, components)
        By the deviation of the Gaussian, e.g. ``"σ 1"``.
    """
    from scipy.ndimage import gaussian_filter
    from sklearn.decomposition import PCA

    standardiser = fit_mean_deviation(labelled)
    rng = np.random.default_rng(seed)
    tiles = tile_grid(Window(0, cube.rows, 0, cube.columns), TILE)
    share = min(1.0, SAMPLED / (cube.rows * cube.columns))
    sample = []
    for place in tiles:
        tile = read_tile(cube, place, 0, standardiser)
        sample.append(tile.block[tile.measured & (rng.random(place.shape) < share)])
        yield Progress(text="Principal components of the scene")
    pixels = np.concatenate([*sample, standardiser(labelled)])
    pca = PCA(min(COMPONENTS, *pixels.shape), svd_solver="full").fit(pixels)
    scores = np.zeros((cube.rows, cube.columns, pca.n_components_), np.float32)
    measured = np.zeros(scores.shape[:2], np.float32)
    for place in tiles:
        tile = read_tile(cube, place, 0, standardiser)
        here = (place.rows, place.columns)
        measured[here] = tile.measured
        if tile.measured.any():
            scores[here][tile.measured] = pca.transform(tile.block[tile.measured])
        yield Progress(text="Principal components of the scene")
    views = {}
    for sigma in SIGMAS:
        weight = gaussian_filter(measured, sigma, mode="constant")[..., None]
        smooth = gaussian_filter(scores, (sigma, sigma, 0), mode="constant")
        views[f"σ {sigma:g}"] = np.divide(
            smooth, weight, out=np.zeros_like(smooth), where=weight > 0
        )
    return views
