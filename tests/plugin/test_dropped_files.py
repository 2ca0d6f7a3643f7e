"""Files that are dropped together open as one scene, although napari hands them over one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import rasterio
from npe2 import PluginManager, PluginManifest
from qtpy.QtCore import QMimeData, QObject, QPointF, Qt, QTimer, QUrl
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtWidgets import QApplication
from rasterio import Affine

from napari_ssamamba.plugin.dropped_files import DroppedFiles
from napari_ssamamba.plugin.viewers import session_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PLUGIN = "napari-ssamamba"


@pytest.fixture
def viewer(make_napari_viewer: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A viewer that reads tiles with this plugin alone."""
    from napari.settings import get_settings

    viewer = make_napari_viewer()
    manager = PluginManager.instance()
    if PLUGIN not in manager:
        manager.register(PluginManifest.from_distribution(PLUGIN))
    monkeypatch.setattr(get_settings().plugins, "extension2reader", {"*.tif": PLUGIN})
    yield viewer
    session_of(viewer).workflow.shut_down()


@pytest.fixture
def tiles(tmp_path: Path) -> list[Path]:
    """Three tiles of 4 × 5 pixels beside each other."""
    paths = []
    for i in range(3):
        values = np.full((2, 4, 5), i + 1, np.float32)
        place = Affine(30, 0, 500_000 + i * 150, 0, -30, 5_600_000)
        kind = {"driver": "GTiff", "dtype": "float32", "crs": "EPSG:32633", "transform": place}
        paths.append(tmp_path / f"tile{i}.tif")
        with rasterio.open(paths[-1], "w", height=4, width=5, count=2, **kind) as file:
            file.write(values)
    return paths


def drop(viewer: Any, paths: list[Path]) -> None:
    """Drop files on the canvas once the event loop runs, as the desktop does."""
    files = QMimeData()
    files.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    target = viewer.window._qt_viewer
    how = (Qt.DropAction.CopyAction, files, Qt.MouseButton.LeftButton)
    no_key, middle = Qt.KeyboardModifier.NoModifier, target.rect().center()

    def let_go() -> None:
        QApplication.sendEvent(target, QDragEnterEvent(middle, *how, no_key))
        QApplication.sendEvent(target, QDropEvent(QPointF(middle), *how, no_key))

    QTimer.singleShot(0, let_go)


def test_tiles_that_are_dropped_together_are_one_scene(
    viewer: Any, qtbot: Any, tiles: list[Path]
) -> None:
    opened = session_of(viewer)
    begun: list[Any] = []
    opened.workflow.job_started.connect(
        lambda kind, job: begun.append(job) if kind == "open" else 0
    )
    drop(viewer, tiles)
    qtbot.waitUntil(lambda: opened.session.composite_image is not None)
    cube = opened.session.cube
    assert cube is not None and cube.shape == (4, 15, 2)
    np.testing.assert_array_equal(cube.raw[0:1, :, 0:1][0, ::5, 0], [1, 2, 3])
    assert len(begun) == 1


def test_files_of_two_drops_are_two_scenes(viewer: Any, qtbot: Any, tiles: list[Path]) -> None:
    session = session_of(viewer).session
    for path in tiles[:2]:
        drop(viewer, [path])
        qtbot.waitUntil(
            lambda path=path: session.cube is not None and session.cube.paths == (path,),
        )
        assert session.cube is not None and session.cube.shape == (4, 5, 2)


def test_files_that_are_no_scene_together_say_so(viewer: Any, qtbot: Any, tmp_path: Path) -> None:
    opened = session_of(viewer)
    told: list[str] = []
    opened.workflow.told.connect(lambda _, text: told.append(text))
    paths = [tmp_path / name for name in ("one.npy", "two.npy")]
    for path in paths:
        np.save(path, np.ones((4, 5, 6), np.float32))
    viewer.open([str(path) for path in paths], plugin=PLUGIN)
    qtbot.waitUntil(lambda: bool(told))
    assert "one.npy" in told[0] and "Open scenes one by one" in told[0]


class Opens(QObject):
    """Notes which files were to be opened together."""

    def __init__(self) -> None:
        super().__init__()
        self.scenes: list[list[str]] = []

    def open(self, paths: list[Any]) -> None:
        self.scenes.append(paths)


def test_events_between_two_files_do_not_part_them(qtbot: Any) -> None:
    workflow: Any = Opens()
    dropped = DroppedFiles(workflow)
    paths: list[Any] = ["a.hdr", "a.img", "a.hdr"]

    def hand_over() -> None:
        for path in paths:
            dropped.add([path])
            QApplication.processEvents()  # as napari's progress bar does

    for n in (1, 2):
        QTimer.singleShot(0, hand_over)
        qtbot.waitUntil(lambda n=n: len(workflow.scenes) == n)
    assert workflow.scenes == [["a.hdr", "a.img"]] * 2
