"""On an NVIDIA GPU, steps that are replayed train as steps that are not."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from napari_ssamamba.model.config import ModelConfig
from napari_ssamamba.model.network import build_network, set_generator
from napari_ssamamba.training.config import protocol
from napari_ssamamba.training.learner import Learner, Samples

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]


def losses(recorded: bool, dropout: float, name: str) -> tuple[list[float], torch.Tensor]:
    """Train a small network for 30 steps, of 16 and 15 patches by turns."""
    config = ModelConfig(
        bands=12, classes=4, patch_size=5, d_model=32, heads=2, depth=1, dropout=dropout
    )
    settings = replace(
        protocol("paper" if name == "paper" else "interactive"), precision="float32", batch_size=16
    )
    generator = torch.Generator().manual_seed(3)
    network = build_network(config, generator).cuda()
    set_generator(network, torch.Generator("cuda").manual_seed(3))
    table = torch.randn(60 * 25, 12, generator=generator).cuda()
    targets = (torch.arange(60) % 4).cuda()
    table += targets.repeat_interleave(25)[:, None]
    samples = Samples(torch.arange(60 * 25).view(60, 25).cuda(), targets)
    learner = Learner(network, table, samples, samples, settings, generator)
    assert network.projection.sparing  # steps are recorded with what is computed again
    if not recorded:
        learner.recorded = None
    found = []
    for step in range(30):
        batch = torch.randperm(60, generator=generator)[: 16 - step % 2]
        work = learner.step(batch)
        while True:
            try:
                next(work)
            except StopIteration as end:
                found.append(end.value)
                break
    return found, torch.cat([w.flatten().float() for w in learner.weights().values()])


@pytest.mark.parametrize("name", ["paper", "interactive"])
def test_replayed_steps_train_as_plain_ones(name: str) -> None:
    plain, _ = losses(recorded=False, dropout=0.0, name=name)
    replayed, _ = losses(recorded=True, dropout=0.0, name=name)
    assert replayed == pytest.approx(plain, rel=1e-3, abs=1e-4)
    assert replayed[-1] < 0.8 * replayed[0]


def test_replayed_steps_draw_new_dropout_and_can_be_repeated() -> None:
    first, weights = losses(recorded=True, dropout=0.3, name="paper")
    again, same = losses(recorded=True, dropout=0.3, name="paper")
    assert first == again
    assert torch.equal(weights, same)
    plain, _ = losses(recorded=False, dropout=0.3, name="paper")
    assert first == pytest.approx(plain, rel=1e-2, abs=1e-3)  # the same draws, step by step
