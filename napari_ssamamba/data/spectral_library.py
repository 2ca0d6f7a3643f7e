"""Spectral libraries: spectra with names, as ENVI libraries and as CSV tables."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_ssamamba.data.atomic import written_whole
from napari_ssamamba.data.readers.envi_header import companion_header, parse_header
from napari_ssamamba.data.wavelengths import to_nm
from napari_ssamamba.data.writers import envi_name
from napari_ssamamba.errors import FileFormatError, SettingError

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from numpy.typing import NDArray

CSV_SUFFIXES = (".csv",)
ENVI_SUFFIXES = (".sli", ".hdr")

WAVELENGTH = "wavelength_nm"
BAND = "band"
"""Names of the first column of a table; the second is for spectra without wavelengths."""

MOST_SPECTRA = 10_000
"""Of a library that is read; larger numbers in a header are a fault."""

DELETED = -1e30
"""Values below stand for missing ones: the USGS's libraries write −1.23e34."""

REMEDY = "Give an ENVI spectral library (.sli with .hdr), or a CSV table as exported."


@dataclass(frozen=True, slots=True, eq=False)
class SpectralLibrary:
    """Some spectra over the same bands.

    Attributes
    ----------
    names : tuple of str
        One a spectrum.
    spectra : ndarray of float64, shape (spectra, bands)
        NaN where there is no value.
    wavelengths : ndarray of float64, shape (bands,), or None
        In nm, in any order.
    """

    names: tuple[str, ...]
    spectra: NDArray[np.float64]
    wavelengths: NDArray[np.float64] | None


def write_library(path: Path, library: SpectralLibrary, description: str = "") -> tuple[Path, ...]:
    """Write a library: whole or not at all.

    CSV: a row a band, a column a spectrum, empty where there is no value. ENVI: float32, NaN
    where there is no value, and a bad-band list of the bands without any.

    Parameters
    ----------
    path : Path
        The suffix tells the format: ``.csv``, ``.sli`` or ``.hdr``.
    library : SpectralLibrary
    description : str
        For ENVI's header.

    Returns
    -------
    tuple of Path
        The files that were written.

    Raises
    ------
    SettingError
        For a suffix of another format.
    """
    suffix = path.suffix.lower()
    if suffix in CSV_SUFFIXES:
        with written_whole(path.parent) as folder:
            _write_table(folder / path.name, library)
        return (path,)
    if suffix not in ENVI_SUFFIXES:
        known = ", ".join((*CSV_SUFFIXES, *ENVI_SUFFIXES))
        raise SettingError("file name", path.name, f"end it in {known}.")
    from spectral.io import envi

    header: dict[str, Any] = {
        "spectra names": [envi_name(name) for name in library.names],
        "bbl": np.isfinite(library.spectra).any(axis=0).astype(int).tolist(),
    }
    if library.wavelengths is not None:
        header |= {"wavelength": library.wavelengths.tolist(), "wavelength units": "Nanometers"}
    with written_whole(path.parent) as folder:
        written = envi.SpectralLibrary(library.spectra, header)
        written.save(str(folder / path.stem), envi_name(description))
    return path.with_suffix(".sli"), path.with_suffix(".hdr")


def read_library(path: Path) -> SpectralLibrary:
    """Read an ENVI spectral library, or a table as `write_library` writes it.

    Raises
    ------
    FileFormatError
        Where the file is neither, is damaged, or is larger or smaller than it claims to be.
    """
    if not path.is_file():
        raise FileFormatError(path, "there is no such file", REMEDY)
    if path.suffix.lower() in CSV_SUFFIXES:
        return _read_table(path)
    header = companion_header(path)
    if header is None:
        raise FileFormatError(path, "there is no ENVI header for it", REMEDY)
    return _read_envi(path, header)


# --- tables --------------------------------------------------------------------------------


def _write_table(path: Path, library: SpectralLibrary) -> None:
    bands = library.spectra.shape[1]
    positions, title = library.wavelengths, WAVELENGTH
    if positions is None:
        positions, title = np.arange(1.0, bands + 1), BAND
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow([title, *library.names])
        for position, values in zip(positions.tolist(), library.spectra.T.tolist(), strict=True):
            table.writerow(
                [
                    f"{position:g}" if title == BAND else position,
                    *("" if np.isnan(v) else repr(v) for v in values),
                ]
            )


