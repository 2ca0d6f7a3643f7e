"""A map of a large scene: on disk, prepared by its own thread, refused where there is no room."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_ssamamba.data.room import Room
from napari_ssamamba.data.tiles import Window
from napari_ssamamba.errors import RoomError
from napari_ssamamba.prediction.class_map import MapTile
from napari_ssamamba.prediction.mosaic import FINAL, UNKNOWN
from napari_ssamamba.session import Session
from napari_ssamamba.session.preview import Preview

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def large(
    tiny_job: Any, tiny_checkpoint: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Session:
    """A session for which every scene is a large one."""
    for part in ("mapping", "attention"):
        monkeypatch.setattr(f"napari_ssamamba.session.{part}.PREPARED_AT_ONCE", 0)
    session = Session()
    session.open_cube(tiny_job.cube)
    session.set_checkpoint(tiny_checkpoint)
    session.mapping.room = Room(0.0, tmp_path)
    return session


def mapped(session: Any, run: Any) -> Any:
    """Take all that comes; return the map as it was when the first tile came."""
    first = None
    for event in run:
        if isinstance(event, MapTile):
            if first is None:
                first = session.map.ids.copy(), session.map.confidence.copy()
            session.mapping.add_tile(event)
    session.mapping.finish()
    return first


def test_it_lies_on_disk_and_is_what_it_is_in_memory(large: Any, tiny_checkpoint: Any) -> None:
    large.attention.with_map = True
    ids, confidence = mapped(large, large.mapping.run())
    assert not ids.any() and np.isnan(confidence).all()
    on_disk = large.map
    assert all(isinstance(a.base, np.memmap) for a in (on_disk.ids, large.attention.maps.values))
    assert (on_disk.level == FINAL).all()
    large.mapping.room = Room(1.0)
    attention = large.attention.maps.values
    before_tiles, _ = mapped(large, large.mapping.run())
    np.testing.assert_array_equal(before_tiles, on_disk.ids)
    assert large.map.ids.base is None
    np.testing.assert_array_equal(large.map.ids, on_disk.ids)
    np.testing.assert_allclose(large.map.entropy, on_disk.entropy, atol=1e-5)
    np.testing.assert_allclose(large.attention.maps.values, attention, atol=1e-5)


def test_one_stopped_while_it_is_prepared_has_nothing_and_goes_on(large: Any) -> None:
    large.mapping.run().close()
    large.mapping.stop()
    assert large.map.state() == "stopped at 0 %"
    mapped(large, large.mapping.continue_run())
    assert (large.map.level == FINAL).all()


def test_one_stopped_while_it_is_prepared_is_prepared_whole_when_it_goes_on(
    large: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("napari_ssamamba.prediction.mosaic.FILLED_AT_ONCE", 40)  # two rows
    monkeypatch.setattr("napari_ssamamba.session.attention.ROWS_AT_ONCE", 2)
    large.attention.with_map = True
    run = large.mapping.run()
    next(run)
    run.close()
    large.mapping.stop()
    assert not large.map.confidence[4:].any()
    run = large.mapping.continue_run()
    first = next(event for event in run if isinstance(event, MapTile))
    assert np.isnan(large.map.confidence).all()
    assert np.isnan(large.attention.maps.values).all()
    large.mapping.add_tile(first)
    run.close()
    large.mapping.stop()
    known = large.map.confidence.copy()
    for _ in large.mapping.continue_run():
        pass
    np.testing.assert_array_equal(large.map.confidence, known)  # what is mapped stays


def test_without_room_nothing_changes(large: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    mapped(large, large.mapping.run())
    before = large.map
    monkeypatch.setattr("napari_ssamamba.data.room.os.posix_fallocate", refuse, raising=False)
    with pytest.raises(RoomError):
        large.mapping.run()
    assert large.map is before
    with pytest.raises(RoomError):
        large.attention.view_run(Window(0, 2, 0, 2))
    assert large.attention.maps is None


def refuse(*_: object) -> None:
    raise OSError("full")


def test_a_preview_by_another_model_forgets_the_one_before(
    large: Any, tiny_checkpoint: Any, tile_of: Any
) -> None:
    first, second = Window(0, 4, 0, 4), Window(10, 14, 10, 14)
    for window in (first, second):
        preview = Preview(checkpoint=replace(tiny_checkpoint), tiles=(tile_of(window, 5),))
        for _ in large.mapping.preview_steps(preview):
            pass
    level = large.map.level
    assert (level[second.rows, second.columns] == FINAL).all()
    assert np.count_nonzero(level != UNKNOWN) == 16
