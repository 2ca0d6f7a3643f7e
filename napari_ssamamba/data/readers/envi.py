"""ENVI scenes, mapped into memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_ssamamba.data.band_lists import stated_bands
from napari_ssamamba.data.cube import Cube
from napari_ssamamba.data.envi_position import position_from_envi
from napari_ssamamba.data.good_bands import switch_off_empty_bands
from napari_ssamamba.data.mapped_file import MappedFile
from napari_ssamamba.data.readers.envi_header import EnviHeader, band_list, read_header

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_ssamamba.data.band_lists import StatedWavelengths


def map_values(header: EnviHeader) -> NDArray[Any]:
    """Map the data file into memory, as ``(row, column, band)`` whatever its interleave."""
    from spectral.io.bilfile import BilFile
    from spectral.io.bipfile import BipFile
    from spectral.io.bsqfile import BsqFile
    from spectral.io.envi import gen_params

    params = gen_params({k: _one_text(v) for k, v in header.fields.items()})
    params.filename = str(header.data)
    kind = {"bsq": BsqFile, "bil": BilFile, "bip": BipFile}[header.interleave]
    values: NDArray[Any] = kind(params, dict(header.fields)).open_memmap(interleave="bip")
    return values


def open_envi(path: Path, wavelengths: StatedWavelengths = None) -> Cube:
    """Open an ENVI scene by its header or its data file.

    Stored values become physical by ``data gain values`` and ``data offset values`` where the
    header has them, else by division by the ``reflectance scale factor``. A field ``synthetic = 1``
    marks a scene that a program made.

    Parameters
    ----------
    path : Path
    wavelengths : Path or sequence of float, optional
        Band centres that take the place of the header's.

    Raises
    ------
    FileFormatError
        As `read_header`, `band_list` and `stated_bands`.
    SettingError
        As `stated_bands`.
    """
    header = read_header(path)
    crs, transform = position_from_envi(header.fields)
    listed = band_list(header, stated_bands(header.data, wavelengths, header.bands))
    scale, offset = header.numbers("data gain values"), header.numbers("data offset values")
    factor = header.number("reflectance scale factor")
    if scale is None and offset is None and factor not in (None, 0.0, 1.0):
        scale = np.full(header.bands, 1.0 / float(factor or 1.0))
    cube = Cube(
        name=header.data.stem if header.data.suffix else header.data.name,
        raw=MappedFile(map_values(header)),
        wavelengths=listed.wavelengths,
        fwhm=listed.fwhm,
        good_bands=np.ones(header.bands, bool) if listed.good is None else listed.good,
        nodata=header.number("data ignore value"),
        scale=scale,
        offset=offset,
        crs=crs,
        transform=transform,
        interleave=header.interleave,
        paths=(header.data, header.path),
        synthetic=header.number("synthetic") == 1,
    )
    return switch_off_empty_bands(cube)


def _one_text(value: str | list[str]) -> str | list[str]:
    return value.strip() if isinstance(value, str) else value
