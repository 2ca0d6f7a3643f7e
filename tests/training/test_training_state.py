"""A training that was cut short goes on to the same bits."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import torch

from napari_ssamamba.data.split import random_split
from napari_ssamamba.events import Notice, result_of
from napari_ssamamba.training.config import TrainingConfig
from napari_ssamamba.training.events import (
    EpochDone,
    StateRefused,
    StateSoFar,
    StepDone,
    TrainingStarted,
)
from napari_ssamamba.training.trainer import train

if TYPE_CHECKING:
    from napari_ssamamba.training.state import TrainingState

LABELS_ALONE = TrainingConfig(
    epochs=3, min_steps=12, max_steps=12, batch_size=8, lessons=0, mixture="network"
)
PUBLISHED = replace(
    LABELS_ALONE, protocol="paper", augmentation=False, settle_norms=False, choose_from=1
)
TAUGHT = replace(LABELS_ALONE, mixture="mixed", lessons=40, follow_scene=False)


def run(
    job: Any, config: TrainingConfig, state: TrainingState | None = None, **changes: Any
) -> tuple[list[Any], Any]:
    """Train to the end: the events and the checkpoint."""
    arguments: dict[str, Any] = {
        "cube": job.cube, "split": random_split(job.reference, 12, 0.25, seed=0),
        "classes": job.reference.classes, "model": job.model, "config": config, "device": "cpu",
        "state": state,
    }  # fmt: skip
    events: list[Any] = []
    return events, result_of(train(**(arguments | changes)), events.append)


def states_of(events: list[Any]) -> list[TrainingState]:
    return [event.state for event in events if isinstance(event, StateSoFar)]


def notices(events: list[Any]) -> list[str]:
    return [event.text for event in events if isinstance(event, Notice)]


def assert_same(one: Any, other: Any) -> None:
    assert one.weights.keys() == other.weights.keys()
    for name, value in one.weights.items():
        assert torch.equal(value, other.weights[name]), name
    assert one.record.mixture == other.record.mixture
    assert one.record.history == other.record.history
    assert one.record.validation_oa == other.record.validation_oa


@pytest.mark.parametrize(
    "config",
    [
        pytest.param(LABELS_ALONE, id="labels alone, last weights"),
        pytest.param(replace(LABELS_ALONE, choose_from=1), id="best weights"),
        pytest.param(replace(LABELS_ALONE, sampling="balanced"), id="balanced"),
        pytest.param(PUBLISHED, id="published recipe"),
        pytest.param(TAUGHT, id="taught"),
    ],
)
def test_it_goes_on_from_any_step_to_the_same_bits(tiny_job: Any, config: TrainingConfig) -> None:
    _, plain = run(tiny_job, config)
    events, whole = run(tiny_job, config, states_every=0.0)
    assert_same(plain, whole)
    states = states_of(events)
    assert len(states) == 12
    told = [event for event in events if isinstance(event, EpochDone)]
    for number in (0, 2, 3, 4, 9, 11):  # 3 and 11 are the last of their epochs
        state = states[number]
        assert (state.epoch, len(state.losses)) == (1 + number // 4, 1 + number % 4)
        events, rest = run(tiny_job, config, state)
        assert_same(whole, rest)
        steps = [event for event in events if isinstance(event, StepDone)]
        assert [event.done for event in steps] == list(range(number + 2, 13))
        assert {event.total for event in steps} <= {12}
        again = [event for event in events if isinstance(event, EpochDone)]
        assert [(e.epoch, e.loss, e.best) for e in again] == [
            (e.epoch, e.loss, e.best) for e in told
        ]
        assert notices(events) == [
            f"The training was taken up in epoch {state.epoch}, kept from before."
        ]


def test_it_ends_where_no_better_epoch_was_expected(tiny_job: Any) -> None:
    config = replace(LABELS_ALONE, epochs=9, min_steps=36, max_steps=36, choose_from=1, patience=1)
    events, whole = run(tiny_job, config, states_every=0.0)
    assert 2 < whole.record.epochs < 9
    for state in states_of(events)[::5]:
        _, rest = run(tiny_job, config, state)
        assert_same(whole, rest)


def test_a_training_from_a_model_goes_on(tiny_job: Any, tiny_checkpoint: Any) -> None:
    changes = {"model": tiny_checkpoint.model, "start_from": tiny_checkpoint}
    config = replace(LABELS_ALONE, restart_steps=1.0, mixture="mixed")
    events, whole = run(tiny_job, config, states_every=0.0, **changes)
    _, rest = run(tiny_job, config, states_of(events)[6], **changes)
    assert_same(whole, rest)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("config", [PUBLISHED, TAUGHT])
def test_it_goes_on_on_a_gpu(tiny_job: Any, config: TrainingConfig) -> None:
    config = replace(config, epochs=6, min_steps=24, max_steps=24, precision="float32")
    events, whole = run(tiny_job, config, device="cuda", states_every=0.0)
    for state in states_of(events)[::5]:
        events, rest = run(tiny_job, config, state, device="cuda")
        assert notices(events) == [
            f"The training was taken up in epoch {state.epoch}, kept from before."
        ]
        for name, value in whole.weights.items():
            torch.testing.assert_close(rest.weights[name], value, atol=1e-2, rtol=1e-2)


def test_its_time_and_memory_are_what_they_were(tiny_job: Any) -> None:
    events, _ = run(tiny_job, LABELS_ALONE, states_every=0.0)
    state = states_of(events)[7]
    events, rest = run(tiny_job, LABELS_ALONE, replace(state, seconds=5000.0, at_once=(5, 7)))
    assert 5000 < rest.record.seconds < 5100
    events, _ = run(
        tiny_job, LABELS_ALONE, replace(state, seconds=5000.0, at_once=(5, 7)), states_every=0.0
    )
    again = states_of(events)[0]
    assert again.at_once == (5, 7) and again.seconds > 5000


def test_states_come_as_often_as_asked_for(tiny_job: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    events, _ = run(tiny_job, LABELS_ALONE)
    assert states_of(events) == []
    clock = iter(range(100, 10_000, 10))
    monkeypatch.setattr("napari_ssamamba.training.epochs.time.monotonic", lambda: next(clock))
    events, _ = run(tiny_job, LABELS_ALONE, states_every=30.0)  # a step takes 10 seconds
    assert [len(s.losses) + 4 * len(s.history) for s in states_of(events)] == [3, 6, 9, 12]


def damaged(state: TrainingState, name: str, value: torch.Tensor | None) -> TrainingState:
    tensors = {key: kept for key, kept in state.tensors.items() if key != name}
    return replace(state, tensors=tensors if value is None else tensors | {name: value})


CHOSEN = replace(TAUGHT, choose_from=1)


@pytest.fixture(scope="module")
def chosen(tiny_job: Any) -> tuple[TrainingState, Any]:
    """A state on the way of a training, and what it ends with."""
    events, whole = run(tiny_job, CHOSEN, states_every=0.0)
    return states_of(events)[6], whole


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda s: damaged(s, "network/head.weight", None), "missing or unknown"),
        (lambda s: damaged(s, "kept/head.weight", None), "missing or unknown"),
        (lambda s: damaged(s, "draws/batches", None), "missing or unknown"),
        (lambda s: damaged(s, "network/head.weight", torch.zeros(2, 2)), "of shape (2, 2)"),
        (lambda s: damaged(s, "kept/head.weight", torch.zeros(2, 2)), "of shape (2, 2)"),
        (lambda s: damaged(s, "draws/batches", torch.zeros(5, dtype=torch.uint8)), "(5,)"),
        (lambda s: damaged(s, "optimiser/0/exp_avg", torch.zeros(7)), "of shape (7,)"),
        (lambda s: damaged(s, "optimiser/999/exp_avg", torch.zeros(7)), "no optimiser/999"),
        (lambda s: damaged(s, "optimiser/one/exp_avg", torch.zeros(7)), "no optimiser/one"),
        (lambda s: damaged(s, "axes", -s.tensors["axes"]), "components came out otherwise"),
        (lambda s: replace(s, history=3 * s.history), "more steps"),
        (lambda s: replace(s, losses=3 * s.losses), "more steps"),
    ],
)
def test_what_does_not_fit_is_told_and_left(
    tiny_job: Any, chosen: tuple[TrainingState, Any], change: Any, told: str
) -> None:
    state, whole = chosen
    events, other = run(tiny_job, CHOSEN, change(state))
    [notice] = notices(events)
    assert notice.startswith("What is kept of this training does not fit: ") and told in notice
    assert_same(whole, other)
    assert other.record.seconds < 100
    kinds = [type(event) for event in events]
    assert kinds.index(TrainingStarted) < kinds.index(StateRefused) < kinds.index(StepDone)
