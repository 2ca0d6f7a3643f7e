"""Stand-ins for large scenes: files of any size that look like the built-in scene repeated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from napari_ssamamba.data.classes import ClassTable
from napari_ssamamba.data.georeferencing import without_georeference_warning
from napari_ssamamba.data.sample.canvas import GARDEN, MATERIALS
from napari_ssamamba.data.sample.landscape import OVERSAMPLING, draw_plan
from napari_ssamamba.data.sample.scene import COLOURS, SCALE
from napari_ssamamba.data.sample.spectra import endmembers
from napari_ssamamba.errors import SettingError
from napari_ssamamba.events import Progress

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path
    from typing import BinaryIO

    from numpy.typing import NDArray

Interleave = Literal["bsq", "bil", "bip"]

TILE = 300
"""Side in pixels of the landscape that is repeated, every other time mirrored."""

BLOCK_BYTES = 32 * 2**20
"""Values that are made at once."""

FIRST_NM, LAST_NM = 400.0, 2500.0

NOISE = 40
"""Deviation of the noise, in counts."""

_SEED = 20260115
_NOISE_VALUES = 2**21


@dataclass(frozen=True, slots=True, eq=False)
class StandIn:
    """What a stand-in shows.

    Attributes
    ----------
    ids : ndarray of uint16, shape (rows, columns)
        Class of each pixel, 0 where it has none.
    classes : ClassTable
    spectra : ndarray of float64, shape (classes + 1, bands)
        Reflectance, 0 to 1, by class id.
    wavelengths : ndarray of float64, shape (bands,)
        Band centres in nm.
    """

    ids: NDArray[np.uint16]
    classes: ClassTable
    spectra: NDArray[np.float64]
    wavelengths: NDArray[np.float64]


def plan_stand_in(
    rows: int,
    columns: int,
    bands: int,
    *,
    labels: NDArray[np.uint16] | None = None,
    library: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None,
) -> StandIn:
    """Say what a stand-in shows.

    Parameters
    ----------
    rows, columns, bands : int
        Its size.
    labels : ndarray of uint16, shape (any, any), optional
        Geometry: repeated to the size; by default the built-in landscape.
    library : tuple of ndarray, optional
        Wavelengths in nm, shape (n,), and spectra, shape (any, n), that the classes take by turns;
        by default those of the built-in scene.

    Raises
    ------
    SettingError
        Where the size is not positive, or the labels are of no class.
    """
    if min(rows, columns, bands) < 1:
        raise SettingError("scene", f"{rows}x{columns}x{bands}", "give three numbers from 1.")
    wavelengths = np.linspace(FIRST_NM, LAST_NM, bands)
    if labels is None:
        plan = draw_plan(TILE, TILE, np.random.default_rng(_SEED))
        tile = plan.material[::OVERSAMPLING, ::OVERSAMPLING].astype(np.uint16)
        classes = ClassTable()
        for number, name in enumerate(MATERIALS):
            if number != GARDEN:
                classes = classes.add(name, COLOURS[name], id=number)
    else:
        tile = labels
        classes = ClassTable.from_ids([int(i) for i in np.unique(labels) if i])
        if len(classes) == 0:
            raise SettingError("labels", "empty", "give labels of at least one class.")
    if library is None:
        measured = endmembers(wavelengths, [m for n, m in enumerate(MATERIALS) if n != GARDEN])
    else:
        measured = np.stack([np.interp(wavelengths, library[0], s) for s in library[1]])
    turns = np.arange(max(classes.ids)) % len(measured)
    spectra = np.concatenate([measured.mean(axis=0, keepdims=True), measured[turns]])
    return StandIn(_repeated(tile, rows, columns), classes, spectra, wavelengths)


def write_stand_in(
    path: Path, plan: StandIn, interleave: Interleave = "bsq"
) -> Generator[Progress, None, None]:
    """Write a stand-in as a scene of uint16 counts, block by block: ENVI, or a GeoTIFF.

    Each pixel is its class's spectrum under light that changes over the scene, with noise; there
    are no mixed pixels. An ENVI header says that the scene is synthetic. A GeoTIFF is compressed
    (deflate), in strips as GDAL makes them.

    Parameters
    ----------
    path : Path
        The data file. One that ends in ``.tif`` is a GeoTIFF; else a header is put beside it.
    plan : StandIn
    interleave : {"bsq", "bil", "bip"}
        There is no GeoTIFF by lines.

    Yields
    ------
    Progress
        In rows.

    Raises
    ------
    SettingError
        For another interleave.
    """
    if interleave not in get_args(Interleave):
        raise SettingError("interleave", interleave, "choose bsq, bil or bip.")
    if path.suffix == ".tif":
        if interleave == "bil":
            raise SettingError("interleave", interleave, "choose bsq or bip for a GeoTIFF.")
        yield from _write_geotiff(path, plan, interleave)
        return
    rows, columns = plan.ids.shape
    with path.open("wb") as file:
        for first, values in _blocks(plan):
            yield Progress(done=first, total=rows, text=f"Writing {path.name}")
            _write_block(file, values, first, rows, interleave)
    centres = ", ".join(f"{w:.2f}" for w in plan.wavelengths)
    path.with_name(path.name + ".hdr").write_text(
        f"ENVI\ndescription = {{Synthetic stand-in for a large scene}}\nsynthetic = 1\n"
        f"samples = {columns}\nlines = {rows}\nbands = {plan.wavelengths.size}\n"
        f"header offset = 0\nfile type = ENVI Standard\ndata type = 12\n"
        f"interleave = {interleave}\nbyte order = 0\n"
        f"reflectance scale factor = {1 / SCALE:g}\nwavelength units = Nanometers\n"
        f"wavelength = {{{centres}}}\n",
        encoding="utf-8",
    )


def _write_geotiff(
    path: Path, plan: StandIn, interleave: Interleave
) -> Generator[Progress, None, None]:
    import rasterio

    (rows, columns), bands = plan.ids.shape, plan.wavelengths.size
    with (
        without_georeference_warning(),
        rasterio.open(
            path,
            "w",
            driver="GTiff",
            height=rows,
            width=columns,
            count=bands,
            dtype="uint16",
            interleave="pixel" if interleave == "bip" else "band",
            compress="deflate",
            bigtiff="if_safer",
        ) as file,
    ):
        centres = ", ".join(f"{w:.2f}" for w in plan.wavelengths)
        file.update_tags(wavelength=centres, wavelength_units="nm", description="Synthetic")
        file.scales = (SCALE,) * bands
        for first, values in _blocks(plan):
            yield Progress(done=first, total=rows, text=f"Writing {path.name}")
            window = (first, first + len(values)), (0, columns)
            file.write(values.transpose(2, 0, 1), window=window)


def _blocks(plan: StandIn) -> Iterator[tuple[int, NDArray[np.uint16]]]:
    """Make whole rows of a stand-in; yield the first one's number and their counts."""
    rows, columns = plan.ids.shape
    bands = plan.wavelengths.size
    rng = np.random.default_rng(_SEED)
    counts = (plan.spectra / SCALE).astype(np.float32)
    noise = NOISE * rng.standard_normal(_NOISE_VALUES, np.float32)
    at_once = max(1, BLOCK_BYTES // (4 * columns * bands))
    for first in range(0, rows, at_once):
        ids = plan.ids[first : first + at_once]
        row, column = np.ogrid[first : first + len(ids), 0:columns]
        light = 1 + 0.1 * np.sin(row / 190) * np.cos(column / 230)  # (rows, columns)
        block = counts[ids] * light[..., None].astype(np.float32)
        for of_row in block.reshape(len(ids), -1):
            start = int(rng.integers(_NOISE_VALUES // 2))
            for begin in range(0, of_row.size, _NOISE_VALUES // 2):
                part = of_row[begin : begin + _NOISE_VALUES // 2]
                part += noise[start : start + part.size]
        yield first, np.clip(np.rint(block), 1, 65_000).astype("<u2")


def _repeated(tile: NDArray[np.uint16], rows: int, columns: int) -> NDArray[np.uint16]:
    """Repeat a tile to a size, mirrored every other time, so that its edges fit."""
    pair = np.concatenate([tile, tile[::-1]])
    pair = np.concatenate([pair, pair[:, ::-1]], axis=1)
    down, across = -(-rows // pair.shape[0]), -(-columns // pair.shape[1])
    return np.ascontiguousarray(np.tile(pair, (down, across))[:rows, :columns])


def _write_block(
    file: BinaryIO, values: NDArray[np.uint16], first: int, rows: int, interleave: Interleave
) -> None:
    """Write rows of values, (row, column, band), where the interleave has them."""
    if interleave == "bip":
        file.write(values.tobytes())
    elif interleave == "bil":
        file.write(values.transpose(0, 2, 1).tobytes())
    else:
        columns = values.shape[1]
        for band in range(values.shape[2]):
            file.seek(2 * columns * (band * rows + first))
            file.write(values[..., band].tobytes())
