"""Stand-ins for comparisons: a label map filled with the spectra of a library.

What lies where is drawn at random, once for all, by rules that know nothing of the methods that
are compared:

- *ground*: what is labelled, and 2 pixels around it, is of its class. Everything else is parcels
  some 20 pixels across, each of a class at random.
- *spectra*: a pixel's is the mean of its class's spectra, plus deviations from that mean as the
  class's own spectra have them. Of their variance 60 % are a deviation that is the same in a
  parcel, 10 % drift within it over some 8 pixels, 5 % go up and down along rows, and 25 % are
  drawn pixel by pixel. This follows the training pixels of Houston 2013, which lie in 2 to 26
  groups a class: 63 % of the variance within a class are between groups, and adjacent pixels
  differ by 28 % of it (means over the classes).
- *rows*: their direction changes from parcel to parcel; their spacing, 2.5 to 7 pixels, is the
  class's. It is the one thing that tells classes and is not in a pixel's spectrum.
- *optics*: all but the pixel's own deviation is seen through a Gaussian of 0.5 pixels, so that
  pixels at borders are mixtures; the label is that of the pixel's middle.
- *light*: a gradient across the scene, 8 % to either side, and relief of 2.5 % over some 28
  pixels.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_ssamamba.data.cube import Cube
from napari_ssamamba.errors import LabelsError, SettingError
from napari_ssamamba.events import Progress

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray

    from napari_ssamamba.data.labels import LabelMap
    from napari_ssamamba.data.spectral_library import SpectralLibrary

    Plane = NDArray[np.float32]

OF_PARCEL, OF_DRIFT, OF_ROWS, OF_PIXEL = np.sqrt((0.60, 0.10, 0.05, 0.25)).astype(np.float32)
"""Factors on deviations; their squares are shares of the variance within a class."""

BEYOND = 2
"""Pixels by which what is labelled goes on around the labels."""

PARCEL, DRIFT, RELIEF = 20, 8.0, 28.0
"""Sizes in pixels."""

SPACING = (2.5, 7.0)
"""Of rows, in pixels."""

OPTICS, REACH = 0.5, 2
"""Deviation of the point spread, and how far it is followed, in pixels."""

MODES = 4
"""Principal directions of a class's spectra along which they drift."""

FEWEST = 5
"""Spectra that a material needs: fewer do not tell how it varies."""

LARGEST = 2**31
"""Bytes that a stand-in may take in memory."""

COUNTS = 30_000
"""Stored value of the library's largest."""

_SEED = 20260116
_ROWS_AT_ONCE = 16


@dataclass(frozen=True, slots=True, eq=False)
class _Materials:
    """How each class looks; class numbers count from 0.

    Attributes
    ----------
    means : ndarray of float32, shape (classes, bands)
    deviations : ndarray of float32, shape (spectra, bands)
        From the class's mean, class after class.
    first, count : ndarray of int64, shape (classes,)
        Which of the deviations are a class's.
    modes : ndarray of float32, shape (classes, MODES, bands)
        Principal directions, each as long as the deviation along it.
    """

    means: Plane
    deviations: Plane
    first: NDArray[np.int64]
    count: NDArray[np.int64]
    modes: Plane

    def draw(self, classes: NDArray[np.int64], rng: np.random.Generator) -> Plane:
        """Draw deviations for class numbers of any shape, (..., bands).

        Each is a turn between two of the library's: as they vary, but none twice.
        """
        one, other = (
            self.deviations[
                self.first[classes] + (rng.random(classes.shape) * self.count[classes]).astype(int)
            ]
            for _ in range(2)
        )
        turn = rng.uniform(0, 2 * np.pi, (*classes.shape, 1)).astype(np.float32)
        return np.asarray(np.cos(turn) * one + np.sin(turn) * other)


