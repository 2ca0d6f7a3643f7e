"""Band centres reach the user in nm, whatever unit the file has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_ssamamba.data.wavelengths import (
    read_band_list,
    stated_bands,
    to_nm,
    wavelengths_from_names,
    width_to_nm,
)
from napari_ssamamba.errors import FileFormatError, SettingError

if TYPE_CHECKING:
    from pathlib import Path


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


@pytest.mark.parametrize(
    "text",
    [
        "500\n600.5\n",
        "# from the maker\n0.5\n0.6005\n",
        "\ufeffwavelength (um),fwhm,bbl\n0.5,0.01,1\n0.6005,0.01,0\n",
        "Band;Wavelength_nm;FWHM;bbl\n1;500,0;10;1\n2;600,5;10;0\n",
        "0 500 10\n1 600.5 10\n",
        "wavelength\n500\n600.5\n",
        "wavelength fwhm\n500 10\n600.5 10\n",
    ],
)
def test_lists_are_read_as_people_write_them(text: str, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text(text, encoding="utf-8")
    listed = read_band_list(path, 2)
    np.testing.assert_allclose(listed.wavelengths, [500, 600.5])
    if "fwhm" in text.lower() or " 10" in text:
        np.testing.assert_allclose(listed.fwhm, [10, 10])
    if "bbl" in text:
        assert listed.good is not None
        assert listed.good.tolist() == [True, False]


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"500\n", "lists 1 bands"),
        (b"", "lists 0 bands"),
        (b"name,color\nroof,red\ntree,green\n", "cannot be read as numbers"),
        (b"wavelength\n500\nsix\n", "cannot be read as numbers"),
        (b"\xff\xfe\x00\x80\xff", "not a text file"),
        (b"500\n-3\n", "cannot be read as numbers"),
    ],
)
def test_other_files_are_refused_by_name(content: bytes, found: str, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match=rf"list\.csv.*{found}"):
        read_band_list(path, 2)


def test_typed_wavelengths_win_over_the_list_beside_the_scene(tmp_path: Path) -> None:
    scene = tmp_path / "scene.mat"
    assert stated_bands(scene, None, 2) is None
    (tmp_path / "scene.wavelengths.txt").write_text("500\n600\n")
    beside, typed = stated_bands(scene, None, 2), stated_bands(scene, [0.7, 0.8], 2)
    assert beside is not None
    assert typed is not None
    np.testing.assert_allclose(beside.wavelengths, [500, 600])
    np.testing.assert_allclose(typed.wavelengths, [700, 800])
    with pytest.raises(SettingError, match="2 bands"):
        stated_bands(scene, [0.7], 2)
