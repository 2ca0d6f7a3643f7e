"""Spectral libraries, written and read again, and what is wrong with files of others."""

from __future__ import annotations

import csv
import re

import numpy as np
import pytest
from spectral.io import envi

from napari_ssamamba.data.spectral_library import SpectralLibrary, read_library, write_library
from napari_ssamamba.errors import FileFormatError, SettingError


@pytest.fixture
def library():
    spectra = np.random.default_rng(0).uniform(0, 1, (3, 7))
    spectra[:, 2] = np.nan  # a band that is off
    spectra[1, 5] = np.nan
    wavelengths = np.array([450.5, 500, 1400, 903, 902, 2000, 2200])
    names = ("Grapes, untrained", "Soil {bare}", "Pixel 3, 4")
    return SpectralLibrary(names, spectra, wavelengths)


@pytest.mark.parametrize("name", ["a.csv", "a.sli", "a.hdr"])
def test_what_is_written_is_read_again(library, tmp_path, name):
    files = write_library(tmp_path / name, library)
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(p.name for p in files)
    for path in files:
        found = read_library(path)
        np.testing.assert_allclose(found.spectra, library.spectra, rtol=1e-7)
        np.testing.assert_allclose(found.wavelengths, library.wavelengths)
        if path.suffix == ".csv":
            assert found.names == library.names
            np.testing.assert_array_equal(found.spectra, library.spectra)
        else:
            assert found.names == ("Grapes; untrained", "Soil (bare)", "Pixel 3; 4")


def test_spectral_reads_what_is_written(library, tmp_path):
    _, header = write_library(tmp_path / "a.sli", library)
    found = envi.open(str(header))
    assert isinstance(found, envi.SpectralLibrary)
    np.testing.assert_allclose(found.spectra, library.spectra, rtol=1e-6)
    assert found.bands.centers == library.wavelengths.tolist()
    assert found.bands.band_unit == "Nanometers"
    assert found.metadata["bbl"] == ["1", "1", "0", "1", "1", "1", "1"]


def test_the_table_opens_in_a_spreadsheet(library, tmp_path):
    (path,) = write_library(tmp_path / "a.csv", library)
    with path.open(newline="") as file:
        title, *rows = csv.reader(file)
    assert title == ["wavelength_nm", *library.names]
    assert rows[2] == ["1400.0", "", "", ""] and float(rows[0][1]) == library.spectra[0, 0]


def test_a_scene_without_wavelengths_counts_its_bands(library, tmp_path):
    bare = SpectralLibrary(library.names, library.spectra, None)
    for name in ("a.csv", "b.sli"):
        found = read_library(write_library(tmp_path / name, bare)[0])
        assert found.wavelengths is None
        np.testing.assert_allclose(found.spectra, library.spectra, rtol=1e-7)
    assert (tmp_path / "a.csv").read_text().startswith("band,")


def test_libraries_of_others_are_in_their_own_units(tmp_path):
    values = np.array([[1000, 2000, -1], [4000, 5000, 6000]], np.dtype(">i2"))
    (tmp_path / "usgs.sli").write_bytes(b"abcd" + values.tobytes())
    (tmp_path / "usgs.hdr").write_text(
        "ENVI\nsamples = 3\nlines = 2\nbands = 1\nheader offset = 4\ndata type = 2\n"
        "interleave = bsq\nbyte order = 1\nfile type = ENVI Spectral Library\n"
        "reflectance scale factor = 10000\nwavelength units = Micrometers\n"
        "wavelength = {0.4, 0.5, 0.6}\nbbl = {1, 1, 0}\n"
    )
    found = read_library(tmp_path / "usgs.hdr")
    np.testing.assert_allclose(found.wavelengths, [400, 500, 600])
    np.testing.assert_allclose(found.spectra, [[0.1, 0.2, np.nan], [0.4, 0.5, np.nan]])
    assert found.names == ("usgs 1", "usgs 2")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("ENVI Spectral Library", "ENVI Standard"), "file type is ENVI Standard, not a spectral"),
        (("samples = 7", "samples = 700"), r"field 'wavelength' has 7 values. Give 700"),
        (("lines = 3", "lines = 30"), r"it is not the 840 bytes"),
        (("lines = 3", "lines = -3"), "claims -3 spectra"),
        (("lines = 3", "lines = many"), "a field cannot be read"),
        (("data type = 4", "data type = 77"), "a field cannot be read"),
        (("450.5", "-450.5"), "a band centre of -450.5"),
        (("ENVI\n", "ENVY\n"), "there is no ENVI header|cannot be read"),
    ],
)
def test_a_damaged_library_is_refused_in_one_message(library, tmp_path, change, message):
    data, header = write_library(tmp_path / "a.sli", library)
    text = header.read_text()
    assert change[0] in text
    header.write_text(text.replace(*change))
    with pytest.raises(FileFormatError, match=message) as caught:
        read_library(data)
    assert "\n" not in str(caught.value) and "a." in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "its first line begins|no table"),
        ("x,a\n1,2\n", "its first line begins with 'x'"),
        ("wavelength_nm,a\n", "it has no values"),
        ("wavelength_nm,a\n400,1,2\n", "line 2 has 3 columns where the first has 2"),
        ("wavelength_nm,a\n400,red\n", "could not convert string to float"),
        ("wavelength_nm,a\n-400,1\n", "a band centre of -400"),
    ],
)
def test_a_table_of_something_else_is_refused(tmp_path, text, message):
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.raises(FileFormatError, match=message):
        read_library(path)


def test_a_header_without_its_data_and_no_file_at_all(library, tmp_path):
    data, header = write_library(tmp_path / "a.sli", library)
    data.unlink()
    with pytest.raises(FileFormatError, match=r"there is no \.sli file beside it"):
        read_library(header)
    with pytest.raises(FileFormatError, match="there is no such file"):
        read_library(data)
    with pytest.raises(SettingError, match=re.escape("end it in .csv, .sli, .hdr.")):
        write_library(tmp_path / "a.txt", library)


def test_a_failed_write_leaves_the_file_that_was_there(library, tmp_path):
    (path,) = write_library(tmp_path / "a.csv", library)
    before = path.read_bytes()
    broken = SpectralLibrary(library.names, library.spectra, library.wavelengths[:3])
    with pytest.raises(ValueError, match="longer"):
        write_library(path, broken)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.csv"]