def fill_label_map(
    reference: LabelMap, library: SpectralLibrary
) -> Generator[Progress, None, Cube]:
    """Make a synthetic scene for a label map; the same map and library give the same scene.

    Parameters
    ----------
    reference : LabelMap
        What the scene is to show. Its classes take the library's materials in order.
    library : SpectralLibrary
        Several spectra of each material, all of one name. Bands without a value in all of them
        are switched off.

    Returns
    -------
    Cube
        On the map's grid, in memory, int16, in the library's bands and unit; `Cube.synthetic` is
        True.

    Raises
    ------
    SettingError
        Where the library has fewer materials than the map classes, or too few spectra of one.
    LabelsError
        Where nothing is labelled, or the scene would not fit into memory.
    """
    rng = np.random.default_rng(_SEED)
    ids = np.unique(reference.ids[reference.ids > 0])
    rows, columns = reference.ids.shape
    needed = 2 * rows * columns * library.spectra.shape[1]
    if not ids.size:
        raise LabelsError(f"{reference.name}: no pixel is labelled. Give labels of the classes.")
    if needed > LARGEST:
        raise LabelsError(
            f"{reference.name}: a stand-in of {rows} × {columns} pixels and "
            f"{library.spectra.shape[1]} bands takes {needed / 1e9:.1f} GB of memory; at most "
            f"{LARGEST / 1e9:.1f} go. Give a smaller map."
        )
    measured = np.asarray(np.isfinite(library.spectra).all(axis=0))
    spectra = np.where(measured, library.spectra, 0.0)
    unit = max(float(np.abs(spectra).max()), 1e-30) / COUNTS
    materials = _materials(library.names, spectra / unit, ids)
    parcel, ground = _ground(np.searchsorted(ids, reference.ids), reference.ids > 0, len(ids), rng)
    counts = np.empty((rows, columns, measured.size), np.int16)
    yield from _fill(counts, materials, parcel, ground, rng)
    counts.setflags(write=False)
    return Cube(
        name=f"Stand-in for {reference.name} (synthetic)",
        raw=counts,
        wavelengths=library.wavelengths,
        good_bands=measured,
        scale=np.full(measured.size, unit),
        synthetic=True,
        fingerprint=_digest(reference, library),
    )


def _digest(reference: LabelMap, library: SpectralLibrary) -> str:
    """Tell a stand-in from those for other maps, and of other libraries."""
    parts = repr(library.names).encode(), library.spectra.tobytes(), reference.ids.tobytes()
    return hashlib.sha256(b"".join(parts)).hexdigest()


def _materials(
    names: tuple[str, ...], spectra: NDArray[np.float64], ids: NDArray[np.uint16]
) -> _Materials:
    """Sort a library's spectra by material, as many materials as there are classes."""
    found = list(dict.fromkeys(names))
    if len(found) < len(ids):
        raise SettingError(
            "library",
            f"{len(found)} materials",
            f"give spectra of {len(ids)}, one for each class of the labels; several spectra are "
            "of one material where they have the same name.",
        )
    means, deviations, modes = [], [], []
    for name in found[: len(ids)]:
        own = spectra[[other == name for other in names]]
        if len(own) < FEWEST:
            raise SettingError(
                "library",
                f"{len(own)} spectra of {name}",
                f"give {FEWEST} or more of each material, all of one name: their differences are "
                "how the material varies.",
            )
        means.append(own.mean(axis=0))
        deviations.append(own - means[-1])
        _, lengths, directions = np.linalg.svd(deviations[-1], full_matrices=False)
        leading = lengths[:MODES, None] * directions[:MODES] / np.sqrt(len(own))
        modes.append(np.pad(leading, ((0, MODES - len(leading)), (0, 0))))
    count = np.array([len(d) for d in deviations])
    return _Materials(
        np.array(means, np.float32),
        np.concatenate(deviations).astype(np.float32),
        np.cumsum(count) - count,
        count,
        np.array(modes, np.float32),
    )


