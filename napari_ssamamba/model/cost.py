"""What the network costs: multiply-adds a patch, from its configuration alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_ssamamba.model.mamba_unit import CAUSAL_TAPS
from napari_ssamamba.model.squeeze_excitation import NARROWEST, REDUCTION

if TYPE_CHECKING:
    from napari_ssamamba.model.config import ModelConfig

WINDOW = 9
"""Taps of a 3×3 convolution."""


def flops_a_patch(config: ModelConfig) -> float:
    """Count the floating-point operations for one patch, which is one pixel of a map.

    Counted are the multiply-adds, two operations each, of the plain network: every token of every
    patch by itself, every tap of every convolution, those on zero padding too, the state space as
    a convolution L taps long. Norms and activations are not counted. What overlapping patches can
    share is counted as if they did not, so that two forms of the network are compared by their
    time alone.

    Returns
    -------
    float
        6.1e8 for the preset ``standard`` with 144 bands and 15 classes.
    """
    d, inner, tokens = config.d_model, config.d_inner, config.tokens
    projection = tokens * (config.bands * d // 2 + WINDOW * d // 2 * d)
    units = 1 if config.shared_branch else 2
    unit = tokens * inner * (2 * d + d + CAUSAL_TAPS + tokens)
    attentions = {"asymmetric": 1, "symmetric": 2, "none": 0}[config.attention]
    attention = tokens * (4 * d * d + 2 * tokens * d)
    hidden = max(NARROWEST, d // REDUCTION)
    fusion = tokens * ((2 + 2 * config.gate) * d * d + d * d) + 2 * d * hidden
    integration = tokens * (WINDOW * d + d * d) + 2 * d * hidden
    block = units * unit + attentions * attention + fusion
    head = d * config.classes
    return 2.0 * (projection + config.depth * block + integration + head)
