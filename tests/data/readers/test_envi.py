"""ENVI files open as they come, and bad ones are refused before anything is mapped."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_ssamamba.data.mapped_file import MappedFile
from napari_ssamamba.data.readers import can_read, open_cube
from napari_ssamamba.errors import FileFormatError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    WriteEnvi = Callable[..., Path]

TYPES = ["u1", "i2", "i4", "f4", "f8", "u2", "u4", "i8", "u8"]


@pytest.mark.parametrize("interleave", ["bsq", "bil", "bip"])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", TYPES)
def test_every_interleave_order_and_type(
    interleave: str,
    order: str,
    kind: str,
    tmp_path: Path,
    ramp: np.ndarray[Any, Any],
    write_envi: WriteEnvi,
) -> None:
    path = write_envi(tmp_path / "s.img", ramp.astype(order + kind), interleave, header_offset=3)
    cube = open_cube(path)
    assert isinstance(cube.raw, MappedFile)
    assert cube.interleave == interleave
    assert cube.raw.dtype.newbyteorder("=") == np.dtype(kind)
    np.testing.assert_array_equal(cube.raw[1:, ::2, 3:], ramp[1:, ::2, 3:])


@pytest.mark.parametrize("suffix", ["", ".img", ".dat", ".bsq", ".BIN", ".r0"])
def test_data_file_of_any_suffix_by_either_name(
    suffix: str, tmp_path: Path, ramp: np.ndarray[Any, Any], write_envi: WriteEnvi
) -> None:
    data = write_envi(tmp_path / f"scene{suffix}", ramp)
    header = tmp_path / "scene.hdr"
    for given in (data, header, [header, data]):
        assert can_read(given)
        cube = open_cube(given)
        assert cube.paths == (data, header)
        assert cube.name == "scene"
        np.testing.assert_array_equal(cube.raw[:, :, :], ramp)


def test_header_named_after_the_whole_data_file(
    tmp_path: Path, ramp: np.ndarray[Any, Any], write_envi: WriteEnvi
) -> None:
    data = write_envi(tmp_path / "scene.img", ramp)
    header = (tmp_path / "scene.hdr").rename(tmp_path / "scene.img.hdr")
    assert open_cube(data).shape == open_cube(header).shape == ramp.shape


def test_a_scene_named_like_another_format_is_told_by_its_content(
    tmp_path: Path, ramp: np.ndarray[Any, Any], write_envi: WriteEnvi
) -> None:
    assert open_cube(write_envi(tmp_path / "scene.tif", ramp)).shape == ramp.shape


def test_all_that_the_header_tells(
    tmp_path: Path, ramp: np.ndarray[Any, Any], write_envi: WriteEnvi
) -> None:
    path = write_envi(
        tmp_path / "s",
        ramp,
        wavelength="{0.4, 0.5, 0.6, 0.7,\n 0.8, 0.9}",
        wavelength_units="Micrometers",
        fwhm="{0.01, 0.01, 0.01, 0.01, 0.01, 0.01}",
        bbl="{1, 1, 0, 1, 1, 1}",
        data_ignore_value=0,
        reflectance_scale_factor=100,
        map_info="{UTM, 1, 1, 500000, 5600000, 30, 30, 33, North, WGS-84}",
    )
    cube = open_cube(path)
    assert cube.wavelengths is not None
    assert cube.fwhm is not None
    np.testing.assert_allclose(cube.wavelengths, [400, 500, 600, 700, 800, 900])
    np.testing.assert_allclose(cube.fwhm, np.full(6, 10))
    assert cube.good_bands.tolist() == [True, True, False, True, True, True]
    assert cube.crs == "EPSG:32633"
    assert cube.transform == (500000, 30, 0, 5600000, 0, -30)
    block = cube.read(slice(0, 1), slice(0, 1), [0, 1])
    assert np.isnan(block[0, 0, 0])  # the ignore value is compared with what is stored
    assert block[0, 0, 1] == pytest.approx(0.01)


def test_gains_and_offsets(
    tmp_path: Path, ramp: np.ndarray[Any, Any], write_envi: WriteEnvi
) -> None:
    path = write_envi(
        tmp_path / "s",
        ramp,
        data_gain_values="{2, 2, 2, 2, 2, 3}",
        data_offset_values="{1, 1, 1, 1, 1, 5}",
    )
    block = open_cube(path).read(slice(0, 1), slice(0, 1))
    np.testing.assert_allclose(block[0, 0], [1, 3, 5, 7, 9, 20])


def test_a_rotated_scene_keeps_its_rotation(
    tmp_path: Path, ramp: np.ndarray[Any, Any], write_envi: WriteEnvi
) -> None:
    info = "{UTM, 1, 1, 500000, 5600000, 2, 2, 33, North, WGS-84, rotation=30}"
    transform = open_cube(write_envi(tmp_path / "s", ramp, map_info=info)).transform
    assert transform is not None
    side = np.hypot(transform[1], transform[4])
    assert side == pytest.approx(2)
    assert abs(transform[4]) == pytest.approx(1)  # 2 · sin 30°


def test_old_headers_in_latin_1_and_capitals(
    tmp_path: Path, ramp: np.ndarray[Any, Any], write_envi: WriteEnvi
) -> None:
    info = "{UTM, 1, 1, 500000, 5600000, 2, 2, 33, North, WGS-84}"
    listed = "{0.4, 0.5, 0.6, 0.7, 0.8, 0.9}"
    path = write_envi(tmp_path / "s", ramp, wavelength=listed, map_info=info)
    header = tmp_path / "s.hdr"
    text = header.read_text().replace("samples", "Samples") + "Wavelength Units = µm\n"
    header.write_bytes(text.encode("latin-1"))
    cube = open_cube(path)
    assert cube.wavelengths is not None
    assert cube.wavelengths[0] == pytest.approx(400)
    assert cube.crs == "EPSG:32633"


def test_stated_wavelengths_spare_a_broken_header(
    tmp_path: Path, ramp: np.ndarray[Any, Any], write_envi: WriteEnvi
) -> None:
    path = write_envi(tmp_path / "s", ramp, wavelength="{0, 0, 0}")
    with pytest.raises(FileFormatError, match="'wavelength' is of 3 values"):
        open_cube(path)
    cube = open_cube(path, wavelengths=[400, 500, 600, 700, 800, 900])
    assert cube.wavelengths is not None
    assert cube.wavelengths[-1] == 900


@pytest.mark.parametrize(
    ("field", "value", "found"),
    [
        ("lines", 10**12, "lines"),
        ("lines", 2 * 10**9, "bytes where its header claims 2000000000 lines"),
        ("samples", -5, "samples"),
        ("bands", 0, "bands"),
        ("lines", "many", "lines"),
        ("lines", "9" * 400, "lines"),
        ("bands", 7, "has 240 bytes where its header claims"),
        ("data_type", 99, "data type"),
        ("data_type", 6, "complex"),
        ("interleave", "zigzag", "interleave"),
        ("byte_order", 7, "byte order"),
        ("header_offset", "-1", "header offset"),
        ("header_offset", 10**18, "bytes where its header claims"),
        ("samples", None, "samples"),
        ("data_type", None, "data type"),
        ("file_compression", 1, "compression"),
        ("file_type", "ENVI Spectral Library", "spectral library"),
        ("major_frame_offsets", "{4, 4}", "frame offsets"),
        ("map_info", "{UTM, 1", "header cannot be read"),
        ("bbl", "{1, 0}", "bbl"),
        ("data_ignore_value", "none", "data ignore value"),
    ],
)
def test_absurd_headers_are_refused_at_once(
    field: str,
    value: object,
    found: str,
    tmp_path: Path,
    ramp: np.ndarray[Any, Any],
    write_envi: WriteEnvi,
) -> None:
    path = write_envi(tmp_path / "s", ramp)
    header, name = tmp_path / "s.hdr", field.replace("_", " ")
    kept = [line for line in header.read_text().splitlines() if not line.startswith(name)]
    header.write_text("\n".join([*kept, *([] if value is None else [f"{name} = {value}"])]))
    began = time.perf_counter()
    with pytest.raises(FileFormatError, match=found) as caught:
        open_cube(path)
    assert time.perf_counter() - began < 1
    assert "\n" not in str(caught.value)


def test_files_that_are_no_envi(
    tmp_path: Path, ramp: np.ndarray[Any, Any], write_envi: WriteEnvi
) -> None:
    data = write_envi(tmp_path / "s", ramp)
    (tmp_path / "lonely.hdr").write_text((tmp_path / "s.hdr").read_text())
    (tmp_path / "other.hdr").write_bytes(b"\x5c\x01\x00\x00" * 87)  # as NIfTI's begin
    (tmp_path / "empty.img").write_bytes(b"")
    for name, found in [
        ("lonely.hdr", "no data file"),
        ("other.hdr", "no ENVI"),
        ("empty.img", "empty"),
        ("missing.img", "no such file"),
    ]:
        with pytest.raises(FileFormatError, match=found):
            open_cube(tmp_path / name)
    assert not can_read(tmp_path / "other.hdr")
    assert not can_read(tmp_path / "missing.img")
    data.write_bytes(data.read_bytes()[:-1])
    with pytest.raises(FileFormatError, match="239 bytes"):
        open_cube(data)


def test_aviris_ng_pair(shared_data: Path) -> None:
    folder = shared_data / "aviris_ng_isofit_crop"
    cube = open_cube(folder / "ang20160910t185702_2rdn_img")
    assert cube.shape == (25, 30, 425)
    assert cube.wavelengths is not None
    assert cube.wavelengths[[0, -1]] == pytest.approx([376.44, 2500.12])
    assert cube.crs == "EPSG:32611"
    assert cube.nodata == -9999
    geometry = open_cube(folder / "ang20160910t185702_obs_ortdem_mod.hdr")
    assert geometry.shape == (25, 30, 11)
    assert geometry.raw.dtype == np.float64
    assert geometry.wavelengths is None
