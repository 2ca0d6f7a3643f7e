"""Another scene does not take the place of labels without a question."""

from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QAbstractButton, QWidget

from napari_ssamamba.data.labels import LabelMap
from napari_ssamamba.events import Progress
from napari_ssamamba.gui.dialogs import Dialogs
from napari_ssamamba.gui.dock import MainDock

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from conftest import TinyJob

    from napari_ssamamba.gui.workflow import Workflow


class Discard(Dialogs):
    """Answers as told, and keeps the questions."""

    def __init__(self) -> None:
        self.answer = False
        self.questions: list[tuple[str, int, str]] = []

    def discard_labels(self, parent: QWidget, opened: str, n: int, shown: str) -> bool:
        self.questions.append((opened, n, shown))
        return self.answer


@pytest.fixture
def dialogs() -> Discard:
    return Discard()


@pytest.fixture
def dock(qtbot: Any, workflow: Workflow, dialogs: Discard) -> MainDock:
    made = MainDock(workflow.session, workflow, dialogs)
    qtbot.addWidget(made)
    return made


@pytest.fixture
def field(tmp_path: Path) -> Path:
    path = tmp_path / "field.npy"
    np.save(path, np.ones((7, 8, 9), np.float32))
    return path


def paint(workflow: Workflow) -> None:
    session = workflow.session
    session.add_class("maize")
    assert session.labels is not None
    session.labels[2, 3:6] = 1  # as a layer does: in the shared array
    session.labels_painted()


def opened(qtbot: Any, workflow: Workflow) -> None:
    qtbot.waitUntil(lambda: workflow.job("open") is None)


def test_kept_labels_leave_everything_as_it_was(
    qtbot: Any, workflow: Workflow, dock: MainDock, dialogs: Discard, field: Path, tiny_job: TinyJob
) -> None:
    session = workflow.session
    session.set_reference(tiny_job.reference)
    paint(workflow)
    labels, cube = session.labels, session.cube
    assert labels is not None and cube is not None
    before = labels.copy()
    workflow.open([field])
    opened(qtbot, workflow)
    assert dialogs.questions == [("field", 3, cube.name)]
    assert session.cube is cube and session.reference is tiny_job.reference
    assert session.labels is labels
    np.testing.assert_array_equal(labels, before)


def test_other_work_goes_on_while_the_labels_are_kept(
    qtbot: Any, workflow: Workflow, dock: MainDock, field: Path
) -> None:
    paint(workflow)
    ended: list[tuple[str, str]] = []
    workflow.job_ended.connect(lambda kind, how: ended.append((kind, how)))
    enough = Event()

    def working() -> Generator[Progress, None, None]:
        while not enough.wait(0.01):
            yield Progress(text="Working")

    workflow.run("other", "Working", working, on_result=lambda _: None)
    workflow.open([field])
    opened(qtbot, workflow)
    assert workflow.job("other") is not None
    enough.set()
    qtbot.waitUntil(lambda: workflow.job("other") is None)
    assert ended == [("open", "done"), ("other", "done")]


def test_a_scene_that_is_wanted_replaces_the_labels(
    qtbot: Any, workflow: Workflow, dock: MainDock, dialogs: Discard, field: Path
) -> None:
    paint(workflow)
    dialogs.answer = True
    workflow.open([field])
    opened(qtbot, workflow)
    session = workflow.session
    assert session.cube is not None and session.cube.name == "field"
    assert session.labels is not None and session.labels.shape == (7, 8)
    assert not session.labels.any()


def test_imported_labels_are_asked_about_too(
    qtbot: Any, workflow: Workflow, dock: MainDock, dialogs: Discard, field: Path, tiny_job: TinyJob
) -> None:
    workflow.session.set_labels(LabelMap(tiny_job.reference.ids, tiny_job.reference.classes))
    workflow.open([field])
    opened(qtbot, workflow)
    assert [n for _, n, _ in dialogs.questions] == [np.count_nonzero(tiny_job.reference.ids)]


def test_without_a_label_nothing_is_asked(
    qtbot: Any, workflow: Workflow, dock: MainDock, dialogs: Discard, field: Path
) -> None:
    paint(workflow)
    assert workflow.session.labels is not None
    workflow.session.labels[...] = 0  # all erased
    workflow.session.labels_painted()
    workflow.open([field])
    opened(qtbot, workflow)
    assert workflow.session.cube is not None and workflow.session.cube.name == "field"
    assert dialogs.questions == []


@pytest.mark.parametrize("wanted", [False, True])
def test_a_sample_brings_its_reference_only_where_it_is_wanted(
    qtbot: Any,
    workflow: Workflow,
    dock: MainDock,
    dialogs: Discard,
    tiny_job: TinyJob,
    monkeypatch: pytest.MonkeyPatch,
    wanted: bool,
) -> None:
    sample = (tiny_job.cube, tiny_job.reference)
    monkeypatch.setattr("napari_ssamamba.data.sample.sample_scene", lambda: sample)
    paint(workflow)
    dialogs.answer = wanted
    workflow.open_sample()
    opened(qtbot, workflow)
    session = workflow.session
    assert len(dialogs.questions) == 1
    assert session.reference is (tiny_job.reference if wanted else None)
    assert session.label_counts() == {1: 0 if wanted else 3}


def press(text: str) -> Callable[[Any], None]:
    def act(dialog: Any) -> None:
        [button] = [b for b in dialog.findChildren(QAbstractButton) if b.text() == text]
        button.click()

    return act


def test_only_the_button_open_discards_labels(qtbot: Any, answer: Callable[..., None]) -> None:
    parent = QWidget()
    qtbot.addWidget(parent)
    seen: list[str] = []

    def enter(dialog: Any) -> None:
        seen.append(dialog.text())
        qtbot.keyClick(dialog, Qt.Key.Key_Return)

    def asked(n: int = 1234) -> bool:
        return Dialogs().discard_labels(parent, "field", n, "farm")

    answer(press("Open"))
    assert asked()
    answer(press("Keep"))
    assert not asked()
    answer(lambda dialog: qtbot.keyClick(dialog, Qt.Key.Key_Escape))
    assert not asked()
    answer(enter)
    assert not asked()
    answer(enter)
    assert not asked(1)
    kept = (
        "What was painted is kept and offered again with “farm”; File → Save Selected Layers "
        "writes it where you want."
    )
    assert seen == [
        f"Open “field”? The 1,234 labelled pixels of “farm” are replaced. {kept}",
        f"Open “field”? The one labelled pixel of “farm” is replaced. {kept}",
    ]
    qtbot.waitUntil(lambda: not parent.children())
