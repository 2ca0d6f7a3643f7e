"""Norms that disappear into the linear maps beside them.

A batch norm that has learned is a fixed scale and shift per channel, and so is what a layer norm
does after dividing by the deviation. Both are linear and merge with the next or last linear map.
All folding is done in double precision.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor, nn


def scale_and_shift(norm: nn.BatchNorm1d | nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Return a batch norm in evaluation as y = scale ⊙ x + shift.

    Returns
    -------
    scale, shift : Tensor of float64, shape (channels,)
    """
    if norm.running_mean is None or norm.running_var is None:
        raise ValueError("the batch norm keeps no statistics; it cannot be folded")
    scale = norm.weight.double() / (norm.running_var.double() + norm.eps).sqrt()
    return scale, norm.bias.double() - scale * norm.running_mean.double()


def folded_convolution(
    conv: nn.Conv1d | nn.Conv2d, norm: nn.BatchNorm1d | nn.BatchNorm2d
) -> tuple[Tensor, Tensor]:
    """Return weight and bias of the convolution that equals norm(conv(x)).

    Returns
    -------
    weight : Tensor of float64, shape of the convolution's
    bias : Tensor of float64, shape (channels,)
    """
    scale, shift = scale_and_shift(norm)
    weight = conv.weight.double() * scale.reshape(-1, *[1] * (conv.weight.ndim - 1))
    if conv.bias is not None:
        shift = shift + scale * conv.bias.double()
    return weight, shift


def folded_linear(norm: nn.LayerNorm, linear: nn.Linear) -> tuple[Tensor, Tensor]:
    """Return weight and bias of the map that equals linear(norm(x)), for x already normalised.

    Returns
    -------
    weight : Tensor of float64, shape (out, in)
    bias : Tensor of float64, shape (out,)
    """
    weight = linear.weight.double()
    bias = weight @ norm.bias.double()
    if linear.bias is not None:
        bias = bias + linear.bias.double()
    return weight * norm.weight.double(), bias
