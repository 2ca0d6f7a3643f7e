"""What was decided about errors is kept without asking, and offered in the section Audit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from napari_ssamamba.audit.confusion import Cell
from napari_ssamamba.gui import kept_decision_jobs
from napari_ssamamba.gui.decision_panel import DecisionPanel
from napari_ssamamba.gui.dialogs import Dialogs
from napari_ssamamba.gui.workflow import Workflow
from napari_ssamamba.project.kept_decisions import kept_decisions
from napari_ssamamba.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from conftest import TinyJob


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SSAMAMBA_DATA", str(tmp_path))
    monkeypatch.setattr(kept_decision_jobs, "MILLISECONDS_TO_KEEP", 20)
    return tmp_path


@pytest.fixture
def restart(qtbot: Any, tiny_job: TinyJob) -> Iterator[Callable[[], Workflow]]:
    """Start the program anew on the tiny scene."""
    made: list[Workflow] = []

    def start() -> Workflow:
        made.append(Workflow(Session()))
        made[-1].session.open_cube(tiny_job.cube)
        return made[-1]

    yield start
    for workflow in made:
        assert workflow.shut_down()


def decide(session: Any) -> None:
    """Mark the truth of an error of (5, 9) as wrong, skip the next, accept one of (2, 5)."""
    session.audit.choose_cell(Cell(5, 9))
    session.audit.step(1)
    session.decisions.mark_wrong()
    session.decisions.skip()
    session.audit.choose_cell(Cell(2, 5))
    session.audit.step(1)
    session.decisions.accept()


def kinds(root: Path, tiny_job: TinyJob) -> list[list[str]]:
    return [[d.kind for d in found.made] for found in kept_decisions(tiny_job.cube, root)]


def test_decisions_come_back_after_a_crash(
    qtbot: Any,
    audited: Any,
    workflow: Workflow,
    restart: Any,
    tiny_job: TinyJob,
    root: Path,
) -> None:
    decide(audited)
    expected = ["marked wrong", "skipped", "accepted"]
    qtbot.waitUntil(lambda: kinds(root, tiny_job) == [expected], timeout=20_000)
    # The program is gone; it is started again.
    again = restart()
    session: Any = again.session
    panel = DecisionPanel(session, again, Dialogs())
    qtbot.addWidget(panel)
    assert not panel.isHidden() and panel.table.isHidden()
    assert panel.kept.choice.currentText().endswith(" · 3 decisions")
    told: list[str] = []
    again.told.connect(lambda level, text: told.append(text))
    panel.kept.restore.click()
    assert session.decisions.made == audited.decisions.made
    assert session.decisions.wrong() == audited.decisions.wrong()
    assert panel.kept.isHidden() and panel.model.rowCount() == 3
    assert panel.model.index(0, 2).data() == "Class 2"  # named, though no table is there
    assert told[0].startswith("Decisions restored: ")
    session.decisions.undo()
    again.kept.decisions.flush()
    assert kinds(root, tiny_job) == [expected[:2]]  # in the file that it came from


def test_another_scene_leaves_them_and_they_are_offered_again(
    audited: Any, workflow: Workflow, tiny_job: TinyJob, root: Path, qtbot: Any
) -> None:
    decide(audited)
    told: list[str] = []
    workflow.kept.offered.connect(told.append)
    workflow._replace_cube(tiny_job.cube, None)
    assert [len(made) for made in kinds(root, tiny_job)] == [3]
    [offered] = workflow.kept.decisions.offered
    assert audited.decisions.made == []
    assert f"decisions in Audit ({offered.short})" in told[-1]


def test_those_that_are_all_undone_leave_no_file(
    audited: Any, workflow: Workflow, tiny_job: TinyJob, root: Path
) -> None:
    decide(audited)
    workflow.kept.decisions.flush()
    assert len(kinds(root, tiny_job)) == 1
    while audited.decisions.made:
        audited.decisions.undo()
    workflow.kept.decisions.flush()
    assert kinds(root, tiny_job) == []


def test_what_cannot_be_kept_is_told(
    audited: Any, workflow: Workflow, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, str]] = []
    workflow.told.connect(lambda level, text: told.append((level, text)))
    (root / "file").write_text("no folder")
    monkeypatch.setenv("SSAMAMBA_DATA", str(root / "file"))
    decide(audited)
    workflow.kept.decisions.flush()
    decisions = [text for level, text in told if "decisions cannot be kept" in text]
    assert len(decisions) == 1
    monkeypatch.setenv("SSAMAMBA_DATA", str(root))
