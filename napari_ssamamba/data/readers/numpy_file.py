"""NumPy's ``.npy`` files, mapped into memory."""

from __future__ import annotations

from tokenize import TokenError
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_ssamamba.data.band_lists import BandList, stated_bands
from napari_ssamamba.data.cube import Cube
from napari_ssamamba.data.good_bands import switch_off_empty_bands
from napari_ssamamba.data.mapped_file import MappedFile
from napari_ssamamba.data.readers.layouts import ask_layout, default_layout, parse_layout
from napari_ssamamba.errors import FileFormatError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_ssamamba.data.band_lists import StatedWavelengths


def map_array(path: Path) -> NDArray[Any]:
    """Map the array of a ``.npy`` file into memory, read-only.

    Raises
    ------
    FileFormatError
        Where it is truncated, damaged, empty, or holds anything but real numbers.
    """
    try:
        array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError, SyntaxError, TokenError, OverflowError) as error:
        raise FileFormatError(
            path,
            f"it cannot be read as an array of numbers ({error})",
            "Save it again with numpy.save; arrays of Python objects are not read.",
        ) from error
    if array.dtype.kind not in "biuf" or array.size == 0:
        raise FileFormatError(
            path,
            f"it holds {array.size} values of type {array.dtype}",
            "Save an array of real numbers.",
        )
    return array


def open_numpy(
    path: Path, layout: str | None = None, wavelengths: StatedWavelengths = None
) -> Cube:
    """Open a ``.npy`` file of three axes, or of a matrix that lists pixels.

    Parameters
    ----------
    path : Path
    layout : str, optional
        See `parse_layout`; needed for a matrix, by default as `default_layout` takes three axes.
    wavelengths : Path or sequence of float, optional
        Band centres; see `stated_bands`.

    Raises
    ------
    FileFormatError
        As `map_array`, and for arrays of other axes.
    AmbiguousFileError
        As `default_layout`, and for a matrix whose layout is not stated.
    """
    array = map_array(path)
    if array.ndim == 2 and min(array.shape) > 1 and layout is None:
        raise ask_layout(path, array.shape)
    if array.ndim != 3 and layout is None:
        raise FileFormatError(
            path,
            f"it holds an array of shape {array.shape}",
            "A scene has three axes: rows, columns and bands.",
        )
    stated = parse_layout(layout, path, array.shape) if layout else None
    raw = (stated or default_layout(path, array.shape, wavelengths)).view(array)
    listed = BandList().merged(stated_bands(path, wavelengths, raw.shape[2]))
    cube = Cube(
        name=path.stem,
        raw=MappedFile(raw),
        wavelengths=listed.wavelengths,
        fwhm=listed.fwhm,
        good_bands=np.ones(raw.shape[2], bool) if listed.good is None else listed.good,
        interleave=_interleave(raw),
        paths=(path,),
    )
    return switch_off_empty_bands(cube)


def _interleave(raw: NDArray[Any]) -> str:
    """Tell from the strides how the values lie in the file."""
    bands_slowest = raw.strides[2] >= max(raw.strides[:2])
    bands_fastest = raw.strides[2] <= min(raw.strides[:2])
    return "bip" if bands_fastest else "bsq" if bands_slowest else "bil"
