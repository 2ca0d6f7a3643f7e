"""ENVI headers: read through spectral, and checked before anything is opened by them."""

from __future__ import annotations

import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from napari_ssamamba.data.band_lists import BandList
from napari_ssamamba.data.wavelengths import to_nm, wavelengths_from_names, width_to_nm
from napari_ssamamba.errors import FileFormatError

if TYPE_CHECKING:
    from numpy.typing import NDArray

Fields: TypeAlias = dict[str, str | list[str]]
"""Header fields by their names in lower case; lists are those in braces."""

MAX_HEADER_BYTES = 16 * 2**20
"""A file larger than this is no header, whatever its suffix."""

MAX_SIDE = 2**31 - 1
"""Most rows, columns or bands; GDAL's limit too."""

DATA_SUFFIXES = ("", ".img", ".dat", ".bin", ".raw", ".bsq", ".bil", ".bip")
"""Of data files beside a header of the same name, the usual ones first."""


@dataclass(frozen=True, slots=True, eq=False)
class EnviHeader:
    """What a header says, checked against its data file.

    Attributes
    ----------
    path, data : Path
        The header and the data file.
    fields : dict
        All fields, see `Fields`.
    rows, columns, bands : int
    interleave : str
        ``"bsq"``, ``"bil"`` or ``"bip"``.
    """

    path: Path
    data: Path
    fields: Fields
    rows: int
    columns: int
    bands: int
    interleave: str

    def text(self, name: str) -> str | None:
        """Return a field as one text, None where it is missing or empty."""
        value = self.fields.get(name)
        joined = ",".join(value) if isinstance(value, list) else value
        return joined.strip() or None if joined else None

    def texts(self, name: str) -> list[str]:
        """Return a field as a list of texts, empty where it is missing."""
        value = self.fields.get(name, [])
        return value if isinstance(value, list) else [value]

    def number(self, name: str) -> float | None:
        """Return a field as a number, None where it is missing.

        Raises
        ------
        FileFormatError
            For a text that is no number.
        """
        text = self.text(name)
        if text is None:
            return None
        try:
            return float(text)
        except ValueError as error:
            raise _wrong(self.path, name, text, "It must be a number.") from error

    def numbers(self, name: str) -> NDArray[np.float64] | None:
        """Return a field that has one number a band, None where it is missing.

        Raises
        ------
        FileFormatError
            For texts that are no numbers, and where there are not as many as bands.
        """
        texts = [text for text in self.texts(name) if text]
        if not texts:
            return None
        try:
            values = np.array([float(text) for text in texts])
        except ValueError as error:
            raise _wrong(self.path, name, f"({error})", "It must hold numbers.") from error
        if values.size != self.bands:
            raise _wrong(
                self.path, name, f"of {values.size} values", f"Give one for each of {self.bands}."
            )
        return values


def companion_header(path: Path) -> Path | None:
    """Find the ENVI header of a data file: ``NAME.hdr`` or ``STEM.hdr``; itself if it is one."""
    names = (path.name + ".hdr", path.stem + ".hdr", path.name + ".HDR", path.stem + ".HDR")
    beside = [path.with_name(name) for name in names]
    if path.suffix.lower() == ".hdr":
        beside = [path]
    return next((p for p in beside if p.is_file() and is_header(p)), None)


def is_header(path: Path) -> bool:
    """Tell whether a file begins as ENVI headers do."""
    with path.open("rb") as file:
        return file.read(8).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"ENVI")


def read_header(path: Path) -> EnviHeader:
    """Read and check the header of an ENVI file; the data are not opened.

    Parameters
    ----------
    path : Path
        The header or the data file.

    Raises
    ------
    FileFormatError
        Where the header is missing, damaged or absurd, or the data file is missing, shorter than
        the header claims, compressed, complex or a spectral library.
    """
    header = companion_header(path)
    if header is None:
        raise FileFormatError(
            path, "there is no ENVI header for it", f"Put {path.name}.hdr beside it."
        )
    fields = parse_header(header)
    rows, columns, bands = (_size(header, fields, name) for name in ("lines", "samples", "bands"))
    interleave = str(fields.get("interleave", "")).strip().lower()
    if interleave not in ("bsq", "bil", "bip"):
        raise _wrong(header, "interleave", repr(interleave), "It must be bsq, bil or bip.")
    if str(fields.get("file compression", "0")).strip() not in ("0", ""):
        raise _wrong(header, "file compression", "on", "Save the file uncompressed.")
    if "library" in str(fields.get("file type", "")).lower():
        raise FileFormatError(header, "it is a spectral library", "Open a scene.")
    needed = _offset(header, fields) + rows * columns * bands * _item_size(header, fields)
    data = _data_file(header, needed) if path == header else path
    size = data.stat().st_size
    if size < needed:
        raise FileFormatError(
            data,
            f"it has {size:,} bytes where its header claims {rows} lines × {columns} samples × "
            f"{bands} bands, {needed:,} bytes",
            "Copy it again from its source, or correct the header.",
        )
    return EnviHeader(header, data, fields, rows, columns, bands, interleave)


