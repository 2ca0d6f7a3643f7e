"""What stands before and after the blocks, on an NVIDIA GPU (Eq. 29-35)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from napari_ssamamba.model.device import padded
from napari_ssamamba.model.inference.folding import folded_convolution
from napari_ssamamba.model.inference.fused import rows, tokens

if TYPE_CHECKING:
    from napari_ssamamba.model.network import SSAMamba


class FusedHead:
    """Integration and head, as `SceneHead` has them.

    Parameters
    ----------
    network : SSAMamba
        On its device, in evaluation.
    dtype : torch.dtype
        Of the tokens.
    """

    def __init__(self, network: SSAMamba, dtype: torch.dtype) -> None:
        integration = network.integration
        self.patch = network.config.patch_size
        weight, bias = folded_convolution(integration.conv_near, integration.norm_near)
        self.taps, self.bias = weight.flatten(1).t().contiguous().float(), bias.float()
        weight, bias = folded_convolution(integration.conv_pixel, integration.norm_pixel)
        self.pixel, self.pixel_bias = weight.flatten(1).to(dtype).t(), bias.float()
        self.excitation, self.head = integration.excitation, network.head

    def pool(self, x: Tensor, pooled: Tensor) -> None:
        """Find the integration's channels, means over the tokens (Eq. 30-32).

        Parameters
        ----------
        x : Tensor, shape (L·B, d)
            The last block's tokens.
        pooled : Tensor of float32, shape (B, d)
            For the result.
        """
        (batch, width), length = pooled.shape, self.patch**2
        side, z = padded(length), torch.empty_like(x)
        channels = min(width, 64)
        tokens.neighbours_kernel[(batch, width // channels)](
            x, self.taps, self.bias, z, batch,
            SIDE=self.patch, L=length, LP=side, WIDTH=width, CHANNELS=channels,
        )  # fmt: skip
        rows.pool_kernel[(batch,)](
            torch.mm(z, self.pixel), self.pixel_bias, pooled, batch,
            L=length, LP=side, WIDTH=width, num_warps=8,
        )  # fmt: skip

    def __call__(self, pooled: Tensor, means: Tensor) -> Tensor:
        """Classify patches.

        Parameters
        ----------
        pooled, means : Tensor of float32, shape (B, d)
            Of each patch, and of its projected tokens, Z_proj.

        Returns
        -------
        Tensor, shape (B, classes)
            Logits.
        """
        logits: Tensor = self.head(pooled * self.excitation(pooled) + means)  # Eq. 33-35
        return logits
