"""GeoTIFF scenes: bands told in several ways, tiles as one scene, gaps as nodata."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import rasterio
from rasterio import Affine

from napari_ssamamba.data.georeferencing import without_georeference_warning
from napari_ssamamba.data.readers import can_read, open_cube
from napari_ssamamba.data.readers.raster import Raster
from napari_ssamamba.errors import FileFormatError

if TYPE_CHECKING:
    from pathlib import Path


def write_tif(
    path: Path,
    values: np.ndarray[Any, Any],
    *,
    row: float = 0,
    column: float = 0,
    pixel: float = 30,
    crs: str | None = "EPSG:32633",
    band_tags: list[dict[str, str]] | None = None,
    names: list[str] | None = None,
    **options: Any,
) -> Path:
    """Write values (rows, columns, bands) some rows and columns from the scene's origin."""
    transform = Affine(pixel, 0, 500_000 + column * 30, 0, -pixel, 5_600_000 - row * 30)
    with (
        without_georeference_warning(),
        rasterio.open(
            path,
            "w",
            driver="GTiff",
            height=values.shape[0],
            width=values.shape[1],
            count=values.shape[2],
            dtype=values.dtype,
            crs=crs,
            transform=transform if crs else None,
            **options,
        ) as file,
    ):
        file.write(np.moveaxis(values, -1, 0))
        for i, tags in enumerate(band_tags or []):
            namespace = "IMAGERY" if "CENTRAL_WAVELENGTH_UM" in tags else None
            file.update_tags(i + 1, ns=namespace, **tags)
        for i, name in enumerate(names or []):
            file.set_band_description(i + 1, name)
    return path


