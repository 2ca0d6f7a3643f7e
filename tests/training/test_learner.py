"""The pieces of a training: what a step, a validation and a settling of norms leave behind."""

from __future__ import annotations

import pytest
import torch

from napari_ssamamba.events import result_of
from napari_ssamamba.model.config import ModelConfig
from napari_ssamamba.model.network import build_network
from napari_ssamamba.training.config import TrainingConfig
from napari_ssamamba.training.learner import Learner, Samples


@pytest.mark.parametrize("at_once", [8, 3])
def test_settled_norms_hold_the_plain_mean_over_batches(at_once: int) -> None:
    config = ModelConfig(bands=4, classes=3, patch_size=3, d_model=8, heads=2, depth=1)
    generator = torch.Generator().manual_seed(0)
    network = build_network(config, generator)
    table = torch.randn(50, 4, generator=generator)
    index = torch.randint(50, (20, 9), generator=generator)
    samples = Samples(index, torch.arange(20) % 3)
    learner = Learner(network, table, samples, samples, TrainingConfig(batch_size=8), generator)
    learner.trained_at_once.count = at_once
    norm, seen = network.projection.norm_near, []

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
