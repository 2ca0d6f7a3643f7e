"""What the tests in a real window share."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from qtpy.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_ssamamba.plugin.stall_gauge import StallGauge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytestqt.qtbot import QtBot
    from qtpy.QtWidgets import QWidget

    from napari_ssamamba.gui.workflow import Workflow
    from napari_ssamamba.session import Session

SCREENSHOTS = "SSAMAMBA_SCREENSHOTS"
"""Environment variable: the folder that keeps the pictures, a temporary one without it."""


class Window:
    """The plugin in napari's window, as napari itself opens it, used with mouse and keys."""

    def __init__(self, qtbot: QtBot, gauge: StallGauge, pictures: Path) -> None:
        import napari

        from napari_ssamamba.plugin.viewers import session_of

        self._qtbot = qtbot
        self._pictures = pictures
        self._n_pictures = 0
        self.keeps_pictures = SCREENSHOTS in os.environ
        self.viewer: Any = napari.Viewer(show_welcome_screen=False)
        self.viewer.window.resize(1400, 860)
        gauge.start()
        _, widget = self.viewer.window.add_plugin_dock_widget("napari-ssamamba")
        self.widget: Any = getattr(widget, "__wrapped__", widget)
        opened = session_of(self.viewer)
        self.session: Session = opened.session
        self.workflow: Workflow = opened.workflow
        qtbot.wait(4000)
        self.opening_ms = gauge.stop()

    @property
    def canvas(self) -> QWidget:
        canvas: QWidget = self.viewer.window._qt_viewer.canvas.native
        return canvas

    def open(self, path: Path) -> None:
        """Drop a scene's file on the canvas."""
        files = QMimeData()
        files.setUrls([QUrl.fromLocalFile(str(path))])
        target = self.viewer.window._qt_viewer
        how = (Qt.DropAction.CopyAction, files, Qt.MouseButton.LeftButton)
        keys = Qt.KeyboardModifier.NoModifier
        middle = target.rect().center()
        QApplication.sendEvent(target, QDragEnterEvent(middle, *how, keys))
        QApplication.sendEvent(target, QDropEvent(QPointF(middle), *how, keys))
        self.until(lambda: self.session.composite_image is not None, 30)
        self.until(lambda: self.workflow.job("open") is None, 30)
        self._qtbot.wait(500)

    def until(self, holds: Callable[[], bool], seconds: float) -> float:
        """Run the event loop until something holds; return how many seconds it took."""
        started = time.perf_counter()
        self._qtbot.waitUntil(holds, timeout=int(1000 * seconds))
        return time.perf_counter() - started

    def click(self, widget: QWidget, where: QPoint | None = None) -> None:
        """Click a widget, which must be there to be clicked."""
        assert widget.isVisible()
        assert widget.isEnabled()
        at = widget.rect().center() if where is None else where
        QTest.mouseClick(widget, Qt.MouseButton.LeftButton, pos=at)

    def type(self, text: str) -> None:
        """Type into whatever has the focus."""
        focused = self.viewer.window._qt_window.focusWidget()
        QTest.keyClicks(focused, text)
        QTest.keyClick(focused, Qt.Key.Key_Return)

    def press(self, key: Qt.Key, modifier: Qt.KeyboardModifier | None = None) -> None:
        """Press a key over the canvas."""
        QTest.keyClick(self.canvas, key, modifier or Qt.KeyboardModifier.NoModifier)

    def choose_brush(self) -> None:
        """Take napari's brush, by its button."""
        self._qtbot.wait(100)
        controls = self.viewer.window._qt_viewer.controls
        layer = self.viewer.layers.selection.active
        self.click(controls.widgets[layer].paint_button)

    def at(self, row: float, column: float) -> QPoint:
        """Return where a pixel of the scene is on the canvas."""
        camera = self.viewer.scene.camera
        middle = self.canvas.rect().center()
        x = middle.x() + (column - camera.center[-1]) * camera.zoom
        y = middle.y() + (row - camera.center[-2]) * camera.zoom
        return QPoint(round(x), round(y))

    def drag(self, *pixels: tuple[float, float]) -> None:
        """Drag with the left button over pixels of the scene."""
        button = Qt.MouseButton.LeftButton
        first, *others = (self.at(*pixel) for pixel in pixels)
        QTest.mouseMove(self.canvas, first)
        QTest.mousePress(self.canvas, button, pos=first)
        for point in others:
            QTest.mouseMove(self.canvas, point)
            self._qtbot.wait(20)
        QTest.mouseRelease(self.canvas, button, pos=others[-1] if others else first)
        self._qtbot.wait(50)

    def picture(self, name: str) -> None:
        """Keep a picture of the window."""
        self._qtbot.wait(300)
        self._n_pictures += 1
        path = self._pictures / f"{self._n_pictures:02}-{name}.png"
        self.viewer.window.screenshot(str(path), canvas_only=False, flash=False)


@pytest.fixture
def stall_gauge(qapp: QApplication) -> StallGauge:
    return StallGauge()


@pytest.fixture
def window(qtbot: QtBot, stall_gauge: StallGauge, tmp_path: Path) -> Iterator[Window]:
    pictures = Path(os.environ.get(SCREENSHOTS, tmp_path))
    pictures.mkdir(parents=True, exist_ok=True)
    opened = Window(qtbot, stall_gauge, pictures)
    yield opened
    opened.viewer.close()
    assert all(opened.workflow.job(kind) is None for kind in ("train", "map"))


@pytest.fixture(autouse=True)
def _real_window() -> None:
    if not os.environ.get("DISPLAY") or os.environ.get("QT_QPA_PLATFORM") != "xcb":
        pytest.skip("no display: run with QT_QPA_PLATFORM=xcb, e.g. under xvfb-run")
