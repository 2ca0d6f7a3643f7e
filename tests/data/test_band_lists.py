"""Band centres are taken as people state them, and kept beside the scene."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_ssamamba.data.band_lists import (
    BandList,
    list_beside,
    parse_band_list,
    read_band_list,
    stated_bands,
    write_band_list,
)
from napari_ssamamba.errors import FileFormatError, SettingError

if TYPE_CHECKING:
    from pathlib import Path


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
        "500,0;10\n600,5;10\n",
        "500, 600.5,\n",
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
        (b"500\n", "2 band centres expected, 1 found"),
        (b"", "2 band centres expected, 0 found"),
        (b"name,color\nroof,red\ntree,green\n", "cannot be read as numbers"),
        (b"wavelength\n500\nsix\n", "cannot be read as numbers"),
        (b"\xff\xfe\x00\x80\xff", "not a text file"),
        (b"500\n-3\n", "no wavelengths in nm or µm"),
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


def test_a_pasted_list_may_be_broken_anywhere() -> None:
    centres = np.arange(400.0, 450.0, 10)
    for text in ("400 410 420\n430 440", "400\n410\n420\n430\n440", "400,410,420,430,440"):
        np.testing.assert_allclose(parse_band_list(text, 5).wavelengths, centres)
    with pytest.raises(ValueError, match="6 band centres expected, 5 found"):
        parse_band_list("400 410 420\n430 440", 6)


def test_the_unit_that_is_chosen_goes_before_the_one_that_is_found() -> None:
    np.testing.assert_allclose(parse_band_list("60 80", 2, "µm").wavelengths, [60e3, 80e3])
    found = parse_band_list("wavelength (nm),fwhm\n500,10\n600,20", 2, "Angstroms")
    np.testing.assert_allclose(found.wavelengths, [50, 60])
    np.testing.assert_allclose(found.fwhm, [1, 2])
    with pytest.raises(ValueError, match="no wavelengths in nm or µm"):
        parse_band_list("1 2 3", 3)
    np.testing.assert_allclose(parse_band_list("1 2 3", 3, "µm").wavelengths, [1e3, 2e3, 3e3])


def test_a_list_that_is_kept_is_found_again(tmp_path: Path) -> None:
    scene = tmp_path / "field.2024.mat"
    listed = BandList(np.array([400.1 + 0.2, 600.5]), np.array([9.5, 10]), np.array([True, False]))
    write_band_list(list_beside(scene), listed)
    found = stated_bands(scene, None, 2)
    assert found is not None
    np.testing.assert_array_equal(found.wavelengths, listed.wavelengths)
    np.testing.assert_array_equal(found.fwhm, listed.fwhm)
    np.testing.assert_array_equal(found.good, listed.good)
    assert [p.name for p in tmp_path.iterdir()] == ["field.2024.wavelengths.csv"]


def test_a_list_that_cannot_be_kept_is_told_by_its_file(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file, not a folder")
    with pytest.raises(FileFormatError, match=r"scene\.wavelengths\.csv: it cannot be written"):
        write_band_list(list_beside(tmp_path / "taken" / "scene.mat"), BandList(np.ones(2)))
