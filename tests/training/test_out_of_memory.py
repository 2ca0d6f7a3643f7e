"""Training goes on with fewer patches at once where the memory runs out, and says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from napari_ssamamba.data.split import random_split
from napari_ssamamba.errors import DeviceMemoryError
from napari_ssamamba.events import Notice, result_of
from napari_ssamamba.model.config import ModelConfig
from napari_ssamamba.model.network import SSAMamba, build_network
from napari_ssamamba.training.config import TrainingConfig
from napari_ssamamba.training.events import StepDone
from napari_ssamamba.training.learner import Learner, Samples
from napari_ssamamba.training.trainer import train

if TYPE_CHECKING:
    from collections.abc import Callable

SHORT = TrainingConfig(epochs=2, min_steps=6, max_steps=6, batch_size=8, lessons=0)


def run(job: Any, monkeypatch: pytest.MonkeyPatch, fits: Callable[[SSAMamba, int], bool]) -> Any:
    """Train with a memory that some passes do not fit: the events, patches a pass, checkpoint."""
    forward, passes = SSAMamba.forward, []

    def forward_if_it_fits(self: SSAMamba, patches: Tensor) -> Tensor:
        if not fits(self, len(patches)):
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
        passes.append(len(patches))
        return forward(self, patches)

    monkeypatch.setattr(SSAMamba, "forward", forward_if_it_fits)
    split = random_split(job.reference, 12, 0.25, seed=0)
    work = train(job.cube, split, job.reference.classes, job.model, SHORT, "cpu")
    events: list[Any] = []
    checkpoint = result_of(work, events.append)
    return events, passes, checkpoint


def notices(events: Any) -> list[str]:
    return [e.text for e in events if isinstance(e, Notice)]


def test_a_batch_that_does_not_fit_is_computed_in_parts(
    tiny_job: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    events, passes, checkpoint = run(tiny_job, monkeypatch, lambda net, n: n <= 3)
    assert notices(events)[0] == "cpu ran out of memory; going on with 3 patches at once"
    assert len([e for e in events if isinstance(e, StepDone)]) == 6
    assert max(passes) == 3
    assert all(w.isfinite().all() for w in checkpoint.weights.values())


def test_it_is_told_once_and_remembered(tiny_job: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    events, _, _ = run(tiny_job, monkeypatch, lambda net, n: not net.training or n <= 4)
    assert notices(events) == ["cpu ran out of memory; going on with 3 patches at once"]


def test_validation_that_does_not_fit_takes_fewer_patches(
    tiny_job: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fits(network: SSAMamba, n: int) -> bool:
        norm = network.projection.norm_pixel  # neither training nor settling: validation
        return bool(norm.training) or n <= 5

    plain, _, before = run(tiny_job, monkeypatch, lambda net, n: True)
    monkeypatch.undo()
    events, _, after = run(tiny_job, monkeypatch, fits)
    assert not notices(plain)
    assert notices(events) == ["cpu ran out of memory; going on with 4 patches at once"]
    assert after.record.validation_oa == before.record.validation_oa
    for name, value in before.weights.items():
        assert torch.equal(value, after.weights[name]), name


def test_a_patch_that_does_not_fit_ends_the_training(
    tiny_job: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DeviceMemoryError, match="for a single patch"):
        run(tiny_job, monkeypatch, lambda net, n: False)


def test_a_network_that_does_not_fit_says_what_to_do(
    tiny_job: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def to(self: SSAMamba, device: torch.device) -> SSAMamba:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(SSAMamba, "to", to)
    with pytest.raises(DeviceMemoryError, match="the network of 8 channels"):
        run(tiny_job, monkeypatch, lambda net, n: True)


def test_gradients_of_parts_add_up_to_those_of_the_batch() -> None:
    """But for the batch norms, which see the parts."""
    config = ModelConfig(bands=4, classes=3, patch_size=3, d_model=8, heads=2, depth=1, dropout=0)
    rng = np.random.default_rng(0)
    table = torch.tensor(rng.normal(size=(50, 4)), dtype=torch.float32)
    samples = Samples(
        torch.tensor(rng.integers(0, 50, (8, 9))), torch.tensor(rng.integers(0, 3, 8))
    )
    none = Samples(samples.index[:0], samples.targets[:0])
    losses: list[float] = []
    gradients: list[list[torch.Tensor]] = []
    for at_once in (8, 3):
        network = build_network(config, torch.Generator().manual_seed(0))
        for module in list(network.modules()):
            for name, child in module.named_children():
                if isinstance(child, nn.BatchNorm1d | nn.BatchNorm2d):
                    setattr(module, name, nn.Identity())
        generator = torch.Generator().manual_seed(1)
        learner = Learner(network, table, samples, none, SHORT, generator)
        learner.trained_at_once.count = at_once

        def keep(*_: object, network: SSAMamba = network) -> None:
            gradients.append([p.grad.clone() for p in network.parameters() if p.grad is not None])

        learner.optimiser.register_step_pre_hook(keep)
        losses.append(float(result_of(learner.step(torch.arange(8), torch.arange(8)))))
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    assert len(gradients[0]) > 20
    for whole, parts in zip(*gradients, strict=True):
        torch.testing.assert_close(whole, parts, rtol=1e-4, atol=1e-6)
