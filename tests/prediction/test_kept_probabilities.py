from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest

from napari_ssamamba.data.probability_store import open_store
from napari_ssamamba.data.tiles import Window
from napari_ssamamba.errors import SettingError
from napari_ssamamba.events import result_of
from napari_ssamamba.prediction.predictor import predict

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_the_store_holds_the_probabilities_that_the_map_comes_from(
    tiny_job: Any, tiny_checkpoint: Any, tmp_path: Path
) -> None:
    path = tmp_path / "p.h5"
    with open_store(path, tiny_checkpoint.classes, tiny_job.cube, "float32") as store:
        class_map = result_of(predict(tiny_job.cube, tiny_checkpoint, tile_size=7, store=store))
        assert not path.exists()
    with h5py.File(path) as file:
        dataset = file["probabilities"]
        found = dataset[:]
        assert dataset.attrs["class_ids"].tolist() == list(tiny_checkpoint.classes.ids)
        assert list(dataset.attrs["class_names"]) == list(tiny_checkpoint.classes.names)
    measured = class_map.ids != 0
    assert np.isnan(found[~measured]).all()
    np.testing.assert_allclose(found[measured].sum(-1), 1, atol=1e-5)
    np.testing.assert_array_equal(found[measured].max(-1), class_map.confidence[measured])
    ids = np.asarray(tiny_checkpoint.classes.ids)[found[measured].argmax(-1)]
    np.testing.assert_array_equal(ids, class_map.ids[measured])


def test_a_mapping_that_is_cancelled_leaves_the_store_from_before(
    tiny_job: Any, tiny_checkpoint: Any, tmp_path: Path
) -> None:
    path = tmp_path / "p.h5"
    path.write_bytes(b"before")
    with (
        pytest.raises(KeyboardInterrupt),
        open_store(path, tiny_checkpoint.classes, tiny_job.cube),
    ):
        raise KeyboardInterrupt
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]
    with (
        pytest.raises(SettingError, match=r"\.h5"),
        open_store(tmp_path / "p.tif", tiny_checkpoint.classes, tiny_job.cube),
    ):
        pass


def test_a_full_disk_is_told_and_leaves_the_store_from_before(
    tiny_job: Any, tiny_checkpoint: Any, tmp_path: Path, disk_that_takes: Callable[..., Any]
) -> None:
    path, (rows, columns, _) = tmp_path / "p.h5", tiny_job.cube.shape
    noise = np.random.default_rng(0).random((rows, columns, 3), np.float32)

    def write() -> None:
        with open_store(path, tiny_checkpoint.classes, tiny_job.cube) as store:
            store.write(Window(0, rows, 0, columns), noise)

    write()
    before = path.read_bytes()
    for missing in (1, 2, 100, 1000, len(before) // 2, len(before) - 1):
        with (
            disk_that_takes(len(before) - missing),
            pytest.raises(OSError, match="File too large"),
        ):
            write()
        assert [p.read_bytes() for p in tmp_path.iterdir()] == [before]


def test_nothing_is_read_of_what_the_disk_refused(
    tiny_job: Any, tiny_checkpoint: Any, tmp_path: Path, disk_that_takes: Callable[..., Any]
) -> None:
    cube = replace(tiny_job.cube, raw=np.tile(tiny_job.cube.raw, (120, 60, 1)))
    whole = Window(0, cube.rows, 0, cube.columns)
    noise = np.random.default_rng(0).random((*whole.shape, 3), np.float32)  # HDF5 holds less
    with (
        pytest.raises(OSError, match="File too large"),
        open_store(tmp_path / "p.h5", tiny_checkpoint.classes, cube) as store,
    ):
        assert np.isnan(store.read(whole)).all()
        store.write(whole, noise)
        np.testing.assert_array_equal(store.read(whole), noise.astype(np.float16))
        first = Window(0, 32, 0, cube.columns)
        with disk_that_takes(1000):
            store.write(first, noise[-32:])  # stays in memory until that is needed
            with pytest.raises(OSError, match="File too large"):
                store.read(whole)
        with pytest.raises(OSError, match="File too large"):
            store.read(first)


def test_tiles_carry_no_probabilities_unless_asked_for(tiny_job: Any, tiny_checkpoint: Any) -> None:
    tiles = [e for e in predict(tiny_job.cube, tiny_checkpoint) if hasattr(e, "probabilities")]
    assert tiles
    assert all(tile.probabilities is None for tile in tiles)
