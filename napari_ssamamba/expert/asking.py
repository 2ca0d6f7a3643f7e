"""Asking the spectral expert about single pixels all over a scene."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_ssamamba.events import Progress, retold
from napari_ssamamba.expert.spectral_expert import PIXELS_AT_ONCE
from napari_ssamamba.expert.support import places_around
from napari_ssamamba.expert.surroundings import read_own, read_with_surroundings

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray

    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.data.standardise import Standardiser
    from napari_ssamamba.expert.spectral_expert import SpectralExpert


def ask(
    cube: Cube, pixels: NDArray[np.int32], standardiser: Standardiser, expert: SpectralExpert
) -> Generator[Progress, None, NDArray[np.float64]]:
    """Return what the expert says of measured pixels, (n, classes) log-probabilities.

    Parameters
    ----------
    cube : Cube
    pixels : ndarray of int32, shape (n, 2)
        Row and column.
    standardiser : Standardiser
    expert : SpectralExpert

    Yields
    ------
    Progress
    """
    found = np.empty((len(pixels), expert.classes))
    for start in range(0, len(pixels), PIXELS_AT_ONCE):
        part = slice(start, start + PIXELS_AT_ONCE)
        places = places_around(pixels[part]) if expert.support else pixels[part, None]
        said, known = yield from ask_alone(cube, places, standardiser, expert)
        found[part] = expert.supported(said, known) if expert.support else said[:, 0]
    return found


def ask_alone(
    cube: Cube,
    places: NDArray[np.integer[Any]],
    standardiser: Standardiser,
    expert: SpectralExpert,
) -> Generator[Progress, None, tuple[NDArray[np.float64], NDArray[np.bool_]]]:
    """Return what the expert says of pixels by themselves, as `SpectralExpert.log_probabilities`.

    The scene is read part by part: all spectra together would take too much memory.

    Parameters
    ----------
    cube, standardiser, expert
        As for `ask`.
    places : ndarray of int, shape (n, p, 2)
        Rows and columns; they may lie beyond the scene's border.

    Returns
    -------
    said : ndarray of float64, shape (n, p, classes)
        Log-probabilities; 0 where nothing was measured.
    known : ndarray of bool, shape (n, p)
        Where something was.
    """
    asking = Progress(text="Asking the spectral expert")
    inside = np.all((places >= 0) & (places < (cube.rows, cube.columns)), axis=-1)
    points, of_place = np.unique(places[inside].astype(np.int32), axis=0, return_inverse=True)
    of_points = np.empty((len(points), expert.classes))
    measured = np.empty(len(points), bool)
    views: tuple[NDArray[np.float32], ...]
    for start in range(0, len(points), PIXELS_AT_ONCE):
        part = slice(start, start + PIXELS_AT_ONCE)
        here = cube, points[part], standardiser
        if expert.sees_surroundings:
            views = yield from retold(read_with_surroundings(*here), lambda _: asking)
        else:
            views = ((yield from retold(read_own(*here), lambda _: asking)),)
        of_points[part] = expert.log_probabilities(*views)
        measured[part] = views[0].any(axis=1)
        yield asking
    of_points[~measured] = 0
    said, known = np.zeros((*inside.shape, expert.classes)), np.zeros(inside.shape, bool)
    said[inside], known[inside] = of_points[of_place], measured[of_place]
    return said, known
