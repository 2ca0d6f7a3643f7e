"""A preview shows the model so far, costs little and changes nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from napari_ssamamba.data.split import random_split
from napari_ssamamba.data.tiles import Window
from napari_ssamamba.events import Progress, result_of
from napari_ssamamba.model.inference import form
from napari_ssamamba.prediction.mosaic import FINAL
from napari_ssamamba.prediction.order import Focus, Seen
from napari_ssamamba.prediction.predictor import predict
from napari_ssamamba.session import Session, preview
from napari_ssamamba.session.preview import Preview, with_previews
from napari_ssamamba.training.config import TrainingConfig
from napari_ssamamba.training.events import (
    EpochDone,
    ExpertFitted,
    ModelSoFar,
    StepDone,
    TrainingStarted,
)
from napari_ssamamba.training.trainer import train

VIEW = Window(4, 20, 2, 18)


def ended(run: Any) -> tuple[list[Any], Any]:
    """Return a generator's events and its result."""
    events: list[Any] = []
    return events, result_of(run, events.append)


def training(tiny_job: Any, *, snapshots: bool, epochs: int = 4, **settings: Any) -> Any:
    split = random_split(tiny_job.reference, 12, 0.25, seed=0)
    settings = ALONE | settings
    config = TrainingConfig(epochs=epochs, min_steps=12, max_steps=12, **settings)
    classes = tiny_job.reference.classes
    return train(tiny_job.cube, split, classes, tiny_job.model, config, "cpu", snapshots=snapshots)


ALONE = {"mixture": "network", "lessons": 0}
TAUGHT = {"mixture": "mixed", "lessons": 40}


@pytest.fixture
def at_any_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preview, "SECONDS_BETWEEN", 0.0)
    monkeypatch.setattr(preview, "LARGEST_SHARE", 1.0)


