"""A training of the window that a crash cut short goes on with the same labels and settings."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import torch

from napari_ssamamba.data.labels import LabelMap
from napari_ssamamba.gui.dialogs import Dialogs
from napari_ssamamba.gui.kept_training_jobs import RESTORED
from napari_ssamamba.gui.kept_work import KEPT
from napari_ssamamba.gui.train_panel import TrainPanel
from napari_ssamamba.gui.workflow import Workflow
from napari_ssamamba.project import unfinished_trainings
from napari_ssamamba.session import Session, TrainingSettings
from napari_ssamamba.training.config import TrainingConfig

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import TinyJob

    from napari_ssamamba.checkpoint import Checkpoint
    from napari_ssamamba.data.cube import Cube

CONFIG = TrainingConfig(epochs=4, min_steps=16, max_steps=16, lessons=0, mixture="network")


@pytest.fixture
def cube(tiny_job: TinyJob) -> Cube:
    return replace(tiny_job.cube, fingerprint="f")


@pytest.fixture
def started(
    program: Callable[[Cube], Workflow],
    cube: Cube,
    tiny_job: TinyJob,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[], Workflow]:
    """Start the program anew, with the same labels and settings."""
    monkeypatch.setattr(unfinished_trainings, "SECONDS_TO_KEEP", 0.0)

    def begin() -> Workflow:
        workflow = program(cube)
        workflow.training.then_map = False
        workflow.session.set_reference(tiny_job.reference)
        workflow.session.draw_from_reference(10, 0)
        workflow.session.set_training(TrainingSettings(device="cpu", config=CONFIG))
        return workflow

    return begin


def begin_training(workflow: Workflow, qtbot: Any) -> None:
    """Train until two epochs are shown, and hold the training there."""
    session = workflow.session

    def look() -> None:
        if len(session.history) == 2:
            workflow.pause("train", True)

    session.events.history.connect(look)
    workflow.training.train()
    qtbot.waitUntil(lambda: len(session.history) >= 2)
    session.events.history.disconnect(look)


def end_training(workflow: Workflow, qtbot: Any) -> list[str]:
    """Train to the end; return what was told."""
    told: list[str] = []
    workflow.told.connect(lambda _, text: told.append(text))
    workflow.training.train()
    qtbot.waitUntil(lambda: workflow.session.checkpoint is not None)
    return told


@pytest.mark.parametrize("cancelled", [False, True])
def test_it_goes_on_after_a_crash_or_a_cancel(
    started: Callable[[], Workflow], qtbot: Any, cancelled: bool, user_data: Any
) -> None:
    workflow = started()
    assert not [text for text in end_training(workflow, qtbot) if "goes on" in text]
    whole = workflow.session.checkpoint
    assert whole is not None
    for path in user_data.rglob("*.safetensors"):
        path.unlink()

    before = started()
    begin_training(before, qtbot)
    if cancelled:
        before.cancel("train")
        qtbot.waitUntil(lambda: before.job("train") is None)
    after = before if cancelled else started()
    [told] = [text for text in end_training(after, qtbot) if "goes on" in text]
    assert told.startswith("The training goes on in epoch ")
    assert [event.epoch for event in after.session.history] == [1, 2, 3, 4]
    assert after.session.checkpoint is not None
    for name, value in after.session.checkpoint.weights.items():
        assert torch.equal(value, whole.weights[name]), name


def test_its_state_stays_when_it_ends_for_the_model_is_in_no_file(
    started: Callable[[], Workflow], qtbot: Any
) -> None:
    """A crash right after a long training would take it, too."""
    end_training(started(), qtbot)
    again = started()
    [told] = [text for text in end_training(again, qtbot) if "goes on" in text]
    assert told == "The training goes on in epoch 4, kept from before."
    assert len(again.session.history) == 4


OTHERS = TrainingSettings(device="cpu", config=replace(CONFIG, seed=7, validation_fraction=0.25))


def test_its_settings_are_offered_and_brought_back(
    started: Callable[[], Workflow], cube: Cube, tiny_checkpoint: Checkpoint, qtbot: Any
) -> None:
    crashed = started()
    crashed.session.set_training(OTHERS)
    begin_training(crashed, qtbot)

    session = Session()
    workflow, told, offers = Workflow(session), [], []
    workflow.told.connect(lambda _, text: told.append(text))
    workflow.kept.offered.connect(offers.append)
    panel = TrainPanel(session, workflow, Dialogs())
    qtbot.addWidget(panel)
    assert panel.kept.isHidden()
    session.open_cube(cube)
    [offered] = workflow.kept.trainings.offered
    assert offered.epoch in (2, 3)
    assert offered.told == f"compact network, seed 7, epoch {offered.epoch} of 4"
    assert offers == [KEPT.format(f"a training in Train ({offered.short})")]
    assert panel.kept.choice.currentText() == offered.short and not panel.kept.isHidden()
    record = replace(tiny_checkpoint.record, fingerprint="f")
    session.set_checkpoint(
        replace(tiny_checkpoint, record=record)
    )  # as a map that is restored does
    assert session.checkpoint.is_of(cube) and session.training.from_last
    panel.kept.restore.click()
    assert told == [RESTORED.format(offered)]
    assert session.training == replace(OTHERS, from_last=False)
    assert panel.seed.value() == 7 and not panel.from_last.isChecked() and panel.kept.isHidden()
    assert workflow.kept.trainings.offered == []

    session.set_labels(LabelMap(crashed.session.labels, crashed.session.classes))
    workflow.training.then_map = False
    workflow.training.train()
    qtbot.waitUntil(lambda: workflow.job("train") is None)
    assert f"The training goes on in epoch {offered.epoch}, kept from before." in told
    assert len(session.history) == 4
    assert workflow.shut_down()


def test_it_is_offered_again_when_the_scene_is_opened_again(
    started: Callable[[], Workflow], cube: Cube, qtbot: Any
) -> None:
    begin_training(started(), qtbot)
    workflow = started()
    workflow.kept.restore_latest()
    assert workflow.kept.trainings.offered == []
    workflow.session.open_cube(replace(cube, fingerprint="another"))
    assert workflow.kept.trainings.offered == []
    workflow.session.open_cube(cube)
    assert len(workflow.kept.trainings.offered) == 1


def test_where_a_map_was_made_later_nothing_is_offered(
    started: Callable[[], Workflow], qtbot: Any
) -> None:
    """The training ended, or its user went on without it."""
    workflow = started()
    end_training(workflow, qtbot)
    assert len(started().kept.trainings.offered) == 1  # its model is in no file
    workflow.mapping.map_scene()
    session = workflow.session
    qtbot.waitUntil(lambda: session.map is not None and session.map.complete)
    workflow.kept.flush()
    assert started().kept.trainings.offered == []
