"""A network in training: one step, one validation, one settling of the batch norms.

The work between two events of a training run is done here, in pieces that take well under a
second each. Where the device's memory runs out, a batch is computed in parts; the generators of
this file yield what the user should know of that, and None at their other pauses.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, SupportsFloat, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from napari_ssamamba.errors import TrainingDivergedError
from napari_ssamamba.model.device import Arriving, compiles_kernels
from napari_ssamamba.model.patches import dihedral_orders, gather_patches
from napari_ssamamba.model.sparing import spare_memory
from napari_ssamamba.model.streams import return_reserves
from napari_ssamamba.training.optimisation import (
    begin_state,
    class_weights,
    draw_batches,
    make_optimiser,
    make_schedule,
)
from napari_ssamamba.training.patches_at_once import PatchesAtOnce
from napari_ssamamba.training.products import training_products
from napari_ssamamba.training.recorded_work import RecordedWork

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from napari_ssamamba.model.patch_network import PatchNetwork
    from napari_ssamamba.training.config import TrainingConfig
    from napari_ssamamba.training.coordinates import Coordinates

NO_OUTPUT = -1
"""Target of validation pixels whose class has no training pixel: they always count as wrong."""

SETTLING_BATCHES = 16
"""Batches from which the batch norms' statistics are computed anew."""