def band_list(header: EnviHeader, stated: BandList | None = None) -> BandList:
    """Read centres, widths and the bad-band list, the centres from band names where need be.

    Parameters
    ----------
    header : EnviHeader
    stated : BandList, optional
        Takes the place of the header's centres and widths, which are then not looked at.

    Raises
    ------
    FileFormatError
        For values that cannot be centres, and lists that are not one value a band.
    """
    bbl = header.numbers("bbl")
    good = None if bbl is None else bbl != 0
    if stated is not None:
        return BandList(good=good).merged(stated)
    stored, unit = header.numbers("wavelength"), header.text("wavelength units")
    names = header.texts("band names")
    if stored is None and len(names) == header.bands:
        stored, unit = wavelengths_from_names(names), "nm"
    if stored is None:
        return BandList(good=good)
    fwhm = header.numbers("fwhm")
    try:
        centres = to_nm(stored, unit)
        widths = None if fwhm is None or centres is None else width_to_nm(fwhm, stored, unit)
    except ValueError as error:
        raise _wrong(
            header.path, "wavelength", f"with {error}", "Correct it, or give the wavelengths."
        ) from error
    return BandList(centres, widths, good)


def parse_header(path: Path) -> Fields:
    """Parse a header by spectral, in whichever encoding it was written.

    Raises
    ------
    FileFormatError
        Where it is no ENVI header.
    """
    from spectral.io.envi import EnviException, check_compatibility, read_envi_header

    if path.stat().st_size > MAX_HEADER_BYTES:
        raise FileFormatError(
            path, "it is too large for a header", "Give the ENVI header of the scene."
        )
    content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")  # older ENVI on Windows; decodes anything
    try:
        # spectral reads in the locale's encoding, so it gets a copy in that
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # fields in capitals are no concern
            copy = Path(folder) / "copy.hdr"
            copy.write_text(text.lstrip(), errors="replace")
            fields: Fields = read_envi_header(str(copy))
        fields.setdefault("byte order", "0")
        check_compatibility(fields)
    except (EnviException, ValueError) as error:
        raise FileFormatError(
            path, f"its header cannot be read ({error})", "Correct the header."
        ) from error
    return fields


def _size(header: Path, fields: Fields, name: str) -> int:
    text = str(fields[name]).strip()
    remedy = f"It must be a whole number from 1 to {MAX_SIDE}."
    if not text.lstrip("-").isdecimal() or len(text) > 20 or not 1 <= int(text) <= MAX_SIDE:
        raise _wrong(header, name, text[:40], remedy)
    return int(text)


def _offset(header: Path, fields: Fields) -> int:
    text = str(fields.get("header offset", "0")).strip() or "0"
    if not text.isdecimal() or len(text) > 20:
        raise _wrong(header, "header offset", text[:40], "It must be 0 or more bytes.")
    return int(text)


def _item_size(header: Path, fields: Fields) -> int:
    """Bytes a value, of types that can be read."""
    from spectral.io.envi import envi_to_dtype

    code, order = str(fields["data type"]).strip(), str(fields["byte order"]).strip()
    if code not in envi_to_dtype:
        known = ", ".join(sorted(envi_to_dtype, key=int))
        raise _wrong(header, "data type", code[:40], f"Types that can be read are {known}.")
    if order not in ("0", "1"):
        raise _wrong(header, "byte order", order[:40], "It must be 0 (little) or 1 (big endian).")
    dtype = np.dtype(envi_to_dtype[code])
    if dtype.kind == "c":
        raise _wrong(
            header, "data type", f"{code}, complex numbers", "Save amplitude or real part."
        )
    return int(dtype.itemsize)


def _data_file(header: Path, needed: int) -> Path:
    """Find the data file of a header: of those with its name, the one of the promised size."""
    suffixes = [*DATA_SUFFIXES, *(s.upper() for s in DATA_SUFFIXES if s)]
    usual = [p for s in suffixes if (p := header.with_suffix(s)).is_file() and p != header]
    exact = [p for p in usual if p.stat().st_size == needed]
    if usual:
        return (exact or usual)[0]
    others = [
        p
        for p in sorted(header.parent.iterdir())
        if p.stem == header.stem and p != header and p.is_file() and p.stat().st_size == needed
    ]
    if len(others) == 1:
        return others[0]
    raise FileFormatError(
        header,
        "there is no data file of its name beside it",
        "Open the data file itself, or put it beside its header.",
    )


def _wrong(path: Path, field: str, found: str, remedy: str) -> FileFormatError:
    return FileFormatError(path, f"its field '{field}' is {found}", remedy)
