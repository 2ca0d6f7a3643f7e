"""Band centres reach the user in nm, whatever unit the file has."""

from __future__ import annotations

import numpy as np
import pytest

from napari_ssamamba.data.wavelengths import (
    to_nm,
    wavelengths_from_names,
    width_to_nm,
)


@pytest.mark.parametrize(
    ("values", "unit"),
    [
        ([500, 2000], "Nanometers"),
        ([500, 2000], "nm"),
        ([0.5, 2.0], "Micrometers"),
        ([0.5, 2.0], "µm"),
        ([0.5, 2.0], "μm"),
        ([0.5, 2.0], "microns"),
        ([5000, 20000], "Angstroms"),
        ([20000, 5000], "cm-1"),
        ([20000, 5000], "Wavenumber"),
        ([599584.916, 149896.229], "GHz"),
        ([599.584916, 149.896229], "THz"),
        ([0.5, 2.0], None),
        ([500, 2000], "Unknown"),
    ],
)
def test_any_unit_becomes_nm(values: list[float], unit: str | None) -> None:
    np.testing.assert_allclose(to_nm(values, unit), [500, 2000])


def test_band_numbers_are_no_wavelengths() -> None:
    assert to_nm(np.arange(1, 225)) is None
    assert to_nm(np.arange(1, 31), "Unknown") is None
    assert to_nm([500, 600], "Index") is None


@pytest.mark.parametrize(("values", "unit"), [([0, 500], "nm"), ([np.nan, 1], "nm"), ([1], "ell")])
def test_impossible_centres_are_refused(values: list[float], unit: str) -> None:
    with pytest.raises(ValueError, match=r"band centre|unit"):
        to_nm(values, unit)


def test_widths_of_wavenumbers_follow_the_derivative() -> None:
    centre, width = np.array([5000.0]), np.array([10.0])
    edges = 1e7 / np.array([centre - width / 2, centre + width / 2])
    np.testing.assert_allclose(width_to_nm(width, centre, "cm-1"), edges[0] - edges[1], rtol=1e-5)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["376.44 Nanometers", "381.45 Nanometers"], [376.44, 381.45]),
        (["band 1 (418.24 Nanometers)", "band 2 (0.423874 Micrometers)"], [418.24, 423.874]),
        (["B1: 0.45um", "B2: 0.55 um"], [450, 550]),
        (["376.4", "381.5"], [376.4, 381.5]),
        (["Path length (m)", "Slope"], None),
        (["band 1", "band 2"], None),
        (["1", "2"], None),
    ],
)
def test_wavelengths_come_out_of_band_names(names: list[str], expected: list[float] | None) -> None:
    found = wavelengths_from_names(names)
    if expected is None:
        assert found is None
    else:
        np.testing.assert_allclose(found, expected)