def _ground(
    numbers: NDArray[np.intp],
    labelled: NDArray[np.bool_],
    classes: int,
    rng: np.random.Generator,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Say which parcel each pixel is in, and of which class each is.

    Returns
    -------
    parcel : ndarray of int64, shape (rows, columns)
        From 0. A parcel has one class: where labels cut through one, each part is a parcel.
    ground : ndarray of int64, shape (rows, columns)
        Class numbers.
    """
    from scipy.ndimage import distance_transform_edt
    from scipy.spatial import KDTree

    size = numbers.shape
    middles = rng.uniform(0, size, (max(1, numbers.size // PARCEL**2), 2))
    where = np.indices(size).reshape(2, -1).T
    _, cell = KDTree(middles).query(where)
    cell = cell.reshape(size)
    away, nearest = distance_transform_edt(~labelled, return_indices=True)
    ground = np.where(
        away <= BEYOND, numbers[tuple(nearest)], rng.integers(classes, size=len(middles))[cell]
    ).astype(np.int64)
    _, parcel = np.unique(cell * classes + ground, return_inverse=True)
    return parcel.reshape(size), ground


def _fill(
    counts: NDArray[np.int16],
    materials: _Materials,
    parcel: NDArray[np.int64],
    ground: NDArray[np.int64],
    rng: np.random.Generator,
) -> Generator[Progress, None, None]:
    """Write a scene's values, (rows, columns, bands), some rows at once."""
    from scipy.ndimage import gaussian_filter

    rows, columns, _ = counts.shape
    drift = [_smooth(rng, ground.shape, DRIFT) for _ in range(MODES)]
    lines = _lines(parcel, ground, len(materials.means), rng)
    class_of = np.empty(parcel.max() + 1, np.int64)
    class_of[parcel] = ground
    of_parcel = materials.means[class_of] + OF_PARCEL * materials.draw(class_of, rng)
    light = 1 + np.linspace(-0.08, 0.08, columns) + 0.025 * _smooth(rng, ground.shape, RELIEF)
    for first in range(0, rows, _ROWS_AT_ONCE):
        yield Progress(done=first, total=rows, text="Making a synthetic stand-in")
        last = min(first + _ROWS_AT_ONCE, rows)
        seen = slice(max(first - REACH, 0), last + REACH)
        kind = ground[seen]
        scene = of_parcel[parcel[seen]]
        scene += (OF_ROWS * lines[seen])[..., None] * materials.modes[kind, 0]
        for mode, plane in enumerate(drift):
            scene += (OF_DRIFT * plane[seen])[..., None] * materials.modes[kind, mode]
        scene = gaussian_filter(
            scene, (OPTICS, OPTICS, 0), mode="nearest", radius=(REACH, REACH, 0)
        )
        block = scene[first - seen.start :][: last - first]
        block += OF_PIXEL * materials.draw(ground[first:last], rng)
        block *= light[first:last, :, None]
        counts[first:last] = np.clip(np.rint(block), -32_000, 32_000)


def _lines(
    parcel: NDArray[np.int64], ground: NDArray[np.int64], classes: int, rng: np.random.Generator
) -> Plane:
    """Waves of deviation 1 across the rows, (rows, columns)."""
    spacing = rng.permutation(np.geomspace(*SPACING, classes))[ground]
    parcels = int(parcel.max()) + 1
    angle = rng.uniform(0, np.pi, parcels)[parcel]
    phase = rng.uniform(0, 2 * np.pi, parcels)[parcel]
    down, right = np.indices(parcel.shape)
    across = down * np.cos(angle) + right * np.sin(angle)
    return np.asarray(np.sqrt(2) * np.sin(2 * np.pi * across / spacing + phase), np.float32)


def _smooth(rng: np.random.Generator, size: tuple[int, ...], pixels: float) -> Plane:
    """Random plane of mean 0 and deviation 1, alike over about so many pixels."""
    from scipy.ndimage import gaussian_filter

    plane = gaussian_filter(rng.standard_normal(size), pixels / 2, mode="reflect")
    return np.asarray((plane - plane.mean()) / plane.std(), np.float32)
