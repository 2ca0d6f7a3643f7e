"""The tab Attention shows a class's means when it is asked for them."""

from __future__ import annotations

from dataclasses import replace
from threading import Event
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from qtpy.QtCore import QPoint

from napari_ssamamba.audit import class_attention
from napari_ssamamba.audit.confusion import Cell
from napari_ssamamba.events import Progress, result_of
from napari_ssamamba.gui.attention_jobs import CLASS, PIXEL
from napari_ssamamba.gui.attention_tab import AttentionTab
from napari_ssamamba.session import AttentionChoice

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from napari_ssamamba.gui.workflow import Workflow


@pytest.fixture
def audited(qtbot: QtBot, workflow: Workflow, tiny_job: Any, tiny_checkpoint: Any) -> Any:
    """A map that is the reference but for a row of class 5 mapped as 9."""
    session: Any = workflow.session
    session.set_reference(tiny_job.reference)
    session.set_checkpoint(tiny_checkpoint)
    session.mapping.run().close()
    session.map.ids[...] = tiny_job.reference.ids
    session.map.ids[11] = 9
    session.map.confidence[...] = 0.5
    session.mapping.finish()
    workflow.audit.confuse()
    qtbot.waitUntil(lambda: session.audit.confusion is not None)
    return session


@pytest.fixture
def tab(qtbot: QtBot, workflow: Workflow) -> AttentionTab:
    made = AttentionTab(workflow.session, workflow)
    qtbot.addWidget(made)
    made.resize(900, 300)
    made.show()
    return made


def test_means_are_computed_when_they_are_looked_at(
    qtbot: QtBot, audited: Any, tab: Any, workflow: Workflow
) -> None:
    plot = tab.of_class
    tab.look(True)
    assert workflow.job(CLASS) is None and audited.class_attention.id == 2
    tab.show_class.click()
    qtbot.waitUntil(lambda: audited.class_attention.found is not None)
    assert audited.class_attention.found.id == 2
    assert plot.right.plot.isVisible() and not plot.wrong.plot.isVisible()
    assert plot.wrong.title.text() == "Mapped wrong: no pixel"
    audited.audit.choose_cell(Cell(5, 9))
    qtbot.waitUntil(lambda: audited.class_attention.found is not None)
    assert plot.of_class.currentText() == "Class 5"
    found, matrix = audited.class_attention.found, audited.audit.confusion.matrix
    assert found.right.of == matrix[1, 1] and found.wrong.of == matrix[1, 2] > 0
    assert plot.right.title.text() == f"Mapped right: {matrix[1, 1]} pixels"
    assert plot.wrong.title.text() == f"Mapped wrong: {matrix[1, 2]} pixels"
    np.testing.assert_allclose(plot.wrong.image.image**3, found.wrong.grid(), rtol=1e-5)
    assert tuple(plot.right.image.levels) == tuple(plot.wrong.image.levels) == (0, 1)
    assert "Reference pixels not trained on" in plot.text.text()
    plot.hover(1, 2)
    assert plot.read_out.text().startswith("(+0, +1): right 0.")


def test_block_and_head_are_those_of_the_pixels_view(
    qtbot: QtBot, audited: Any, tab: Any, workflow: Workflow
) -> None:
    tab.show_class.click()
    tab.look(True)
    qtbot.waitUntil(lambda: audited.class_attention.found is not None)
    found = audited.class_attention.found
    audited.attention.choose(AttentionChoice(block=1))
    np.testing.assert_allclose(tab.of_class.right.image.image**3, found.right.grid(1), rtol=1e-5)
    tab.of_class.head.setCurrentIndex(2)
    tab.of_class.head.activated.emit(2)
    assert audited.attention.choice == AttentionChoice(block=1, head=1)
    np.testing.assert_allclose(tab.of_class.right.image.image**3, found.right.grid(1, 1), rtol=1e-5)


