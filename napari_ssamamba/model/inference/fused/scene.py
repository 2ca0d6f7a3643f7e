"""The network over a tile on an NVIDIA GPU, replayed from recorded graphs.

A batch is some seventy launches of a few microseconds each: recorded once as a CUDA graph, they
follow each other without waiting for Python. The graphs share one pool of memory, for they never
run at the same time.

Symbols: B patches, L tokens, d width.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor

from napari_ssamamba.model.inference.fused import rows
from napari_ssamamba.model.inference.fused.block import FusedBlock, padded
from napari_ssamamba.model.inference.fused.head import FusedHead
from napari_ssamamba.model.streams import on_stream, side_stream

if TYPE_CHECKING:
    from napari_ssamamba.model.block import SSAMambaBlock
    from napari_ssamamba.model.network import SSAMamba

SMALLER = 8
"""A batch of so much less has a graph of its own, for what is left of a tile."""


class FusedNetwork:
    """Blocks and head with their kernels fused; equal to `SceneInference` to rounding.

    Parameters
    ----------
    network : SSAMamba
        That `is_fusible`, on its device, in evaluation.
    dtype : torch.dtype
        Of the tokens.
    """

    @torch.inference_mode()
    def __init__(self, network: SSAMamba, dtype: torch.dtype) -> None:
        config = network.config
        self.length, self.width, self.dtype = config.tokens, config.d_model, dtype
        self.blocks = [
            FusedBlock(cast("SSAMambaBlock", block), config.tokens, dtype)
            for block in network.blocks
        ]
        self.head = FusedHead(network, dtype)

    @torch.inference_mode()
    def means(self, z: Tensor, places: Tensor, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Run the blocks for pixels of a projected tile.

        Parameters
        ----------
        z : Tensor, shape (any, d)
            The projected tile, flattened.
        places : Tensor of int64, shape (L,)
            Rows of `z` that hold the tokens of the patch of pixel 0.
        pixels : Tensor of int64, shape (B,)
            How much further those of each patch lie.

        Returns
        -------
        pooled, means : Tensor of float32, shape (B, d)
            What the head asks for.
        """
        batch = len(pixels)
        x = z.new_empty(self.length * batch, self.width)
        x_normalised = torch.empty_like(x)
        means = z.new_empty(batch, self.width, dtype=torch.float32)
        rows.gather_kernel[(batch,)](
            z, places, pixels, x, x_normalised, means, batch,
            L=self.length, LP=padded(self.length), WIDTH=self.width, EPS=self.blocks[0].eps_in,
            num_warps=8,
        )  # fmt: skip
        for block in self.blocks:
            block(x, x_normalised)
        del x_normalised
        return self.head.pooled(x, batch), means

    @torch.inference_mode()
    def logits(self, z: Tensor, places: Tensor, pixels: Tensor) -> Tensor:
        """Classify pixels of a projected tile, as `means` takes them; returns (B, classes)."""
        return self.head(*self.means(z, places, pixels))


class RecordedNetwork:
    """A `FusedNetwork` whose batches are replayed.

    Parameters
    ----------
    network : FusedNetwork
        On a CUDA device.
    """

    def __init__(self, network: FusedNetwork) -> None:
        self.network = network
        self._graphs: dict[int, tuple[torch.cuda.CUDAGraph, Tensor, tuple[Tensor, Tensor]]] = {}
        self._z = self._places = torch.empty(0)

    def hold(self, z: Tensor, places: Tensor) -> None:
        """Take a projected tile to classify pixels of.

        Parameters
        ----------
        z : Tensor, shape (any, d)
        places : Tensor of int64, shape (L,)
        """
        if self._z.numel() < z.numel():  # the graphs know where the tile lies: record them anew
            self._graphs.clear()
            self._z, self._places = z.clone(), places.clone()
        else:
            self._z[: len(z)].copy_(z)
            self._places.copy_(places)

    @torch.inference_mode()
    def logits(self, pixels: Tensor, size: int) -> Tensor:
        """Classify pixels of the tile that is held, some at once.

        Parameters
        ----------
        pixels : Tensor of int64, shape (n,)
            On the device, as `FusedNetwork.means` takes them.
        size : int
            Of the batches.

        Returns
        -------
        Tensor, shape (n, classes)
            Which may still be computed; as all of CUDA's results it can be used.
        """
        kept = [
            pixels.new_empty(len(pixels), self.network.width, dtype=torch.float32) for _ in range(2)
        ]
        begin = 0
        while begin < len(pixels):
            left = len(pixels) - begin
            batch = size if left > size // SMALLER else max(1, size // SMALLER)
            graph, wanted, found = self._graph(batch)
            taken = min(left, batch)
            wanted[:taken].copy_(pixels[begin : begin + taken])
            graph.replay()
            for values, of_batch in zip(kept, found, strict=True):
                values[begin : begin + taken] = of_batch[:taken]
            begin += taken
        return self.network.head(*kept)

    def _graph(self, batch: int) -> tuple[torch.cuda.CUDAGraph, Tensor, tuple[Tensor, Tensor]]:
        if batch in self._graphs:
            return self._graphs[batch]
        wanted = torch.zeros(batch, dtype=torch.int64, device=self._z.device)
        stream = side_stream(self._z.device)
        with on_stream(stream):  # compiles the kernels, and lets cuBLAS choose its own
            self.network.means(self._z, self._places, wanted)
        torch.cuda.synchronize()
        graph = torch.cuda.CUDAGraph()
        pool = next(iter(self._graphs.values()))[0].pool() if self._graphs else None
        with torch.cuda.graph(graph, pool=pool, stream=stream, capture_error_mode="thread_local"):
            found = self.network.means(self._z, self._places, wanted)
        self._graphs[batch] = graph, wanted, found
        return self._graphs[batch]
