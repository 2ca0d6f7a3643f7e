"""Colour composites: three bands, or three principal components, as an image to look at."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from napari_ssamamba.data.cube import has_measurement
from napari_ssamamba.data.room import leave_memory
from napari_ssamamba.errors import BandsError, SettingError
from napari_ssamamba.events import Progress, result_of

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from numpy.typing import NDArray

    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.data.room import Room

    Channels = Callable[[NDArray[np.float32]], NDArray[np.float32]]

TRUE_COLOUR = "true colour"
COLOUR_INFRARED = "colour infrared"
SHORT_WAVE_INFRARED = "short-wave infrared"
PCA = "PCA"
EVENLY_SPACED = "evenly spaced"

WAVELENGTH_PRESETS = {
    TRUE_COLOUR: ((650.0, 30.0), (550.0, 30.0), (460.0, 30.0)),
    COLOUR_INFRARED: ((860.0, 40.0), (650.0, 30.0), (550.0, 30.0)),
    SHORT_WAVE_INFRARED: ((2190.0, 60.0), (860.0, 40.0), (650.0, 30.0)),
}
"""Wanted wavelength of red, green and blue, and how far off a band may lie, in nm."""

SAMPLE_PIXELS = 40_000
"""Pixels, at most, from which the stretch and the components are found."""

SAMPLE_BYTES = 64 * 2**20
"""Of a file, at most, that are gone through for them: fewer rows, and more pixels of each."""

BLOCK_BYTES = 2**20
"""Values that are read at once, as float32."""

PREVIEW_BYTES = 256 * 2**20
"""Composites that go through more of a file are shown from some of its rows first."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class CompositePreview(Progress):
    """A composite of which only some rows were read; the others repeat the row above.

    Attributes
    ----------
    image : ndarray of uint8, shape (rows, columns, 4)
        The one that is composed: what follows is written into it.
    """

    lasting: ClassVar[bool] = True

    image: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class CompositeSettings:
    """What a composite shows.

    Attributes
    ----------
    bands : tuple of three int, or None
        Bands shown as red, green and blue; None takes those of the preset.
    preset : str
        One of `available_presets`; ignored where `bands` are given.
    low, high : float
        Percentiles of the measured pixels that become black and full colour.
    """

    bands: tuple[int, int, int] | None = None
    preset: str = TRUE_COLOUR
    low: float = 2.0
    high: float = 98.0

    def __post_init__(self) -> None:
        if not 0 <= self.low < self.high <= 100:
            raise SettingError(
                "low, high", (self.low, self.high), "give percentiles with 0 ≤ low < high ≤ 100."
            )


def available_presets(cube: Cube) -> tuple[str, ...]:
    """List the presets that fit a cube's bands, the one to begin with first.

    Parameters
    ----------
    cube : Cube

    Returns
    -------
    tuple of str
        Those of `WAVELENGTH_PRESETS` for which good bands are near enough; `EVENLY_SPACED` where
        none is; and `PCA` where there are three good bands.
    """
    fitting = tuple(p for p in WAVELENGTH_PRESETS if _nearest_bands(cube, p) is not None)
    pca = (PCA,) if cube.good_indices.size >= 3 else ()
    return (fitting or (EVENLY_SPACED,)) + pca


def preset_bands(cube: Cube, preset: str) -> tuple[int, int, int]:
    """Bands of a cube that a preset shows as red, green and blue.

    Parameters
    ----------
    cube : Cube
    preset : str
        Any preset but `PCA`, which shows no single bands.

    Raises
    ------
    SettingError
        Where the preset does not fit the cube.
    BandsError
        Where no band is switched on.
    """
    good = cube.good_indices
    if good.size == 0:
        raise BandsError(f"{cube.name}: no band is switched on. Switch on at least one band.")
    if preset == EVENLY_SPACED:
        order = good if cube.wavelengths is None else good[np.argsort(cube.wavelengths[good])]
        # Long wavelengths are red, as in the spectrum.
        red, green, blue = (order[int(q * (good.size - 1))] for q in (0.75, 0.5, 0.25))
        return int(red), int(green), int(blue)
    bands = _nearest_bands(cube, preset) if preset in WAVELENGTH_PRESETS else None
    if bands is None:
        raise SettingError(
            "preset", preset, f"{cube.name} can be shown in {', '.join(available_presets(cube))}."
        )
    return bands