@pytest.mark.usefixtures("at_any_time")
@pytest.mark.parametrize(
    ("settings", "members", "models"),
    [(ALONE, "network", 4), (ALONE, "mixed", 4), (TAUGHT, "network", 4), (TAUGHT, "mixed", 1)],
)
def test_weights_are_the_same_bit_for_bit_with_previews(
    tiny_job: Any, settings: Any, members: Any, models: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the network after each epoch, or by the expert."""
    closed = []
    monkeypatch.setattr(preview._Look, "close", lambda look: closed.append(look.checkpoint))
    plain = result_of(training(tiny_job, snapshots=False, **settings))
    run = training(tiny_job, snapshots=True, **settings)
    events, previewed = ended(with_previews(run, tiny_job.cube, Focus(Seen(VIEW)), "cpu", members))
    shown = [e for e in events if isinstance(e, Preview)]
    assert len({id(e.checkpoint) for e in shown}) == len(closed) == models
    assert not any(isinstance(e, ModelSoFar | ExpertFitted) for e in events)
    assert previewed.weights.keys() == plain.weights.keys()
    for name, value in plain.weights.items():
        assert torch.equal(previewed.weights[name], value), name
    assert previewed.record.mixture == plain.record.mixture
    tile = shown[-1].tiles[0]
    assert tile.new.any()
    assert min(tile.window.row1, VIEW.row1) > max(tile.window.row0, VIEW.row0)


@pytest.mark.usefixtures("at_any_time")
def test_the_expert_shows_all_of_the_view_once_before_the_network_learns(tiny_job: Any) -> None:
    run = training(tiny_job, snapshots=True, **TAUGHT)
    focus = Focus(Seen(VIEW))
    known = np.zeros(tiny_job.reference.ids.shape, bool)
    kinds = []
    for event in with_previews(run, tiny_job.cube, focus, "cpu", "mixed"):
        kinds.append(type(event))
        if isinstance(event, Preview):
            for tile in event.tiles:
                assert not known[tile.lattice][tile.new].any()  # each pixel comes once
                known[tile.lattice] |= tile.new
                right = tile.ids == tiny_job.reference.ids[tile.lattice]
                assert right[tile.new].mean() > 0.8  # a corner has no measurement
    assert kinds.count(Preview) == 1
    assert kinds.index(Preview) < kinds.index(TrainingStarted) < kinds.index(StepDone)
    assert known[VIEW.rows, VIEW.columns].all()


@pytest.mark.usefixtures("at_any_time")
def test_the_expert_follows_the_view(tiny_job: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("napari_ssamamba.prediction.predictor.automatic_tile_size", lambda *_: 4)
    focus, views = Focus(), (Window(0, 4, 0, 4), Window(16, 20, 12, 16))
    run = training(tiny_job, snapshots=True, **TAUGHT)
    came: dict[int, list[Window]] = {}
    steps, last = 0, Progress()
    for event in with_previews(run, tiny_job.cube, focus, "cpu", "mixed"):
        if isinstance(event, StepDone):
            steps += 1
            if steps == 10:
                focus.seen = None  # the scene is out of sight
        elif isinstance(event, Preview):
            assert isinstance(last, StepDone)  # within a step it would hold more memory
            came.setdefault(steps, []).extend(tile.window for tile in event.tiles)
        elif steps in (4, 7):  # within the next step
            focus.seen = Seen(views[steps // 7])
        last = event
    assert list(came) == [5, 8]
    assert [windows[0] for windows in came.values()] == list(views)
    assert all(len(windows) == 2 for windows in came.values())  # the next one lies beyond


def test_previews_compile_no_kernels(tiny_job: Any, tiny_checkpoint: Any, monkeypatch: Any) -> None:
    asked = []
    choose = form.choose_precision

    def noted(name: Any, *rest: Any) -> torch.dtype:
        asked.append(name)
        return choose(name, *rest)

    monkeypatch.setattr("napari_ssamamba.prediction.plan.choose_precision", noted)
    look = preview._Look(tiny_checkpoint, tiny_job.cube, Focus(Seen(VIEW)), "cpu", "network")
    assert look.further()
    assert asked == ["float32"]


def test_a_preview_by_an_expert_does_not_look_around(tiny_job: Any, tiny_checkpoint: Any) -> None:
    asked = replace(tiny_checkpoint.expert, support=5.0)
    model = replace(tiny_checkpoint, expert=asked)
    look = preview._Look(model, tiny_job.cube, Focus(Seen(VIEW)), "cpu", "expert")
    [tile] = (tile for tile in look.further() if tile.window.row0 <= VIEW.row0)
    plain = replace(tiny_checkpoint, expert=replace(asked, support=0.0))
    wanted = result_of(predict(tiny_job.cube, plain, device="cpu", members="expert"))
    np.testing.assert_allclose(
        tile.confidence[tile.new], wanted.confidence[tile.lattice][tile.new], atol=1e-6
    )
    assert look.checkpoint is model


def test_a_preview_waits_until_training_has_had_its_share(
    tiny_job: Any, tiny_checkpoint: Any, tile_of: Any, monkeypatch: Any
) -> None:
    clock = [0.0]
    monkeypatch.setattr("napari_ssamamba.session.preview.time.monotonic", lambda: clock[0])

    def look(_: object) -> list[Any]:
        clock[0] += 3.0
        return [tile_of(VIEW, 5)]

    monkeypatch.setattr(preview._Look, "further", look)

    def epochs() -> Any:
        for _ in range(100):
            clock[0] += 1.0  # each takes a second
            yield ModelSoFar(checkpoint=tiny_checkpoint)
        return tiny_checkpoint

    run = with_previews(epochs(), tiny_job.cube, Focus(Seen(VIEW)), "cpu", "mixed")
    seconds = [e.seconds for e in run if isinstance(e, Preview)]
    count = len(seconds)
    assert count > 3
    assert seconds == [3.0] * count
    assert 3.0 * count <= preview.LARGEST_SHARE * clock[0]


def test_previews_leave_the_training_some_seconds(
    tiny_checkpoint: Any, tiny_job: Any, tile_of: Any, monkeypatch: Any
) -> None:
    clock = [0.0]
    monkeypatch.setattr("napari_ssamamba.session.preview.time.monotonic", lambda: clock[0])
    monkeypatch.setattr(preview, "LARGEST_SHARE", 1.0)
    monkeypatch.setattr(preview._Look, "further", lambda _: [tile_of(VIEW, 5)])

    def epochs() -> Any:
        for _ in range(10):
            clock[0] += 1.0
            yield ModelSoFar(checkpoint=tiny_checkpoint)
        return tiny_checkpoint

    run = with_previews(epochs(), tiny_job.cube, Focus(Seen(VIEW)), "cpu", "mixed")
    assert [clock[0] for e in run if isinstance(e, Preview)] == [1.0, 4.0, 7.0, 10.0]


def test_previews_by_one_model_add_to_each_other(
    tiny_job: Any, tiny_checkpoint: Any, tile_of: Any
) -> None:
    """Also where the window had no time for all of the one before."""
    session = Session()
    session.open_cube(tiny_job.cube)
    windows = [Window(row, row + 4, 4, 8) for row in (0, 4, 8, 12)]
    shown: list[Window] = []
    session.events.map_tile.connect(shown.append)

    def show(checkpoint: Any, *places: Window, most: int = 99) -> None:
        tiles = [tile_of(place, 5) for place in places]
        event = Preview(checkpoint=checkpoint, tiles=tiles)
        for _ in zip(range(most), session.mapping.preview_steps(event), strict=False):
            pass

    def known() -> list[Window]:
        level = session.map.level
        return [one for one in windows if (level[one.rows, one.columns] == FINAL).all()]

    show(tiny_checkpoint, *windows[:3], most=3)
    assert len(known()) == 1 and shown == []
    show(tiny_checkpoint, windows[3])
    assert known() == windows and shown == windows
    other = replace(tiny_checkpoint)
    show(other, windows[1])
    assert known() == [windows[1]] and shown == [*windows, windows[1]]


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
        event = Preview(checkpoint=replace(tiny_checkpoint), tiles=(tile_of(VIEW, 5),))
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


@pytest.mark.parametrize("settings", [ALONE, TAUGHT])
def test_nothing_is_told_of_the_model_unless_asked(tiny_job: Any, settings: Any) -> None:
    events = list(training(tiny_job, snapshots=False, epochs=2, **settings))
    assert any(isinstance(e, EpochDone) for e in events)
    assert not any(isinstance(e, ModelSoFar | ExpertFitted) for e in events)
    assert np.isfinite([e.loss for e in events if isinstance(e, EpochDone)]).all()


def test_a_preview_is_dropped_where_a_mapping_begins_meanwhile(
    tiny_job: Any, tiny_checkpoint: Any, tile_of: Any
) -> None:
    session = Session()
    session.open_cube(tiny_job.cube)
    session.set_checkpoint(tiny_checkpoint)
    for steps_before in (1, 2):
        event = Preview(
            checkpoint=replace(tiny_checkpoint), tiles=(tile_of(VIEW, 5), tile_of(VIEW, 6))
        )
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
