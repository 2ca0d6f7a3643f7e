"""A map in a real window: stopped and continued, outdated, and made of a scene with other bands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from qtpy.QtCore import Qt, QTimer
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_ssamamba.data.cube import Cube
from napari_ssamamba.gui.ask_choice import AskChoice
from napari_ssamamba.gui.curve_list import OUTDATED
from napari_ssamamba.plugin.viewers import session_of
from napari_ssamamba.prediction.mosaic import FINAL
from napari_ssamamba.session import TrainingSettings
from napari_ssamamba.training.config import TrainingConfig

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.window


def test_stop_continue_and_outdated(window: Any, job: Any) -> None:
    cube, reference, checkpoint = job
    session, dock = window.session, window.widget.main
    session.open_cube(cube)
    session.set_reference(reference)
    session.draw_from_reference(10, seed=1)
    session.set_checkpoint(checkpoint)
    window.until(lambda: session.composite_image is not None, 30)
    layers = session_of(window.viewer).bridge.layers

    dock.scroll.ensureWidgetVisible(dock.map)
    window.click(dock.map.make)
    window.until(lambda: session.map.share > 0.2, 30)
    window.click(dock.map.progress.stop)
    window.until(lambda: window.workflow.job("map") is None, 10)
    stopped = session.map
    known = stopped.level == FINAL
    before = stopped.ids[known].copy()
    assert stopped.stopped and not known.all()
    assert "stopped at" in layers["map"].name and "Stopped" in dock.map.state.text()
    window.picture("stopped")

    window.click(dock.map.resume)
    window.until(lambda: stopped.complete, 60)
    assert session.map is stopped and (stopped.level == FINAL).all()
    np.testing.assert_array_equal(stopped.ids[known], before)
    assert layers["map"].name == "map" and not dock.map.resume.isEnabled()

    # a stroke, by mouse, outdates it in the layer's name, the panel and the legend
    legend = window.widget.plots.spectra.legend
    assert OUTDATED not in texts_of(legend)
    window.viewer.layers.selection.active = window.viewer.layers["training labels"]
    window.choose_brush()
    window.drag((40, 20), (40, 30), (40, 40))
    window.until(lambda: session.map.outdated, 10)
    assert layers["map"].name == "map (outdated)" and "Outdated" in dock.map.state.text()
    window.until(lambda: OUTDATED in texts_of(legend), 10)
    window.picture("outdated")
    window.click(dock.map.make)
    window.until(lambda: session.map is not stopped and session.map.complete, 60)
    # the same model has not learned the stroke; another training does
    assert layers["map"].name == "map (outdated)" and OUTDATED in texts_of(legend)
    assert dock.map.state.text().endswith("Train again, then map the scene.")
    window.picture("mapped-again")
    config = TrainingConfig(epochs=1, min_steps=1, max_steps=2, lessons=0)
    session.set_training(TrainingSettings(device="cpu", config=config))
    window.workflow.training.train()
    window.until(lambda: session.checkpoint.weights is not checkpoint.weights, 60)
    window.until(lambda: session.map.complete and not session.map.outdated, 60)
    assert layers["map"].name == "map" and OUTDATED not in texts_of(legend)


def test_other_bands_are_matched_or_refused(window: Any, job: Any) -> None:
    cube, reference, checkpoint = job
    session, dock = window.session, window.widget.main
    bands = np.arange(59, -1, -1)  # the same, in another order
    session.open_cube(
        Cube(
            "reversed",
            cube.raw[..., bands],
            wavelengths=cube.wavelengths[bands],
            good_bands=cube.good_bands[bands],
        )
    )
    session.set_checkpoint(checkpoint)
    window.until(lambda: session.composite_image is not None, 30)

    def refuse(dialog: AskChoice) -> None:
        window.picture("other-bands")
        QTest.keyClick(dialog, Qt.Key.Key_Escape)

    def match(dialog: AskChoice) -> None:
        QTest.keyClick(dialog, Qt.Key.Key_Return)

    dock.scroll.ensureWidgetVisible(dock.map)
    answer(refuse)
    window.click(dock.map.make)
    window.until(dock.messages.isVisible, 10)
    assert "56 of 56 band centres differ" in dock.messages.text.text()
    assert session.map is None
    answer(match)
    window.click(dock.map.make)
    window.until(lambda: session.map is not None and session.map.complete, 60)
    inner = (slice(5, 25), slice(None)), (slice(65, 85), slice(None))  # away from the next class
    for rows in inner:
        assert (session.map.ids[rows] == reference.ids[rows]).mean() > 0.7
    window.picture("matched")


def answer(how: Callable[[AskChoice], None]) -> None:
    """Answer the next question as soon as it is asked; a click waits for the answer."""

    def look() -> None:
        dialog = QApplication.activeModalWidget()
        if isinstance(dialog, AskChoice) and dialog.isVisible():
            timer.stop()
            how(dialog)

    timer = QTimer(QApplication.instance())
    timer.timeout.connect(look)
    timer.start(50)


def texts_of(items: Any) -> str:
    return "\n".join(items.item(row).text() for row in range(items.count()))
