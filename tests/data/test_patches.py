"""Training patches hold what the scene holds, and no more of the scene is read than they need."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_ssamamba.data import patches as patches_module
from napari_ssamamba.data.cube import Cube
from napari_ssamamba.data.mapped_file import MappedFile
from napari_ssamamba.data.patches import read_patches, read_spectra
from napari_ssamamba.data.standardise import Standardiser
from napari_ssamamba.events import result_of

if TYPE_CHECKING:
    from pathlib import Path


class CountingRaw:
    """An array that counts the pixels read from it."""

    def __init__(self, values: np.ndarray[Any, Any]) -> None:
        self.values = values
        self.pixels = 0

    shape = property(lambda self: self.values.shape)
    dtype = property(lambda self: self.values.dtype)

    def __getitem__(self, key: Any) -> np.ndarray[Any, Any]:
        block = self.values[key]
        self.pixels += block.shape[0] * block.shape[1]
        return block


def identity(bands: int) -> Standardiser:
    return Standardiser(np.zeros(bands, np.float32), np.ones(bands, np.float32), "nothing")


def naive_patches(values: np.ndarray[Any, Any], pixels: np.ndarray[Any, Any], side: int) -> Any:
    half = side // 2
    padded = np.pad(values, ((half, half), (half, half), (0, 0)))
    return np.stack([padded[r : r + side, c : c + side].reshape(-1, values.shape[2])
                     for r, c in pixels])  # fmt: skip


def test_patches_are_those_cut_by_hand() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(40, 30, 4)).astype(np.float32)
    pixels = np.array([[0, 0], [39, 29], [17, 3], [18, 4], [5, 29]], np.int32)
    for side in (1, 3, 7):
        patches = result_of(read_patches(Cube("scene", values), pixels, side, identity(4)))
        expected = naive_patches(values, pixels, side)
        np.testing.assert_array_equal(patches.table[patches.index], expected)


def test_parts_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patches_module, "PIXELS_AT_ONCE", 50)
    rng = np.random.default_rng(1)
    values = rng.normal(size=(40, 30, 4)).astype(np.float32)
    pixels = np.stack((rng.integers(0, 40, 30), rng.integers(0, 30, 30)), axis=1).astype(np.int32)
    pixels[7] = pixels[3]
    events: list[Any] = []
    work = read_patches(Cube("scene", values), pixels, 5, identity(4))
    patches = result_of(work, events.append)
    np.testing.assert_array_equal(patches.table[patches.index], naive_patches(values, pixels, 5))
    assert [e.done for e in events][:-1] == list(range(50, len(patches.table) - 1, 50))
    assert events[-1].done == events[-1].total == len(patches.table) - 1
    spectra = read_spectra(Cube("scene", values), np.repeat(pixels, 4, axis=0))
    np.testing.assert_array_equal(spectra, values[tuple(np.repeat(pixels, 4, axis=0).T)])


@pytest.mark.parametrize("interleave", ["bsq", "bil", "bip"])
def test_a_file_is_mapped_a_few_times_whatever_the_number_of_pixels(
    interleave: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each takes a tenth of a millisecond: one for each patch and each few bands, half a minute."""
    order = {"bsq": (2, 0, 1), "bil": (0, 2, 1), "bip": (0, 1, 2)}[interleave]
    rng = np.random.default_rng(2)
    values = rng.integers(1, 99, (200, 160, 64)).astype(np.uint16)
    np.save(tmp_path / "s.npy", values.transpose(order))
    raw = MappedFile(np.load(tmp_path / "s.npy", mmap_mode="r").transpose(np.argsort(order)))
    mapped, of_file = [], MappedFile._mapped
    monkeypatch.setattr(MappedFile, "_mapped", lambda *a: (mapped.append(1), of_file(*a))[1])
    pixels = np.stack((rng.integers(0, 200, 300), rng.integers(0, 160, 300)), axis=1)
    cube = Cube("scene", raw, interleave=interleave)
    patches = result_of(read_patches(cube, pixels.astype(np.int32), 3, identity(64)))
    found = patches.table[patches.index]
    np.testing.assert_array_equal(found, naive_patches(values.astype(np.float32), pixels, 3))
    assert 0 < len(mapped) < 20


def test_only_the_neighbourhoods_of_labels_are_read() -> None:
    raw = CountingRaw(np.ones((1000, 1000, 2), np.float32))
    pixels = np.array([[10, 10], [500, 900], [990, 5]], np.int32)
    patches = result_of(read_patches(Cube("scene", raw), pixels, 7, identity(2)))
    assert raw.pixels < 400
    assert len(patches.table) <= 1 + 3 * 49


def test_unmeasured_pixels_and_missing_bands_are_zero() -> None:
    values = np.ones((5, 5, 4), np.float32)
    values[1, 1, 0] = np.nan  # one dead element
    values[1, 2, :3] = np.nan  # no measurement, although one value is there
    patches = result_of(
        read_patches(Cube("s", values), np.array([[2, 2]], np.int32), 3, identity(4))
    )
    patch = patches.table[patches.index[0]].reshape(3, 3, 4)
    np.testing.assert_array_equal(patch[0, 0], [0, 1, 1, 1])
    np.testing.assert_array_equal(patch[0, 1], [0, 0, 0, 0])
    assert patch.sum() == 3 + 7 * 4


def test_bad_bands_are_left_out() -> None:
    values = np.arange(3 * 3 * 4, dtype=np.float32).reshape(3, 3, 4)
    cube = Cube("s", values).with_good_bands([True, False, True, False])
    patches = result_of(read_patches(cube, np.array([[1, 1]], np.int32), 1, identity(2)))
    np.testing.assert_array_equal(patches.table[patches.index[0, 0]], values[1, 1, [0, 2]])


def test_spectra_come_in_the_order_asked_for() -> None:
    values = np.random.default_rng(0).normal(size=(60, 50, 3)).astype(np.float32)
    pixels = np.array([[59, 0], [0, 49], [30, 30], [0, 0], [30, 30]], np.int32)
    spectra = read_spectra(Cube("scene", values), pixels)
    np.testing.assert_array_equal(spectra, values[pixels[:, 0], pixels[:, 1]])
