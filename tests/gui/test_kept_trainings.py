"""A training of the window that a crash cut short goes on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from napari_ssamamba.data.classes import ClassTable, LandClass
from napari_ssamamba.data.labels import LabelMap
from napari_ssamamba.gui.dialogs import Dialogs
from napari_ssamamba.gui.kept_work import KEPT
from napari_ssamamba.gui.train_panel import TrainPanel
from napari_ssamamba.gui.training_jobs import OTHER_CLASSES
from napari_ssamamba.project import unfinished_trainings
from napari_ssamamba.session import TrainingSettings, training_runs
from napari_ssamamba.session.training_runs import NOT_THE_SAME
from napari_ssamamba.training.config import TrainingConfig

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import TinyJob

    from napari_ssamamba.checkpoint import Checkpoint
    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.gui.workflow import Workflow
    from napari_ssamamba.project.kept_trainings import KeptTraining

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
    assert not [text for text in end_training(workflow, qtbot) if "taken up" in text]
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
    [told] = [text for text in end_training(after, qtbot) if "taken up" in text]
    assert told.startswith("The training was taken up in epoch ")
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
    [told] = [text for text in end_training(again, qtbot) if "taken up" in text]
    assert told == "The training was taken up in epoch 4, kept from before."
    assert len(again.session.history) == 4


OTHERS = TrainingSettings(
    device="cpu", config=replace(CONFIG, seed=7, epochs=16, validation_fraction=0.25)
)


@pytest.fixture
def crashed(
    request: pytest.FixtureRequest, started: Callable[[], Workflow], qtbot: Any
) -> Workflow:
    """A program that trained with other settings than the usual ones, without a band."""
    workflow = started()
    if getattr(request, "param", None) == "the last model":
        workflow.session.set_bands(np.isin(np.arange(6), (0, 1, 4, 5)))
        end_training(workflow, qtbot)
    workflow.session.set_training(OTHERS)
    workflow.session.set_bands(np.isin(np.arange(6), (0, 1, 4, 5)))
    begin_training(workflow, qtbot)
    return workflow


@pytest.fixture
def opened(program: Callable[[Cube], Workflow], crashed: Workflow, cube: Cube) -> Workflow:
    """The program after that, on the same scene."""
    workflow = program(cube)
    workflow.training.then_map = False
    return workflow


def trained(workflow: Workflow, qtbot: Any) -> Checkpoint:
    qtbot.waitUntil(lambda: workflow.job("train") is None)
    assert workflow.session.checkpoint is not None
    return workflow.session.checkpoint


@pytest.mark.parametrize("crashed", ["random weights", "the last model"], indirect=True)
def test_it_goes_on_with_the_labels_bands_and_settings_that_it_had(
    crashed: Workflow, opened: Workflow, qtbot: Any
) -> None:
    """Whatever is painted, set and switched since."""
    session, told, panel = opened.session, [], TrainPanel(opened.session, opened, Dialogs())
    qtbot.addWidget(panel)
    opened.told.connect(lambda _, text: told.append(text))
    offered = opened.kept.trainings.offered[0]
    assert offered.epoch in (2, 3)
    epochs = 16 if crashed.session.checkpoint is None else 4
    assert offered.told == f"compact network, seed 7, epoch {offered.epoch} of {epochs}"
    assert panel.kept.choice.currentText() == offered.short and not panel.kept.isHidden()
    session.set_labels(LabelMap(crashed.session.labels, crashed.session.classes))
    painted = session.labels
    painted[:, :3] = 9
    session.labels_painted()
    panel.kept.restore.click()
    assert panel.kept.isHidden() and opened.kept.trainings.offered == []
    found = trained(opened, qtbot)
    assert panel.seed.value() == 7 and session.training.config == OTHERS.config
    assert f"The training was taken up in epoch {offered.epoch}, kept from before." in told
    assert [event.epoch for event in session.history] == list(range(1, epochs + 1))
    assert session.labels is painted and session.learned.behind
    assert opened.kept.trainings.offered == []  # it ended

    crashed.pause("train", False)
    whole = trained(crashed, qtbot)
    assert not crashed.session.learned.behind
    for name, value in whole.weights.items():
        assert torch.equal(value, found.weights[name]), name
    assert found.band_indices.tolist() == session.cube.good_indices.tolist() == [0, 1, 4, 5]
    assert found.record.split == whole.record.split and found.classes == whole.classes


def test_restore_all_goes_on_with_it(
    crashed: Workflow, cube: Cube, program: Callable[[Cube], Workflow], qtbot: Any
) -> None:
    workflow = program(cube)
    workflow.training.then_map = False
    offers, told = [], []
    workflow.kept.offered.connect(offers.append)
    workflow.told.connect(lambda _, text: told.append(text))
    workflow.session.open_cube(replace(cube, fingerprint="another"))
    assert workflow.kept.trainings.offered == [] and offers == []
    workflow.session.open_cube(cube)
    offered = workflow.kept.trainings.offered[0]
    assert offers[0].startswith(KEPT.partition("{}")[0])
    assert offers[0].endswith(f"a training in Train ({offered.short}).")
    workflow.kept.restore_latest()
    trained(workflow, qtbot)
    assert workflow.session.classes == crashed.session.classes  # nothing was painted
    assert not workflow.session.learned.behind
    assert told == [f"The training was taken up in epoch {offered.epoch}, kept from before."]


def test_one_that_is_cancelled_is_offered_again(opened: Workflow) -> None:
    opened.kept.trainings.restore(opened.kept.trainings.offered[0])
    assert opened.kept.trainings.offered == []
    opened.cancel("train")
    assert opened.kept.trainings.offered


def test_what_cannot_go_on_is_told(
    opened: Workflow, cube: Cube, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its device is gone; then its file is."""
    errors: list[str] = []
    opened.told.connect(lambda level, text: errors.append(text) if level == "error" else None)
    session, [offered] = opened.session, opened.kept.trainings.offered
    settings, bands = session.training, session.cube.good_bands
    with monkeypatch.context() as patch:
        patch.setattr(unfinished_trainings, "choose_device", lambda device: "another")
        opened.kept.trainings.restore(offered)
        qtbot.waitUntil(lambda: opened.job("train") is None)
    assert errors == [NOT_THE_SAME] and opened.kept.trainings.offered == [offered]
    offered.path.unlink()
    opened.kept.trainings.restore(offered)
    assert opened.job("train") is None and str(offered.path) in errors[-1]
    assert opened.kept.trainings.offered == [] and session.checkpoint is None
    assert session.training is settings and session.cube.good_bands is bands
    assert session.classes == ClassTable()