def _read_table(path: Path) -> SpectralLibrary:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            title, *rows = [row for row in csv.reader(file) if any(row)]
    except (ValueError, csv.Error) as error:
        raise FileFormatError(path, f"it is no table of spectra ({error})", REMEDY) from error
    if len(title) < 2 or title[0] not in (WAVELENGTH, BAND):
        raise FileFormatError(
            path,
            f"its first line begins with {title[0][:40]!r}",
            f"It must name the columns: {WAVELENGTH} (or {BAND}), then the spectra.",
        )
    for number, row in enumerate(rows, 2):
        if len(row) != len(title):
            raise FileFormatError(
                path,
                f"line {number} has {len(row)} columns where the first has {len(title)}",
                "Give each line one value for each column.",
            )
    try:
        values = np.array([[float(text or "nan") for text in row] for row in rows], np.float64)
        wavelengths = to_nm(values[:, 0], "nm") if title[0] == WAVELENGTH and rows else None
    except ValueError as error:
        raise FileFormatError(path, f"it holds {error}", "All values must be numbers.") from error
    if not rows:
        raise FileFormatError(path, "it has no values", REMEDY)
    return SpectralLibrary(tuple(title[1:]), values[:, 1:].T.copy(), wavelengths)


# --- ENVI ----------------------------------------------------------------------------------


def _read_envi(path: Path, header: Path) -> SpectralLibrary:
    from spectral.io.envi import gen_params

    fields = parse_header(header)
    if "library" not in str(fields.get("file type", "")).lower():
        found = fields.get("file type", "not told")
        raise FileFormatError(header, f"its file type is {found}, not a spectral library", REMEDY)
    try:
        params = gen_params(fields)
        spectra, bands = int(params.nrows), int(params.ncols)
        dtype, offset = np.dtype(params.dtype), int(params.offset)
        scale = float(str(fields.get("reflectance scale factor", 1.0)))
        bbl = [float(text) for text in fields.get("bbl", [])]
        stored = [float(text) for text in fields.get("wavelength", [])]
        unit = fields.get("wavelength units")
        wavelengths = to_nm(stored, str(unit) if unit else None) if stored else None
    except (KeyError, TypeError, ValueError) as error:
        raise FileFormatError(header, f"a field cannot be read ({error})", REMEDY) from error
    if not (0 < spectra <= MOST_SPECTRA and bands > 0 and offset >= 0 and scale > 0):
        raise FileFormatError(
            header, f"it claims {spectra} spectra of {bands} bands", f"Up to {MOST_SPECTRA} go."
        )
    for name, values in (("wavelength", stored), ("bbl", bbl)):
        if values and len(values) != bands:
            raise FileFormatError(
                header, f"its field '{name}' has {len(values)} values", f"Give {bands}."
            )
    data = path if path != header else _data_beside(header)
    needed = offset + spectra * bands * dtype.itemsize
    if dtype.kind == "c" or data.stat().st_size < needed:
        raise FileFormatError(
            data, f"it is not the {needed:,} bytes of real numbers that its header claims", REMEDY
        )
    raw = np.fromfile(data, dtype, spectra * bands, offset=offset).reshape(spectra, bands)
    measured = raw.astype(np.float64)
    measured[~np.isfinite(measured) | (measured < DELETED)] = np.nan
    if bbl:
        measured[:, np.array(bbl) == 0] = np.nan
    names = fields.get("spectra names", [])
    if not isinstance(names, list) or len(names) != spectra:
        names = [f"{path.stem} {i + 1}" for i in range(spectra)]
    return SpectralLibrary(tuple(names), measured / scale, wavelengths)


def _data_beside(header: Path) -> Path:
    """Find the data of a library whose header is given."""
    for suffix in (".sli", ".SLI", ".dat", ".img", ""):
        data = header.with_suffix(suffix)
        if data.is_file() and data != header:
            return data
    raise FileFormatError(header, "there is no .sli file beside it", "Put its .sli file there.")
