"""The built-in synthetic scene "farmland and village", as an imaging spectrometer would see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_ssamamba.data.classes import UNLABELLED, ClassTable
from napari_ssamamba.data.cube import Cube
from napari_ssamamba.data.labels import LabelMap
from napari_ssamamba.data.sample.canvas import EXTENT, GARDEN, MATERIALS
from napari_ssamamba.data.sample.landscape import OVERSAMPLING, ROW_CROPS, draw_plan
from napari_ssamamba.data.sample.spectra import (
    PLANTS,
    band_centres,
    endmembers,
    plant_modes,
    soil_modes,
)
from napari_ssamamba.errors import SettingError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_ssamamba.data.sample.landscape import Plan

    Plane = NDArray[np.float64]

SAMPLE_NAME = "Farmland and village (synthetic)"

MINIMUM_SIZE, MAXIMUM_SIZE = 32, 2000
"""Rows or columns that a scene may have."""

SCALE = 1e-4
"""Reflectance of one stored count."""

COLOURS = {
    "Brassica chinensis": "#b3fa7a",
    "Brassica parachinensis": "#297947",
    "Brassica rapa": "#fafa19",
    "Brassica juncea": "#1b9eac",
    "Brassica oleracea": "#7b3294",
    "Maize": "#fa9e05",
    "Ripe wheat": "#fab793",
    "Meadow": "#9b9d4b",
    "Trees": "#14301c",
    "Bare soil": "#743105",
    "Water": "#1b52db",
    "Asphalt road": "#51475c",
    "Gravel": "#b9c2bb",
    "Tiled roof": "#ef2c05",
    "Metal roof": "#8da3fa",
    "Plastic tunnel": "#fac8fa",
}
"""Colours near what the eye expects, far apart in lightness where their hues are near."""

_SEED = 20260114
_PURE = 0.7  # share of a pixel that one class must fill for the reference to name it
_BED = 3.0  # spacing of the beds of row crops, metres
_FAULTY_BAND = 22  # a detector line with striping, at about 610 nm
_BLOCK = 25  # rows that are mixed at once, which keeps float64 blocks small

# Deviations of pigment, carotene, water, plateau and wax within plants, and of moisture, iron and
# clay within soils. They are as large as the differences between the five Brassica crops.
_PLANT_DEVIATIONS = np.array([0.040, 0.035, 0.035, 0.012, 0.0015])
_SOIL_DEVIATIONS = np.array([0.18, 0.12, 0.20])


def sample_scene(rows: int = 300, columns: int = 300) -> tuple[Cube, LabelMap]:
    """Make the sample scene; the same size gives the same scene, to the last bit.

    Parameters
    ----------
    rows, columns : int
        Pixels, 32 to 2000. The same 300 m × 300 m are always shown: fewer pixels are larger and
        more mixed, and below 64 the narrowest classes lose their reference pixels.

    Returns
    -------
    cube : Cube
        144 bands, 400 to 2500 nm, int16 counts of 1e-4 reflectance; `Cube.synthetic` is True.
        Twelve bands are switched off: those in the deep water-vapour absorptions, and a faulty one.
    reference : LabelMap
        The class of every pixel that one of the 16 classes fills for 70 % or more and that is
        not in shadow; gardens have none.

    Raises
    ------
    SettingError
        Where the size is out of range.
    """
    for name, value in (("rows", rows), ("columns", columns)):
        if not MINIMUM_SIZE <= value <= MAXIMUM_SIZE:
            raise SettingError(
                name, value, f"give {MINIMUM_SIZE} to {MAXIMUM_SIZE} for the sample scene"
            )
    # Separate streams: the landscape is the same whatever the size.
    drawing, texture, noise = (np.random.default_rng([_SEED, i]) for i in range(3))
    plan = draw_plan(rows, columns, drawing)
    mixture = _mix(plan, texture)
    wavelengths, fwhm = band_centres()
    deviation = _noise_deviation(wavelengths)
    cube = Cube(
        name=SAMPLE_NAME,
        raw=_measure(mixture, wavelengths, deviation, noise),
        wavelengths=wavelengths,
        fwhm=fwhm,
        good_bands=_good_bands(deviation),
        scale=np.full(wavelengths.size, SCALE),
        synthetic=True,
    )
    table = ClassTable()
    for number, name in enumerate(MATERIALS):
        if number != GARDEN:
            table = table.add(name, COLOURS[name], id=number)
    return cube, LabelMap(mixture.reference, table, name=f"{SAMPLE_NAME}, reference")


@dataclass(frozen=True, slots=True, eq=False)
class _Mixture:
    """What each pixel is made of.

    Attributes
    ----------
    weights : ndarray of float64, shape (rows, columns, materials + plant modes + soil modes)
        Factors of the rows of `_components`, illumination included.
    reference : ndarray of uint16, shape (rows, columns)
    """

    weights: Plane
    reference: NDArray[np.uint16]


def _mix(plan: Plan, rng: np.random.Generator) -> _Mixture:
    """See the plan through the sensor's point spread, and vary plants and soils within it."""
    share = np.stack([_pixels(plan.material == m) for m in range(len(MATERIALS))], axis=-1)
    rows, columns, _ = share.shape
    size = (rows, columns)
    pure = (share.max(axis=-1) >= _PURE) & (_pixels(plan.shadow) < 0.5)
    reference = np.where(pure, share.argmax(axis=-1), GARDEN).astype(np.uint16)
    reference[reference == GARDEN] = UNLABELLED

    soil, meadow = MATERIALS.index("Bare soil"), MATERIALS.index("Meadow")
    amount = share.copy()
    crops = list(ROW_CROPS)
    bare = amount[..., crops] * (1.0 - _canopy_cover(plan, rng))[..., None]
    amount[..., crops] -= bare
    amount[..., soil] += bare.sum(axis=-1)
    lawn = np.clip(0.55 + 0.25 * _texture(rng, size, 4.0), 0.0, 1.0) * amount[..., GARDEN]
    amount[..., meadow] += lawn
    amount[..., soil] += amount[..., GARDEN] - lawn
    amount[..., GARDEN] = 0.0

    green = amount[..., [m for m, name in enumerate(MATERIALS) if name in PLANTS]].sum(axis=-1)
    plant = green[..., None] * _variation(plan, rng, _PLANT_DEVIATIONS)
    ground = amount[..., soil, None] * _variation(plan, rng, _SOIL_DEVIATIONS)
    weights = np.concatenate([amount, plant, ground], axis=-1)
    weights *= (_pixels(plan.light) * _illumination(rng, size))[..., None]
    return _Mixture(weights, reference)


