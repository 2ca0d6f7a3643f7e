"""A pixel's attention, summed up in four numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from napari_ssamamba.model.network import Inspection


def attention_scalars(inspection: Inspection) -> Tensor:
    """Sum up what the centre pixels of patches attend to, averaged over blocks and heads.

    Parameters
    ----------
    inspection : Inspection
        Of a network with attention.

    Returns
    -------
    Tensor, shape (4, B)
        In the order of `ATTENTION_SCALARS`; the gate is NaN for a network without gates.
    """
    tokens = inspection.attention[0].shape[-1]  # L
    side, centre = math.isqrt(tokens), tokens // 2
    weights = torch.stack([a[:, :, centre] for a in inspection.attention])  # (depth, B, n_h, L)
    row, column = torch.meshgrid(
        torch.arange(side, device=weights.device),
        torch.arange(side, device=weights.device),
        indexing="ij",
    )
    distance = torch.hypot(row.flatten() - side // 2.0, column.flatten() - side // 2.0)  # (L,)

    highest = math.log(tokens) if tokens > 1 else 1.0
    entropy = torch.special.entr(weights).sum(-1) / highest
    scalars = [entropy, (weights * distance).sum(-1), weights[..., centre]]
    means = [s.mean((0, 2)) for s in scalars]  # (B,) each
    if inspection.gates:
        gate = torch.stack([g[:, centre] for g in inspection.gates]).mean((0, 2))
    else:
        gate = torch.full_like(means[0], math.nan)
    return torch.stack([*means, gate])
