"""Training tells how far it is, can be cancelled, and can be repeated bit for bit."""

from __future__ import annotations

import gc
import math
import threading
import time
import weakref
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from napari_ssamamba.data.split import Split, random_split
from napari_ssamamba.errors import (
    LabelsError,
    SettingError,
    TrainingDivergedError,
)
from napari_ssamamba.events import Notice, result_of
from napari_ssamamba.model.config import preset
from napari_ssamamba.model.network import SSAMamba, build_network
from napari_ssamamba.training.config import TrainingConfig, protocol
from napari_ssamamba.training.events import EpochDone, StepDone, TrainingStarted
from napari_ssamamba.training.learner import Learner
from napari_ssamamba.training.optimisation import class_weights, draw_batches
from napari_ssamamba.training.trainer import train

SHORT = TrainingConfig(epochs=2, min_steps=6, max_steps=6, batch_size=8, lessons=0)


def run(job: Any, config: TrainingConfig = SHORT, **changes: Any) -> tuple[list[Any], Any]:
    """Train to the end: the events and the checkpoint."""
    split = changes.pop("split", None) or random_split(job.reference, 12, 0.25, seed=0)
    arguments: dict[str, Any] = {
        "cube": job.cube, "split": split, "classes": job.reference.classes, "model": job.model,
        "config": config, "device": "cpu",
    }  # fmt: skip
    generator = train(**(arguments | changes))
    events: list[Any] = []
    return events, result_of(generator, events.append)


def test_events_lead_from_start_to_end(tiny_job: Any) -> None:
    events, checkpoint = run(tiny_job)
    [started] = [e for e in events if isinstance(e, TrainingStarted)]
    assert started.classes.ids == (2, 5, 9)  # class 11 has no pixel
    assert (started.n_train, started.n_validation, started.epochs) == (27, 9, 2)
    assert started.parameters == sum(
        w.numel() for n, w in checkpoint.weights.items() if "running" not in n and "num_b" not in n
    )
    steps = [e for e in events if isinstance(e, StepDone)]
    assert [e.done for e in steps] == [1, 2, 3, 4, 5, 6]
    assert {e.total for e in steps} == {6}
    assert all(e.seconds_left is not None and e.seconds_left >= 0 for e in steps)
    assert steps[-1].seconds_left == 0
    epochs = [e for e in events if isinstance(e, EpochDone)]
    assert [e.epoch for e in epochs] == [1, 2]
    assert all(0 <= e.validation_accuracy <= 100 for e in epochs)
    assert epochs[0].loss == pytest.approx(np.mean([e.loss for e in steps[:3]]))
    fields = ("epoch", "loss", "validation_loss", "validation_accuracy")
    told = [tuple(getattr(e, name) for name in fields) for e in epochs]
    assert [tuple(getattr(e, name) for name in fields) for e in checkpoint.record.history] == told


