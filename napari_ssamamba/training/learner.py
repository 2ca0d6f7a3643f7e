"""A network in training: one step, one validation, one settling of the batch norms.

The work between two events of a training run is done here, in pieces that take well under a
second each.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from napari_ssamamba.errors import TrainingDivergedError
from napari_ssamamba.model.patches import dihedral_orders, gather_patches
from napari_ssamamba.training.optimisation import draw_batches, make_optimiser, make_schedule

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from contextlib import AbstractContextManager

    from napari_ssamamba.model.network import SSAMamba
    from napari_ssamamba.training.config import TrainingConfig

NO_OUTPUT = -1
"""Target of validation pixels whose class has no training pixel: they always count as wrong."""

SETTLING_BATCHES = 16
"""Batches from which the batch norms' statistics are computed anew."""


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Patches with their classes, on the device.

    Attributes
    ----------
    index : Tensor of int, shape (n, P²)
        Rows of the pixel table.
    targets : Tensor of int64, shape (n,)
        The network's outputs that they should give.
    """

    index: Tensor
    targets: Tensor

    def __len__(self) -> int:
        return len(self.targets)


class Learner:
    """A network with what trains it.

    All randomness comes from its own generators, so that a run can be repeated whatever else
    draws random numbers in this process.

    Parameters
    ----------
    network : SSAMamba
        On the device.
    table : Tensor, shape (pixels, C)
        Standardised spectra, on the device.
    train, validation : Samples
    config : TrainingConfig
    generator : torch.Generator
        On the CPU; batches and augmentation are drawn from it.
    """

    def __init__(
        self,
        network: SSAMamba,
        table: Tensor,
        train: Samples,
        validation: Samples,
        config: TrainingConfig,
        generator: torch.Generator,
    ) -> None:
        self.network = network
        self.table = table
        self.train = train
        self.validation = validation
        self.config = config
        self.generator = generator
        self.steps_per_epoch = config.steps_per_epoch(len(train))
        self.optimiser = make_optimiser(network, config)
        self.schedule = make_schedule(self.optimiser, config, self.steps_per_epoch * config.epochs)
        self.orders = dihedral_orders(network.config.patch_size).to(table.device)

    def batches(self) -> Iterator[Tensor]:
        """Draw an epoch's batches, numbers of training samples."""
        return draw_batches(
            len(self.train), self.config.batch_size, self.steps_per_epoch, self.generator
        )

    def step(self, batch: Tensor) -> Generator[None, None, float]:
        """Take one step of the optimiser; pauses once, between forward and backward pass.

        Returns
        -------
        float
            The batch's loss before the step.

        Raises
        ------
        TrainingDivergedError
            Where the loss is no longer a number.
        """
        self.network.train()
        batch = batch.to(self.table.device)
        index = self.train.index[batch]
        if self.config.augmentation:
            choice = torch.randint(8, (len(batch),), generator=self.generator)
            index = index.gather(1, self.orders[choice.to(index.device)])
        with torch.enable_grad(), _repeatable():
            logits = self.network(gather_patches(self.table, index))
            loss = cross_entropy(logits, self.train.targets[batch])
        value = float(loss.detach())
        if not math.isfinite(value):
            raise TrainingDivergedError(
                f"The training diverged: the loss is {value}. Choose a smaller learning_rate than "
                f"{self.config.learning_rate:g}, and look for extreme values in the scene's bands. "
                "The model and map from before are kept."
            )
        yield
        self.optimiser.zero_grad(set_to_none=True)
        with _repeatable():
            loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), self.config.clip)
        self.optimiser.step()
        self.schedule.step()
        return value

    def validate(self) -> Generator[None, None, tuple[float, float]]:
        """Predict the validation pixels; pauses after each batch.

        Returns
        -------
        loss : float
            NaN where no validation pixel has a class that is trained.
        accuracy : float
            Percent.
        """
        self.network.eval()
        loss, correct = 0.0, 0
        known = self.validation.targets != NO_OUTPUT
        for start in range(0, len(self.validation), self.config.batch_size):
            batch = slice(start, start + self.config.batch_size)
            index, targets = self.validation.index[batch], self.validation.targets[batch]
            with torch.no_grad():
                logits = self.network(gather_patches(self.table, index))
                loss += float(
                    cross_entropy(logits, targets, ignore_index=NO_OUTPUT, reduction="sum")
                )
                correct += int((logits.argmax(1) == targets).sum())
            yield
        n_known = int(known.sum())
        mean_loss = loss / n_known if n_known else math.nan
        return mean_loss, 100.0 * correct / len(self.validation)

    def settle_norms(self) -> Generator[None, None, None]:
        """Compute the batch norms' running statistics anew; pauses after each batch.

        In few steps the running averages do not catch up with the weights; the plain mean over
        some training batches needs no catching up.
        """
        norms = [
            m for m in self.network.modules() if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d)
        ]
        momenta = [norm.momentum for norm in norms]
        self.network.eval()
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # a plain mean over batches
            norm.train()
        n = len(self.train)
        steps = min(SETTLING_BATCHES, -(-n // self.config.batch_size))
        for batch in draw_batches(n, self.config.batch_size, steps, self.generator):
            index = self.train.index[batch.to(self.table.device)]
            with torch.no_grad():
                self.network(gather_patches(self.table, index))
            yield
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum

    def weights(self) -> dict[str, Tensor]:
        """Return a copy of the network's ``state_dict`` on the CPU."""
        return {
            name: value.detach().to("cpu", copy=True)
            for name, value in self.network.state_dict().items()
        }


def _repeatable() -> AbstractContextManager[None]:
    """Let cuDNN use only algorithms that give the same bits each time (no effect on a CPU)."""
    flags: AbstractContextManager[None] = torch.backends.cudnn.flags(
        enabled=torch.backends.cudnn.enabled, benchmark=False, deterministic=True
    )
    return flags
