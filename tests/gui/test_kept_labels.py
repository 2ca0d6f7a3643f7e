"""What is painted is kept without asking, and offered when its scene is opened again."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_ssamamba import project
from napari_ssamamba.gui import kept_label_jobs
from napari_ssamamba.gui.dock import MainDock
from napari_ssamamba.gui.workflow import Workflow
from napari_ssamamba.project.kept_labels import kept_labels, read_kept
from napari_ssamamba.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import TinyJob

    from napari_ssamamba.data.cube import Cube


@pytest.fixture
def started(program: Callable[[Cube], Workflow], tiny_job: TinyJob) -> Callable[[], Workflow]:
    """Start the program anew on the tiny scene."""
    return partial(program, tiny_job.cube)


def paint(workflow: Workflow, row: int, id: int = 1) -> None:
    session: Any = workflow.session
    if id not in session.classes:
        session.add_class("maize")
    session.labels[row, 3:6] = id  # as a layer does: in the shared array
    session.labels_painted()


def painted_before(started: Callable[[], Workflow], row: int) -> None:
    """Paint a row in a window that is closed then."""
    workflow = started()
    paint(workflow, row)
    assert workflow.shut_down()


def pixels(user_data: Path, tiny_job: TinyJob) -> list[int]:
    return [kept.pixels for kept in kept_labels(tiny_job.cube, user_data)]


def test_a_crash_takes_the_last_seconds_alone(
    qtbot: Any, started: Callable[[], Workflow], tiny_job: TinyJob, user_data: Path
) -> None:
    crashed = started()
    assert crashed.kept.labels.offered == []
    paint(crashed, 2)
    qtbot.waitUntil(lambda: pixels(user_data, tiny_job) == [3])
    paint(crashed, 4)
    qtbot.waitUntil(lambda: pixels(user_data, tiny_job) == [6])
    # The program is gone; it is started again.
    workflow = started()
    [offered] = workflow.kept.labels.offered
    assert offered.pixels == 6
    workflow.kept.labels.restore(offered)
    session, before = workflow.session, crashed.session
    qtbot.waitUntil(lambda: session.label_counts() == {1: 6})
    np.testing.assert_array_equal(session.labels, before.labels)
    assert session.classes == before.classes
    assert workflow.kept.labels.offered == []  # it is what is shown
    session.rename_class(1, "wheat")
    workflow.kept.labels.flush()
    names = [
        read_kept(kept, tiny_job.cube).classes[1].name
        for kept in kept_labels(tiny_job.cube, user_data)
    ]
    assert sorted(names) == ["maize", "wheat"]


def test_a_closed_window_has_kept_all(
    qtbot: Any, started: Callable[[], Workflow], tiny_job: TinyJob, user_data: Path
) -> None:
    workflow = started()
    paint(workflow, 2)
    assert workflow.shut_down()
    assert pixels(user_data, tiny_job) == [3]


def test_labels_that_are_replaced_are_kept_with_their_own_classes(
    qtbot: Any, started: Callable[[], Workflow], tiny_job: TinyJob
) -> None:
    workflow = started()
    paint(workflow, 2)
    workflow.session.set_labels(tiny_job.reference)  # an import
    [offered] = workflow.kept.labels.offered
    workflow.kept.labels.restore(offered)
    session = workflow.session
    qtbot.waitUntil(lambda: session.classes.names == ("maize",))
    assert session.label_counts() == {1: 3}


def test_imported_labels_are_kept_once_they_are_painted_on(
    qtbot: Any, started: Callable[[], Workflow], tiny_job: TinyJob, user_data: Path
) -> None:
    workflow = started()
    session: Any = workflow.session
    session.set_labels(tiny_job.reference)
    session.rename_class(2, "maize")
    workflow.kept.labels.flush()
    assert pixels(user_data, tiny_job) == []
    session.labels[0, 0] = 2
    session.labels_painted()
    workflow.kept.labels.flush()
    n = np.count_nonzero(tiny_job.reference.ids) + 1
    assert pixels(user_data, tiny_job) == [n]
    session.rename_class(2, "wheat")
    workflow.kept.labels.flush()
    again = started()
    again.kept.labels.restore(again.kept.labels.offered[0])
    qtbot.waitUntil(lambda: 2 in again.session.classes)
    assert again.session.classes[2].name == "wheat"


def test_the_oldest_make_no_room_while_they_are_brought_back(
    qtbot: Any,
    started: Callable[[], Workflow],
    tiny_job: TinyJob,
    user_data: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(project.kept_labels, "FILES_A_SCENE", 1)
    monkeypatch.setattr(kept_label_jobs, "MILLISECONDS_TO_KEEP", 1_000_000)
    painted_before(started, 2)
    workflow = started()
    [oldest] = workflow.kept.labels.offered
    for row in (4, 5):  # in no file yet: they are written when the oldest take their place
        paint(workflow, row)
    workflow.kept.labels.restore(oldest)
    qtbot.waitUntil(lambda: workflow.session.label_counts() == {1: 3})
    assert sorted(pixels(user_data, tiny_job)) == [3, 6]
    assert [kept.pixels for kept in workflow.kept.labels.offered] == [6]


def test_labels_that_made_room_are_not_offered_any_more(
    started: Callable[[], Workflow],
    tiny_job: TinyJob,
    user_data: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(project.kept_labels, "FILES_A_SCENE", 2)
    for row in (2, 3):
        painted_before(started, row)
    workflow = started()
    newer, older = workflow.kept.labels.offered
    for row in (4, 5):
        paint(workflow, row)
    workflow.kept.labels.flush()
    assert not older.path.exists()
    assert workflow.kept.labels.offered == [newer]


def test_labels_that_another_removed_are_told_and_not_offered_again(
    qtbot: Any, started: Callable[[], Workflow]
) -> None:
    painted_before(started, 2)
    workflow, told = started(), []
    workflow.told.connect(lambda level, text: told.append((level, text)))
    [gone] = workflow.kept.labels.offered
    gone.path.unlink()
    workflow.kept.labels.restore(gone)
    qtbot.waitUntil(lambda: workflow.kept.labels.offered == [])
    [(level, text)] = told
    assert level == "error" and text.startswith(f"{gone.path}: there is no such file.")


def test_what_cannot_be_kept_is_told_once_and_tried_again(
    qtbot: Any,
    started: Callable[[], Workflow],
    tiny_job: TinyJob,
    user_data: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    workflow, told = started(), []
    workflow.told.connect(lambda level, text: told.append((level, text)))
    file = user_data / "file"
    file.write_text("no folder")
    monkeypatch.setenv("SSAMAMBA_DATA", str(file))
    for row in (2, 4):
        paint(workflow, row)
        workflow.kept.labels.flush()
    [(level, text)] = told
    assert level == "error" and text.startswith(f"{file}: painted labels cannot be kept there")
    monkeypatch.setenv("SSAMAMBA_DATA", str(user_data))
    workflow.kept.labels.flush()
    assert pixels(user_data, tiny_job) == [6]


def test_the_dock_offers_them_and_a_click_restores(
    qtbot: Any, started: Callable[[], Workflow]
) -> None:
    first = started()
    paint(first, 2)
    assert first.shut_down()
    session = Session()
    workflow = Workflow(session)
    dock = MainDock(session, workflow)
    qtbot.addWidget(dock)
    dock.show()
    row = dock.classes.kept
    assert row.isHidden()
    session.open_cube(first.session.need_cube())
    assert row.isVisible() and row.choice.currentText().endswith(" · 3 px")
    said = dock.messages.text.text()
    assert "labels in Classes (" in said and " · 3 px)." in said
    paint(workflow, 4)
    paint(workflow, 5)
    qtbot.mouseClick(row.restore, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: session.label_counts() == {1: 3})
    assert dock.messages.text.text().startswith("Labels restored: ")
    assert row.choice.count() == 1  # what was painted instead
    assert row.choice.currentText().endswith(" · 6 px")
    assert workflow.shut_down()