def test_blocks_to_choose_from_are_those_of_the_model_that_made_the_map(
    audited: Any, tab: Any, tiny_checkpoint: Any
) -> None:
    assert audited.map.checkpoint is tiny_checkpoint
    deeper = replace(tiny_checkpoint.model, depth=tiny_checkpoint.model.depth + 3)
    audited.set_checkpoint(replace(tiny_checkpoint, model=deeper))  # not mapped with yet
    for plot in (tab.of_class, tab.pixel):
        assert plot.block.itemText(0) == "Mean of 2 blocks"
        assert plot.block.count() == 3


def test_choices_stay_on_the_left_where_there_is_nothing_to_draw(
    qtbot: QtBot, workflow: Workflow, tab: Any
) -> None:
    assert not tab.pixel.plot.isVisible() and "train one first" in tab.pixel.text.text()
    assert tab.pixel.block.mapTo(tab, QPoint()).x() < tab.width() // 3


def test_a_class_is_averaged_once_and_anew_for_another_matrix(
    qtbot: QtBot, audited: Any, tab: Any, workflow: Workflow
) -> None:
    started: list[str] = []
    workflow.job_started.connect(lambda kind, job: started.append(kind))
    tab.show_class.click()
    tab.look(True)
    qtbot.waitUntil(lambda: audited.class_attention.found is not None)
    tab.show_pixel.click()
    tab.show_class.click()
    audited.labels_painted()
    assert started.count(CLASS) == 1
    workflow.audit.confuse()
    qtbot.waitUntil(lambda: started.count(CLASS) == 2)
    qtbot.waitUntil(lambda: workflow.job(CLASS) is None)


def test_a_class_is_averaged_once_where_another_matrix_comes_meanwhile(
    qtbot: QtBot, audited: Any, tab: Any, workflow: Workflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_end, average, started = Event(), class_attention.class_attention, []

    def slowly(*given: Any) -> Any:
        yield Progress()
        assert may_end.wait(20)
        return (yield from average(*given))

    monkeypatch.setattr(class_attention, "class_attention", slowly)
    workflow.job_started.connect(lambda kind, job: started.append(kind))
    tab.show_class.click()
    tab.look(True)
    assert started.count(CLASS) == 1
    audited.audit.set_confusion(result_of(audited.audit.confusion_run()))
    workflow.attention.average_class()
    assert started.count(CLASS) == 2
    may_end.set()
    qtbot.waitUntil(lambda: audited.class_attention.found is not None)


def test_the_pixel_is_not_read_while_the_means_are_looked_at(
    qtbot: QtBot, audited: Any, tab: Any, workflow: Workflow
) -> None:
    tab.look(True)
    audited.pick(12, 9)
    qtbot.waitUntil(lambda: audited.attention.pixel is not None)
    tab.show_class.click()
    assert audited.attention.pixel is None and workflow.job(PIXEL) is None
    qtbot.waitUntil(lambda: workflow.job(CLASS) is None)


def test_what_is_missing_is_said(tab: Any, workflow: Workflow, tiny_checkpoint: Any) -> None:
    tab.look(True)
    tab.show_class.click()
    assert "train one first" in tab.of_class.text.text()
    workflow.session.set_checkpoint(tiny_checkpoint)
    assert "No map yet" in tab.of_class.text.text()
    assert not tab.of_class.of_class.isEnabled()
    assert not tab.of_class.right.plot.isVisible()


def test_the_tab_says_how_much_the_network_counts(
    workflow: Workflow, tab: AttentionTab, tiny_checkpoint: Any
) -> None:
    session = workflow.session
    assert tab.part.text() == ""
    mixture = tiny_checkpoint.record.mixture
    for weight, said in ((0.0, "no weight in the map"), (0.2, "25 % of the weight")):
        mixed = replace(mixture, network_weight=weight, expert_weight=0.6)
        record = replace(tiny_checkpoint.record, mixture=mixed)
        session.set_checkpoint(replace(tiny_checkpoint, record=record))
        assert said in tab.part.text()
    session.set_training(replace(session.training, members="network"))
    assert tab.part.text() == ""
