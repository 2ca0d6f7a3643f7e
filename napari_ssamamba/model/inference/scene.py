"""The network over a tile of a scene, without ever holding the scene's patches.

What overlapping patches have in common is computed once for the tile: the input projection in the
nine variants of a place in a patch. Of the first block, what happens to single tokens before its
causal convolution could be shared too; to gather it costs as much as to compute it anew (measured
on 2 CPU cores, both presets), and sharing asks for pixels that lie together.

Symbols: B patches, P patch side, L = P² tokens, d width.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch

from napari_ssamamba.model.inference.block import SceneBlock
from napari_ssamamba.model.inference.form import is_replayed
from napari_ssamamba.model.inference.stages import SceneHead, SceneProjection, token_places

if TYPE_CHECKING:
    from torch import Tensor

    from napari_ssamamba.model.block import SSAMambaBlock
    from napari_ssamamba.model.inference.fused.scene import RecordedNetwork, RecordedTile
    from napari_ssamamba.model.network import SSAMamba


class SceneInference:
    """A trained network in the form that maps scenes.

    It equals the network in evaluation to rounding, ablations included. It shares parameters with
    the network: make a new one after training on.

    Parameters
    ----------
    network : SSAMamba
        On its device.
    dtype : torch.dtype
        Of the blocks, where nearly all the work is: torch.bfloat16 where the device is fast at it,
        else by default the network's own. The first stage and the head keep the network's own.
    """

    @torch.inference_mode()
    def __init__(self, network: SSAMamba, dtype: torch.dtype | None = None) -> None:
        config = network.config
        self.dtype = network.head.weight.dtype if dtype is None else dtype
        self.side = config.patch_size
        self.recorded: RecordedNetwork | None = None
        if is_replayed(config, network.head.weight.device, self.dtype):
            from napari_ssamamba.model.inference.fused.scene import FusedNetwork, RecordedNetwork

            projection = SceneProjection(network.projection, self.side, self.dtype)
            self.recorded = RecordedNetwork(projection, FusedNetwork(network, self.dtype))
            return
        self.projection = SceneProjection(network.projection, self.side)
        self.blocks = [
            SceneBlock(cast("SSAMambaBlock", block), config.tokens, self.dtype)
            for block in network.blocks
        ]
        self.head = SceneHead(network, self.dtype)

    @torch.inference_mode()
    def open_tile(self, block: Tensor) -> SceneTile | RecordedTile:
        """Do what is done once for a tile.

        Parameters
        ----------
        block : Tensor, shape (rows + P - 1, columns + P - 1, C)
            Standardised spectra of a tile and its halo, zero beyond the scene's border and where
            nothing was measured. On the device; in pinned memory where batches are recorded.
        """
        if self.recorded is not None:
            return self.recorded.open_tile(block)
        return SceneTile(self, self.projection(block).to(self.dtype))


class SceneTile:
    """A tile whose patches can be classified.

    Parameters
    ----------
    inference : SceneInference
    z : Tensor, shape (kinds of rows, kinds of columns, H, W, d)
        The projected tile with its halo.
    """

    def __init__(self, inference: SceneInference, z: Tensor) -> None:
        self.inference = inference
        self.z = z
        self.places = token_places(inference.side, *z.shape[2:4])

    @torch.inference_mode()
    def logits(self, rows: Tensor, columns: Tensor, at_once: int | None = None) -> Tensor:
        """Classify some of the tile's pixels.

        Parameters
        ----------
        rows, columns : Tensor of int64, shape (B,)
            In pixels of the tile without its halo, on the CPU.
        at_once : int, optional
            How many patches a batch of a `RecordedTile` has; here all are one batch.

        Returns
        -------
        Tensor, shape (B, classes)
        """
        x = z_proj = self._tokens(rows, columns)  # Z_seq
        for block in self.inference.blocks:
            x = block(x)
        return self.inference.head(x, z_proj)

    def _tokens(self, rows: Tensor, columns: Tensor) -> Tensor:
        """Gather the patches' tokens, (L, B, d)."""
        index = self.places[:, None] + (rows * self.z.shape[3] + columns)  # (L, B)
        tokens = self.z.flatten(0, 3).index_select(0, index.flatten().to(self.z.device))
        return tokens.view(*index.shape, -1)
