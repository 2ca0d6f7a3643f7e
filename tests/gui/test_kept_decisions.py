"""What was decided about errors is kept without asking, and offered in the section Audit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_ssamamba import project
from napari_ssamamba.audit.confusion import Cell
from napari_ssamamba.gui.decision_panel import DecisionPanel
from napari_ssamamba.gui.dialogs import Dialogs
from napari_ssamamba.project.kept_decisions import kept_decisions

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from conftest import TinyJob

    from napari_ssamamba.gui.workflow import Workflow


def decide(session: Any) -> None:
    """Mark the truth of an error of (5, 9) as wrong, skip the next, accept one of (2, 5)."""
    session.audit.choose_cell(Cell(5, 9))
    session.audit.step(1)
    session.decisions.mark_wrong()
    session.decisions.skip()
    session.audit.choose_cell(Cell(2, 5))
    session.audit.step(1)
    session.decisions.accept()


def kinds(user_data: Path, tiny_job: TinyJob) -> list[list[str]]:
    return [[d.kind for d in found.made] for found in kept_decisions(tiny_job.cube, user_data)]


def test_decisions_come_back_after_a_crash(
    qtbot: Any,
    program: Any,
    audited: Any,
    workflow: Workflow,
    tiny_job: TinyJob,
    user_data: Path,
) -> None:
    decide(audited)
    expected = ["marked wrong", "skipped", "accepted"]
    qtbot.waitUntil(lambda: kinds(user_data, tiny_job) == [expected])
    # The program is gone; it is started again.
    again = program(tiny_job.cube)
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
    assert kinds(user_data, tiny_job) == [expected[:2], expected]
    assert panel.kept.isHidden()  # neither what is listed nor what it came from is offered


def test_two_windows_that_restore_the_same_write_to_files_of_their_own(
    program: Any, audited: Any, workflow: Workflow, tiny_job: TinyJob, user_data: Path
) -> None:
    decide(audited)
    workflow.kept.decisions.flush()
    for undone in (1, 2):
        window = program(tiny_job.cube)
        window.kept.decisions.restore(window.kept.decisions.offered[-1])
        for _ in range(undone):
            window.session.decisions.undo()
        window.kept.decisions.flush()
    assert [len(made) for made in kinds(user_data, tiny_job)] == [1, 2, 3]


def test_what_was_restored_is_written_again_where_its_file_went(
    program: Any, audited: Any, workflow: Workflow, tiny_job: TinyJob, user_data: Path
) -> None:
    decide(audited)
    workflow.kept.decisions.flush()
    window = program(tiny_job.cube)
    [offered] = window.kept.decisions.offered
    window.kept.decisions.restore(offered)
    window.kept.decisions.flush()
    assert len(kinds(user_data, tiny_job)) == 1
    offered.path.unlink()
    window.kept.decisions.flush()
    assert [len(made) for made in kinds(user_data, tiny_job)] == [3]


def test_another_scene_leaves_them_and_they_are_offered_again(
    audited: Any, workflow: Workflow, tiny_job: TinyJob, user_data: Path, qtbot: Any
) -> None:
    decide(audited)
    told: list[str] = []
    workflow.kept.offered.connect(told.append)
    workflow._replace_cube(tiny_job.cube, None)
    assert [len(made) for made in kinds(user_data, tiny_job)] == [3]
    [offered] = workflow.kept.decisions.offered
    assert audited.decisions.made == []
    assert f"decisions in Audit ({offered.short})" in told[-1]


def test_the_oldest_make_no_room_while_they_are_brought_back(
    audited: Any,
    workflow: Workflow,
    tiny_job: TinyJob,
    user_data: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(project.kept_decisions, "FILES_A_SCENE", 1)
    decide(audited)
    oldest = list(audited.decisions.made)
    workflow._replace_cube(tiny_job.cube, None)
    audited.decisions.label((5, 6), 2, 5)  # in no file yet
    workflow.kept.decisions.restore(workflow.kept.decisions.offered[0])
    assert audited.decisions.made == oldest
    assert sorted(map(len, kinds(user_data, tiny_job))) == [1, 3]


def test_those_that_are_all_undone_leave_no_file(
    audited: Any, workflow: Workflow, tiny_job: TinyJob, user_data: Path
) -> None:
    decide(audited)
    workflow.kept.decisions.flush()
    assert len(kinds(user_data, tiny_job)) == 1
    while audited.decisions.made:
        audited.decisions.undo()
    workflow.kept.decisions.flush()
    assert kinds(user_data, tiny_job) == []


def test_what_cannot_be_kept_is_told(
    audited: Any, workflow: Workflow, user_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, str]] = []
    workflow.told.connect(lambda level, text: told.append((level, text)))
    (user_data / "file").write_text("no folder")
    monkeypatch.setenv("SSAMAMBA_DATA", str(user_data / "file"))
    decide(audited)
    workflow.kept.decisions.flush()
    decisions = [text for level, text in told if "decisions cannot be kept" in text]
    assert len(decisions) == 1
    monkeypatch.setenv("SSAMAMBA_DATA", str(user_data))
