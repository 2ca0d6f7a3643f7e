"""Band centres: units, band names, and lists that lie beside the scene."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from napari_ssamamba.errors import FileFormatError, SettingError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

SPEED_OF_LIGHT = 299_792_458.0
"""Metres a second; also nm × GHz."""

_NM_PER_UNIT = {
    "nm": 1.0, "nanometer": 1.0, "nanometre": 1.0,
    "um": 1e3, "µm": 1e3, "μm": 1e3, "micron": 1e3, "micrometer": 1e3, "micrometre": 1e3,
    "mm": 1e6, "millimeter": 1e6, "millimetre": 1e6,
    "cm": 1e7, "centimeter": 1e7, "centimetre": 1e7,
    "m": 1e9, "meter": 1e9, "metre": 1e9,
    "a": 0.1, "å": 0.1, "angstrom": 0.1, "ångström": 0.1,
}  # fmt: skip
"""Units of length. The two signs that look like µ are the micro sign and the Greek letter."""

_NM_OVER_UNIT = {
    "cm-1": 1e7, "cm^-1": 1e7, "1/cm": 1e7, "wavenumber": 1e7,
    "hz": SPEED_OF_LIGHT * 1e9, "khz": SPEED_OF_LIGHT * 1e6, "mhz": SPEED_OF_LIGHT * 1e3,
    "ghz": SPEED_OF_LIGHT, "thz": SPEED_OF_LIGHT / 1e3,
}  # fmt: skip
"""Units that grow as the wavelength shrinks: wavelength in nm = constant / value."""

_NOT_A_UNIT = {"", "unknown", "none", "n/a"}
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_NUMBER_WITH_UNIT = re.compile(rf"({_NUMBER})\s*([^\W\d_]+(?:\^?-1)?)")


StatedWavelengths: TypeAlias = "Path | Sequence[float] | None"
"""Band centres as the user gives them: a file that lists them, or the numbers in nm or µm."""


@dataclass(frozen=True, slots=True, eq=False)
class BandList:
    """What is known of a scene's bands.

    Attributes
    ----------
    wavelengths : ndarray of float64, shape (bands,), or None
        Band centres in nm.
    fwhm : ndarray of float64, shape (bands,), or None
        Full width at half maximum in nm.
    good : ndarray of bool, shape (bands,), or None
        The bad-band list; None where there is none.
    """

    wavelengths: NDArray[np.float64] | None = None
    fwhm: NDArray[np.float64] | None = None
    good: NDArray[np.bool_] | None = None

    def merged(self, stated: BandList | None) -> BandList:
        """Return the list with what `stated` says instead; new centres leave the old widths."""
        if stated is None:
            return self
        good = self.good if stated.good is None else stated.good
        return BandList(stated.wavelengths, stated.fwhm, good)


def to_nm(values: ArrayLike, unit: str | None = None) -> NDArray[np.float64] | None:
    """Turn band centres into nm.

    Parameters
    ----------
    values : array-like of float, shape (bands,)
    unit : str, optional
        Of length, wavenumber or frequency, in any of the usual spellings. Where it is missing or
        "Unknown", the magnitude tells: 0.1 to 50 is µm, 100 to 50 000 is nm.

    Returns
    -------
    ndarray of float64, or None
        None where the values are no band centres: unit "Index", a mere count 1, 2, 3 …, or no
        unit and a magnitude that fits none.

    Raises
    ------
    ValueError
        For values that are not finite and positive, and for units that are not known.
    """
    numbers = np.asarray(values, np.float64)
    kind, factor = _conversion(unit, numbers)
    if kind == "none":
        return None
    if not (np.isfinite(numbers).all() and (numbers > 0).all()):
        wrong = numbers[~(np.isfinite(numbers) & (numbers > 0))][0]
        raise ValueError(f"a band centre of {wrong:g}")
    return numbers * factor if kind == "length" else factor / numbers


def width_to_nm(
    widths: ArrayLike, centres: NDArray[np.float64], unit: str | None = None
) -> NDArray[np.float64]:
    """Turn band widths into nm.

    Parameters
    ----------
    widths : array-like of float, shape (bands,)
        In the unit of the centres.
    centres : ndarray of float64, shape (bands,)
        The centres as stored, in `unit`, for which `to_nm` gives a value.
    unit : str, optional
        As for `to_nm`.

    Returns
    -------
    ndarray of float64
        For wavenumbers and frequencies ν: Δλ = λ·Δν/ν.
    """
    numbers = np.asarray(widths, np.float64)
    kind, factor = _conversion(unit, centres)
    return numbers * factor if kind == "length" else factor * numbers / centres**2


def _conversion(
    unit: str | None, values: NDArray[np.float64]
) -> tuple[Literal["length", "inverse", "none"], float]:
    """How to turn values into nm: multiply by a factor, divide a constant by them, or not."""
    name = (unit or "").strip().casefold()
    if name in _NOT_A_UNIT:
        counted = np.arange(values.size)
        if np.array_equal(values, counted) or np.array_equal(values, counted + 1):
            return "none", 0.0
        if values.size and values.min() >= 0.1 and values.max() <= 50:
            return "length", 1e3
        if values.size and values.min() >= 100 and values.max() <= 50_000:
            return "length", 1.0
        return "none", 0.0
    if name in {"index", "indices", "band", "bands"}:
        return "none", 0.0
    for spelling in (name, name.removesuffix("s")):
        if spelling in _NM_PER_UNIT:
            return "length", _NM_PER_UNIT[spelling]
        if spelling in _NM_OVER_UNIT:
            return "inverse", _NM_OVER_UNIT[spelling]
    raise ValueError(f"wavelength unit {unit!r}, which is not known")


def wavelengths_from_names(names: Sequence[str]) -> NDArray[np.float64] | None:
    """Read band centres out of band names such as ``"band 1 (418.24 Nanometers)"``.

    Parameters
    ----------
    names : sequence of str

    Returns
    -------
    ndarray of float64, shape (bands,), or None
        In nm; None unless each name holds one number with a unit of length, or is a number.
    """
    centres = []
    for name in names:
        found = [
            float(number) * _NM_PER_UNIT[unit]
            for number, word in _NUMBER_WITH_UNIT.findall(name)
            if (unit := word.casefold().removesuffix("s")) in _NM_PER_UNIT
            and unit not in {"m", "a", "meter", "metre"}  # "Path length (100 m)" is no band centre
        ]
        if len(found) != 1:
            break
        centres.append(found[0])
    else:
        return to_nm(centres, "nm") if centres and min(centres) > 0 else None
    if all(re.fullmatch(_NUMBER, name.strip()) for name in names):
        numbers = np.array([float(name) for name in names])
        return to_nm(numbers) if (numbers > 0).all() else None
    return None


def stated_bands(scene: Path, stated: StatedWavelengths, bands: int) -> BandList | None:
    """Take the band centres that the user states, or that a list beside the scene does.

    Parameters
    ----------
    scene : Path
        Its list is ``<stem>.wavelengths.csv`` or ``.txt`` in the same folder.
    stated : Path, sequence of float, or None
        A list for `read_band_list`, or the centres themselves in nm or µm. It has precedence.
    bands : int
        How many there should be.

    Returns
    -------
    BandList or None
        None where nothing is stated and no list lies beside the scene.

    Raises
    ------
    SettingError
        For numbers that are no band centres, or not `bands` of them.
    FileFormatError
        As `read_band_list`.
    """
    if stated is None:
        beside = _list_beside(scene)
        return None if beside is None else read_band_list(beside, bands)
    if isinstance(stated, str | Path):
        return read_band_list(Path(stated), bands)
    remedy = f"give one band centre in nm or µm for each of the {bands} bands."
    try:
        centres = to_nm(np.asarray(stated, np.float64))
    except (TypeError, ValueError) as error:
        raise SettingError("wavelengths", str(error), remedy) from error
    if centres is None or centres.shape != (bands,):
        raise SettingError("wavelengths", f"{np.size(stated)} numbers", remedy)
    return BandList(centres)


def _list_beside(scene: Path) -> Path | None:
    for suffix in (".csv", ".txt"):
        beside = scene.with_name(f"{scene.stem}.wavelengths{suffix}")
        if beside.is_file():
            return beside
    return None


def read_band_list(path: Path, bands: int) -> BandList:
    """Read band centres from a text or CSV file.

    The file is one column of centres, or a table whose header names the columns ``wavelength``,
    ``fwhm`` and ``bbl`` in any order and case, a unit after the name if need be (``wavelength
    (um)``). Without a header, a first column that only counts the bands is passed over and a
    second one is the width. Separators may be commas, semicolons, tabs or blanks; lines that
    begin with ``#`` are comments.

    Parameters
    ----------
    path : Path
    bands : int
        How many bands the scene has.

    Raises
    ------
    FileFormatError
        Where the file holds no numbers, or not as many as there are bands.
    """
    remedy = (
        f"Give one band centre a line, or a table with a column named 'wavelength', for {bands} "
        "bands."
    )
    try:
        if path.stat().st_size > 16 * 2**20:
            raise FileFormatError(path, "it is too large for a list of wavelengths", remedy)
        text = path.read_text("utf-8-sig")
    except FileNotFoundError as error:
        raise FileFormatError(path, "there is no such file", remedy) from error
    except UnicodeDecodeError as error:
        raise FileFormatError(path, "it is not a text file", remedy) from error
    header, rows = _table(text)
    if len(rows) != bands:
        raise FileFormatError(path, f"it lists {len(rows)} bands", remedy)
    try:
        columns = np.array([[float(cell) for cell in row] for row in rows])
        return _band_list(header or _usual_header(columns), columns)
    except ValueError as error:  # ragged rows and text among the numbers come here too
        raise FileFormatError(path, f"it cannot be read as numbers ({error})", remedy) from error


def _table(text: str) -> tuple[list[str], list[list[str]]]:
    """Cut a text into a header, where there is one, and rows of cells."""
    lines = [s for line in text.splitlines() if (s := line.strip()) and not s.startswith("#")]
    separator = next((s for s in (";", "\t", ",") if lines and s in lines[0]), None)
    if separator is None:
        rows = [line.split() for line in lines]
        if rows and not re.fullmatch(_NUMBER, rows[0][0]):
            rows[0] = [lines[0]] if len(rows) > 1 and len(rows[1]) == 1 else rows[0]
    else:
        rows = [[c.strip() for c in row] for row in csv.reader(lines, delimiter=separator)]
        if separator != ",":  # a table from a country with decimal commas
            rows = [rows[0], *([c.replace(",", ".") for c in row] for row in rows[1:])]
    if rows and not any(re.fullmatch(_NUMBER, cell) for cell in rows[0]):
        return [cell.casefold() for cell in rows[0]], rows[1:]
    return [], rows


def _usual_header(columns: NDArray[np.float64]) -> list[str]:
    """Name the columns of a table that has no header."""
    n, width = columns.shape
    counts = np.array_equal(np.diff(columns[:, 0]), np.ones(n - 1)) and columns[0, 0] in (0, 1)
    names = ["index"] * (width > 1 and counts) + ["wavelength", "fwhm"]
    if width > len(names):
        raise ValueError(f"{width} columns without names")
    return names[:width]


def _band_list(header: list[str], columns: NDArray[np.float64]) -> BandList:
    """Pick the columns by their names."""

    def column(*beginnings: str) -> int | None:
        return next((i for i, name in enumerate(header) if name.startswith(beginnings)), None)

    at = column("wavelength", "wl", "lambda", "center", "centre", "band center", "band centre")
    if at is None or len(header) != columns.shape[1]:
        raise ValueError(f"columns {header}, none of which is 'wavelength'")
    unit = re.search(r"[\[(_ ]\s*([^\W\d_]+)[\])]?$", header[at])
    stored = columns[:, at]
    unit_name = unit[1] if unit and unit[1] in _NM_PER_UNIT else None
    centres = to_nm(stored, unit_name)
    if centres is None:
        raise ValueError("numbers that are no wavelengths in nm or µm")
    width, bbl = column("fwhm", "width", "bandwidth"), column("bbl", "good")
    return BandList(
        centres,
        None if width is None else width_to_nm(columns[:, width], stored, unit_name),
        None if bbl is None else columns[:, bbl] != 0,
    )
