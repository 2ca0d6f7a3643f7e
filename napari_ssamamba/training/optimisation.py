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
    """
    if config.protocol == "paper":
        return Adam(network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
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
    return AdamW(groups, lr=config.learning_rate, fused=True)


def make_schedule(optimiser: Optimizer, config: TrainingConfig, steps: int) -> LambdaLR:
    """Let the learning rate rise linearly during the warm-up and fall on a cosine to 0."""
    warm = config.warmup * steps

    def factor(step: int) -> float:
        if step < warm:
            return (step + 1) / (warm + 1)
        return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1.0, steps - warm)))

    return LambdaLR(optimiser, factor)


def draw_batches(
    n: int, batch_size: int, steps: int, generator: torch.Generator
) -> Iterator[Tensor]:
    """Draw an epoch's batches: shuffled passes over n patches, until there are enough.

    The batches of a pass differ in size by one at most, so that none is too small for the batch
    norms.

    Yields
    ------
    Tensor of int64, shape (batch,)
    """
    drawn = 0
    while True:
        shuffled = torch.randperm(n, generator=generator)
        for batch in shuffled.tensor_split(-(-n // batch_size)):
            yield batch
            drawn += 1
            if drawn == steps:
                return
