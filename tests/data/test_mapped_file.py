from __future__ import annotations

import re
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_ssamamba.data import mapped_file
from napari_ssamamba.data.mapped_file import MappedFile
from napari_ssamamba.plugin import resident_memory

ORDERS = {"bip": (0, 1, 2), "bil": (0, 2, 1), "bsq": (2, 0, 1), "fortran": (2, 1, 0)}
BLOCKS = [
    (slice(None), slice(None), slice(None)),
    (slice(3, 40, 7), slice(5, 6), slice(1, None, 3)),
    (slice(-9, None), slice(None, None, 4), slice(4, 5)),
    (slice(7, 7), slice(None), slice(None)),
    (slice(60, 63), slice(10, 90), slice(2, 9)),
]


def saved(path: Path, values: np.ndarray[Any, Any], interleave: str) -> MappedFile:
    """Save values, (row, column, band), with their axes in the order of the interleave."""
    order = ORDERS[interleave]
    np.save(path, values.transpose(order))
    stored = np.load(path, mmap_mode="r")
    return MappedFile(stored.transpose(np.argsort(order)))


@pytest.fixture
def values() -> np.ndarray[Any, Any]:
    return np.random.default_rng(0).integers(0, 60_000, (67, 91, 12), np.uint16)


@pytest.fixture(params=[1, 3000, 2**25])
def _in_parts(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """However small the parts are in which files are read."""
    monkeypatch.setattr(mapped_file, "PART_BYTES", request.param)
    monkeypatch.setattr(mapped_file, "BANDS_BYTES", request.param)
    monkeypatch.setattr(mapped_file, "PAGES_AROUND", 16)


@pytest.mark.usefixtures("_in_parts")
@pytest.mark.parametrize("interleave", ORDERS)
def test_a_block_is_what_numpy_reads(
    interleave: str, values: np.ndarray[Any, Any], tmp_path: Path
) -> None:
    file = saved(tmp_path / "s.npy", values, interleave)
    for block in BLOCKS:
        np.testing.assert_array_equal(file[block], values[block])


@pytest.mark.usefixtures("_in_parts")
@pytest.mark.parametrize("interleave", ORDERS)
def test_single_pixels_are_those_of_the_file(
    interleave: str, values: np.ndarray[Any, Any], tmp_path: Path
) -> None:
    file = saved(tmp_path / "s.npy", values, interleave)
    rng = np.random.default_rng(1)
    rows, columns = rng.integers(0, 67, 300), rng.integers(0, 91, 300)
    for bands in (np.arange(12), np.array([7, 2, 11])):
        found = file.read_pixels(rows, columns, bands)
        np.testing.assert_array_equal(found, values[rows, columns][:, bands])
    assert file.read_pixels(rows[:0], columns[:0], np.arange(12)).shape == (0, 12)


Runs = list[tuple[int, int]]


@pytest.fixture
def announced(monkeypatch: pytest.MonkeyPatch) -> Runs:
    """Where runs begin and how long they are that the system is told of, while it has nothing."""
    told: Runs = []

    def nothing_there(*_: Any) -> int:
        raise BlockingIOError

    def advise(_: int, start: int, length: int, how: int) -> None:
        told.append((start, length))

    monkeypatch.setattr("os.preadv", nothing_there)
    monkeypatch.setattr("os.posix_fadvise", advise)
    return told


def bytes_of(file: MappedFile, where: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the places of all bytes of the values that a mask selects, in order."""
    starts = file.offset + np.argwhere(where) @ np.array(file.strides)
    return np.unique(starts[:, None] + np.arange(file.dtype.itemsize))


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone is told")
@pytest.mark.parametrize("interleave", ORDERS)
def test_the_system_is_told_of_the_runs_that_are_read_and_of_little_else(
    interleave: str,
    values: np.ndarray[Any, Any],
    announced: Runs,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    around = 16
    monkeypatch.setattr(mapped_file, "READ_AROUND", around)
    file = saved(tmp_path / "s.npy", values, interleave)
    rng = np.random.default_rng(2)
    reads: list[tuple[Any, Any]] = [(block, partial(file.__getitem__, block)) for block in BLOCKS]
    in_a_row = np.array([5, 5, 5, 60]), np.array([70, 10, 40, 41])
    for pixels in ((rng.integers(0, 67, 9), rng.integers(0, 91, 9)), in_a_row):
        reads.append((pixels, partial(file.read_pixels, *pixels, np.arange(12))))
    scattered = 0
    for wanted, read in reads:
        announced.clear()
        read()
        mask = np.zeros(values.shape, bool)
        mask[wanted] = True
        places = bytes_of(file, mask)
        far = np.count_nonzero(np.diff(places) > around + 1)
        if not announced:  # what lies close together the system fetches by itself
            assert far == 0 or places.size + around * (places.size - far) > np.ptp(places) / 2
            continue
        told = np.concatenate([start + np.arange(length) for start, length in announced])
        assert np.isin(places, told).all()
        assert told.size == np.unique(told).size
        assert len(announced) == far + 1
        scattered += 1
    assert scattered > 1


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone is told")
@pytest.mark.parametrize("cached", [True, False])
def test_nothing_is_announced_that_is_there_and_a_refusal_does_no_harm(
    cached: bool, values: np.ndarray[Any, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = []

    def refuse(*what: Any) -> None:
        told.append(what)
        raise OSError

    def look(*_: Any) -> int:
        if not cached:
            raise OSError
        return 1

    monkeypatch.setattr(mapped_file, "READ_AROUND", 16)
    monkeypatch.setattr("os.preadv", look)
    monkeypatch.setattr("os.posix_fadvise", refuse)
    file = saved(tmp_path / "s.npy", values, "bsq")
    np.testing.assert_array_equal(file[3:5, 7:9, ::3], values[3:5, 7:9, ::3])
    assert bool(told) is not cached


@pytest.mark.parametrize(("interleave", "least"), [("bip", 0.99), ("bil", 0.08), ("bsq", 0.08)])
def test_one_band_touches_all_of_a_file_only_where_bands_lie_side_by_side(
    interleave: str, least: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mapped_file, "READ_AROUND", 64)
    file = saved(tmp_path / "s.npy", np.zeros((64, 512, 12), np.uint16), interleave)
    share = file.touched_bytes(range(64), range(512), range(1)) / (64 * 512 * 12 * 2)
    assert least <= share <= least + 0.03


def resident_file_bytes() -> int:
    found = re.search(r"RssFile:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return 1024 * int(found[1])


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux tells what is resident")
@pytest.mark.parametrize("interleave", ORDERS)
def test_nothing_of_the_file_stays_in_memory(interleave: str, tmp_path: Path) -> None:
    megabytes = np.zeros((256, 512, 64), np.uint16)  # 16 MiB
    file = saved(tmp_path / "s.npy", megabytes, interleave)
    before = resident_file_bytes()
    file[:, :, :]
    file[:, :, 30:31]
    file.read_pixels(*np.nonzero(np.ones((256, 512), bool)), np.arange(64))
    assert resident_file_bytes() - before < 2**21


@pytest.mark.skipif(not resident_memory.CLEAR.exists(), reason="Linux tells what was resident")
@pytest.mark.parametrize("interleave", ORDERS)
def test_little_of_the_file_is_in_memory_at_once(interleave: str, tmp_path: Path) -> None:
    """Although the system maps much more than what is touched."""
    size = 512, 1024, 128  # 128 MiB
    file = saved(tmp_path / "s.npy", np.ones(size, np.uint16), interleave)
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, size[0], 500), rng.integers(0, size[1], 500), np.arange(128)
    band = slice(None), slice(None), slice(60, 61)
    for read in (partial(file.__getitem__, band), partial(file.read_pixels, *pixels)):
        read()  # what reading needs itself is there from now on
        resident_memory.forget_peak()
        before = resident_memory.resident_mb()
        read()
        peak = resident_memory.peak_mb()
        assert before is not None
        assert peak is not None
        assert peak - before < 45
