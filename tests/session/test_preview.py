"""A preview shows the network so far, costs little and changes nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from napari_ssamamba.data.split import random_split
from napari_ssamamba.data.tiles import Window
from napari_ssamamba.events import result_of
from napari_ssamamba.model.inference import form
from napari_ssamamba.prediction.order import Focus, Seen
from napari_ssamamba.session import Session, preview
from napari_ssamamba.session.preview import Preview, with_previews
from napari_ssamamba.training.config import TrainingConfig
from napari_ssamamba.training.events import EpochDone, ModelSoFar
from napari_ssamamba.training.trainer import train

VIEW = Window(4, 20, 2, 18)


def ended(run: Any) -> tuple[list[Any], Any]:
    """Return a generator's events and its result."""
    events: list[Any] = []
    return events, result_of(run, events.append)


def training(tiny_job: Any, *, snapshots: bool, epochs: int = 4) -> Any:
    split = random_split(tiny_job.reference, 12, 0.25, seed=0)
    config = TrainingConfig(epochs=epochs, min_steps=12, max_steps=12, mixture="network")
    classes = tiny_job.reference.classes
    return train(tiny_job.cube, split, classes, tiny_job.model, config, "cpu", snapshots=snapshots)


def test_weights_are_the_same_bit_for_bit_with_previews(tiny_job: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(preview, "SECONDS_BETWEEN", 0.0)
    monkeypatch.setattr(preview, "LARGEST_SHARE", 1.0)
    plain = result_of(training(tiny_job, snapshots=False))
    run = with_previews(training(tiny_job, snapshots=True), tiny_job.cube, Focus(Seen(VIEW)), "cpu")
    events, previewed = ended(run)
    shown = [e for e in events if isinstance(e, Preview)]
    assert len(shown) == 4
    assert not any(isinstance(e, ModelSoFar) for e in events)
    assert previewed.weights.keys() == plain.weights.keys()
    for name, value in plain.weights.items():
        assert torch.equal(previewed.weights[name], value), name
    tile = shown[-1].tiles[0]
    assert tile.new.any()
    assert min(tile.window.row1, VIEW.row1) > max(tile.window.row0, VIEW.row0)


def test_previews_compile_no_kernels(tiny_job: Any, tiny_checkpoint: Any, monkeypatch: Any) -> None:
    asked = []
    choose = form.choose_precision

    def noted(name: Any, *rest: Any) -> torch.dtype:
        asked.append(name)
        return choose(name, *rest)

    monkeypatch.setattr("napari_ssamamba.prediction.plan.choose_precision", noted)
    assert preview._look(tiny_checkpoint, tiny_job.cube, Focus(Seen(VIEW)), "cpu")
    assert asked == ["float32"]


def test_a_preview_waits_until_training_has_had_its_share(
    tiny_job: Any, tiny_checkpoint: Any, monkeypatch: Any
) -> None:
    clock = [0.0]
    monkeypatch.setattr("napari_ssamamba.session.preview.time.monotonic", lambda: clock[0])

    def look(*_: object) -> tuple[()]:
        clock[0] += 3.0
        return ()

    monkeypatch.setattr(preview, "_look", look)

    def epochs() -> Any:
        for _ in range(100):
            clock[0] += 1.0  # each takes a second
            yield ModelSoFar(checkpoint=tiny_checkpoint)
        return tiny_checkpoint

    run = with_previews(epochs(), tiny_job.cube, Focus(Seen(VIEW)), "cpu")
    seconds = [e.seconds for e in run if isinstance(e, Preview)]
    count = len(seconds)
    assert count > 3
    assert seconds == [3.0] * count
    assert 3.0 * count <= preview.LARGEST_SHARE * clock[0]


def test_the_map_before_comes_back_after_the_previews(
    tiny_job: Any, tiny_checkpoint: Any, tile_of: Any
) -> None:
    session = Session()
    session.open_cube(tiny_job.cube)
    session.set_checkpoint(tiny_checkpoint)
    session.mapping.run().close()
    session.mapping.add_tile(tile_of(Window(0, 24, 0, 20), 9))
    session.mapping.finish()
    before = session.map
    for _ in range(2):
        event = Preview(checkpoint=tiny_checkpoint, tiles=(tile_of(VIEW, 5),))
        for _ in session.mapping.preview_steps(event):
            pass
    assert session.map is not before
    assert session.map.state() == "preview"
    assert (session.map.ids[VIEW.rows, VIEW.columns] == 5).all()
    assert session.map.ids[0, 0] == 9
    session.labels_painted()
    session.mapping.end_preview()
    assert session.map is before
    assert session.map.state() == "outdated"
    assert (before.ids == 9).all()


def test_nothing_is_told_of_the_model_unless_asked(tiny_job: Any) -> None:
    events = list(training(tiny_job, snapshots=False, epochs=2))
    assert any(isinstance(e, EpochDone) for e in events)
    assert not any(isinstance(e, ModelSoFar) for e in events)
    assert np.isfinite([e.loss for e in events if isinstance(e, EpochDone)]).all()


def test_a_preview_is_dropped_where_a_mapping_begins_meanwhile(
    tiny_job: Any, tiny_checkpoint: Any, tile_of: Any
) -> None:
    session = Session()
    session.open_cube(tiny_job.cube)
    session.set_checkpoint(tiny_checkpoint)
    for steps_before in (1, 2):
        event = Preview(checkpoint=tiny_checkpoint, tiles=(tile_of(VIEW, 5), tile_of(VIEW, 6)))
        steps = session.mapping.preview_steps(event)
        for _ in range(steps_before):
            next(steps)
        session.mapping.run().close()
        mapping = session.map
        assert list(steps) == []
        assert session.map is mapping
        assert not mapping.preview
        session.mapping.keep_before()
        assert session.map is None
