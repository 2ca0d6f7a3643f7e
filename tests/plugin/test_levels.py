"""Large maps are shown in levels, of which napari reads what is seen, and saved complete."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_ssamamba.data.reference import read_labels
from napari_ssamamba.data.tiles import Window
from napari_ssamamba.plugin.levels import in_levels
from napari_ssamamba.plugin.viewers import session_of
from napari_ssamamba.plugin.writer import write_labels_layer


def test_small_ones_come_as_they_are() -> None:
    values = np.zeros((2000, 2000), np.uint16)
    assert in_levels(values) is values


def test_levels_are_views_of_every_second_pixel() -> None:
    values = np.arange(4100 * 2100, dtype=np.uint32).reshape(4100, 2100)
    levels = in_levels(values)
    assert [level.shape for level in levels] == [
        (4100, 2100), (2050, 1050), (1025, 525), (512, 262)
    ]  # fmt: skip
    assert all(np.shares_memory(level, values) for level in levels)
    np.testing.assert_array_equal(levels[2], values[2::4, 2::4])
    colours = np.broadcast_to(np.uint8(7), (4100, 2100, 4))
    assert in_levels(colours)[1].shape == (2050, 1050, 4)


@pytest.fixture
def opened(
    make_napari_viewer: Any, tiny_job: Any, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> Any:
    """A scene that counts as large."""
    monkeypatch.setattr("napari_ssamamba.plugin.levels.ONE_LEVEL_PIXELS", 100)
    monkeypatch.setattr("napari_ssamamba.plugin.levels.COARSEST_SIDE", 8)
    opened = session_of(make_napari_viewer())
    opened.session.open_cube(tiny_job.cube)
    opened.session.set_reference(tiny_job.reference)
    layers = opened.bridge.layers
    qtbot.waitUntil(lambda: layers["to come"] is not None)
    yield opened
    opened.workflow.shut_down()


def test_what_is_as_large_as_the_scene_is_shown_in_levels(opened: Any) -> None:
    layers = opened.bridge.layers
    for role in ("composite", "reference", "map", "to come"):
        assert [level.shape[:2] for level in layers[role].data] == [(24, 20), (12, 10), (6, 5)]
    np.testing.assert_array_equal(layers["composite"].data[0], opened.session.composite_image)


def test_tiles_come_through_on_every_level(
    opened: Any, tiny_checkpoint: Any, tile_of: Any, qtbot: Any, tmp_path: Path
) -> None:
    session, layers = opened.session, opened.bridge.layers
    session.set_checkpoint(tiny_checkpoint)
    session.mapping.run().close()
    layer = layers["map"]
    qtbot.waitUntil(lambda: layer.data[0].base is session.map.ids)
    session.mapping.add_tile(tile_of(Window(0, 8, 0, 8), 5))
    for level, side in enumerate((8, 4, 2)):
        layer.locked_data_level = level
        layer.refresh()
        shown = layer._slice.image.raw
        assert shown.shape == layer.data[level].shape
        assert (shown[:side, :side] == 5).all() and np.count_nonzero(shown) == side**2
    session.map.ids[:] = 5
    data, attributes, _ = layer.as_layer_data_tuple()
    [path] = write_labels_layer(str(tmp_path / "map.tif"), data, attributes)
    saved = read_labels(Path(path), session.cube).ids
    assert saved.shape == (24, 20)
    assert (saved == 5).all()
