"""Patches as rows of a pixel table: gathered where the table lies, never stored."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor


def gather_patches(table: Tensor, index: Tensor) -> Tensor:
    """Look up patches.

    Parameters
    ----------
    table : Tensor, shape (pixels, C)
        Standardised spectra.
    index : Tensor of int, shape (B, P²)
        Rows of the table, each patch in row-major order.

    Returns
    -------
    Tensor, shape (B, C, P, P)
        In memory the bands come last, which is the layout that the first convolution, a product
        over bands, runs fastest on.
    """
    side = math.isqrt(index.shape[1])
    patches = table[index].reshape(len(index), side, side, -1)  # (B, P, P, C)
    return patches.permute(0, 3, 1, 2)


def dihedral_orders(side: int) -> Tensor:
    """Return the eight orders of a patch's pixels under flips and quarter turns.

    Returns
    -------
    Tensor of int64, shape (8, side²)
        ``index[:, orders[k]]`` is the patches flipped or turned; order 0 leaves them as they are.
    """
    image = torch.arange(side * side).reshape(side, side)
    turned = [torch.rot90(m, k) for m in (image, image.T) for k in range(4)]
    return torch.stack([t.flatten() for t in turned])
