"""A cube gives physical values, missing ones as NaN, whichever way it is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy.io import savemat

from napari_ssamamba.data.cube import Cube, has_measurement, with_fingerprint
from napari_ssamamba.data.mapped_file import MappedFile
from napari_ssamamba.data.readers import open_cube
from napari_ssamamba.errors import BandsError

if TYPE_CHECKING:
    from pathlib import Path


class BlockCube:
    """A scene that is no numpy array, and remembers how large its reads were."""

    def __init__(self, values: np.ndarray[Any, Any]) -> None:
        self._values = values
        self.shape, self.dtype = values.shape, values.dtype
        self.sizes: list[int] = []

    def __getitem__(self, key: Any, /) -> Any:
        block = self._values[key]
        self.sizes.append(block.size)
        return block


def test_values_are_scaled_and_nodata_is_nan() -> None:
    raw = np.array([[[0, 10, -9999], [4, 5, 6]]], np.int16)
    cube = Cube(
        name="s",
        raw=raw,
        nodata=-9999,
        scale=np.array([0.1, 0.1, 1]),
        offset=np.array([0, 1, 0.0]),
    )
    expected = [[[0, 2, np.nan], [0.4, 1.5, 6]]]
    np.testing.assert_allclose(cube.read(slice(None), slice(None)), expected, rtol=1e-6)


@pytest.mark.parametrize("nodata", [-9999.0, 1e300, float("nan"), None])
def test_nodata_that_the_type_cannot_hold_marks_nothing(nodata: float | None) -> None:
    cube = Cube(name="s", raw=np.full((2, 2, 2), 65535, np.uint16), nodata=nodata)
    assert (cube.read(slice(None), slice(None)) == 65535).all()


def test_values_beyond_float32_are_missing() -> None:
    cube = Cube(name="s", raw=np.array([[[1e300, 1.0]]]))
    assert np.isnan(cube.read(slice(None), slice(None))).tolist() == [[[True, False]]]


def test_good_bands_are_read_unless_others_are_asked_for(scene: Cube) -> None:
    off = scene.with_good_bands([1, 0, 1, 0, 0, 1])
    assert off.read(slice(0, 1), slice(0, 1))[0, 0].tolist() == [0, 2, 5]
    assert off.read(slice(0, 1), slice(0, 1), slice(None))[0, 0].tolist() == [0, 1, 2, 3, 4, 5]
    assert off.read(slice(0, 1), slice(0, 1), [4, 1])[0, 0].tolist() == [4, 1]
    with pytest.raises(BandsError, match="no band is switched on"):
        scene.with_good_bands(np.zeros(6)).read(slice(None), slice(None))


@pytest.mark.parametrize("where", ["memory", "mapped file", "other file"])
@pytest.mark.parametrize("interleave", ["bsq", "bil", "bip"])
def test_pixels_are_those_of_the_whole_scene(interleave: str, where: str, tmp_path: Any) -> None:
    rng = np.random.default_rng(1)
    values = rng.integers(-50, 50, (150, 140, 7)).astype(">i2")
    order = {"bsq": (2, 0, 1), "bil": (0, 2, 1), "bip": (0, 1, 2)}[interleave]
    np.save(tmp_path / "s.npy", np.ascontiguousarray(values.transpose(order)))
    stored = np.load(tmp_path / "s.npy", mmap_mode="r").transpose(np.argsort(order))
    raw = {"memory": np.asarray, "mapped file": MappedFile, "other file": BlockCube}[where](stored)
    cube = Cube(name="s", raw=raw, nodata=3, scale=np.arange(1, 8) / 2, interleave=interleave)
    rows, columns = rng.integers(0, 150, 300), rng.integers(-140, 140, 300)
    expected = cube.read(slice(None), slice(None), slice(None))[rows, columns]
    np.testing.assert_array_equal(cube.read_pixels(rows, columns), expected)
    some = np.array([5, 0, 3])
    np.testing.assert_array_equal(cube.read_pixels(rows, columns, some), expected[:, some])
    assert cube.read_pixels([], []).shape == (0, 7)
    if isinstance(raw, BlockCube):
        assert max(raw.sizes[1:]) <= 64 * 64 * 7


def test_lists_of_another_length_are_refused(ramp: np.ndarray[Any, Any]) -> None:
    with pytest.raises(BandsError, match="2 values of wavelengths for 6 bands"):
        Cube(name="s", raw=ramp, wavelengths=np.array([500, 600.0]))
    with pytest.raises(BandsError, match="rows, columns and bands"):
        Cube(name="s", raw=ramp[0])


def test_a_dead_band_does_not_cost_the_pixel() -> None:
    block = np.array([[[1, np.nan, 1]], [[np.nan, np.nan, 1]]], np.float32)
    assert has_measurement(block).tolist() == [[True], [False]]


@pytest.mark.parametrize("order", ["bsq", "bip"])
def test_pixels_far_apart_in_a_row_are_read_right(tmp_path: Any, order: str) -> None:
    values = np.random.default_rng(0).integers(1, 99, (20, 900, 30)).astype(np.uint16)
    axes, back = ((2, 0, 1), (1, 2, 0)) if order == "bsq" else ((0, 1, 2), (0, 1, 2))
    path = tmp_path / "scene.dat"
    stored = np.ascontiguousarray(values.transpose(axes))
    stored.tofile(path)
    mapped = np.memmap(path, np.uint16, "r", shape=stored.shape)
    cube = Cube("scene", MappedFile(mapped.transpose(back)), interleave=order)
    rows, columns = np.repeat([3, 4, 5], 9), np.tile(np.arange(0, 900, 100), 3)
    np.testing.assert_array_equal(cube.read_pixels(rows, columns), values[rows, columns])


@pytest.mark.parametrize("suffix", ["npy", "mat"])
def test_scenes_of_one_size_are_told_apart_by_their_values(tmp_path: Path, suffix: str) -> None:
    values = np.random.default_rng(0).random((40, 30, 8), np.float32)
    values[0, 0, 0] = np.nan
    for name, scene in (("one", values), ("other", values + 1)):
        path = tmp_path / f"{name}.{suffix}"
        np.save(path, scene) if suffix == "npy" else savemat(path, {"cube": scene})
    renamed = tmp_path / f"renamed.{suffix}"
    renamed.write_bytes((tmp_path / f"one.{suffix}").read_bytes())
    one, other = (open_cube(tmp_path / f"{name}.{suffix}") for name in ("one", "other"))
    assert one.fingerprint is not None
    assert one.fingerprint == open_cube(renamed).fingerprint != other.fingerprint
    assert one.with_good_bands(np.arange(8) > 3).fingerprint == one.fingerprint


def test_switched_off_bands_do_not_make_another_scene() -> None:
    one = with_fingerprint(Cube("one", np.random.default_rng(0).random((40, 30, 8), np.float32)))
    other_bands = with_fingerprint(one.with_good_bands(np.arange(8) > 3))
    assert other_bands.fingerprint == one.fingerprint