def compose(cube: Cube, settings: CompositeSettings) -> NDArray[np.uint8]:
    """Make a composite at once; see `compose_blocks`."""
    return result_of(compose_blocks(cube, settings))


def compose_blocks(
    cube: Cube, settings: CompositeSettings, room: Room | None = None
) -> Generator[Progress, None, NDArray[np.uint8]]:
    """Make a composite block by block of rows.

    The stretch, and the principal components, come from every n-th row and column, `SAMPLE_PIXELS`
    at most, and of fewer rows where these go through `SAMPLE_BYTES` of the file, so that the size
    of the scene does not matter.

    Parameters
    ----------
    cube : Cube
    settings : CompositeSettings
    room : Room, optional
        How much memory the composite may take.

    Yields
    ------
    Progress
        In rows; one `CompositePreview` where reading all rows takes long.

    Returns
    -------
    ndarray of uint8, shape (rows, columns, 4)
        Red, green, blue, alpha; pixels without measurement are transparent.

    Raises
    ------
    SettingError
        Where the preset does not fit the cube.
    BandsError
        Where a band is out of range, or too few bands are switched on.
    RoomError
        Where neither memory nor disk have room for it.
    """
    bands, text = _bands_to_read(cube, settings), f"Composite of {cube.name}"
    sample = yield from _sample_pixels(cube, bands, text)
    channels = _principal_components(sample) if _shows_components(settings) else _as_they_are
    low, high = _stretch(channels(sample), settings)

    def paint(block: NDArray[np.float32]) -> NDArray[np.uint8]:
        measured = has_measurement(block)
        painted = np.zeros((*measured.shape, 4), np.uint8)
        scaled = (channels(block[measured]) - low) / (high - low)
        painted[measured, :3] = np.rint(255 * np.clip(np.nan_to_num(scaled, nan=0.0), 0.0, 1.0))
        painted[measured, 3] = 255
        return painted

    shape = cube.rows, cube.columns, 4
    allocate = np.zeros if room is None else room.arrays(math.prod(shape))
    image: NDArray[np.uint8] = allocate(shape, np.uint8)
    costs = cube.touched_bytes(range(cube.rows), range(cube.columns), bands)
    every = -(-costs // PREVIEW_BYTES)
    if every > 1:
        for start, block in _blocks(cube, bands, every):
            yield Progress(done=0, total=cube.rows, text=text)
            rows = np.repeat(paint(block), every, axis=0)[: cube.rows - start]
            image[start : start + len(rows)] = rows
            leave_memory(image)
        yield CompositePreview(done=0, total=cube.rows, text=text, image=image)
    for start, block in _blocks(cube, bands, 1):
        yield Progress(done=start, total=cube.rows, text=text)
        image[start : start + len(block)] = paint(block)
        leave_memory(image)
    yield Progress(done=cube.rows, total=cube.rows, text=text)
    return image


def _blocks(
    cube: Cube, bands: NDArray[np.intp], every: int
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Read every n-th row, in blocks; tell of each where it begins."""
    step = every * _rows_at_once(cube.columns, bands.size)
    for start in range(0, cube.rows, step):
        rows = slice(start, min(start + step, cube.rows), every)
        yield start, cube.read(rows, slice(None), bands)


def _shows_components(settings: CompositeSettings) -> bool:
    return settings.bands is None and settings.preset == PCA


def _nearest_bands(cube: Cube, preset: str) -> tuple[int, int, int] | None:
    """Three different good bands near the wanted wavelengths, None where there are none."""
    good = cube.good_indices
    if cube.wavelengths is None or good.size == 0:
        return None
    distances = [
        np.abs(cube.wavelengths[good] - wanted) / within
        for wanted, within in WAVELENGTH_PRESETS[preset]
    ]
    red, green, blue = (int(good[d.argmin()]) for d in distances)
    near = all(d.min() <= 1 for d in distances)
    return (red, green, blue) if near and len({red, green, blue}) == 3 else None


def _bands_to_read(cube: Cube, settings: CompositeSettings) -> NDArray[np.intp]:
    """Bands that the composite is made of; all good ones for principal components."""
    if settings.bands is not None:
        wrong = [b for b in settings.bands if not 0 <= b < cube.bands]
        if wrong or len(settings.bands) != 3:
            raise BandsError(
                f"Bands {settings.bands} for a composite of {cube.name}: "
                f"give three of its bands, 0 to {cube.bands - 1}."
            )
        return np.asarray(settings.bands, np.intp)
    if settings.preset != PCA:
        return np.asarray(preset_bands(cube, settings.preset), np.intp)
    if cube.good_indices.size < 3:
        raise BandsError(
            f"{cube.name}: {cube.good_indices.size} bands are switched on, and PCA needs three. "
            "Switch on more bands, or choose another composite."
        )
    return cube.good_indices


def _rows_at_once(columns: int, bands: int) -> int:
    """Rows of a block of at most `BLOCK_BYTES`, at least one."""
    return max(1, BLOCK_BYTES // (4 * columns * bands))


def _sample_pixels(
    cube: Cube, bands: NDArray[np.intp], text: str
) -> Generator[Progress, None, NDArray[np.float32]]:
    """Read every n-th pixel of every m-th row; return the measured ones, shape (n, bands)."""
    across = down = max(1, int(np.ceil(np.sqrt(cube.rows * cube.columns / SAMPLE_PIXELS))))
    costs = cube.touched_bytes(range(0, cube.rows, down), range(0, cube.columns, across), bands)
    if costs > SAMPLE_BYTES:
        down = min(cube.rows, -(-down * costs // SAMPLE_BYTES))
        across = max(1, -(-cube.rows * cube.columns // (down * SAMPLE_PIXELS)))
    at_once = down * _rows_at_once(-(-cube.columns // across), bands.size)
    found = []
    for start in range(0, cube.rows, at_once):
        yield Progress(done=0, total=cube.rows, text=text)
        rows = slice(start, min(start + at_once, cube.rows), down)
        block = cube.read(rows, slice(None, None, across), bands)
        found.append(block[has_measurement(block)])
    return np.concatenate(found)


def _as_they_are(spectra: NDArray[np.float32]) -> NDArray[np.float32]:
    """Show the bands that were read."""
    return spectra


def _principal_components(sample: NDArray[np.float32]) -> Channels:
    """Fit the first three principal components to sample pixels, shape (n, bands).

    Single missing values count as the band's mean. Fewer than four pixels have no three
    components; then the first three bands are shown.
    """
    from sklearn.decomposition import PCA as PrincipalComponents

    if len(sample) < 4:
        return lambda spectra: spectra[:, :3]
    seen = ~np.isnan(sample).all(axis=0)
    mean = np.zeros(sample.shape[1], np.float32)
    mean[seen] = np.nanmean(sample[:, seen], axis=0)
    components = PrincipalComponents(3, svd_solver="covariance_eigh")
    components.fit(np.where(np.isnan(sample), mean, sample))
    axes = components.components_.astype(np.float32)

    def project(spectra: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(np.where(np.isnan(spectra), 0, spectra - mean) @ axes.T)

    return project


def _stretch(
    sample: NDArray[np.float32], settings: CompositeSettings
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Values that become black and full colour, of each channel; constant ones become grey."""
    low, high = np.zeros(3, np.float32), np.ones(3, np.float32)
    for channel in range(3 if len(sample) else 0):
        values = sample[:, channel]
        values = values[~np.isnan(values)]
        if values.size:
            low[channel], high[channel] = np.percentile(values, [settings.low, settings.high])
    constant = high <= low
    return np.where(constant, low - 0.5, low), np.where(constant, low + 0.5, high)
