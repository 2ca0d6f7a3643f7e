"""The optimiser, its schedule, and the batches."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch.optim import Adam, AdamW, Optimizer
from torch.optim.lr_scheduler import LambdaLR

from napari_ssamamba.model.state_space import StateSpace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor, nn

    from napari_ssamamba.training.config import TrainingConfig


def make_optimiser(network: nn.Module, config: TrainingConfig) -> Optimizer:
    """Make the protocol's optimiser.

    ``interactive``: AdamW; state spaces, norms and biases are not decayed, as is the habit with
    state-space models, whose step and decay rates have no reason to be near 0. ``paper``: Adam
    with L2 regularisation of all parameters.

    On an NVIDIA GPU the learning rate lies there, so that a recorded step follows the schedule.
    """
    device = next(network.parameters()).device
    on_gpu = device.type == "cuda"
    rate: float | Tensor = config.learning_rate
    if on_gpu:
        rate = torch.tensor(rate, device=device)
    if config.protocol == "paper":
        return Adam(
            network.parameters(),
            lr=rate,
            weight_decay=config.weight_decay,
            fused=on_gpu,
            capturable=on_gpu,
        )
    spared = {id(p) for p in network.parameters() if p.ndim < 2}
    spared |= {
        id(p) for m in network.modules() if isinstance(m, StateSpace) for p in m.parameters()
    }
    decayed = [p for p in network.parameters() if id(p) not in spared]
    others = [p for p in network.parameters() if id(p) in spared]
    groups = [
        {"params": decayed, "weight_decay": config.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return AdamW(groups, lr=rate, fused=True, capturable=on_gpu)


def begin_state(optimiser: Optimizer) -> None:
    """Let an optimiser take the memory of its state before a step asks for other memory.

    Made in the first step, the state lies among what that step holds for a moment, so that the
    device's memory could not be given back piece by piece.
    """
    for group in optimiser.param_groups:
        rate = group["lr"]
        group["lr"] = torch.zeros_like(torch.as_tensor(rate))
        for parameter in group["params"]:
            parameter.grad = torch.zeros_like(parameter)
            optimiser.step()  # of length 0
            parameter.grad = None
        group["lr"] = rate
    for state in optimiser.state.values():
        for value in state.values():
            value.zero_()  # regularisation moves the moments even so


def make_schedule(
    optimiser: Optimizer, config: TrainingConfig, steps: int, done: int = 0
) -> LambdaLR:
    """Let the learning rate rise linearly during the warm-up and fall on a cosine to 0.

    Parameters
    ----------
    optimiser : Optimizer
    config : TrainingConfig
    steps : int
        Of all epochs together.
    done : int
        Those that were taken already; the optimiser has had a schedule then.
    """
    warm = config.warmup * steps

    def factor(step: int) -> float:
        if step < warm:
            return (step + 1) / (warm + 1)
        return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1.0, steps - warm)))

    return LambdaLR(optimiser, factor, done - 1)


def draw_batches(
    n: int,
    batch_size: int,
    steps: int,
    generator: torch.Generator,
    weights: Tensor | None = None,
) -> Iterator[Tensor]:
    """Draw an epoch's batches: passes over n patches, until there are enough.

    The batches of a pass differ in size by one at most, so that none is too small for the batch
    norms.

    Parameters
    ----------
    n, batch_size, steps : int
    generator : torch.Generator
        On the CPU.
    weights : Tensor, shape (n,), optional
        How often each patch is to come, relative to the others, drawn with replacement; without
        them a pass is all patches, shuffled.

    Yields
    ------
    Tensor of int64, shape (batch,)
    """
    drawn = 0
    while True:
        if weights is None:
            order = torch.randperm(n, generator=generator)
        else:
            order = torch.multinomial(weights, n, replacement=True, generator=generator)
        for batch in order.tensor_split(-(-n // batch_size)):
            yield batch
            drawn += 1
            if drawn == steps:
                return


def class_weights(targets: Tensor) -> Tensor:
    """Return weights with which each class is drawn as often, whatever its number of patches.

    Parameters
    ----------
    targets : Tensor of int64, shape (n,)
        On the CPU.
    """
    return 1 / targets.bincount().double()[targets]
