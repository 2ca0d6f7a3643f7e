from __future__ import annotations

import threading

import numpy as np
import pytest

from napari_ssamamba.events import Progress
from napari_ssamamba.gui.class_panel import ClassPanel
from napari_ssamamba.gui.class_table_model import NAME
from napari_ssamamba.gui.dialogs import Dialogs
from napari_ssamamba.gui.job import Job
from napari_ssamamba.gui.map_panel import MapPanel
from napari_ssamamba.gui.spectra_plot import SpectraPlot
from napari_ssamamba.gui.train_panel import TrainPanel, result_text
from napari_ssamamba.session import TrainingSettings
from napari_ssamamba.training.config import TrainingConfig


class MergeIntoFirst(Dialogs):
    def pixels_to(self, parent, classes, id, n):
        return classes.ids[0]


@pytest.mark.parametrize("error", [ValueError("no"), RuntimeError("CUDA out of memory")])
def test_a_failing_job_says_so_and_ends(qtbot, error):
    def work():
        yield Progress()
        raise error

    job, seen = Job("Work", work), []
    job.job_signals.errored.connect(seen.append)
    with qtbot.waitSignal(job.job_signals.finished):
        job.start()
    qtbot.waitUntil(lambda: seen == [error])
    assert job.wait(5)


def test_a_paused_job_can_be_cancelled_and_closes_its_work(qtbot):
    closed = []

    def work():
        try:
            while True:
                yield Progress()
        finally:
            closed.append(True)

    job = Job("Work", work)
    with qtbot.waitSignal(job.job_signals.progressed):
        job.start()
    job.pause()
    with qtbot.waitSignal(job.job_signals.cancelled):
        job.quit()
    assert job.wait(5) and closed == [True]


def test_a_job_that_is_cancelled_before_its_first_step_does_nothing(qtbot):
    """Its generator's ``finally`` never runs either: there is nothing that it could undo."""
    done = []

    def work():
        done.append("begun")
        try:
            yield Progress()
        finally:
            done.append("undone")

    job, ended = Job("Work", work), []
    job.job_signals.cancelled.connect(lambda: ended.append("cancelled"))
    job.quit()
    with qtbot.waitSignal(job.job_signals.finished):
        job.start()
    qtbot.waitUntil(lambda: ended == ["cancelled"])
    assert job.wait(5) and done == []


def test_classes_are_added_renamed_selected_and_merged(qtbot, workflow):
    session = workflow.session
    panel = ClassPanel(session, workflow, MergeIntoFirst())
    qtbot.addWidget(panel)
    panel.add.click()
    panel.add.click()
    panel.model.setData(panel.model.index(1, NAME), "Water")
    assert session.classes.names == ("Class 1", "Water")
    panel.table.selectRow(0)
    assert session.selected_class == 1
    session.select_class(2)
    assert panel.table.currentIndex().row() == 1
    session.labels[5, 5] = 2
    panel.delete.click()
    assert session.classes.ids == (1,) and session.labels[5, 5] == 1


def test_training_without_labels_is_told(qtbot, workflow):
    with qtbot.waitSignal(workflow.told) as told:
        workflow.training.train()
    assert told.args[0] == "error" and "No pixel is labelled" in told.args[1]


def test_the_spectrum_has_a_gap_where_a_band_is_off(qtbot, workflow):
    plot = SpectraPlot(workflow.session, workflow)
    qtbot.addWidget(plot)
    plot.show()
    workflow.session.pick(10, 10)
    (curve,) = plot.plot.listDataItems()
    x, _ = curve.getData()
    np.testing.assert_allclose(x, [450, 550, 750, 850, 950])
    assert list(curve.opts["connect"]) == [1, 0, 1, 1, 0]


def test_shutting_down_waits_for_a_job_that_was_just_cancelled(qtbot, workflow, monkeypatch):
    in_step, go_on, ended = threading.Event(), threading.Event(), []
    wait = Job.wait

    def let_go_on_and_wait(job, seconds):
        go_on.set()  # the step outlives the click on Cancel, until somebody waits for its end
        return wait(job, seconds)

    monkeypatch.setattr(Job, "wait", let_go_on_and_wait)

    def work():
        try:
            yield Progress()
            in_step.set()
            go_on.wait(10)
            yield Progress()
        finally:
            ended.append(True)

    workflow.run("slow", "Slow", work, on_result=ended.append)
    assert in_step.wait(5)
    workflow.cancel("slow")
    assert workflow.shut_down() and ended == [True]


def test_a_cancelled_map_brings_back_the_map_before(qtbot, workflow, tiny_checkpoint, pass_turns):
    session = workflow.session
    session.set_checkpoint(tiny_checkpoint)
    workflow.mapping.map_scene()
    qtbot.waitUntil(lambda: session.map is not None and session.map.complete)
    before = session.map
    workflow.mapping.map_scene()
    assert session.map is not before
    job = workflow.job("map")
    workflow.cancel("map")
    assert session.map is before
    assert job.wait(30)
    pass_turns()  # late tiles of the cancelled job may not come in
    assert session.map is before and before.complete


def test_the_train_panel_follows_a_training(qtbot, workflow, tiny_job):
    session = workflow.session
    panel = TrainPanel(session, workflow, Dialogs())
    qtbot.addWidget(panel)
    workflow.training.then_map = False
    session.set_reference(tiny_job.reference)
    session.draw_from_reference(10, 0)
    config = TrainingConfig(epochs=1, min_steps=1, max_steps=2)
    session.set_training(TrainingSettings(device="cpu", config=config))
    assert panel.epochs.value() == 1
    panel.train.click()
    assert not panel.train.isEnabled() and not panel.progress.isHidden()
    qtbot.waitUntil(lambda: workflow.job("train") is None)
    assert panel.train.isEnabled() and panel.progress.isHidden()
    assert "Validation OA" in panel.result.text()
    assert panel.from_last.isEnabled() and panel.from_last.isChecked()
    first = session.checkpoint
    panel.train.click()
    qtbot.waitUntil(lambda: workflow.job("train") is None)
    assert session.checkpoint is not first
    assert "from a model of" in session.checkpoint.record.protocol
    panel.from_last.click()
    assert not session.training.from_last


def test_the_result_tells_each_ones_score_and_weight(tiny_checkpoint):
    text = result_text(tiny_checkpoint.record)
    mixture = tiny_checkpoint.record.mixture
    assert f"network {mixture.network_oa:.1f} % (weight {mixture.network_share:.2f})" in text
    assert f"spectral expert {mixture.expert_oa:.1f} %" in text


def test_the_network_alone_is_one_choice_away(qtbot, workflow):
    session = workflow.session
    panel = MapPanel(session, workflow)
    train = TrainPanel(session, workflow, Dialogs())
    qtbot.addWidget(panel)
    qtbot.addWidget(train)
    panel.members.setCurrentIndex(panel.members.findData("network"))
    assert session.training.members == "network"
    train.epochs.setValue(7)  # the other panel keeps what it does not show
    assert (session.training.members, session.training.config.epochs) == ("network", 7)
    session.set_training(TrainingSettings())
    assert panel.members.currentData() == "mixed"
