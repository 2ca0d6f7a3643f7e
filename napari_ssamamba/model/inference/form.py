"""Which form of a trained network runs on a device, and in which precision."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch

from napari_ssamamba.errors import SettingError
from napari_ssamamba.model.device import compiles_kernels, has_fast_bfloat16

if TYPE_CHECKING:
    from napari_ssamamba.model.config import ModelConfig

Precision = Literal["auto", "float32", "bfloat16"]

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


def is_replayed(config: ModelConfig, device: torch.device, dtype: torch.dtype) -> bool:
    """Tell whether a device has kernels for a network, see `fused`: in bfloat16, on NVIDIA's."""
    return dtype == torch.bfloat16 and is_fusible(config) and compiles_kernels(device)


def choose_precision(name: Precision, config: ModelConfig, device: torch.device) -> torch.dtype:
    """Return the type that a trained network computes in.

    Parameters
    ----------
    name : {"auto", "float32", "bfloat16"}
        ``"auto"`` is bfloat16 where the device has kernels for the network, which make maps ten
        times as fast and leave 99.9 % of the classes as they are; else float32.
    config : ModelConfig
    device : torch.device

    Raises
    ------
    SettingError
        For another name, or where the device is not fast at it.
    """
    if name == "auto":
        return torch.bfloat16 if is_replayed(config, device, torch.bfloat16) else torch.float32
    if name == "float32":
        return torch.float32
    if name != "bfloat16":
        raise SettingError("precision", name, "choose auto, float32 or bfloat16.")
    if not has_fast_bfloat16(device):
        raise SettingError("precision", name, f"{device} is not fast at it here; choose float32.")
    return torch.bfloat16
