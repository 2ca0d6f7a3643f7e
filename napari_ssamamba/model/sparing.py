"""Training in less memory: what is cheap is computed again in the backward pass, not kept for it.

Between two large products lie operations that take little time, each with a result as large as the
products'. Of a part of a forward pass that is computed again, only its inputs are kept; a product
at its end is not repeated, for its gradient needs what it read, not what it gave.
"""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Sparing(nn.Module):
    """A module whose forward pass has parts that may be computed again.

    Attributes
    ----------
    sparing : bool
        Whether they are; the result and its gradient are the same, bit for bit.
    dear : bool
        Whether that takes long for what it spares.
    """

    sparing = False
    dear = False

    def part(self, function: Callable[..., Any], *inputs: Any) -> Any:
        """Run a part of the forward pass; it must draw no random numbers."""
        if not (self.sparing and torch.is_grad_enabled()):
            return function(*inputs)
        return checkpoint(
            function,
            *inputs,
            use_reentrant=False,
            preserve_rng_state=False,
            context_fn=lambda: (nullcontext(), self._again()),
        )

    @contextmanager
    def _again(self) -> Iterator[None]:
        """Let batch norms see a batch for the second time without counting it again."""
        norms = [m for m in self.children() if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d)]
        kept = [(norm.momentum, norm.num_batches_tracked) for norm in norms]
        for norm in norms:
            norm.momentum, norm.num_batches_tracked = 0.0, None
        try:
            yield
        finally:
            for norm, (momentum, seen) in zip(norms, kept, strict=True):
                norm.momentum, norm.num_batches_tracked = momentum, seen


SMALL_BATCH = 16
"""Patches of which a GPU may keep what it is dear to compute again: of the preset standard some
30 MB, for a twentieth of a step's time."""


def spare_memory(network: nn.Module, batch: int) -> None:
    """Let the parts of a network that may be computed again be so.

    Parameters
    ----------
    network : Module
    batch : int
        Patches that it is trained on at once; in small batches what is dear is kept.
    """
    for module in network.modules():
        if isinstance(module, Sparing):
            module.sparing = batch > SMALL_BATCH or not module.dear
