"""The pieces of a training: what a step, a validation and a settling of norms leave behind."""

from __future__ import annotations

import math
import weakref
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.utils import parameters_to_vector

from napari_ssamamba.errors import TrainingDivergedError
from napari_ssamamba.events import result_of
from napari_ssamamba.model.config import ModelConfig
from napari_ssamamba.model.network import SSAMamba, build_network
from napari_ssamamba.training import held_out
from napari_ssamamba.training.config import Protocol, TrainingConfig, protocol
from napari_ssamamba.training.learner import Learner, Samples
from napari_ssamamba.training.optimisation import begin_state, make_optimiser, make_schedule

CONFIG = ModelConfig(bands=4, classes=3, patch_size=3, d_model=8, heads=2, depth=1, dropout=0)


@pytest.mark.parametrize("at_once", [8, 3])
def test_settled_norms_hold_the_plain_mean_over_batches(at_once: int) -> None:
    learner = make_learner()
    learner.trained_at_once.count = at_once
    norm, seen = learner.network.projection.norm_near, []

    def keep(_: object, inputs: tuple[torch.Tensor]) -> None:
        if norm.training:
            seen.append((inputs[0].mean((0, 2, 3)), inputs[0].var((0, 2, 3))))

    norm.register_forward_pre_hook(keep)
    for _ in range(2):  # nothing is left of the time before
        seen.clear()
        result_of(learner.settle_norms())
        assert len(seen) > 2
        means, variances = (torch.stack(values).mean(0) for values in zip(*seen, strict=True))
        torch.testing.assert_close(norm.running_mean, means)
        torch.testing.assert_close(norm.running_var, variances)
    assert norm.momentum == 0.1


@pytest.mark.parametrize("name", ["paper", "interactive"])
def test_a_state_that_is_made_before_the_first_step_changes_no_step(name: Protocol) -> None:
    found = []
    for before in (False, True):
        network = build_network(CONFIG, torch.Generator().manual_seed(0))
        config = protocol(name)
        optimiser = make_optimiser(network, config)
        schedule = make_schedule(optimiser, config, 10)
        if before:
            weights = parameters_to_vector(network.parameters())
            begin_state(optimiser)
            assert torch.equal(parameters_to_vector(network.parameters()), weights)
            assert len(optimiser.state) == len(list(network.parameters()))
        for _ in range(3):
            network(torch.linspace(0, 1, 144).view(4, 4, 3, 3)).square().sum().backward()
            optimiser.step()
            optimiser.zero_grad()
            schedule.step()
        found.append(parameters_to_vector(network.parameters()))
    assert torch.equal(*found)


def test_a_step_that_was_broken_off_leaves_nothing_to_the_next() -> None:
    found = []
    for broken in (False, True):
        learner = make_learner()
        if broken:
            for parameter in learner.network.parameters():
                parameter.grad = torch.ones_like(parameter)
        learner._whole_step(torch.arange(8), torch.zeros(8, dtype=torch.int64))
        assert all(parameter.grad is None for parameter in learner.network.parameters())
        found.append(parameters_to_vector(learner.network.parameters()))
    assert torch.equal(*found)


def test_networks_of_the_folds_replace_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[weakref.ref[torch.Tensor]] = []
    alive: list[int] = []

    def build(config: ModelConfig, generator: torch.Generator) -> SSAMamba:
        alive.append(sum(weights() is not None for weights in made))
        network = build_network(config, generator)
        made.append(weakref.ref(network.head.weight))
        return network

    monkeypatch.setattr(held_out, "build_network", build)
    learner = make_learner()
    said = result_of(score_held_out(learner))
    assert said.any(axis=1).all() and alive == [0, 0, 0]


def test_held_out_scores_of_a_training_that_diverged_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def step(_: Learner, *__: torch.Tensor) -> Any:
        yield None
        return torch.tensor(math.nan)

    monkeypatch.setattr(Learner, "step", step)
    with pytest.raises(TrainingDivergedError, match="loss is nan"):
        result_of(score_held_out(make_learner()))


def score_held_out(learner: Learner) -> Any:
    """Score the samples by networks of three folds."""
    fold, config = np.arange(20) % 3, TrainingConfig(batch_size=8, epochs=1)
    return held_out.score_held_out(CONFIG, learner.table, learner.train, fold, (0, 1, 2), config)


def make_learner() -> Learner:
    """Return a network in training on 20 patches of 3 classes, which validate as well."""
    generator = torch.Generator().manual_seed(0)
    network = build_network(CONFIG, generator)
    table = torch.randn(50, 4, generator=generator)
    index = torch.randint(50, (20, 9), generator=generator)
    samples = Samples(index, torch.arange(20) % 3)
    return Learner(network, table, samples, samples, TrainingConfig(batch_size=8), generator)
