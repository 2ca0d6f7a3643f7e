"""How unlike the labelled spectra a sample of the scene is, as an angle between spectra."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_ssamamba.data.classes import UNLABELLED
from napari_ssamamba.data.cube import has_measurement
from napari_ssamamba.data.patches import read_spectra
from napari_ssamamba.errors import LabelsError
from napari_ssamamba.events import Progress

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray

    from napari_ssamamba.data.cube import Cube

WINDOWS, SIDE = 144, 5
"""The sample: so many windows all over the scene, of this side in pixels."""

MOST_LABELLED = 100
"""Labelled pixels of a class that the sample is compared with."""

USUAL_QUANTILE = 0.95


@dataclass(frozen=True, slots=True, eq=False)
class Unlikeness:
    """Sampled pixels, and how far from the labelled spectra they are.

    Attributes
    ----------
    pixels : ndarray of int32, shape (n, 2)
        Row and column.
    angle : ndarray of float32, shape (n,)
        Spectral angle to the nearest labelled pixel, in degrees.
    nearest : ndarray of uint16, shape (n,)
        Class id of that pixel.
    usual : float
        Angle that 95 of 100 labelled pixels keep to the others of their class, in degrees; 0 where
        no class has two.
    """

    pixels: NDArray[np.int32]
    angle: NDArray[np.float32]
    nearest: NDArray[np.uint16]
    usual: float


def spectral_unlikeness(
    cube: Cube, labels: NDArray[np.uint16], seed: int = 0
) -> Generator[Progress, None, Unlikeness]:
    """Sample the scene and measure its spectral angle to the labelled pixels.

    The angle to the nearest labelled pixel, and not the Mahalanobis distance to the classes, as it
    needs no covariance of few labels, and found the pixels of a class left out of the labels at
    least as well: mean area under the curve 0.97 against 0.96 with 12 labels a class of Salinas-A.

    Parameters
    ----------
    cube : Cube
        Its good bands count. Read are the sample and the labelled pixels.
    labels : ndarray of uint16, shape (rows, columns)
        Class ids, 0 where there is no label.
    seed : int
        The same seed draws the same pixels.

    Yields
    ------
    Progress

    Raises
    ------
    LabelsError
        Where no labelled pixel was measured.
    """
    rng = np.random.default_rng(seed)
    yield Progress(text="Reading labelled spectra")
    pixels = _draw(labels, rng)
    spectra = read_spectra(cube, pixels)
    measured = has_measurement(spectra)
    pixels, spectra = pixels[measured], spectra[measured]
    if not len(pixels):
        raise LabelsError("No labelled pixel was measured. Label pixels that have a spectrum.")
    ids = labels[tuple(pixels.T)]
    known = ~np.isnan(spectra).all(axis=0)
    center = np.zeros(spectra.shape[1], np.float32)
    center[known] = np.nanmean(spectra[:, known], axis=0)
    labelled = _directions(spectra, center)
    usual = _usual_angle(labelled, ids)

    corners = _window_corners(cube, rng)
    places, angles, nearest = [], [], []
    for done, (row, column) in enumerate(corners):
        yield Progress(done=done, total=len(corners), text="Sampling the scene's spectra")
        block = cube.read(slice(row, row + SIDE), slice(column, column + SIDE))
        here = np.argwhere(has_measurement(block))
        if not len(here):
            continue
        cosine = _directions(block[tuple(here.T)], center) @ labelled.T  # (pixels, labelled)
        best = cosine.argmax(axis=1)
        places.append(here + np.array([row, column]))
        angles.append(_degrees(cosine[np.arange(len(best)), best]))
        nearest.append(ids[best])
    return Unlikeness(
        np.concatenate([np.empty((0, 2)), *places]).astype(np.int32),
        np.concatenate([np.empty(0), *angles]).astype(np.float32),
        np.concatenate([np.empty(0), *nearest]).astype(np.uint16),
        usual,
    )


def _draw(labels: NDArray[np.uint16], rng: np.random.Generator) -> NDArray[np.int32]:
    """Draw labelled pixels of every class, in the scene's order."""
    pixels = np.argwhere(labels != UNLABELLED).astype(np.int32)
    ids = labels[tuple(pixels.T)]
    drawn = [np.empty(0, np.intp)]
    for i in np.unique(ids):
        members = np.flatnonzero(ids == i)
        drawn.append(rng.permutation(members)[:MOST_LABELLED])
    return pixels[np.sort(np.concatenate(drawn))]


def _window_corners(cube: Cube, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Return where the windows begin: one at random in each cell of an even grid."""
    rows = max(1, min(round((WINDOWS * cube.rows / cube.columns) ** 0.5), cube.rows // SIDE))
    columns = max(1, min(WINDOWS // rows, cube.columns // SIDE))
    row_edges = np.linspace(0, max(cube.rows - SIDE, 0), rows + 1)
    column_edges = np.linspace(0, max(cube.columns - SIDE, 0), columns + 1)
    return [
        (int(rng.uniform(*row_edges[r : r + 2])), int(rng.uniform(*column_edges[c : c + 2])))
        for r in range(rows)
        for c in range(columns)
    ]


def _directions(spectra: NDArray[np.float32], center: NDArray[np.float32]) -> NDArray[np.float64]:
    """Scale spectra of shape (n, bands) to length 1; missing values are the labelled mean's."""
    filled = np.where(np.isnan(spectra), center, spectra).astype(np.float64)
    length = np.linalg.norm(filled, axis=1, keepdims=True)
    return np.asarray(filled / np.maximum(length, np.finfo(np.float64).tiny))


def _degrees(cosine: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.rad2deg(np.arccos(np.clip(cosine, -1, 1))))


def _usual_angle(labelled: NDArray[np.float64], ids: NDArray[np.uint16]) -> float:
    """Return the angle that most labelled pixels keep to the nearest other of their class."""
    angles = [np.empty(0)]
    for i in np.unique(ids):
        members = labelled[ids == i]
        if len(members) > 1:
            cosine = members @ members.T
            np.fill_diagonal(cosine, -1)
            angles.append(_degrees(cosine.max(axis=1)))
    found = np.concatenate(angles)
    return float(np.quantile(found, USUAL_QUANTILE)) if found.size else 0.0
