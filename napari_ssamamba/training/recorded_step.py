"""A training step on an NVIDIA GPU, replayed from a recorded graph.

A step of sixteen patches is some thousand launches of a few microseconds each: Python takes ten
times as long to begin them as the GPU to do them. Recorded once as a CUDA graph they follow each
other by themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from napari_ssamamba.model.dropout import Dropout

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from napari_ssamamba.model.patch_network import PatchNetwork

WARMING_STEPS = 3
"""Steps of a size that are taken before it is recorded: the optimiser makes its state in the
first, and the libraries choose their kernels."""


class RecordedSteps:
    """Takes whole steps, forward to optimiser, of batches of recurring sizes.

    Parameters
    ----------
    network : PatchNetwork
        On a CUDA device; its dropout draws from one generator.
    step : callable
        ``step(index, targets)`` takes a step without waiting for the device, and returns the
        batch's loss.
    """

    def __init__(self, network: PatchNetwork, step: Callable[[Tensor, Tensor], Tensor]) -> None:
        self._step = step
        self._generators = {
            module.generator
            for module in network.modules()
            if isinstance(module, Dropout) and module.generator is not None
        }
        self._taken: dict[int, int] = {}
        self._graphs: dict[int, tuple[torch.cuda.CUDAGraph, Tensor, Tensor, Tensor]] = {}

    def __call__(self, index: Tensor, targets: Tensor) -> float:
        """Take a step.

        Parameters
        ----------
        index : Tensor of int, shape (B, P²)
        targets : Tensor of int64, shape (B,)

        Returns
        -------
        float
            The batch's loss before the step.
        """
        size = len(targets)
        if size not in self._graphs:
            self._taken[size] = self._taken.get(size, 0) + 1
            if self._taken[size] <= WARMING_STEPS:
                return float(self._aside(index, targets))
            self._record(index, targets)
        graph, given_index, given_targets, loss = self._graphs[size]
        given_index.copy_(index)
        given_targets.copy_(targets)
        graph.replay()
        return float(loss)

    def _aside(self, index: Tensor, targets: Tensor) -> Tensor:
        """Take a step on another stream than the default one, as recording asks for."""
        stream = torch.cuda.Stream(index.device)  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            loss = self._step(index, targets)
        torch.cuda.current_stream().wait_stream(stream)
        return loss

    def _record(self, index: Tensor, targets: Tensor) -> None:
        """Record a step of this size; it is not taken yet."""
        given = index.clone(), targets.clone()
        graph = torch.cuda.CUDAGraph()
        for generator in self._generators:
            graph.register_generator_state(generator)
        pool = next(iter(self._graphs.values()))[0].pool() if self._graphs else None
        with torch.cuda.graph(graph, pool=pool):
            loss = self._step(*given)
        self._graphs[len(targets)] = (graph, *given, loss)