def test_a_file_that_goes_before_it_is_read_is_told(
    opened: Workflow, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    errors: list[str] = []
    opened.told.connect(lambda level, text: errors.append(text) if level == "error" else None)
    [offered] = opened.kept.trainings.offered
    read = training_runs.read_start

    def remove(kept: KeptTraining) -> Checkpoint | None:
        kept.path.unlink()
        return read(kept)

    monkeypatch.setattr(training_runs, "read_start", remove)
    opened.kept.trainings.restore(offered)
    qtbot.waitUntil(lambda: opened.job("train") is None)
    assert errors == [NOT_THE_SAME]


def test_classes_that_were_renamed_keep_their_new_names(
    crashed: Workflow, opened: Workflow, qtbot: Any
) -> None:
    """While most of their labels stand; another class with an old id is told."""
    session, told = opened.session, []
    opened.told.connect(lambda _, text: told.append(text))
    session.set_labels(LabelMap(crashed.session.labels, crashed.session.classes))
    session.rename_class(2, "Wheat")
    session.labels[session.labels == 5] = 2
    session.labels_painted()
    session.delete_class(5)
    session.take_class(LandClass(5, "Barley", "#123456"))
    opened.kept.trainings.restore(opened.kept.trainings.offered[0])
    assert session.add_class("Rye") == 12
    found = trained(opened, qtbot)
    assert found.classes.names == ("Wheat", "Class 5", "Class 9")
    assert told[-1] == OTHER_CLASSES.format("5 (Class 5, there Barley)")


def test_a_new_class_has_no_id_that_is_being_trained(opened: Workflow, qtbot: Any) -> None:
    opened.kept.trainings.restore(opened.kept.trainings.offered[0])
    assert opened.session.labels.max() == 0 and opened.session.add_class("Rye") == 12


def test_where_a_map_was_begun_later_nothing_is_offered(
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


def test_a_map_that_changes_later_hides_none(
    started: Callable[[], Workflow], tiny_checkpoint: Checkpoint, qtbot: Any
) -> None:
    """One of before the training is outdated, or continued."""
    workflow = started()
    session = workflow.session
    session.set_checkpoint(tiny_checkpoint)
    workflow.mapping.map_scene()
    qtbot.waitUntil(lambda: session.map is not None and session.map.complete)
    workflow.kept.flush()
    begin_training(workflow, qtbot)
    session.labels_painted()
    workflow.kept.flush()
    after = started()
    [offered], [kept_map] = after.kept.trainings.offered, after.kept.maps.offered
    assert kept_map.header.outdated and kept_map.changed > offered.changed
