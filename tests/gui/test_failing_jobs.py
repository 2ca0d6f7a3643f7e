"""What goes wrong in a thread reaches the user, and the plugin goes on."""

from __future__ import annotations

import pytest
import torch

from napari_ssamamba.events import Progress
from napari_ssamamba.gui.dock import MainDock
from napari_ssamamba.session import TrainingSettings
from napari_ssamamba.training.config import TrainingConfig


@pytest.fixture
def dock(qtbot, workflow, tiny_job):
    made = MainDock(workflow.session, workflow)
    qtbot.addWidget(made)
    workflow.training.then_map = False
    workflow.session.set_reference(tiny_job.reference)
    workflow.session.draw_from_reference(10, 0)
    config = TrainingConfig(epochs=1, min_steps=1, max_steps=2)
    workflow.session.set_training(TrainingSettings(device="cpu", config=config))
    return made


@pytest.mark.parametrize(
    ("error", "parts"),
    [
        (RuntimeError("shapes do not match"), ("RuntimeError: shapes do not match", "Try again")),
        (torch.OutOfMemoryError("CUDA out of memory."), ("too little memory", "device cpu")),
        (MemoryError("cannot allocate 9 GiB"), ("too little memory", "smaller network")),
    ],
)
def test_a_failed_training_is_told_and_the_next_one_runs(
    qtbot, workflow, dock, tiny_checkpoint, monkeypatch, caplog, error, parts
):
    def train(*_, **options):
        yield Progress()
        raise error

    workflow.session.set_checkpoint(tiny_checkpoint)
    with monkeypatch.context() as failing:
        failing.setattr("napari_ssamamba.training.trainer.train", train)
        with qtbot.waitSignal(workflow.job_ended) as ended:
            dock.train.train.click()
        assert ended.args == ["train", "failed"]
    qtbot.waitUntil(lambda: not dock.messages.isHidden())
    for part in parts:
        assert part in dock.messages.text.text()
    assert "Training stopped" in caplog.text and str(error) in caplog.text
    assert workflow.session.checkpoint is tiny_checkpoint  # the last good model stays
    assert dock.train.train.isEnabled() and dock.train.progress.isHidden()
    dock.messages.dismiss.click()
    dock.train.train.click()
    qtbot.waitUntil(lambda: workflow.job("train") is None)
    assert workflow.session.checkpoint is not tiny_checkpoint
    assert "stopped" not in dock.messages.text.text() or dock.messages.isHidden()


def test_a_failed_map_gives_way_to_the_one_before(
    qtbot, workflow, dock, tiny_checkpoint, monkeypatch
):
    session = workflow.session
    session.set_checkpoint(tiny_checkpoint)
    workflow.mapping.map_scene()
    qtbot.waitUntil(lambda: session.map is not None and session.map.complete)
    before = session.map

    def map_tiles(*_, **options):
        yield Progress()
        raise RuntimeError("CUDA error: device-side assert triggered")

    monkeypatch.setattr("napari_ssamamba.prediction.predictor.map_tiles", map_tiles)
    with qtbot.waitSignal(workflow.told):
        dock.map.make.click()
    assert "CUDA error" in dock.messages.text.text()
    assert session.map is before and dock.map.make.isEnabled()
