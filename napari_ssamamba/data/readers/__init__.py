"""Readers: from files to a lazy `Cube`, one file a format.

What a file is, is told by its first bytes and by a header beside it, never by its suffix.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from napari_ssamamba.errors import FileFormatError, SettingError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_ssamamba.data.band_lists import StatedWavelengths
    from napari_ssamamba.data.cube import Cube

SUFFIXES = (".hdr", ".mat", ".tif", ".tiff", ".npy")
"""Of files that may be scenes; ENVI data files may have any, with their header beside them."""

_TIFF_STARTS = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
_HDF5_START = b"\x89HDF\r\n\x1a\n"


def open_cube(
    paths: Path | Sequence[Path],
    *,
    variable: str | None = None,
    layout: str | None = None,
    wavelengths: StatedWavelengths = None,
) -> Cube:
    """Open a scene; its values are read when they are asked for.

    Parameters
    ----------
    paths : Path or sequence of Path
        One file; an ENVI header with its data file; or GeoTIFF tiles of one grid.
    variable : str, optional
        Which variable of a ``.mat`` file.
    layout : str, optional
        Axes of a ``.mat`` or ``.npy`` array, see `layouts.parse_layout`.
    wavelengths : Path or sequence of float, optional
        A list of band centres, or the centres in nm or µm, in place of the file's own.

    Returns
    -------
    Cube

    Raises
    ------
    FileFormatError
        Where a file is missing, empty, truncated, damaged or of no known format.
    AmbiguousFileError
        Where the file can be read in more than one way; it holds the choices.
    SettingError
        For an option that the format has not, or a value that it cannot have.
    """
    from napari_ssamamba.data.cube import with_fingerprint

    files = [Path(paths)] if isinstance(paths, str | Path) else [Path(p) for p in paths]
    if not files:
        raise SettingError("paths", files, "name at least one file.")
    kinds = {path: file_kind(path) for path in files}
    kind = kinds[files[0]]
    if variable is not None and kind != "matlab":
        raise SettingError("variable", variable, f"only .mat files have them; this is {files[0]}.")
    if layout is not None and kind not in ("matlab", "numpy"):
        raise SettingError("layout", layout, f"{files[0]} tells its layout; leave the option out.")
    if len(files) > 1 and kind != "geotiff":
        files = _one_envi_scene(files, kinds)
    other = next((p for p in files if kinds[p] != kind), None)
    if other is not None:
        raise FileFormatError(
            other, f"it is no GeoTIFF as {files[0].name} is", "Open it by itself."
        )
    if kind == "geotiff":
        from napari_ssamamba.data.readers.geotiff import open_geotiff

        return with_fingerprint(open_geotiff(files, wavelengths))
    if kind == "envi":
        from napari_ssamamba.data.readers.envi import open_envi

        return with_fingerprint(open_envi(files[0], wavelengths))
    if kind == "matlab":
        from napari_ssamamba.data.readers.matlab import open_matlab

        return open_matlab(files[0], variable=variable, layout=layout, wavelengths=wavelengths)
    from napari_ssamamba.data.readers.numpy_file import open_numpy

    return with_fingerprint(open_numpy(files[0], layout, wavelengths))


def can_read(paths: Path | str | Sequence[Path | str]) -> bool:
    """Tell by names and headers whether files may be a scene; no library is imported for that."""
    from napari_ssamamba.data.readers.envi_header import companion_header

    files = [Path(paths)] if isinstance(paths, str | Path) else [Path(p) for p in paths]
    if not files or not all(path.is_file() for path in files):
        return False
    if len(files) > 1 and all(p.suffix.lower() in (".tif", ".tiff") for p in files):
        return True
    if len(files) > 2:
        return False
    return all(
        companion_header(p) is not None
        if p.suffix.lower() == ".hdr" or p.suffix.lower() not in SUFFIXES
        else len(files) == 1
        for p in files
    )


def split_variable(text: str) -> tuple[Path, str | None]:
    r"""Split ``"file.mat:name"`` into the file and the variable.

    A colon that belongs to the path stays there: a drive's (``C:\scene.mat``), one before
    a folder, and one in the name of a file that exists.
    """
    head, colon, name = text.rpartition(":")
    is_drive = re.fullmatch(r"[A-Za-z]", head) is not None
    if not colon or not head or not name or is_drive or re.search(r"[\\/]", name):
        return Path(text), None
    if Path(text).exists() and not Path(head).is_file():
        return Path(text), None
    return Path(head), name


def file_kind(path: Path) -> str:
    """Tell a file's format by its content: ``envi``, ``geotiff``, ``matlab`` or ``numpy``.

    Raises
    ------
    FileFormatError
        Where the file is missing, empty or of none of these.
    """
    from napari_ssamamba.data.readers.envi_header import companion_header

    if not path.is_file():
        what = "it is a folder" if path.is_dir() else "there is no such file"
        raise FileFormatError(path, what, "Name an existing file.")
    with path.open("rb") as file:
        start = file.read(520)
    if not start:
        raise FileFormatError(path, "it is empty", "Copy it again from its source.")
    if start.startswith(_TIFF_STARTS):
        return "geotiff"
    if start.startswith(b"\x93NUMPY"):
        return "numpy"
    if start.startswith(_HDF5_START) or start[512:520] == _HDF5_START:
        return "matlab"
    if start[124:128] in (b"\x00\x01IM", b"\x01\x00MI"):
        return "matlab"
    if companion_header(path) is not None:
        return "envi"
    raise FileFormatError(
        path,
        "it is no ENVI, MATLAB, GeoTIFF or NumPy file that can be read, whatever its name"
        if path.suffix.lower() in SUFFIXES
        else "it is of no known format, and no ENVI header lies beside it",
        "Open a scene in one of these formats.",
    )


def _one_envi_scene(files: Sequence[Path], kinds: dict[Path, str]) -> list[Path]:
    """Take a header and its data file, named both, as one scene."""
    data = [p for p in files if p.suffix.lower() != ".hdr"]
    if len(files) == 2 and len(data) == 1 and set(kinds.values()) == {"envi"}:
        return data
    raise FileFormatError(
        files[0],
        f"it was given with {len(files) - 1} other files that are no GeoTIFF tiles with it",
        "Open scenes one by one; only GeoTIFF tiles can be opened together.",
    )
