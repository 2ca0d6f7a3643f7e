"""The network's configuration, its presets and its ablations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from napari_ssamamba.errors import SettingError

Preset = Literal["compact", "standard"]
"""``standard``: the paper's widths. ``compact``: for a CPU."""

Attention = Literal["asymmetric", "symmetric", "none"]
"""Who queries whom: space asks spectrum (the paper's), both ask each other, or nobody asks."""

LARGEST = {
    "bands": 65536,
    "classes": 65535,
    "patch_size": 63,
    "d_model": 4096,
    "d_state": 1024,
    "expand": 16,
    "heads": 256,
    "depth": 64,
}
"""No size may exceed these; far above use, and low enough that no setting can exhaust a machine."""


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
        d, width of a token; even, and a multiple of `heads`.
    d_state : int
        N, states a channel.
    expand : int
        D = expand · d, inner width of a Mamba unit.
    heads : int
        n_h; divides `d_model`.
    depth : int
        Number of blocks.
    dropout : float
        Share of values dropped while training, 0 to below 1.
    attention : {"asymmetric", "symmetric", "none"}
        Ablation of the cross-domain attention (Eq. 15-19).
    gate : bool
        Ablation of the fusion's gate (Eq. 20-27).
    block_residual, global_residual : bool
        Ablation of the multiscale residuals: that of each block, and that across the network.
    shared_branch : bool
        True: one Mamba unit a block serves as spatial and as spectral branch.

    Raises
    ------
    SettingError
        Where a value is out of its range.
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
    attention: Attention = "asymmetric"
    gate: bool = True
    block_residual: bool = True
    global_residual: bool = True
    shared_branch: bool = False

    def __post_init__(self) -> None:
        for name, most in LARGEST.items():
            value = getattr(self, name)
            if not 1 <= value <= most:
                raise SettingError(name, value, f"choose a whole number from 1 to {most}.")
        if self.patch_size % 2 == 0:
            raise SettingError(
                "patch_size", self.patch_size, "choose an odd number, so that a patch has a centre."
            )
        if self.d_model % 2:
            raise SettingError("d_model", self.d_model, "choose an even number.")
        if self.d_model % self.heads:
            raise SettingError(
                "heads", self.heads, f"choose a divisor of d_model, which is {self.d_model}."
            )
        if not 0 <= self.dropout < 1:
            raise SettingError("dropout", self.dropout, "choose a share from 0 to below 1.")
        if self.attention not in get_args(Attention):
            raise SettingError(
                "attention", self.attention, f"choose one of {', '.join(get_args(Attention))}."
            )

    @property
    def tokens(self) -> int:
        """L = P², tokens of a patch."""
        return self.patch_size**2

    @property
    def d_inner(self) -> int:
        """D = expand · d."""
        return self.expand * self.d_model


def preset(name: Preset, bands: int, classes: int) -> ModelConfig:
    """Return a preset for so many bands and classes.

    Raises
    ------
    SettingError
        Where no preset has that name.
    """
    if name == "standard":
        return ModelConfig(bands=bands, classes=classes)
    if name == "compact":
        return ModelConfig(bands=bands, classes=classes, d_model=64, depth=2, heads=4)
    raise SettingError("preset", name, f"choose one of {', '.join(get_args(Preset))}.")
