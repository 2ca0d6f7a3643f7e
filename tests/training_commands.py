"""A command that trains, cut short or to its end."""

from __future__ import annotations

from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
import torch

from napari_ssamamba.data.split import random_split
from napari_ssamamba.events import Notice, result_of
from napari_ssamamba.project.unfinished_trainings import UnfinishedTraining
from napari_ssamamba.training.config import TrainingConfig
from napari_ssamamba.training.events import StepDone
from napari_ssamamba.training.trainer import train

if TYPE_CHECKING:
    from pathlib import Path

    from napari_ssamamba.checkpoint import Checkpoint

CONFIG = TrainingConfig(
    epochs=3, min_steps=12, max_steps=12, batch_size=8, lessons=0, mixture="network", choose_from=1
)


class Command:
    """A command that trains, until so many steps were taken or to its end."""

    def __init__(self, job: Any, root: Path) -> None:
        self.root = root
        self.given: dict[str, Any] = {
            "cube": job.cube, "split": random_split(job.reference, 12, 0.25, seed=0),
            "classes": job.reference.classes, "model": job.model, "config": CONFIG,
            "device": "cpu", "start_from": None,
        }  # fmt: skip
        self.events: list[Any] = []

    def unfinished(self) -> UnfinishedTraining:
        return UnfinishedTraining(**self.given, root=self.root)

    def cut_short(self, steps: int) -> str:
        """Take so many steps and be interrupted; return what is kept then."""
        with pytest.raises(KeyboardInterrupt), self.unfinished() as unfinished:
            came = 0
            with closing(unfinished.run(partial(train, **self.given))) as work:
                for event in work:
                    if came == steps:  # it is written before the next event
                        raise KeyboardInterrupt
                    came += isinstance(event, StepDone)
        return unfinished.told

    def finish(self) -> Checkpoint:
        self.events.clear()
        with self.unfinished() as unfinished:
            return result_of(unfinished.run(partial(train, **self.given)), take=self.events.append)

    @property
    def told(self) -> str:
        return " ".join(event.text for event in self.events if isinstance(event, Notice))

    @property
    def kept(self) -> list[Path]:
        return sorted(self.root.rglob("*.safetensors"))

    @property
    def first_step(self) -> float:
        return float(next(event.done for event in self.events if isinstance(event, StepDone)))


def assert_same(found: Checkpoint, wanted: Checkpoint) -> None:
    for name, value in wanted.weights.items():
        assert torch.equal(value, found.weights[name]), name
    assert found.record.history == wanted.record.history
