"""The network's configuration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Preset = Literal["compact", "standard"]
"""``standard``: the paper's widths. ``compact``: for a CPU."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig:
    """Sizes of the network and its ablations.

    Attributes
    ----------
    bands : int
        C, channels of a patch.
    classes : int
        Outputs.
    patch_size : int
        P, side of a patch in pixels, odd.
    d_model : int
        d, width of a token.
    d_state : int
        N, states a channel.
    expand : int
        D = expand · d, inner width of a Mamba unit.
    heads : int
        n_h; divides `d_model`.
    depth : int
        Number of blocks.
    dropout : float
    """

    bands: int
    classes: int
    patch_size: int = 7
    d_model: int = 256
    d_state: int = 16
    expand: int = 2
    heads: int = 8
    depth: int = 4
    dropout: float = 0.1
