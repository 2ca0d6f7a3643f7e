"""Band centres: in nm, out of any unit and out of band names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

SPEED_OF_LIGHT = 299_792_458.0
"""Metres a second; also nm × GHz."""

NM_PER_UNIT = {
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
NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
"""Pattern of a number as text."""

_NUMBER_WITH_UNIT = re.compile(rf"({NUMBER})\s*([^\W\d_]+(?:\^?-1)?)")


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
        if spelling in NM_PER_UNIT:
            return "length", NM_PER_UNIT[spelling]
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
            float(number) * NM_PER_UNIT[unit]
            for number, word in _NUMBER_WITH_UNIT.findall(name)
            if (unit := word.casefold().removesuffix("s")) in NM_PER_UNIT
            and unit not in {"m", "a", "meter", "metre"}  # "Path length (100 m)" is no band centre
        ]
        if len(found) != 1:
            break
        centres.append(found[0])
    else:
        return to_nm(centres, "nm") if centres and min(centres) > 0 else None
    if all(re.fullmatch(NUMBER, name.strip()) for name in names):
        numbers = np.array([float(name) for name in names])
        return to_nm(numbers) if (numbers > 0).all() else None
    return None


def nearest_bands(
    wanted: NDArray[np.float64],
    wavelengths: NDArray[np.float64],
    fwhm: NDArray[np.float64] | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Find the band whose centre is nearest to each wanted one.

    Parameters
    ----------
    wanted : ndarray of float64, shape (k,)
        Centres in nm.
    wavelengths : ndarray of float64, shape (bands,)
        Centres of the bands to choose from, in nm, in any order.
    fwhm : ndarray of float64, shape (bands,), optional
        Their widths; by default as far as to the nearer neighbour.

    Returns
    -------
    nearest : ndarray of int64, shape (k,)
    fits : ndarray of bool, shape (k,)
        Whether it lies within half of that band's width.
    """
    nearest = np.abs(wavelengths - wanted[:, None]).argmin(axis=1)
    if fwhm is None:
        between = np.abs(wavelengths - wavelengths[:, None])
        np.fill_diagonal(between, np.inf)
        fwhm = between.min(axis=1)
    fits = np.abs(wavelengths[nearest] - wanted) <= fwhm[nearest] / 2
    return nearest.astype(np.int64), np.asarray(fits)
