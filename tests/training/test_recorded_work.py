"""On an NVIDIA GPU, a training that is replayed is that which is not."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from napari_ssamamba.events import result_of
from napari_ssamamba.model.config import ModelConfig
from napari_ssamamba.model.device import compiles_kernels
from napari_ssamamba.model.mamba_unit import MambaUnit
from napari_ssamamba.model.network import build_network, set_generator
from napari_ssamamba.model.patches import gather_patches
from napari_ssamamba.training.config import protocol
from napari_ssamamba.training.learner import Learner, Samples

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]


def make_learner(dropout: float, name: str) -> Learner:
    """Return a small network in training, 60 patches of 4 classes."""
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
    return learner


def units(learner: Learner) -> list[MambaUnit]:
    """Return the network's units."""
    return [module for module in learner.network.modules() if isinstance(module, MambaUnit)]


def train(learner: Learner) -> list[float]:
    """Take 30 steps, of 16 and 15 patches by turns; return their losses."""
    told = []
    for n in range(30):
        batch = torch.randperm(60, generator=learner.generator)[: 16 - n % 2]
        turned = torch.randint(8, batch.shape, generator=learner.generator)
        told.append(float(result_of(learner.step(batch, turned))))
    return told


def losses(
    recorded: bool, dropout: float, name: str, *, fused: bool = True
) -> tuple[list[float], torch.Tensor]:
    """Train; return the losses and the weights."""
    learner = make_learner(dropout, name)
    if not recorded:
        learner.recorded = None
    for unit in units(learner):
        assert unit.fused == compiles_kernels(learner.table.device)
        unit.fused = unit.fused and fused
    found = train(learner)
    return found, torch.cat([w.flatten().float() for w in learner.weights().values()])


@pytest.mark.parametrize("name", ["paper", "interactive"])
def test_replayed_steps_train_as_plain_ones(name: str) -> None:
    plain, _ = losses(recorded=False, dropout=0.0, name=name)
    replayed, _ = losses(recorded=True, dropout=0.0, name=name)
    assert replayed == pytest.approx(plain, rel=1e-3, abs=1e-4)
    assert replayed[-1] < 0.8 * replayed[0]


@pytest.mark.parametrize("recorded", [True, False])
def test_kernels_of_the_units_train_as_their_plain_form(recorded: bool) -> None:
    plain, weights = losses(recorded, dropout=0.1, name="paper", fused=False)
    fused, same = losses(recorded, dropout=0.1, name="paper")
    assert fused == pytest.approx(plain, rel=1e-2, abs=1e-3)
    torch.testing.assert_close(same, weights, atol=0.02, rtol=0.02)


def test_replayed_steps_draw_new_dropout_and_can_be_repeated() -> None:
    first, weights = losses(recorded=True, dropout=0.3, name="paper")
    again, same = losses(recorded=True, dropout=0.3, name="paper")
    assert first == again
    assert torch.equal(weights, same)
    plain, _ = losses(recorded=False, dropout=0.3, name="paper")
    assert first == pytest.approx(plain, rel=1e-2, abs=1e-3)  # the same draws, step by step


def test_replayed_validation_is_that_of_the_weights_of_the_moment() -> None:
    learner = make_learner(0.0, "interactive")
    for _ in range(3):
        said = [result_of(learner.validation_logits()) for _ in range(5)]  # the last is replayed
        learner.network.eval()
        with torch.no_grad():
            expected = learner.network(gather_patches(learner.table, learner.validation.index))
        torch.testing.assert_close(said[-1], expected, atol=1e-4, rtol=1e-3)
        torch.testing.assert_close(said[-1], said[0], atol=1e-4, rtol=1e-3)
        train(learner)
        result_of(learner.settle_norms())


def test_replayed_settling_is_that_of_the_network() -> None:
    plain, replayed = make_learner(0.0, "interactive"), make_learner(0.0, "interactive")
    plain.recorded = None
    for learner in (plain, replayed):
        train(learner)
        for _ in range(2):
            result_of(learner.settle_norms())
    pairs = zip(plain._statistics(), replayed._statistics(), strict=True)
    for expected, found in pairs:
        torch.testing.assert_close(found, expected, atol=1e-3, rtol=1e-2)


def test_what_cannot_be_recorded_is_trained_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    plain, _ = losses(recorded=False, dropout=0.0, name="interactive")

    class Refused:
        def __init__(self, *_: object, **__: object) -> None: ...

        def __enter__(self) -> None:
            raise RuntimeError("operation not permitted when stream is capturing")

        def __exit__(self, *_: object) -> None: ...

    monkeypatch.setattr(torch.cuda, "graph", Refused)
    found, _ = losses(recorded=True, dropout=0.0, name="interactive")
    assert found == pytest.approx(plain, rel=1e-3, abs=1e-4)


def test_steps_leave_no_memory_behind_when_they_are_forgotten() -> None:
    learner = make_learner(0.1, "interactive")
    before = torch.cuda.memory_allocated()
    train(learner)
    assert torch.cuda.memory_allocated() > before
    learner.forget_steps()
    left = torch.cuda.memory_allocated() - before
    assert left < sum(p.nbytes for p in learner.network.parameters()) + 2 * 2**25  # workspaces
