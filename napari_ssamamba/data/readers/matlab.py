"""MATLAB scenes: which variable, and which of its axes is what."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from napari_ssamamba.data.band_lists import BandList, stated_bands
from napari_ssamamba.data.cube import Cube, with_fingerprint
from napari_ssamamba.data.good_bands import switch_off_empty_bands
from napari_ssamamba.data.readers.layouts import (
    Layout,
    ask_layout,
    default_layout,
    layout_of_centres,
    parse_layout,
)
from napari_ssamamba.data.readers.matlab_file import (
    LazyArray,
    TransposedDataset,
    axes_reversed,
    is_hdf5,
    list_variables,
    load_variable,
    open_hdf5,
)
from napari_ssamamba.errors import AmbiguousFileError, Choice, FileFormatError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari_ssamamba.data.band_lists import StatedWavelengths
    from napari_ssamamba.data.cube import RawCube
    from napari_ssamamba.data.readers.matlab5_index import Variable

DIGEST_PLACES, DIGEST_BYTES = 75, 64
"""How many stretches of a MATLAB 5 file tell it from others, and how long each is."""


def open_matlab(
    path: Path,
    *,
    variable: str | None = None,
    layout: str | None = None,
    wavelengths: StatedWavelengths = None,
) -> Cube:
    """Open a scene in a MATLAB 5 or 7.3 file.

    MATLAB 5 variables are read when the cube is first read, 7.3 variables block by block. For the
    former, bands that hold only NaN are not looked for, as that would read the scene.

    Parameters
    ----------
    path : Path
    variable : str, optional
        Needed where the file holds several that may be the scene.
    layout : str, optional
        See `parse_layout`; needed for a matrix of bands × pixels.
    wavelengths : Path or sequence of float, optional
        Band centres; see `stated_bands`.

    Raises
    ------
    AmbiguousFileError
        Where the variable or the layout is not known, with the choices.
    FileFormatError
        Where the file is damaged or holds nothing that may be a scene.
    """
    variables = list_variables(path)
    chosen = _named(path, variables, variable) if variable else _only_scene(path, variables)
    stated = parse_layout(layout, path, chosen.shape) if layout else None
    axes = stated or _usual_layout(path, chosen, variables, wavelengths)
    raw: RawCube
    turned = is_hdf5(path) and _axes_reversed(path)
    if is_hdf5(path) and len(chosen.shape) == 3:
        order = tuple(2 - a for a in axes.order) if turned else axes.order
        raw = TransposedDataset(open_hdf5(path)[chosen.name], order)
    else:
        shape = axes.cube_shape(chosen.shape)
        raw = LazyArray(shape, chosen.dtype, lambda: axes.view(load_variable(path, chosen.name)))
    listed = BandList().merged(stated_bands(path, wavelengths, raw.shape[2]))
    cube = Cube(
        name=path.stem,
        raw=raw,
        wavelengths=listed.wavelengths,
        fwhm=listed.fwhm,
        good_bands=np.ones(raw.shape[2], bool) if listed.good is None else listed.good,
        interleave=_interleave(axes, column_major=not is_hdf5(path) or turned),
        paths=(path,),
    )
    if isinstance(raw, LazyArray):
        return replace(cube, fingerprint=_digest(path, chosen.name))
    return with_fingerprint(switch_off_empty_bands(cube))


def _digest(path: Path, variable: str) -> str:
    """Tell a file from others of its size, by its bytes: a value cannot be read alone."""
    size = path.stat().st_size
    digest = hashlib.sha256(f"{variable} {size}".encode())
    with path.open("rb") as file:
        for start in np.linspace(0, max(size - DIGEST_BYTES, 0), DIGEST_PLACES).astype(int):
            file.seek(int(start))
            digest.update(file.read(DIGEST_BYTES))
    return digest.hexdigest()


def _named(path: Path, variables: Sequence[Variable], name: str) -> Variable:
    found = next((v for v in variables if v.name == name), None)
    if found is None:
        raise FileFormatError(
            path,
            f"it has no numeric variable {name!r}",
            f"It has {', '.join(v.text for v in variables) or 'none at all'}.",
        )
    if len(found.shape) not in (2, 3) or min(found.shape) < 1:
        raise FileFormatError(path, f"{found.text} is no scene", "Name another variable.")
    return found


def _only_scene(path: Path, variables: Sequence[Variable]) -> Variable:
    """Pick the one variable of three axes, or else the one matrix that may list pixels."""
    cubes = [v for v in variables if len(v.shape) == 3 and min(v.shape) > 0]
    matrices = [v for v in variables if len(v.shape) == 2 and min(v.shape) > 1]
    candidates = cubes or matrices
    if len(candidates) == 1:
        return candidates[0]
    if not candidates:
        raise FileFormatError(
            path,
            "it holds no array of three axes of real numbers",
            f"Open a file with a scene; this has {', '.join(v.text for v in variables) or 'none'}.",
        )
    raise AmbiguousFileError(
        path,
        f"it holds {len(candidates)} arrays that may be the scene: "
        f"{', '.join(v.text for v in candidates)}",
        f"Name one, e.g. {path.name}:{candidates[0].name}.",
        [Choice("variable", v.name, v.text) for v in candidates],
    )


def _usual_layout(
    path: Path,
    chosen: Variable,
    variables: Sequence[Variable],
    wavelengths: StatedWavelengths,
) -> Layout:
    """Take the layout that three axes have by custom; a matrix has none."""
    if len(chosen.shape) == 2:
        raise ask_layout(path, chosen.shape, _stated_sizes(path, variables))
    if is_hdf5(path) and not _axes_reversed(path):
        told = layout_of_centres(path, chosen.shape, wavelengths)
        if told is None:  # MATLAB did not write it; no custom tells the axes
            raise ask_layout(path, chosen.shape)
        return told
    return default_layout(path, chosen.shape, wavelengths)


def _axes_reversed(path: Path) -> bool:
    with open_hdf5(path) as file:
        return axes_reversed(file)


def _interleave(layout: Layout, *, column_major: bool) -> str:
    """Tell how the values lie in the file: first axis fastest (MATLAB) or last."""
    fastest_first = layout.axes if column_major else layout.axes[::-1]
    if fastest_first[0] == "bands":
        return "bip"
    return "bsq" if fastest_first[-1] == "bands" else "bil"


def _stated_sizes(path: Path, variables: Sequence[Variable]) -> list[tuple[int, int]]:
    """Rows and columns where the file says them, as ``nRow`` and ``nCol`` or the like."""

    def scalar(pattern: str) -> int | None:
        for v in variables:
            if re.fullmatch(pattern, v.name, re.IGNORECASE) and set(v.shape) == {1}:
                return int(load_variable(path, v.name).item())
        return None

    rows = scalar(r"n?_?(rows?|lines?|height)")
    columns = scalar(r"n?_?(cols?|columns?|samples?|width)")
    return [(rows, columns)] if rows and columns else []
