"""Lists of band centres: as the user states them, and as files beside the scene."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from napari_ssamamba.data.atomic import written_whole
from napari_ssamamba.data.wavelengths import NM_PER_UNIT, NUMBER, to_nm, width_to_nm
from napari_ssamamba.errors import FileFormatError, SettingError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

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


def list_beside(scene: Path) -> Path:
    """Return where a scene's list of band centres lies: ``<stem>.wavelengths.csv`` beside it."""
    return scene.with_name(f"{scene.stem}.wavelengths.csv")


def _list_beside(scene: Path) -> Path | None:
    beside = list_beside(scene)
    return next((p for p in (beside, beside.with_suffix(".txt")) if p.is_file()), None)


def read_band_list(path: Path, bands: int, unit: str | None = None) -> BandList:
    """Read band centres from a text or CSV file; see `parse_band_list`.

    Parameters
    ----------
    path : Path
    bands : int
        How many bands the scene has.
    unit : str, optional
        As for `parse_band_list`.

    Raises
    ------
    FileFormatError
        Where the file holds no band centres, or not as many as there are bands.
    """
    remedy = (
        f"Give one band centre a line, or a table with a column named 'wavelength', for {bands} "
        "bands."
    )
    try:
        if path.stat().st_size > 16 * 2**20:
            raise FileFormatError(path, "it is too large for a list of wavelengths", remedy)
        return parse_band_list(path.read_text("utf-8-sig"), bands, unit)
    except FileFormatError:
        raise
    except FileNotFoundError as error:
        raise FileFormatError(path, "there is no such file", remedy) from error
    except OSError as error:
        raise FileFormatError(path, f"it cannot be read ({error.strerror})", remedy) from error
    except UnicodeDecodeError as error:
        raise FileFormatError(path, "it is not a text file", remedy) from error
    except ValueError as error:
        raise FileFormatError(path, str(error), remedy) from error


def write_band_list(path: Path, listed: BandList) -> None:
    """Write band centres as a CSV file that `read_band_list` reads.

    Parameters
    ----------
    path : Path
        Replaced where it exists.
    listed : BandList
        With band centres; widths and the bad-band list are written where there are any.

    Raises
    ------
    FileFormatError
        Where the file cannot be written.
    """
    columns = {"wavelength (nm)": listed.wavelengths, "fwhm": listed.fwhm}
    if listed.good is not None:
        columns["bbl"] = listed.good.astype(int)
    known = {name: values for name, values in columns.items() if values is not None}
    try:
        with written_whole(path.parent) as folder:
            with (folder / path.name).open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(known)
                writer.writerows(zip(*(v.tolist() for v in known.values()), strict=True))
    except OSError as error:
        raise FileFormatError(
            path, f"it cannot be written ({error.strerror})", "Make the folder writable."
        ) from error


def parse_band_list(text: str, bands: int, unit: str | None = None) -> BandList:
    """Read band centres from text.

    The text is a mere list of centres, on one line or many; or a table whose header names the
    columns ``wavelength``, ``fwhm`` and ``bbl`` in any order and case, a unit after the name if
    need be (``wavelength (um)``). Without a header, a first column that only counts the bands is
    passed over and a second one is the width. Separators may be commas, semicolons, tabs or
    blanks; lines that begin with ``#`` are comments.

    Parameters
    ----------
    text : str
    bands : int
        How many bands the scene has.
    unit : str, optional
        Of the centres, as for `to_nm`; by default the header's, else the magnitude tells.

    Raises
    ------
    ValueError
        Where the text holds no band centres, or not as many as there are bands.
    """
    header, rows = _table(text)
    widths = {len(row) for row in rows}
    if not header and (len(rows) == 1 or len(widths) > 1 or max(widths, default=1) > 3):
        rows = [[cell] for row in rows for cell in row if cell]  # a list, broken into lines
    if len(rows) != bands:
        raise ValueError(f"{bands} band centres expected, {len(rows)} found")
    try:
        columns = np.array([[float(cell) for cell in row] for row in rows])
    except ValueError as error:  # ragged rows come here too
        raise ValueError(f"it cannot be read as numbers ({error})") from error
    return _band_list(header or _usual_header(columns), columns, unit)


def _table(text: str) -> tuple[list[str], list[list[str]]]:
    """Cut a text into a header, where there is one, and rows of cells."""
    lines = [s for line in text.splitlines() if (s := line.strip()) and not s.startswith("#")]
    separator = next((s for s in (";", "\t", ",") if lines and s in lines[0]), None)
    if separator is None:
        rows = [line.split() for line in lines]
        if rows and not re.fullmatch(NUMBER, rows[0][0]):
            rows[0] = [lines[0]] if len(rows) > 1 and len(rows[1]) == 1 else rows[0]
    else:
        rows = [[c.strip() for c in row] for row in csv.reader(lines, delimiter=separator)]
        if separator != ",":  # a table from a country with decimal commas
            rows = [[re.sub(r"(?<=\d),(?=\d)", ".", c) for c in row] for row in rows]
    if rows and not any(re.fullmatch(NUMBER, cell) for cell in rows[0]):
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


def _band_list(header: list[str], columns: NDArray[np.float64], unit: str | None) -> BandList:
    """Pick the columns by their names; `unit` goes before what the header says."""

    def column(*beginnings: str) -> int | None:
        return next((i for i, name in enumerate(header) if name.startswith(beginnings)), None)

    at = column("wavelength", "wl", "lambda", "center", "centre", "band center", "band centre")
    if at is None or len(header) != columns.shape[1]:
        raise ValueError(f"columns {header}, none of which is 'wavelength'")
    named = re.search(r"[\[(_ ]\s*([^\W\d_]+)[\])]?$", header[at])
    if unit is None and named and named[1] in NM_PER_UNIT:
        unit = named[1]
    stored = columns[:, at]
    centres = to_nm(stored, unit)
    if centres is None:
        raise ValueError("numbers that are no wavelengths in nm or µm")
    width, bbl = column("fwhm", "width", "bandwidth"), column("bbl", "good")
    return BandList(
        centres,
        None if width is None else width_to_nm(columns[:, width], stored, unit),
        None if bbl is None else columns[:, bbl] != 0,
    )