@pytest.mark.parametrize(("device", "times"), [("auto", 1), ("cpu", 0)])
def test_a_gpu_left_out_is_told_unless_the_cpu_was_chosen(
    tiny_job: Any, device: str, times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("napari_ssamamba.training.trainer.gpu_left_out", lambda: "It stands idle.")
    events, _ = run(tiny_job, device=device)
    told = [event.text for event in events if isinstance(event, Notice)]
    assert told == times * ["It stands idle."]


def test_checkpoint_holds_what_prediction_needs(tiny_job: Any) -> None:
    split = random_split(tiny_job.reference, 12, 0.25, seed=0)
    _, checkpoint = run(tiny_job, split=split)
    assert checkpoint.classes.ids == (2, 5, 9)
    assert (checkpoint.model.bands, checkpoint.model.classes) == (5, 3)
    assert checkpoint.band_indices.tolist() == [0, 1, 3, 4, 5]
    assert checkpoint.wavelengths.tolist() == [450, 550, 750, 850, 950]
    assert split.train[tuple(checkpoint.training_pixels.T)].all()
    assert split.validation[tuple(checkpoint.validation_pixels.T)].all()
    record = checkpoint.record
    assert (record.n_train, record.n_validation, record.epochs) == (27, 9, 2)
    assert record.scene_shape == (24, 20, 6)
    assert "27 training pixels" in record.standardisation
    for value in checkpoint.weights.values():
        assert value.device.type == "cpu" and not value.requires_grad


def test_it_learns_what_is_easy(tiny_job: Any, tiny_checkpoint: Any) -> None:
    assert tiny_checkpoint.record.validation_oa == 100


def test_the_same_seed_gives_the_same_bits_whatever_else_draws_numbers(tiny_job: Any) -> None:
    config = replace(SHORT, seed=5)
    torch.manual_seed(1)
    _, first = run(tiny_job, config)
    torch.manual_seed(2)
    torch.rand(17)
    state = torch.get_rng_state()
    _, second = run(tiny_job, config)
    assert torch.equal(torch.get_rng_state(), state)
    for name, value in first.weights.items():
        assert torch.equal(value, second.weights[name]), name
    _, other = run(tiny_job, replace(SHORT, seed=6))
    assert not torch.equal(first.weights["head.weight"], other.weights["head.weight"])


def test_two_runs_in_turns_do_not_disturb_each_other(tiny_job: Any) -> None:
    _, alone = run(tiny_job)
    split = random_split(tiny_job.reference, 12, 0.25, seed=0)
    arguments = (tiny_job.cube, split, tiny_job.reference.classes, tiny_job.model)
    one, two = train(*arguments, SHORT, "cpu"), train(*arguments, replace(SHORT, seed=9), "cpu")
    beside = result_of(one, lambda _: next(two, None))
    for name, value in alone.weights.items():
        assert torch.equal(value, beside.weights[name]), name


def test_a_paused_run_goes_on_to_the_same_bits(tiny_job: Any) -> None:
    _, whole = run(tiny_job)
    split = random_split(tiny_job.reference, 12, 0.25, seed=0)
    arguments = (tiny_job.cube, split, tiny_job.reference.classes, tiny_job.model, SHORT, "cpu")
    events: list[Any] = []

    def pause(event: Any) -> None:
        events.append(event)
        if len(events) % 5 == 0:  # meanwhile others draw and compute
            torch.manual_seed(len(events))
            with torch.no_grad():
                torch.rand(100).sum()

    paused = result_of(train(*arguments), pause)
    assert len(events) > 20
    for name, value in whole.weights.items():
        assert torch.equal(value, paused.weights[name]), name


def test_a_cancelled_run_leaves_nothing(tiny_job: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    def build(*arguments: Any) -> SSAMamba:
        network = build_network(*arguments)
        made.append(weakref.ref(network))
        return network

    monkeypatch.setattr("napari_ssamamba.training.trainer.build_network", build)
    split = random_split(tiny_job.reference, 12, 0.25, seed=0)
    classes = tiny_job.reference.classes
    work = train(tiny_job.cube, split, classes, tiny_job.model, SHORT, "cpu")
    state, threads = torch.get_rng_state(), threading.active_count()
    for event in work:
        if isinstance(event, StepDone):
            break
    work.close()
    gc.collect()
    assert [ref() for ref in made] == [None]
    assert torch.equal(torch.get_rng_state(), state)
    assert threading.active_count() == threads


def test_balanced_batches_hold_each_class_as_often() -> None:
    targets = torch.tensor([0] * 90 + [1] * 9 + [2])
    drawn = draw_batches(100, 10, 300, torch.Generator().manual_seed(0), class_weights(targets))
    shares = targets[torch.cat(list(drawn))].bincount() / 3000
    torch.testing.assert_close(shares, torch.full((3,), 1 / 3), atol=0.03, rtol=0)


@pytest.mark.parametrize("change", [{"sampling": "balanced"}, {"precision": "bfloat16"}])
def test_other_ways_of_training_learn_what_is_easy(tiny_job: Any, change: dict[str, Any]) -> None:
    config = TrainingConfig(
        epochs=4, min_steps=24, max_steps=24, learning_rate=5e-3, lessons=0, **change
    )
    _, checkpoint = run(tiny_job, config)
    _, plain = run(tiny_job, replace(config, sampling="uniform", precision="auto"))
    assert checkpoint.record.validation_oa == 100
    assert not torch.equal(checkpoint.weights["head.weight"], plain.weights["head.weight"])
    assert {w.dtype for w in checkpoint.weights.values()} == {torch.float32, torch.int64}


def test_closing_cancels_at_once(tiny_job: Any) -> None:
    split = random_split(tiny_job.reference, 12, 0.25, seed=0)
    grad_mode, flags = torch.is_grad_enabled(), torch.backends.cudnn.deterministic
    for n_events in (1, 2, 5, 9):
        generator = train(
            tiny_job.cube, split, tiny_job.reference.classes, tiny_job.model, SHORT, "cpu"
        )
        for _ in range(n_events):
            next(generator)
        generator.close()
        assert next(generator, None) is None
    assert torch.is_grad_enabled() == grad_mode
    assert torch.backends.cudnn.deterministic == flags


def test_the_standard_preset_can_be_cancelled_on_a_cpu(tiny_job: Any) -> None:
    split = random_split(tiny_job.reference, 12, 0.0, seed=0)
    config = TrainingConfig(epochs=1, min_steps=2, max_steps=2, settle_norms=False, lessons=0)
    classes = tiny_job.reference.classes
    waits, last = [], time.monotonic()
    for event in train(tiny_job.cube, split, classes, "standard", config, "cpu"):
        waits.append(time.monotonic() - last)
        last = time.monotonic()
        if isinstance(event, StepDone) and event.done == 2:
            break
    assert max(waits[-2:]) < 2  # after the first step, which also loads PyTorch's optimisers


def test_no_validation_pixels_keep_the_last_weights(tiny_job: Any) -> None:
    events, checkpoint = run(tiny_job, split=random_split(tiny_job.reference, 12, 0.0, seed=0))
    epochs = [e for e in events if isinstance(e, EpochDone)]
    assert {(e.validation_accuracy, e.validation_loss, e.best) for e in epochs} == {
        (None, None, True)
    }
    assert checkpoint.record.validation_oa is None
    assert checkpoint.validation_pixels.shape == (0, 2)


def test_best_weights_are_kept_where_enough_pixels_choose(tiny_job: Any) -> None:
    config = replace(
        SHORT, epochs=6, min_steps=18, max_steps=18, learning_rate=0.02, choose_from=1, patience=2
    )
    events, checkpoint = run(tiny_job, config)
    epochs = [e for e in events if isinstance(e, EpochDone)]
    best = max(epochs, key=lambda e: (e.validation_accuracy, -e.validation_loss))
    assert checkpoint.record.validation_oa == best.validation_accuracy
    assert [e.epoch for e in epochs if e.best][-1] == best.epoch
    assert len(epochs) == min(6, best.epoch + 2)


def test_batch_norms_are_settled(tiny_job: Any) -> None:
    """Running averages of six steps would still lean on where they started, mean 0."""
    split = random_split(tiny_job.reference, 12, 0.0, seed=0)
    _, settled = run(tiny_job, split=split)
    _, running = run(tiny_job, replace(SHORT, settle_norms=False), split=split)
    name = "integration.norm_near.running_var"
    change = (settled.weights[name] - 1).abs().mean() / (running.weights[name] - 1).abs().mean()
    assert change > 1.2
    assert settled.weights["integration.norm_near.num_batches_tracked"] == 5  # of 8 at most


def test_paper_protocol_runs(tiny_job: Any) -> None:
    config = replace(protocol("paper"), epochs=2)
    events, checkpoint = run(tiny_job, config)
    assert checkpoint.record.protocol == "paper"
    assert "range of" in checkpoint.record.standardisation
    assert len([e for e in events if isinstance(e, StepDone)]) == 4


def test_labels_are_checked_before_anything_else(tiny_job: Any) -> None:
    ids = tiny_job.reference.ids
    nowhere = np.zeros(ids.shape, bool)
    one = ids == 5
    with pytest.raises(LabelsError, match="two or more"):
        run(tiny_job, split=Split(ids, one, ids == 9, nowhere, "5 only"))


def test_labels_without_a_measurement_are_left_out_and_told(tiny_job: Any) -> None:
    split = random_split(tiny_job.reference, 12, 0.25, seed=0)
    ids, train, validation = split.ids.copy(), split.train.copy(), split.validation.copy()
    ids[:2, 0], train[0, 0], validation[1, 0] = 2, True, True
    labelled = replace(split, ids=ids, train=train, validation=validation)
    events, checkpoint = run(tiny_job, split=labelled)
    [notice] = [e for e in events if isinstance(e, Notice)]
    assert notice.text.startswith("2 labelled pixels do not count")
    _, wanted = run(tiny_job, split=split)
    assert checkpoint.training_pixels.tolist() == wanted.training_pixels.tolist()
    assert checkpoint.validation_pixels.tolist() == wanted.validation_pixels.tolist()
    assert checkpoint.record.n_train == 27
    for name, weights in wanted.weights.items():
        assert torch.equal(checkpoint.weights[name], weights), name


def test_unknown_devices_are_refused(tiny_job: Any) -> None:
    with pytest.raises(SettingError, match="device"):
        run(tiny_job, device="abacus")


def test_divergence_says_what_to_do(tiny_job: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    forward = SSAMamba.forward
    monkeypatch.setattr(SSAMamba, "forward", lambda self, p: forward(self, p) * float("inf"))
    with pytest.raises(TrainingDivergedError, match="smaller learning_rate"):
        run(tiny_job)


def test_a_loss_that_is_looked_at_late_ends_the_training(
    tiny_job: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on an NVIDIA GPU, where a step does not wait for its loss."""

    def step(_: Learner, *__: torch.Tensor) -> Any:
        yield None
        return torch.tensor(math.nan)

    monkeypatch.setattr(Learner, "step", step)
    with pytest.raises(TrainingDivergedError, match="loss is nan"):
        run(tiny_job, replace(SHORT, mixture="network"))


def test_other_errors_are_not_taken_for_lack_of_memory(
    tiny_job: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forward(self: SSAMamba, patches: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("something else")

    monkeypatch.setattr(SSAMamba, "forward", forward)
    with pytest.raises(RuntimeError, match="something else"):
        run(tiny_job)


def test_the_cube_is_never_read_whole(tiny_job: Any) -> None:
    class Counting:
        shape, dtype = (4000, 4000, 4), np.dtype(np.float32)
        pixels = 0

        def __getitem__(self, key: Any) -> np.ndarray[Any, Any]:
            rows, columns, bands = (
                range(*k.indices(n)) for k, n in zip(key, self.shape, strict=True)
            )
            self.pixels += len(rows) * len(columns)
            block = np.ones((len(rows), len(columns), len(bands)), np.float32)
            return block * (np.asarray(rows) > 1000)[:, None, None]

    raw = Counting()
    ids = np.zeros((4000, 4000), np.uint16)
    ids[3:6, 7:9], ids[1990, 1500:1505] = 2, 5
    nowhere = np.zeros(ids.shape, bool)
    cube = replace(tiny_job.cube, raw=raw, wavelengths=None, good_bands=np.ones(4, bool))
    split = Split(ids, ids > 0, nowhere, nowhere, "painted")
    run(tiny_job, cube=cube, split=split)
    assert raw.pixels < 40_000  # of 16 million
    raw.pixels = 0
    run(tiny_job, replace(SHORT, lessons=6000), cube=cube, split=split)
    assert raw.pixels < 2_500_000  # however large the scene is; the expert is asked twice


def test_presets_are_fitted_to_the_scene(tiny_job: Any) -> None:
    _, checkpoint = run(
        tiny_job,
        TrainingConfig(epochs=1, min_steps=1, max_steps=1, follow_scene=False),
        model="compact",
    )
    assert checkpoint.model == preset("compact", 5, 3)
