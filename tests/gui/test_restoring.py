"""What is brought back never meets what is made meanwhile."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from napari_ssamamba.events import Progress
from napari_ssamamba.gui.kept_map_jobs import RESTORE
from napari_ssamamba.gui.mapping_jobs import MAP
from napari_ssamamba.gui.training_jobs import TRAIN
from napari_ssamamba.project.map_folder import MapFolder
from napari_ssamamba.session import TrainingSettings
from napari_ssamamba.training.config import TrainingConfig

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from conftest import TinyJob

    from napari_ssamamba.checkpoint import Checkpoint
    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.gui.workflow import Workflow
    from napari_ssamamba.session import ShownMap


@pytest.fixture
def cube(tiny_job: TinyJob) -> Cube:
    """A scene of several tiles."""
    return replace(tiny_job.cube, raw=np.tile(tiny_job.cube.raw, (4, 4, 1)), fingerprint="wide")


@pytest.fixture
def restoring(
    qtbot: Any,
    program: Callable[[Cube], Workflow],
    cube: Cube,
    tiny_checkpoint: Checkpoint,
    monkeypatch: pytest.MonkeyPatch,
) -> Workflow:
    """A program that reads a whole map which an earlier one left, and is held before the end."""
    earlier = program(cube)
    earlier.session.set_checkpoint(tiny_checkpoint)
    earlier.mapping.map_scene()
    qtbot.waitUntil(lambda: earlier.job(MAP) is None)
    assert earlier.shut_down()
    workflow, read, told = program(cube), MapFolder.read, []

    def held(self: MapFolder, mosaic: ShownMap) -> Generator[Progress, None, None]:
        yield from read(self, mosaic)
        while workflow.job(RESTORE) is not None:
            told.append("read")
            time.sleep(0.01)
            yield Progress()

    monkeypatch.setattr(MapFolder, "read", held)
    [offered] = workflow.kept.maps.offered
    workflow.kept.maps.restore(offered)
    qtbot.waitUntil(lambda: len(told) > 0)
    monkeypatch.setattr(MapFolder, "read", read)
    return workflow


def test_a_map_that_is_begun_meanwhile_gives_the_restored_one_up(
    qtbot: Any, restoring: Workflow, tiny_checkpoint: Checkpoint
) -> None:
    [offered] = restoring.kept.maps.offered
    other = replace(tiny_checkpoint)
    restoring.session.set_checkpoint(other)
    restoring.mapping.map_scene()
    assert restoring.job(RESTORE) is None
    assert restoring.kept.maps.used == set()
    qtbot.waitUntil(lambda: restoring.job(MAP) is None)
    shown = restoring.session.map
    assert shown is not None and shown.complete and shown.checkpoint is other
    assert offered.path in [kept.path for kept in restoring.kept.maps.offered]


def test_a_model_that_is_trained_meanwhile_stays(
    qtbot: Any, restoring: Workflow, tiny_job: TinyJob
) -> None:
    session = restoring.session
    few = np.zeros((96, 80), np.uint16)
    few[:24, 8:11] = tiny_job.reference.ids[:, 8:11]
    session.set_labels(replace(tiny_job.reference, ids=few))
    restoring.training.then_map = False
    config = TrainingConfig(epochs=1, min_steps=1, max_steps=2, lessons=0)
    session.set_training(TrainingSettings(device="cpu", config=config))
    restoring.training.train()
    qtbot.waitUntil(lambda: restoring.job(TRAIN) is None)
    assert session.checkpoint is not None and restoring.job(RESTORE) is None
    assert session.map is None