def _pixels(fine: NDArray[np.generic]) -> Plane:
    """Average the plan over pixels, through the optics' Gaussian point spread (0.45 pixels)."""
    from scipy.ndimage import gaussian_filter

    n = OVERSAMPLING
    blurred = gaussian_filter(fine.astype(np.float64), 0.45 * n, mode="nearest", truncate=3.0)
    height, width = blurred.shape
    return np.asarray(blurred.reshape(height // n, n, width // n, n).mean(axis=(1, 3)))


def _texture(rng: np.random.Generator, size: tuple[int, int], metres: float) -> Plane:
    """Random plane of mean 0 and deviation 1, alike over about `metres`."""
    from scipy.ndimage import gaussian_filter

    sigma = [metres * n / EXTENT for n in size]
    plane = gaussian_filter(rng.standard_normal(size), sigma, mode="reflect", truncate=3.0)
    return np.asarray((plane - plane.mean()) / plane.std())


def _canopy_cover(plan: Plan, rng: np.random.Generator) -> Plane:
    """Share of the ground that the leaves of a row crop hide, 0 to 1, a pixel."""
    size = (plan.material.shape[0] // OVERSAMPLING, plan.material.shape[1] // OVERSAMPLING)
    cover = 0.90 + 0.02 * _texture(rng, size, 9.0) + 0.015 * _texture(rng, size, 1.5)
    if EXTENT / min(size) < _BED / 2:  # larger pixels do not resolve the beds
        cover += 0.055 * _pixels(np.cos(2 * np.pi * plan.across / _BED))
    return np.clip(cover, 0.0, 1.0)


def _variation(plan: Plan, rng: np.random.Generator, deviations: Plane) -> Plane:
    """Vary constituents from field to field, over tens of metres, and from metre to metre.

    Returns
    -------
    ndarray of float64, shape (rows, columns, constituents)
    """
    field = plan.field[::OVERSAMPLING, ::OVERSAMPLING]
    planes = []
    for deviation in deviations:
        of_field = rng.standard_normal(2048)[field]
        wide, narrow = _texture(rng, field.shape, 11.0), _texture(rng, field.shape, 1.3)
        planes.append(deviation * (0.35 * of_field + 0.55 * wide + 0.75 * narrow))
    return np.stack(planes, axis=-1)


def _illumination(rng: np.random.Generator, size: tuple[int, int]) -> Plane:
    """Light over the scene: a view-angle gradient across the swath, gentle relief, roughness."""
    across = np.linspace(-1.0, 1.0, size[1])[None, :]
    along = np.linspace(-1.0, 1.0, size[0])[:, None]
    gradient = 1.0 + 0.08 * across - 0.03 * along
    relief, rough = _texture(rng, size, 28.0), _texture(rng, size, 0.8)
    return np.asarray(gradient * (1.0 + 0.025 * relief + 0.020 * rough))


def _noise_deviation(wavelengths: Plane) -> Plane:
    """Deviation of the noise in reflectance, a band.

    It grows at the detectors' ends and where water vapour leaves little light: at 940, 1135,
    1390 and 1880 nm.
    """

    def peak(centre: float, width: float) -> Plane:
        return np.asarray(np.exp(-0.5 * ((wavelengths - centre) / width) ** 2))

    ends = 3.5 * np.exp((400.0 - wavelengths) / 40.0) + 4.0 * np.exp((wavelengths - 2500.0) / 70.0)
    vapour = peak(940, 16) + 1.5 * peak(1135, 20) + 30.0 * peak(1390, 26) + 45.0 * peak(1880, 38)
    deviation = 0.0020 * (1.0 + ends + vapour)
    deviation[_FAULTY_BAND] = 0.03
    return np.asarray(deviation)


def _good_bands(deviation: Plane) -> NDArray[np.bool_]:
    """Bands whose noise leaves something to see."""
    return deviation < 0.025


def _measure(
    mixture: _Mixture, wavelengths: Plane, deviation: Plane, rng: np.random.Generator
) -> NDArray[np.int16]:
    """Turn mixtures into noisy stored counts, ``(rows, columns, bands)``."""
    names = [name for m, name in enumerate(MATERIALS) if m != GARDEN]
    nothing = np.zeros((1, wavelengths.size))
    spectra = endmembers(wavelengths, names)
    components = np.concatenate(
        [nothing, spectra, plant_modes(wavelengths), soil_modes(wavelengths)]
    )
    rows, columns, _ = mixture.weights.shape
    counts = np.empty((rows, columns, wavelengths.size), np.int16)
    # Detector elements differ a little: faint stripes along the flight.
    stripes = 0.12 * deviation * rng.standard_normal((columns, wavelengths.size))
    for start in range(0, rows, _BLOCK):
        block = mixture.weights[start : start + _BLOCK] @ components
        shot = np.sqrt(0.4 + 2.0 * np.clip(block, 0.0, None))  # 1 at a reflectance of 0.3
        block += deviation * shot * rng.standard_normal(block.shape, np.float32) + stripes
        counts[start : start + _BLOCK] = np.clip(np.rint(block / SCALE), -500, 12000)
    counts.setflags(write=False)
    return counts
