"""Which networks the kernels of `fused` are written for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_ssamamba.model.config import ModelConfig

LONGEST = 64
"""Tokens of a patch that a kernel holds at once."""


def is_fusible(config: ModelConfig) -> bool:
    """Tell whether there are kernels for a network: the paper's form, in sizes of powers of two."""
    width, head = config.d_model, config.d_model // config.heads
    return (
        config.attention == "asymmetric"
        and config.gate
        and config.block_residual
        and config.global_residual
        and not config.shared_branch
        and config.tokens <= LONGEST
        and width in (64, 128, 256)
        and head in (16, 32, 64)
        and config.heads & (config.heads - 1) == 0
    )
