"""While a training goes on, the view shows what its model makes of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_ssamamba.data.tiles import Window
from napari_ssamamba.prediction.mosaic import FINAL
from napari_ssamamba.prediction.order import Seen
from napari_ssamamba.session import TrainingSettings, preview
from napari_ssamamba.training.config import TrainingConfig

if TYPE_CHECKING:
    from conftest import TinyJob

    from napari_ssamamba.gui.workflow import Workflow
    from napari_ssamamba.training.config import Mixture

VIEW = Window(4, 20, 2, 18)

CONFIG = TrainingConfig(epochs=1000, min_steps=20_000, max_steps=20_000, lessons=40)


@pytest.fixture
def training(workflow: Workflow, tiny_job: TinyJob, monkeypatch: pytest.MonkeyPatch) -> Workflow:
    """All is set for a training that takes long."""
    monkeypatch.setattr(preview, "SECONDS_BETWEEN", 0.0)
    monkeypatch.setattr(preview, "LARGEST_SHARE", 1.0)
    workflow.session.set_reference(tiny_job.reference)
    workflow.session.draw_from_reference(10, 0)
    workflow.session.set_training(TrainingSettings(device="cpu", config=CONFIG))
    workflow.session.mapping.focus.seen = Seen(VIEW)
    return workflow


@pytest.mark.parametrize("members", ["mixed", "network"])
def test_the_view_is_mapped_while_it_trains(
    training: Workflow, tiny_job: TinyJob, qtbot: Any, members: Mixture
) -> None:
    session = training.session
    session.set_training(replace(session.training, members=members))
    training.training.train()

    def is_shown() -> bool:
        shown = session.map
        return shown is not None and bool((shown.level[VIEW.rows, VIEW.columns] == FINAL).all())

    qtbot.waitUntil(is_shown)
    shown: Any = session.map
    assert training.job("train") is not None and session.checkpoint is None
    assert shown.state() == "preview" and shown.members == members
    if members == "mixed":
        here = VIEW.rows, VIEW.columns
        assert np.mean(shown.ids[here] == tiny_job.reference.ids[here]) > 0.95
    training.cancel("train")
    qtbot.waitUntil(lambda: session.map is None)
