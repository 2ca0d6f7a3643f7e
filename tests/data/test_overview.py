from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from napari_ssamamba.data import overview as overview_module
from napari_ssamamba.data.overview import Overview, make_overview, overview_factor
from napari_ssamamba.data.readers import open_cube
from napari_ssamamba.events import result_of

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from napari_ssamamba.data.cube import Cube


def scene(path: Path, seed: int = 0) -> Cube:
    np.save(path, np.random.default_rng(seed).integers(0, 9000, (33, 50, 5), np.uint16))
    return open_cube(path)


def made(cube: Cube, folder: Path) -> Overview:
    return result_of(make_overview(cube, folder))


def test_it_holds_the_pixels_in_the_middle_of_those_they_stand_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overview_module, "OVERVIEW_BYTES", 8 * 12 * 5 * 2)
    monkeypatch.setattr(overview_module, "BLOCK_BYTES", 300)
    cube = scene(tmp_path / "s.npy")
    assert overview_factor(cube) == 4
    overview = made(cube, tmp_path / "cache")
    assert overview.factor == 4
    everything = (slice(None),) * 3
    expected = cube.raw[everything][2:32:4, 2:48:4]
    np.testing.assert_array_equal(overview.cube.raw[everything], expected)


def test_it_is_made_once_a_file_and_anew_when_the_file_changes(tmp_path: Path) -> None:
    cache, file = tmp_path / "cache", tmp_path / "s.npy"
    made(scene(file), cache)
    (first,) = cache.iterdir()
    os.utime(first, (1, 1))
    made(open_cube(file), cache)
    assert list(cache.iterdir()) == [first]
    assert first.stat().st_mtime > 1  # used last, so removed last
    changed = scene(file, seed=7)
    os.utime(file, (5, 5))
    np.testing.assert_array_equal(
        made(changed, cache).cube.raw[:, :, :], changed.raw[1::2, 1::2, :]
    )
    assert len(list(cache.iterdir())) == 2


def test_those_not_used_for_longest_go_when_the_cache_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    made(scene(tmp_path / "a.npy"), cache)
    (a,) = cache.iterdir()
    monkeypatch.setattr(overview_module, "CACHE_BYTES", 2 * a.stat().st_size)
    made(scene(tmp_path / "b.npy"), cache)
    (b,) = set(cache.iterdir()) - {a}
    os.utime(b, (10, 10))
    os.utime(a, (20, 20))
    made(scene(tmp_path / "c.npy"), cache)
    assert a.exists()
    assert not b.exists()
    assert len(list(cache.iterdir())) == 2


def test_cancelling_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overview_module, "BLOCK_BYTES", 300)
    work = make_overview(scene(tmp_path / "s.npy"), tmp_path / "cache")
    next(work)
    next(work)
    work.close()
    assert list((tmp_path / "cache").iterdir()) == []
