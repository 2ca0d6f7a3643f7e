"""Recurring work of a training on an NVIDIA GPU, replayed from recorded graphs.

A step of sixteen patches is more than a thousand launches of a few microseconds each: Python takes
longer to begin them than the GPU to do them. Recorded once as a CUDA graph they follow each other
by themselves. All graphs share one pool of memory, for they never run at the same time. What a
driver refuses to record is done launch by launch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from napari_ssamamba.model.device import is_out_of_memory, pinned
from napari_ssamamba.model.dropout import generators_of
from napari_ssamamba.model.streams import record, recording

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from napari_ssamamba.model.patch_network import PatchNetwork

Key = tuple[str, int]
"""Name of the work, and size."""

WARMING_RUNS = 3
"""Times that work of a size is done before the first is recorded: the libraries choose their
kernels meanwhile."""


class RecordedWork:
    """Does work on tensors of recurring sizes.

    Parameters
    ----------
    network : PatchNetwork
        On a CUDA device; its dropout draws from one generator.
    """

    def __init__(self, network: PatchNetwork) -> None:
        self._device = next(network.parameters()).device
        self._generators = generators_of(network)
        self._done: dict[Key, int] = {}
        self._refused: set[Key] = set()
        self._graphs: dict[Key, tuple[torch.cuda.CUDAGraph, list[Tensor], Tensor]] = {}

    def __call__(self, work: Callable[..., Tensor], *given: Tensor) -> Tensor:
        """Do some work.

        Parameters
        ----------
        work : callable
            With a name of its own. Takes tensors on the device and does not wait for it; whatever
            else it looks at changes on the device alone.
        *given : Tensor
            With the same first axis, on any device.

        Returns
        -------
        Tensor
            Of its own, on the device.
        """
        key = work.__name__, len(given[0])  # the work itself may hold this object
        if key not in self._graphs and key not in self._refused:
            with recording(self._device):
                done = self._done[key] = self._done.get(key, 0) + 1
                # Where some work was recorded before, the libraries are warm.
                if done > WARMING_RUNS or self._graphs:
                    self._record(key, work, given)
                if key not in self._graphs:
                    return self._plainly(work, given)
        if key in self._refused:
            return self._plainly(work, given)
        graph, inputs, result = self._graphs[key]
        for tensor, value in zip(inputs, given, strict=True):
            # From memory that the system may move it would wait for the work before.
            on_cpu = value.device.type == "cpu"
            tensor.copy_(pinned(value) if on_cpu else value, non_blocking=True)
        graph.replay()
        return result.clone()

    def _plainly(self, work: Callable[..., Tensor], given: tuple[Tensor, ...]) -> Tensor:
        return work(*(tensor.to(self._device) for tensor in given))

    def _record(self, key: Key, work: Callable[..., Tensor], given: tuple[Tensor, ...]) -> None:
        """Record work of this size; it is not done yet. Where that cannot be, do nothing."""
        inputs = [tensor.to(self._device, copy=True) for tensor in given]
        graph = torch.cuda.CUDAGraph()
        for generator in self._generators:
            graph.register_generator_state(generator)
        beside = next(iter(self._graphs.values()))[0] if self._graphs else None
        try:
            result = record(lambda: work(*inputs), self._device, graph, beside)
        except RuntimeError as error:
            if is_out_of_memory(error):
                raise
            self._refused.add(key)
            return
        self._graphs[key] = graph, inputs, result
