"""What the tests in a real window share."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from qtpy.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_ssamamba.data.classes import PALETTE, ClassTable, LandClass
from napari_ssamamba.data.cube import Cube
from napari_ssamamba.data.labels import LabelMap
from napari_ssamamba.data.split import random_split
from napari_ssamamba.events import result_of
from napari_ssamamba.model.config import ModelConfig
from napari_ssamamba.plugin.stall_gauge import StallGauge
from napari_ssamamba.training.config import TrainingConfig
from napari_ssamamba.training.trainer import train

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytestqt.qtbot import QtBot
    from qtpy.QtWidgets import QWidget

    from napari_ssamamba.gui.workflow import Workflow
    from napari_ssamamba.session import Session

SCREENSHOTS = "SSAMAMBA_SCREENSHOTS"
"""Environment variable: the folder that keeps the pictures, a temporary one without it."""

PATIENCE = 3


class Window:
    """The plugin in napari's window, as napari itself opens it, used with mouse and keys."""

    def __init__(self, qtbot: QtBot, gauge: StallGauge, pictures: Path) -> None:
        import napari

        from napari_ssamamba.plugin.dock_widget import LIBRARIES, MILLISECONDS_TO_SHOW
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
        qtbot.wait(MILLISECONDS_TO_SHOW + 300)
        self.until(lambda: LIBRARIES not in {thread.name for thread in threading.enumerate()}, 30)
        qtbot.wait(300)
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
        """Run the event loop until something holds; return how many seconds it took.

        On a machine that is busy with other work it may take `PATIENCE` times the seconds.
        """
        started = time.perf_counter()
        self._qtbot.waitUntil(holds, timeout=int(1000 * PATIENCE * seconds))
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

    def hover(self, widget: QWidget, at: QPoint) -> None:
        """Move the mouse, with no button, over a widget.

        `QTest.mouseMove` on a widget moves the display's pointer, and what the display tells of it
        may come after the click that follows.
        """
        window = widget.window()
        QTest.mouseMove(window.windowHandle(), widget.mapTo(window, at))

    def drag(self, *pixels: tuple[float, float]) -> None:
        """Drag with the left button over pixels of the scene."""
        button = Qt.MouseButton.LeftButton
        first, *others = (self.at(*pixel) for pixel in pixels)
        self.hover(self.canvas, first)
        QTest.mousePress(self.canvas, button, pos=first)
        for point in others:
            QTest.mouseMove(self.canvas, point)
            self._qtbot.wait(20)
        QTest.mouseRelease(self.canvas, button, pos=others[-1] if others else first)
        self._qtbot.wait(50)

    def paint_two_classes(self) -> int:
        """Paint a stroke of the first class, and one of a new one; return how many pixels."""
        self.choose_brush()
        self.drag((10, 10), (12, 30), (14, 50))
        self.click(self.widget.main.classes.add)
        self.type("Lettuce")
        self.drag((50, 10), (52, 30), (54, 50))
        counts = self.session.label_counts().values()
        assert len(counts) == 2 and min(counts) > 10
        return sum(counts)

    def picture(self, name: str) -> None:
        """Keep a picture of the window."""
        self._qtbot.wait(300)
        self._n_pictures += 1
        path = self._pictures / f"{self._n_pictures:02}-{name}.png"
        self.viewer.window.screenshot(str(path), canvas_only=False, flash=False)


@pytest.fixture(scope="session")
def job() -> tuple[Any, Any, Any]:
    """A scene of three classes that are not easily told apart, its reference, and a model."""
    rng = np.random.default_rng(0)
    wavelengths = np.linspace(450, 2400, 60)
    good = ~((wavelengths > 1340) & (wavelengths < 1450))
    bump = np.exp(-(((wavelengths - 900) / 250) ** 2))
    means = np.stack([0.2 + 0.3 * bump, 0.22 + 0.26 * bump, 0.4 - 0.1 * bump])
    strips = np.repeat([0, 1, 2], 30)[:, None].repeat(84, axis=1)  # (90, 84)
    values = means[strips] + rng.normal(0, 0.05, (90, 84, 1)) + rng.normal(0, 0.02, (90, 84, 60))
    cube = Cube("strips", values.astype(np.float32), wavelengths=wavelengths, good_bands=good)
    names = ("Barley", "Wheat", "Soil")
    classes = ClassTable(tuple(LandClass(i + 1, n, PALETTE[i]) for i, n in enumerate(names)))
    reference = LabelMap((strips + 1).astype(np.uint16), classes, "strips")
    model = ModelConfig(bands=1, classes=1, patch_size=3, d_model=8, d_state=2, heads=2, depth=2)
    config = TrainingConfig(epochs=4, min_steps=24, max_steps=24, learning_rate=5e-3, lessons=0)
    split = random_split(reference, 12, 0.25, seed=0)
    return cube, reference, result_of(train(cube, split, classes, model, config, "cpu"))


@pytest.fixture
def stall_gauge(qapp: QApplication) -> StallGauge:
    return StallGauge()


@pytest.fixture
def open_window(
    qtbot: QtBot, stall_gauge: StallGauge, tmp_path: Path
) -> Iterator[Callable[[], Window]]:
    """Opens a window, one more each time."""
    pictures = Path(os.environ.get(SCREENSHOTS, tmp_path))
    pictures.mkdir(parents=True, exist_ok=True)
    opened: list[Window] = []

    def another() -> Window:
        opened.append(Window(qtbot, stall_gauge, pictures))
        return opened[-1]

    yield another
    for window in opened:
        window.viewer.close()
        assert all(window.workflow.job(kind) is None for kind in ("train", "map"))


@pytest.fixture
def window(open_window: Callable[[], Window]) -> Window:
    return open_window()


@pytest.fixture(autouse=True)
def _real_window() -> None:
    if not os.environ.get("DISPLAY") or os.environ.get("QT_QPA_PLATFORM") != "xcb":
        pytest.skip("no display: run with QT_QPA_PLATFORM=xcb, e.g. under xvfb-run")