@pytest.mark.parametrize("interleave", ["band", "pixel"])
def test_any_block_of_a_file(
    interleave: str, tmp_path: Path, ramp: np.ndarray[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_tif(tmp_path / "s.tif", ramp, interleave=interleave)
    cube = open_cube(path)
    assert cube.interleave == {"band": "bsq", "pixel": "bip"}[interleave]
    assert cube.crs == "EPSG:32633"
    assert cube.transform == (500_000, 30, 0, 5_600_000, 0, -30)
    monkeypatch.setattr("napari_ssamamba.data.readers.raster.MAX_READ_BYTES", 1)
    for key in [np.s_[:, :, :], np.s_[1:4:2, ::3, 1::2], np.s_[2:2, :, :], np.s_[3:99, 4:, 5:]]:
        np.testing.assert_array_equal(cube.raw[key], ramp[key])


BANDS_ARE_TOLD = {
    "EnMAP-Box": {
        "band_tags": [
            {"wavelength": str(w), "wavelength_units": "Nanometers", "fwhm": "10", "bbl": b}
            for w, b in [(500, "1"), (600, "0"), (700, "1")]
        ]
    },
    "micrometres": {
        "band_tags": [
            {"wavelength": str(w), "wavelength_units": "um", "fwhm": "0.01", "bbl": b}
            for w, b in [(0.5, "1"), (0.6, "0"), (0.7, "1")]
        ]
    },
    "GDAL": {
        "band_tags": [{"CENTRAL_WAVELENGTH_UM": str(w), "FWHM_UM": "0.01"} for w in (0.5, 0.6, 0.7)]
    },
    "names": {"names": ["Band 1 (500.0 Nanometers)", "600 nm", "B3 0.7 µm"]},
}


@pytest.mark.parametrize("how", BANDS_ARE_TOLD)
def test_ways_to_tell_the_bands(how: str, tmp_path: Path, ramp: np.ndarray[Any, Any]) -> None:
    options: dict[str, Any] = BANDS_ARE_TOLD[how]
    cube = open_cube(write_tif(tmp_path / "s.tif", ramp[..., :3], **options))
    assert cube.wavelengths is not None
    np.testing.assert_allclose(cube.wavelengths, [500, 600, 700])
    if how != "names":
        assert cube.fwhm is not None
        np.testing.assert_allclose(cube.fwhm, 10)
    if how in ("EnMAP-Box", "micrometres"):
        assert cube.good_bands.tolist() == [True, False, True]


def test_lists_in_the_files_own_tags(tmp_path: Path, ramp: np.ndarray[Any, Any]) -> None:
    path = write_tif(tmp_path / "s.tif", ramp[..., :3])
    with rasterio.open(path, "r+") as file:
        file.update_tags(ns="ENVI", wavelength="{500, 600, 700}", bbl="{1,1,0}")
        file.scales, file.offsets = (0.5,) * 3, (1.0,) * 3
    cube = open_cube(path)
    assert cube.wavelengths is not None
    np.testing.assert_allclose(cube.wavelengths, [500, 600, 700])
    assert cube.good_bands.tolist() == [True, True, False]
    np.testing.assert_allclose(cube.read(slice(0, 1), slice(0, 1), slice(None))[0, 0], [1, 1.5, 2])


def test_tags_that_are_no_wavelengths(tmp_path: Path, ramp: np.ndarray[Any, Any]) -> None:
    tags = [{"wavelength": "red"}] * 6
    with pytest.raises(FileFormatError, match="'wavelength' are no numbers"):
        open_cube(write_tif(tmp_path / "s.tif", ramp, band_tags=tags))


def test_without_position_there_is_no_warning(tmp_path: Path, ramp: np.ndarray[Any, Any]) -> None:
    cube = open_cube(write_tif(tmp_path / "s.tif", ramp, crs=None))
    assert cube.transform is None
    assert cube.crs is None


def test_tiles_are_one_scene_with_gaps(tmp_path: Path) -> None:
    scene = np.arange(8 * 9 * 2, dtype=np.float32).reshape(8, 9, 2)
    paths = [
        write_tif(tmp_path / "b.tif", scene[:3, 5:], row=10, column=25, nodata=-1),
        write_tif(tmp_path / "a.tif", scene[3:, :4], row=13, column=20, nodata=-1),
    ]
    assert can_read(paths)
    cube = open_cube(paths)
    assert cube.shape == (8, 9, 2)
    assert cube.transform == (500_000 + 20 * 30, 30, 0, 5_600_000 - 10 * 30, 0, -30)
    expected = np.full_like(scene, -1)
    expected[:3, 5:], expected[3:, :4] = scene[:3, 5:], scene[3:, :4]
    for key in [np.s_[:, :, :], np.s_[1::3, 1::2, 1:], np.s_[2:4, 3:6, :], np.s_[7:, 8:, :]]:
        np.testing.assert_array_equal(cube.raw[key], expected[key])
    assert np.isnan(cube.read(slice(0, 1), slice(0, 1))).all()


def test_overlaps_keep_what_was_measured_and_integers_get_a_nodata(tmp_path: Path) -> None:
    first = write_tif(tmp_path / "a.tif", np.full((2, 3, 1), 7, np.uint16))
    second = write_tif(tmp_path / "b.tif", np.full((2, 3, 1), 8, np.uint16), row=1, column=1)
    cube = open_cube([first, second])
    assert cube.nodata == 65535
    empty = 65535
    assert cube.raw[:, :, 0:1][..., 0].tolist() == [
        [7, 7, 7, empty],
        [7, 8, 8, 8],
        [empty, 8, 8, 8],
    ]


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"column": 3.5}, "between the pixels"),
        ({"pixel": 20}, "its pixels measure 20"),
        ({"crs": "EPSG:32632"}, "its CRS is EPSG:32632"),
        ({"crs": None}, "its CRS is none"),
        ({"nodata": 3}, "its nodata value is 3"),
        ({"dtype": np.float32}, "its type is float32"),
        ({"bands": 2}, "its number of bands is 2"),
        ({"column": 90_000}, "nearly all empty"),
        ({"names": [f"{w} nm" for w in range(500, 506)]}, "other wavelengths"),
    ],
)
def test_tiles_that_do_not_belong_together(
    options: dict[str, Any], found: str, tmp_path: Path, ramp: np.ndarray[Any, Any]
) -> None:
    first = write_tif(tmp_path / "a.tif", ramp)
    values = ramp[..., : options.pop("bands", 6)].astype(options.pop("dtype", ramp.dtype))
    second = write_tif(tmp_path / "b.tif", values, **({"column": 5} | options))
    with pytest.raises(FileFormatError, match=found):
        open_cube([first, second])


