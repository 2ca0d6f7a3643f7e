"""A training of the window that a crash cut short goes on with the same labels and settings."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import torch

from napari_ssamamba.project import unfinished_trainings
from napari_ssamamba.session import TrainingSettings
from napari_ssamamba.training.config import TrainingConfig

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import TinyJob

    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.gui.workflow import Workflow

CONFIG = TrainingConfig(epochs=4, min_steps=16, max_steps=16, lessons=0, mixture="network")


@pytest.fixture
def started(
    program: Callable[[Cube], Workflow], tiny_job: TinyJob, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], Workflow]:
    """Start the program anew, with the same labels and settings."""
    monkeypatch.setattr(unfinished_trainings, "SECONDS_TO_KEEP", 0.0)

    def begin() -> Workflow:
        workflow = program(replace(tiny_job.cube, fingerprint="f"))
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
    qtbot.waitUntil(lambda: len(session.history) >= 2, timeout=20_000)
    session.events.history.disconnect(look)


def end_training(workflow: Workflow, qtbot: Any) -> list[str]:
    """Train to the end; return what was told."""
    told: list[str] = []
    workflow.told.connect(lambda _, text: told.append(text))
    workflow.training.train()
    qtbot.waitUntil(lambda: workflow.session.checkpoint is not None, timeout=20_000)
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