VALIDATED_AT_ONCE = {"cpu": 32, "mps": 256, "cuda": 32}
"""Patches: on a CPU what stays in the caches; on an NVIDIA GPU, where they are replayed, what takes
little memory."""


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Patches with their classes, on the device.

    Attributes
    ----------
    index : Tensor of int, shape (n, P²)
        Rows of the pixel table.
    targets : Tensor of int64, shape (n,), or of float32, shape (n, classes)
        The network's outputs that they should give, or how likely each is.
    weights : Tensor of float64, shape (n,), optional
        On the CPU: how often each is drawn, relative to the others.
    """

    index: Tensor
    targets: Tensor
    weights: Tensor | None = None

    def __len__(self) -> int:
        return len(self.targets)


class Learner:
    """A network with what trains it.

    All randomness comes from its own generators, so that a run can be repeated whatever else
    draws random numbers in this process.

    Parameters
    ----------
    network : PatchNetwork
        On the device; on an NVIDIA GPU it is let compute again what it would have to keep, and its
        units run as kernels where Triton compiles them.
    table : Tensor, shape (pixels, C)
        Standardised spectra, on the device.
    train, validation : Samples
    config : TrainingConfig
    generator : torch.Generator
        On the CPU; batches and augmentation are drawn from it.
    coordinates : Coordinates, optional
        Those of the table, where it does not hold bands.
    """

    def __init__(
        self,
        network: PatchNetwork,
        table: Tensor,
        train: Samples,
        validation: Samples,
        config: TrainingConfig,
        generator: torch.Generator,
        coordinates: Coordinates | None = None,
    ) -> None:
        self.network = network
        self.coordinates = coordinates
        self.table = table
        self.train = train
        self.validation = validation
        self.config = config
        self.generator = generator
        self.steps_per_epoch = config.steps_per_epoch(len(train))
        self.optimiser = make_optimiser(network, config)
        self.schedule = make_schedule(self.optimiser, config, self.steps_per_epoch * config.epochs)
        self.orders = dihedral_orders(network.config.patch_size).to(table.device)
        self.sample_weights = train.weights
        if train.weights is None and config.sampling == "balanced":
            self.sample_weights = class_weights(train.targets.cpu())
        self.recorded: RecordedWork | None = None
        if table.device.type == "cuda":
            begin_state(self.optimiser)
            return_reserves()
            self.recorded = RecordedWork(network)
            spare_memory(network, config.batch_size)
        if compiles_kernels(table.device):
            from napari_ssamamba.model.fused.unit import fuse_units

            mixed = config.precision == "bfloat16"
            inner = torch.bfloat16 if mixed else torch.float32
            fuse_units(network, config.batch_size, inner)
        self._norms = [
            m for m in network.modules() if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d)
        ]
        self._passes = torch.zeros((), device=table.device)
        self._sums = [torch.zeros_like(running) for running in self._statistics()]
        self.trained_at_once = PatchesAtOnce(config.batch_size, table.device)
        self.validated_at_once = PatchesAtOnce(VALIDATED_AT_ONCE[table.device.type], table.device)

    def batches(self) -> Iterator[tuple[Tensor, ...]]:
        """Draw what an epoch's steps take: each a batch, and how it is turned, see `step`."""
        drawn = draw_batches(
            len(self.train),
            self.config.batch_size,
            self.steps_per_epoch,
            self.generator,
            self.sample_weights,
        )
        for batch in drawn:
            if self.config.augmentation:
                yield batch, torch.randint(8, (len(batch),), generator=self.generator)
            else:
                yield (batch,)

    def step(self, *drawn: Tensor) -> Generator[str | None, None, Arriving]:
        """Take one step of the optimiser; pauses before each backward pass.

        A batch that does not fit the memory is computed in parts, whose gradients add up to the
        batch's; only the batch norms then see the parts.

        Parameters
        ----------
        *drawn : Tensor of int64, shape (batch,)
            Numbers of training samples, and for each which of the eight flips and turns it takes;
            without the latter they stay as they are.

        Returns
        -------
        Arriving
            The batch's loss before the step. On an NVIDIA GPU it may still be computed: look at it,
            by `checked`, when the next step has begun, lest the GPU wait for Python between them.

        Raises
        ------
        TrainingDivergedError
            Where the loss of a part is no longer a number.
        DeviceMemoryError
            Where a single patch does not fit.
        """
        if not self.network.training:
            self.network.train()
        while True:
            parts = self.trained_at_once.parts(drawn[0])
            try:
                if self.recorded is not None and len(parts) == 1:
                    loss = self.recorded(self._whole_step, *drawn)
                    yield None
                else:
                    loss = yield from self._accumulate(*self._patches(*drawn))
                    nn.utils.clip_grad_norm_(self.network.parameters(), self.config.clip)
                    self.optimiser.step()
                    self.optimiser.zero_grad(set_to_none=True)
                arriving = Arriving(loss)
                self.schedule.step()
                return arriving
            except RuntimeError as error:
                told = self.trained_at_once.halve(error, len(parts[0]))
            yield told

    def _patches(self, batch: Tensor, choice: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Look up samples, (B, P²) rows of the table, flipped and turned as chosen; and targets."""
        batch = batch.to(self.table.device)
        index = self.train.index[batch]
        if choice is not None:
            index = index.gather(1, self.orders[choice.to(index.device)])
        return index, self.train.targets[batch]

    def _whole_step(self, *drawn: Tensor) -> Tensor:
        """Take a step of the optimiser without waiting for the device; returns the loss."""
        index, targets = self._patches(*drawn)
        self.optimiser.zero_grad(set_to_none=True)  # of a step that was broken off
        with torch.enable_grad(), training_products(self.config.precision):
            loss = cross_entropy(self._logits(index), targets)
            loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), self.config.clip)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)  # their memory is free between two steps
        return loss.detach()

    def _logits(self, index: Tensor) -> Tensor:
        """Run patches in training's precision."""
        mixed = self.config.precision == "bfloat16"
        with torch.autocast(self.table.device.type, torch.bfloat16, enabled=mixed):
            logits: Tensor = self.network(gather_patches(self.table, index))
        return logits.float()

    def checked(self, loss: SupportsFloat) -> float:
        """Return a loss that is a number.

        Raises
        ------
        TrainingDivergedError
            Where it is none.
        """
        value = float(loss)
        if not math.isfinite(value):
            raise TrainingDivergedError(
                f"The training diverged: the loss is {value}. Choose a smaller learning_rate "
                f"than {self.config.learning_rate:g}, and look for extreme values in the "
                "scene's bands. The model and map from before are kept."
            )
        return value

    def _accumulate(self, index: Tensor, targets: Tensor) -> Generator[None, None, Tensor]:
        """Compute the gradient of a batch's mean loss, part by part; returns that loss."""
        self.optimiser.zero_grad(set_to_none=True)
        total = 0.0
        parts = self.trained_at_once.parts(index)
        sizes = [len(part) for part in parts]
        for part, wanted in zip(parts, torch.split(targets, sizes), strict=True):
            with torch.enable_grad(), training_products(self.config.precision):
                share = len(wanted) / len(targets)
                loss = cross_entropy(self._logits(part), wanted) * share
            total += self.checked(loss.detach())
            yield
            with training_products(self.config.precision):
                loss.backward()  # type: ignore[no-untyped-call]
        return torch.tensor(total, dtype=torch.float64)

    def validate(self) -> Generator[str | None, None, tuple[float, float]]:
        """Predict the validation pixels; pauses after each batch.

        Returns
        -------
        loss : float
            NaN where no validation pixel has a class that is trained.
        accuracy : float
            Percent.
        """
        logits = yield from self.validation_logits()
        targets = self.validation.targets
        n_known = int((targets != NO_OUTPUT).sum())
        loss = cross_entropy(logits, targets, ignore_index=NO_OUTPUT, reduction="sum")
        correct = int((logits.argmax(1) == targets).sum())
        return float(loss) / n_known if n_known else math.nan, 100.0 * correct / len(targets)

    def validation_logits(self) -> Generator[str | None, None, Tensor]:
        """Predict the validation pixels; pauses after each batch, returns (n, classes)."""
        self.network.eval()
        index, at_once = self.validation.index, self.validated_at_once
        return (yield from self._forward(index, at_once, self._said))

    def settle_norms(self) -> Generator[str | None, None, None]:
        """Compute the batch norms' running statistics anew; pauses after each batch.

        In few steps the running averages do not catch up with the weights; the plain mean over
        some training batches needs no catching up.
        """
        norms = self._norms
        if not norms:
            return
        momenta = [norm.momentum for norm in norms]
        self.network.eval()
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = 1.0  # a batch's statistics are the running ones, until summed up
            norm.train()
        for total in (self._passes, *self._sums):
            total.zero_()
        n = len(self.train)
        steps = min(SETTLING_BATCHES, -(-n // self.config.batch_size))
        drawn = draw_batches(n, self.config.batch_size, steps, self.generator, self.sample_weights)
        for batch in drawn:
            index = self.train.index[batch.to(self.table.device)]
            yield from self._forward(index, self.trained_at_once, self._settling)
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
        for running, total in zip(self._statistics(), self._sums, strict=True):
            running.copy_(total / self._passes)

    def _statistics(self) -> list[Tensor]:
        """Return the batch norms' running statistics."""
        return [
            cast("Tensor", running)
            for norm in self._norms
            for running in (norm.running_mean, norm.running_var)
        ]

    def _settling(self, index: Tensor) -> Tensor:
        """Run patches, and add the batch norms' statistics of them to the sums."""
        logits = self._said(index)
        torch._foreach_add_(self._sums, self._statistics())
        self._passes.add_(1)
        return logits

    def _forward(
        self, index: Tensor, at_once: PatchesAtOnce, run: Callable[[Tensor], Tensor]
    ) -> Generator[str | None, None, Tensor]:
        """Run patches without gradients; pauses after each pass, returns the logits."""
        logits: list[Tensor] = []
        left = index
        while len(left):
            part, told = at_once.parts(left)[0], None
            try:
                logits.append(run(part) if self.recorded is None else self.recorded(run, part))
                left = left[len(part) :]
            except RuntimeError as error:
                told = at_once.halve(error, len(part))
            yield told
        return torch.cat(logits)

    @torch.no_grad()
    def _said(self, index: Tensor) -> Tensor:
        """Return the logits of patches, without what their gradients need."""
        logits: Tensor = self.network(gather_patches(self.table, index))
        return logits

    def forget_steps(self) -> None:
        """Free the device's memory of what only further steps would need."""
        self.recorded = None
        self.optimiser.zero_grad(set_to_none=True)
        self.optimiser.state.clear()
        if self.table.device.type == "cuda":
            return_reserves()

    def weights(self) -> dict[str, Tensor]:
        """Return a copy of the ``state_dict`` on the CPU, of the network that reads bands."""
        weights = {
            name: value.detach().to("cpu", copy=True)
            for name, value in self.network.state_dict().items()
        }
        return weights if self.coordinates is None else self.coordinates.left(weights)
