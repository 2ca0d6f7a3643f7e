"""A training on the session's labels."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import pytest

from napari_ssamamba.data.labels import draw_training_pixels
from napari_ssamamba.session import Session, TrainingSettings, training_runs
from napari_ssamamba.training.config import TrainingConfig
from napari_ssamamba.training.events import TrainingStarted

if TYPE_CHECKING:
    from napari_ssamamba.data.split import Split


@pytest.mark.parametrize("preview", [False, True])
def test_nothing_as_large_as_the_scene_is_held_while_it_trains(
    preview: bool, tiny_job: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[weakref.ref[Any]] = []
    hold_out = training_runs.hold_out_validation

    def watched(*given: Any) -> Split:
        made = hold_out(*given)
        held.extend(map(weakref.ref, (made.ids, made.train, made.validation, made.test)))
        return made

    monkeypatch.setattr(training_runs, "hold_out_validation", watched)
    session = Session()
    session.open_cube(tiny_job.cube)
    session.set_reference(tiny_job.reference)
    for land_class in tuple(tiny_job.reference.classes)[:3]:
        session.take_class(land_class)
    session.labels[...] = draw_training_pixels(tiny_job.reference, 10, 0)
    session.labels_painted()
    config = TrainingConfig(min_steps=4, max_steps=4, lessons=0)
    session.set_training(TrainingSettings(config=config, device="cpu", preview=preview))
    run = session.training_runs.begin()
    while not isinstance(next(run), TrainingStarted):
        pass
    assert len(held) == 4 and not any(array() is not None for array in held)
    run.close()
