"""What the interface's tests share: a session with a tiny scene, and answers to dialogs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication

from napari_ssamamba.data.labels import LabelMap
from napari_ssamamba.gui import kept_decision_jobs, kept_label_jobs, kept_map_jobs
from napari_ssamamba.gui.workflow import Workflow
from napari_ssamamba.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from conftest import TinyJob
    from pytestqt.qtbot import QtBot
    from qtpy.QtWidgets import QWidget

    from napari_ssamamba.checkpoint import Checkpoint
    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.data.tiles import Window


@pytest.fixture
def qtbot(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> QtBot:
    """pytest-qt's own, whose widgets live until it has closed them.

    Else Python may collect one while it is painted, which crashes Qt.
    """
    alive, add = [], qtbot.addWidget

    def add_and_keep(widget: QWidget, **when_closing: Any) -> None:
        alive.append(widget)
        add(widget, **when_closing)

    monkeypatch.setattr(qtbot, "addWidget", add_and_keep)
    return qtbot


@pytest.fixture
def workflow(qtbot: Any, tiny_job: TinyJob) -> Iterator[Workflow]:
    session = Session()
    session.open_cube(tiny_job.cube)
    made = Workflow(session)
    yield made
    assert made.shut_down()


@pytest.fixture
def program(qtbot: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Cube], Workflow]]:
    """Start the program anew on a scene; what is kept is in a file a moment after it changed."""
    for jobs in (kept_label_jobs, kept_map_jobs, kept_decision_jobs):
        monkeypatch.setattr(jobs, "MILLISECONDS_TO_KEEP", 20)
    made: list[Workflow] = []

    def start(cube: Cube) -> Workflow:
        made.append(Workflow(Session()))
        made[-1].session.open_cube(cube)
        return made[-1]

    yield start
    for workflow in made:
        assert workflow.shut_down()


@pytest.fixture
def cube(tiny_job: TinyJob) -> Cube:
    """A scene of several tiles."""
    return replace(tiny_job.cube, raw=np.tile(tiny_job.cube.raw, (4, 4, 1)), fingerprint="wide")


@pytest.fixture
def start(
    program: Callable[[Cube], Workflow], cube: Cube, tiny_checkpoint: Checkpoint
) -> Callable[[], Workflow]:
    """Start the program anew on the scene, with a model."""

    def begin() -> Workflow:
        workflow = program(cube)
        workflow.session.set_checkpoint(tiny_checkpoint)
        return workflow

    return begin


@pytest.fixture
def map_a_part(qtbot: Any) -> Callable[[Workflow], None]:
    """Map until the first tile has come, and hold the mapping there."""

    def run(workflow: Workflow) -> None:
        tiles: list[Window] = []

        def came(window: Window) -> None:
            tiles.append(window)
            workflow.pause("map", True)

        workflow.session.events.map_tile.connect(came)
        workflow.mapping.map_scene()
        qtbot.waitUntil(lambda: len(tiles) > 0)
        workflow.session.events.map_tile.disconnect(came)
        assert 0 < workflow.session.map.share < 1  # type: ignore[union-attr]

    return run


@pytest.fixture
def map_all(qtbot: Any) -> Callable[[Workflow], None]:
    """Map the whole scene."""

    def run(workflow: Workflow) -> None:
        workflow.mapping.map_scene()
        session = workflow.session
        qtbot.waitUntil(lambda: session.map is not None and session.map.complete)
        workflow.kept.maps.flush()

    return run


@pytest.fixture
def audited(
    qtbot: Any,
    workflow: Workflow,
    tiny_job: TinyJob,
    tiny_checkpoint: Checkpoint,
    map_with_errors: Callable[..., Any],
) -> Session:
    """A map of three classes; three pixels of class 5 are 9, one of class 2 is 5."""
    session = workflow.session
    session.set_reference(tiny_job.reference)
    learned = np.zeros_like(tiny_job.reference.ids)
    at = tuple(tiny_checkpoint.training_pixels.T)
    learned[at] = tiny_job.reference.ids[at]
    session.set_labels(LabelMap(learned, tiny_job.reference.classes))
    session.set_composite_image(np.full((24, 20, 4), 200, np.uint8))
    map_with_errors(session, {(5, 9): [0, 1, 2], (2, 5): [0]})
    workflow.audit.confuse()
    qtbot.waitUntil(lambda: session.audit.confusion is not None)
    return session


@pytest.fixture
def answer(qtbot: Any) -> Callable[[Callable[[Any], object]], None]:
    """Do something with the next dialog that opens, which waits for it."""

    def arrange(act: Callable[[Any], object]) -> None:
        def when_open() -> None:
            dialog = QApplication.activeModalWidget()
            if dialog is None:
                QTimer.singleShot(5, when_open)
            else:
                act(dialog)

        QTimer.singleShot(0, when_open)

    return arrange