def test_a_tile_and_another_scene(tmp_path: Path, ramp: np.ndarray[Any, Any]) -> None:
    np.save(tmp_path / "s.npy", ramp)
    with pytest.raises(FileFormatError, match=r"s\.npy.*no GeoTIFF"):
        open_cube([write_tif(tmp_path / "a.tif", ramp), tmp_path / "s.npy"])


@pytest.mark.parametrize("kept", [4, 100, 0.5, 0.98])
@pytest.mark.parametrize("compress", [None, "deflate"])
def test_truncated_files(kept: float, compress: str | None, tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 9999, (64, 64, 5)).astype(np.int16)
    path = write_tif(tmp_path / "s.tif", values, compress=compress)
    content = path.read_bytes()
    path.write_bytes(content[: int(kept if kept > 1 else kept * len(content))])
    with pytest.raises(FileFormatError, match=r"s\.tif"):
        open_cube(path)


def test_complex_files_are_refused(tmp_path: Path, ramp: np.ndarray[Any, Any]) -> None:
    with pytest.raises(FileFormatError, match="complex64"):
        open_cube(write_tif(tmp_path / "s.tif", ramp.astype(np.complex64)))


def test_several_threads_read_the_right_values(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 9999, (96, 96, 8)).astype(np.int16)
    cube = open_cube(write_tif(tmp_path / "s.tif", values, compress="deflate", blockysize=4))

    def agrees(i: int) -> bool:
        key = np.s_[i : i + 30, i : 2 * i + 5, i % 8 :]
        return bool(np.array_equal(cube.raw[key], values[key]))

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(agrees, list(range(60)) * 4))


def test_opening_reads_a_sample_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_tif(tmp_path / "s.tif", np.ones((300, 200, 6), np.float32), blockysize=8)
    read = []
    part = Raster.read

    def counted(self: Raster, *args: Any) -> np.ndarray[Any, Any]:
        values = part(self, *args)
        read.append(values.size)
        return values

    monkeypatch.setattr(Raster, "read", counted)
    open_cube(path)
    assert 0 < sum(read) < 300 * 200 * 6 / 100


def test_enmap_tile(shared_data: Path) -> None:
    cube = open_cube(shared_data / "enmap_potsdam/images/enmap_potsdam_tile_128_0.tif")
    assert cube.shape == (32, 32, 224)
    assert cube.crs == "EPSG:32633"
    assert cube.nodata == -32768
    assert (np.flatnonzero(~cube.good_bands) + 1).tolist() == [130, 131, 132, 133, 134, 135]
    assert cube.wavelengths is not None
    assert (np.diff(cube.wavelengths) < 0).any()  # VNIR and SWIR overlap; kept as it is
    reflectance = cube.read(slice(None), slice(None))
    assert 0 < np.nanmedian(reflectance) < 1


def test_enmap_tiles_as_one_scene(shared_data: Path) -> None:
    tiles = sorted((shared_data / "enmap_potsdam/images").glob("*.tif"))
    cube = open_cube(tiles)
    assert cube.shape == (192, 160, 224)
    assert cube.transform == (364095, 30, 0, 5809965, 0, -30)
    assert (~cube.good_bands).sum() == 6
    inside = cube.raw[64:96, 64:96, 10:11]  # column 128 of the whole scene, none at row 64
    assert (inside == cube.nodata).all()
    alone = open_cube(shared_data / "enmap_potsdam/images/enmap_potsdam_tile_160_64.tif")
    np.testing.assert_array_equal(cube.raw[64:96, 96:128, :], alone.raw[:, :, :])
