"""Arrays too large for memory lie on disk, leave nothing there, and say where there is no room."""

from __future__ import annotations

import errno
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from napari_ssamamba.data import room as room_module
from napari_ssamamba.data.room import Room, leave_memory
from napari_ssamamba.errors import RoomError

if TYPE_CHECKING:
    from pathlib import Path


def test_what_fits_stays_in_memory(tmp_path: Path) -> None:
    assert Room(1.0, tmp_path / "maps").arrays(1000) is np.zeros
    assert not (tmp_path / "maps").exists()


def test_what_does_not_fit_lies_in_a_file_without_a_name(tmp_path: Path) -> None:
    folder = tmp_path / "maps"
    values = Room(0.0, folder).arrays(6_000_000)((1000, 1500), np.float32)
    assert type(values) is np.ndarray
    assert values.shape == (1000, 1500) and values.dtype == np.float32
    assert not values.any()
    assert isinstance(values.base, np.memmap)
    assert list(folder.iterdir()) == []  # so a crash leaves none
    values[...] = np.arange(1500)
    leave_memory(values)
    np.testing.assert_array_equal(values[[0, 999]], np.tile(np.arange(1500.0), (2, 1)))


def test_the_memory_of_what_lies_in_memory_is_left_alone() -> None:
    values = np.arange(12.0).reshape(3, 4)
    leave_memory(values[1:])
    np.testing.assert_array_equal(values.ravel(), np.arange(12.0))


def test_a_full_disk_is_told_with_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = SimpleNamespace(free=2_000_000_000)
    monkeypatch.setattr(room_module.shutil, "disk_usage", lambda folder: full)
    with pytest.raises(RoomError, match=r"3\.0 GB.*has 2\.0 GB left.*preferences") as told:
        Room(0.0, tmp_path).arrays(3_000_000_000)
    assert str(tmp_path) in str(told.value)


def test_a_disk_that_fills_up_meanwhile_does_not_end_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    allocate = Room(0.0, tmp_path).arrays(100)
    monkeypatch.setattr(room_module.os, "posix_fallocate", refuse, raising=False)
    with pytest.raises(RoomError, match="No space left"):
        allocate((5, 5), np.float32)
