"""The sections Label next and Suspect labels show what there is, and ask for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_ssamamba.audit.suggestions import Suggestion
from napari_ssamamba.data.labels import LabelMap, draw_training_pixels
from napari_ssamamba.gui.labelling_jobs import CHECK, SUGGEST
from napari_ssamamba.gui.suggestions_panel import SuggestionsPanel
from napari_ssamamba.gui.suspects_panel import SuspectsPanel
from napari_ssamamba.prediction.mosaic import FINAL

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from napari_ssamamba.gui.workflow import Workflow

FOUND = (
    Suggestion(6, 15, "margin", 0.9, 2, 10, 0.41, 5, 0.38),
    Suggestion(12, 3, "unlike", 0.5, 5, 10, 0.9, 2, 0.05, 4.2, 1.1, 9),
    Suggestion(20, 8, "rare", 0.4, 9, 1, 0.97, 2, 0.02),
)


@pytest.fixture
def session(workflow: Workflow, tiny_job: Any, tiny_checkpoint: Any) -> Any:
    session: Any = workflow.session
    drawn = draw_training_pixels(tiny_job.reference, 10, 0)
    session.set_labels(LabelMap(drawn, tiny_job.reference.classes))
    return session


@pytest.fixture
def mapped(session: Any, tiny_checkpoint: Any, tiny_job: Any) -> Any:
    session.set_checkpoint(tiny_checkpoint)
    session.mapping.run().close()
    session.map.ids[...] = tiny_job.reference.ids
    session.map.margin[...] = 0.2
    session.map.level[...] = FINAL
    session.mapping.finish()
    return session


@pytest.fixture
def panel(qtbot: QtBot, session: Any, workflow: Workflow) -> SuggestionsPanel:
    made = SuggestionsPanel(session, workflow)
    qtbot.addWidget(made)
    made.show()
    return made


@pytest.fixture
def suspects(qtbot: QtBot, session: Any, workflow: Workflow) -> SuspectsPanel:
    made = SuspectsPanel(session, workflow)
    qtbot.addWidget(made)
    made.show()
    return made


def test_without_a_map_the_panel_says_how_to_get_one(panel: Any, session: Any) -> None:
    assert "No model yet" in panel.state.text()
    assert not panel.find.isEnabled() and panel.list.isHidden() and panel.accept.isHidden()


def test_suggestions_are_found_in_a_job(
    qtbot: QtBot, mapped: Any, panel: Any, workflow: Workflow
) -> None:
    panel.find.click()
    assert not panel.find.isEnabled()
    qtbot.waitUntil(lambda: workflow.job(SUGGEST) is None)
    n = len(mapped.suggestions.found)
    assert n and panel.list.count() == n
    assert f"{n} of {n} suggestions left" in panel.state.text()
    assert panel.find.isEnabled()


def test_each_reason_is_told_with_its_figures(mapped: Any, panel: Any) -> None:
    mapped.suggestions.set_found(FOUND)
    lines = [panel.list.item(i).text() for i in range(3)]
    assert lines == [
        "1. Class 2 or Class 5? 0.41 : 0.38",
        "2. Unlike any label: 4.2° from Class 9",
        "3. Few labels: Class 9 has 1",
    ]
    for step, part in enumerate(
        ("Class 2 is 0.03 ahead of Class 5.", "up to 1.1° is usual", "only 1 label.")
    ):
        panel.next.click()
        assert part in panel.reason.text()
        assert f"Row {FOUND[step].row}, column {FOUND[step].column}" in panel.reason.text()


def test_buttons_and_keys_decide_and_the_list_says_what(mapped: Any, panel: Any) -> None:
    mapped.suggestions.set_found(FOUND)
    assert not panel.accept.isEnabled()
    QTest.keyClick(panel.find, Qt.Key.Key_G)
    assert panel.accept.text() == "Label as Class 2"
    QTest.keyClick(panel.list, Qt.Key.Key_Y)
    assert mapped.labels[6, 15] == 2
    assert panel.list.item(0).text() == "✓ labelled Class 2 — 1. Class 2 or Class 5? 0.41 : 0.38"
    assert panel.list.currentRow() == 1
    assert "2 of 3 suggestions left" in panel.state.text()
    mapped.select_class(9)
    assert panel.accept.text() == "Label as Class 9"
    panel.accept.click()
    assert mapped.labels[12, 3] == 9
    QTest.keyClick(panel.list, Qt.Key.Key_K)
    assert panel.list.item(2).text().startswith("✓ skipped")
    panel.undo.click()
    panel.undo.click()
    assert mapped.labels[12, 3] != 9
    assert panel.list.item(1).text().startswith("2.")


def test_a_map_without_a_reason_says_so(mapped: Any, panel: Any) -> None:
    mapped.suggestions.set_found(())
    assert "Nothing stands out" in panel.state.text()
    assert panel.list.isHidden()


def test_suspects_are_listed_by_confidence_and_put_right(
    qtbot: QtBot, session: Any, suspects: Any, workflow: Workflow
) -> None:
    wrong = tuple(np.argwhere(session.labels == 2)[3].tolist())
    session.labels[wrong] = 9
    session.labels_painted()
    suspects.members.setCurrentIndex(suspects.members.findData("expert"))
    suspects.find.click()
    qtbot.waitUntil(lambda: workflow.job(CHECK) is None)
    n = int(np.count_nonzero(session.labels))
    assert f"1 of {n} labels are suspect, by the spectral expert alone" in suspects.state.text()
    assert suspects.list.item(0).text().startswith("1. Class 9 → Class 2 ")
    suspects.list.setCurrentRow(0)
    assert session.picked == wrong
    assert suspects.accept.text() == "Relabel as Class 2"
    suspects.accept.click()
    assert session.labels[wrong] == 2
    assert "changed since" in suspects.state.text()
    suspects.undo.click()
    assert session.labels[wrong] == 9
    suspects.erase.click()
    assert session.labels[wrong] == 0
    assert suspects.list.item(0).text().startswith("✓ label removed")


def test_only_the_list_at_hand_can_be_decided_about(mapped: Any, panel: Any, suspects: Any) -> None:
    mapped.suggestions.set_found(FOUND)
    panel.next.click()
    assert panel.accept.isEnabled()
    mapped.steps = mapped.suspects
    mapped.suspects.events.position.emit()
    assert not panel.accept.isEnabled()


def test_labels_are_checked_before_they_are_compared(
    qtbot: QtBot, session: Any, workflow: Workflow
) -> None:
    session.suspects.ask("expert")
    session.audit.choose_truth("training")
    workflow.audit.confuse()
    qtbot.waitUntil(lambda: session.audit.confusion is not None)
    assert session.audit.confusion.accuracy.n == np.count_nonzero(session.labels)
    assert session.suspects.checked is not None
