"""What stands before and after the blocks, as it runs over a scene (Eq. 1-2, 29-35).

Symbols: C bands, d width, P patch side, L = P² tokens, B patches.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.functional import conv2d, gelu, pad

from napari_ssamamba.model.inference.folding import folded_convolution

if TYPE_CHECKING:
    from napari_ssamamba.model.network import SSAMamba
    from napari_ssamamba.model.stages import InputProjection


def place_kinds(side: int) -> list[int]:
    """Return for each row (or column) of a patch which neighbours it has inside the patch.

    Returns
    -------
    list of int
        Numbers of the variants in `SceneProjection`'s result.
    """
    if side == 1:
        return [0]
    return [0] + [1] * (side - 2) + [2]


def _borders(side: int) -> list[tuple[int, int]]:
    """Of each kind, how many neighbours it has before and behind it inside the patch."""
    return [(0, 0)] if side == 1 else [(0, 1), (1, 1), (1, 0)]


def token_places(side: int, height: int, width: int) -> Tensor:
    """Return where a projected tile, flattened to rows of tokens, holds the patch of pixel (0, 0).

    Parameters
    ----------
    side : int
        P.
    height, width : int
        Of the tile with its halo.

    Returns
    -------
    Tensor of int64, shape (L,)
    """
    kinds, step = torch.tensor(place_kinds(side)), torch.arange(side)
    down = kinds * (len(_borders(side)) * height * width) + step * width
    return (down[:, None] + kinds * (height * width) + step).flatten()


class SceneProjection:
    """The input projection of a whole tile, once a pixel and kind of place in a patch.

    A patch is zero-padded at its own border, so that what the 3×3 convolution makes of a pixel
    depends on whether the pixel lies in the first, the last or another row of the patch, likewise
    its column: nine variants, which all patches that hold the pixel share.

    Parameters
    ----------
    projection : InputProjection
    side : int
        P.
    near : torch.dtype, optional
        Of the 3×3 convolution; by default the network's own.
    """

    def __init__(
        self, projection: InputProjection, side: int, near: torch.dtype | None = None
    ) -> None:
        dtype = projection.conv_pixel.weight.dtype
        weight, bias = folded_convolution(projection.conv_pixel, projection.norm_pixel)
        self.pixel, self.pixel_bias = weight.flatten(1).to(dtype), bias.to(dtype)
        weight, bias = folded_convolution(projection.conv_near, projection.norm_near)
        self.near, self.near_bias = weight.to(near or dtype), bias.to(near or dtype)
        self.side, self.borders = side, _borders(side)

    def shape(self, height: int, width: int) -> tuple[int, int, int, int, int]:
        """Return the shape of a projected tile."""
        count = len(self.borders)
        return count, count, height, width, len(self.near)

    def __call__(self, block: Tensor, out: Tensor | None = None) -> Tensor:
        """Project a tile with its halo.

        Parameters
        ----------
        block : Tensor, shape (H, W, C)
        out : Tensor, optional
            For the result.

        Returns
        -------
        Tensor, shape (kinds of rows, kinds of columns, H, W, d)
            What needs pixels beyond the block is wrong, and in no patch that the block holds.
        """
        z = gelu(torch.nn.functional.linear(block, self.pixel, self.pixel_bias))  # Eq. 1
        image = z.to(self.near.dtype)[None].permute(0, 3, 1, 2)  # channels last, as they lie
        kinds = image.new_empty(self.shape(*block.shape[:2])) if out is None else out
        for down, (above, below) in enumerate(self.borders):
            for across, (left, right) in enumerate(self.borders):
                kinds[down, across] = self._near(image, above, below, left, right)
        return kinds

    def _near(self, image: Tensor, above: int, below: int, left: int, right: int) -> Tensor:
        """Eq. 2 with the neighbours that a place has, (H, W, d)."""
        weight = self.near[:, :, 1 - above : 2 + below, 1 - left : 2 + right]
        padded = pad(image, (left, right, above, below))
        near = conv2d(padded, weight, self.near_bias)  # (1, d, H, W)
        return gelu(near)[0].permute(1, 2, 0)


class SceneHead:
    """Integration and head, for tokens that lie as (L, B, d).

    Parameters
    ----------
    network : SSAMamba
    dtype : torch.dtype
        Of the tokens.
    """

    def __init__(self, network: SSAMamba, dtype: torch.dtype) -> None:
        integration = network.integration
        self.side = network.config.patch_size
        weight, bias = folded_convolution(integration.conv_near, integration.norm_near)
        self.near, self.near_bias = weight.to(dtype), bias.to(dtype)
        weight, bias = folded_convolution(integration.conv_pixel, integration.norm_pixel)
        self.pixel, self.pixel_bias = weight.flatten(1).to(dtype).t(), bias.to(dtype)
        self.excitation = integration.excitation
        self.residual = integration.residual
        self.head = network.head

    def __call__(self, tokens: Tensor, z_proj: Tensor) -> Tensor:
        """Classify patches.

        Parameters
        ----------
        tokens : Tensor, shape (L, B, d)
            The last block's.
        z_proj : Tensor, shape (L, B, d)
            The first block's input.

        Returns
        -------
        Tensor, shape (B, classes)
            Logits, in the network's own precision.
        """
        exact = self.head.weight.dtype
        length, batch, width = tokens.shape
        image = tokens.transpose(0, 1).contiguous().view(batch, self.side, self.side, width)
        z = conv2d(image.permute(0, 3, 1, 2), self.near, self.near_bias, padding=1, groups=width)
        z = gelu(z).permute(0, 2, 3, 1).reshape(-1, width)  # Eq. 30-31, (B·L, d)
        z = gelu(torch.addmm(self.pixel_bias, z, self.pixel))  # Eq. 32
        means = z.view(batch, length, width).mean(1, dtype=exact)
        # The excitation is a factor per patch and channel and the pooling a mean: they commute.
        pooled = means * self.excitation(means)  # Eq. 33
        if self.residual:
            pooled = pooled + z_proj.mean(0, dtype=exact)  # Eq. 34
        logits: Tensor = self.head(pooled)  # Eq. 35
        return logits
