"""Triton kernels of what a Mamba unit does between its two products, forward and backward.

A program takes one channel with all tokens of all patches: the batch norm's statistics and the
gradients of all parameters are sums within a program, so that nothing is added up in an order that
changes. Equations and layout are those of `mamba_unit.MambaUnit.channels_first`, the twin that the
tests compare with. Products are not rounded.

Symbols: B patches, D channels, L tokens; LP and BP are L and B rounded up to powers of two, since
Triton's tiles have such sides. Token l of patch b of channel c lies at (c·L + l)·B + b.
"""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def places(B, L: tl.constexpr, LP: tl.constexpr, BP: tl.constexpr):
    """Return a channel's tokens (LP, 1), where they lie in it (LP, BP), and which are there."""
    token, patch = tl.arange(0, LP)[:, None], tl.arange(0, BP)[None, :]
    return token, token * B + patch, (token < L) & (patch < B)


@triton.jit
def total(values):
    """Return the sum of all values of a tile."""
    return tl.sum(tl.sum(values, 1), 0)


@triton.jit
def toeplitz(kernel, L: tl.constexpr, LP: tl.constexpr):
    """Return the matrix T[i, j] = K[i - j] of a channel's kernel, zero outside L × L."""
    row, column = tl.arange(0, LP)[:, None], tl.arange(0, LP)[None, :]
    mask = (column <= row) & (row < L)
    return tl.load(kernel + row - column, mask=mask, other=0.0).to(tl.float32)


@triton.jit
def normalised_taps(
    main, weight, bias, mean_kept, variance_kept, own, at, token, inside, B,
    L: tl.constexpr, EPS: tl.constexpr,
):  # fmt: skip
    """Eq. 4, and Eq. 5's norm without its weight and bias.

    Returns the tokens, those one before and two before; what is normalised, zero outside the tile,
    its mean and variance, and 1 / deviation of what it is divided by.
    """
    x0 = tl.load(main + at, mask=inside, other=0.0).to(tl.float32)
    x1 = tl.load(main + at - B, mask=inside & (token >= 1), other=0.0).to(tl.float32)
    x2 = tl.load(main + at - 2 * B, mask=inside & (token >= 2), other=0.0).to(tl.float32)
    y = tl.load(bias) + tl.load(weight + 2) * x0 + tl.load(weight + 1) * x1 + tl.load(weight) * x2
    mean = total(tl.where(inside, y, 0.0)) / (L * B)
    away = tl.where(inside, y - mean, 0.0)
    variance = total(away * away) / (L * B)
    by = tl.rsqrt(tl.where(own != 0, variance, tl.load(variance_kept)) + EPS)
    y = tl.where(inside, y - tl.where(own != 0, mean, tl.load(mean_kept)), 0.0) * by
    return x0, x1, x2, y, mean, variance, by


@triton.jit(do_not_specialize=["own", "D", "B"])
def forward_kernel(
    u,  # (2D, L, B): what the input map gives, the gates in the second half
    weight,  # (D, 3)
    bias,  # (D,)
    norm_weight,  # (D,)
    norm_bias,  # (D,)
    running_mean,  # (D,): moves towards the batch's own where `own`
    running_variance,  # (D,)
    kernel,  # (D, L)
    out,  # (D, L, B)
    momentum,
    own,  # whether the batch is normalised by its own statistics
    D,
    B,
    L: tl.constexpr,
    LP: tl.constexpr,
    BP: tl.constexpr,
    EPS: tl.constexpr,
):
    """Eq. 4-11 up to the output map."""
    channel = tl.program_id(0)
    token, at, inside = places(B, L, LP, BP)
    main = u + channel.to(tl.int64) * (L * B)
    gates = u + (D + channel).to(tl.int64) * (L * B)
    kept_mean, kept_variance = running_mean + channel, running_variance + channel
    _, _, _, y, mean, variance, _ = normalised_taps(
        main, weight + 3 * channel, bias + channel, kept_mean, kept_variance, own,
        at, token, inside, B, L, EPS,
    )  # fmt: skip
    if own != 0:
        tl.store(kept_mean, (1 - momentum) * tl.load(kept_mean) + momentum * mean)
        unbiased = variance * ((L * B) / (L * B - 1.0))
        tl.store(kept_variance, (1 - momentum) * tl.load(kept_variance) + momentum * unbiased)
    y = y * tl.load(norm_weight + channel) + tl.load(norm_bias + channel)
    states = tl.where(inside, y * tl.sigmoid(y), 0.0)
    y = tl.dot(toeplitz(kernel + channel * L, L, LP), states, input_precision="ieee")
    gate = tl.load(gates + at, mask=inside, other=0.0).to(tl.float32)
    y = y * gate * tl.sigmoid(gate)
    tl.store(out + channel.to(tl.int64) * (L * B) + at, y.to(out.dtype.element_ty), mask=inside)


@triton.jit(do_not_specialize=["own", "D", "B"])
def backward_kernel(
    grad,  # (D, L, B): the result's
    u,  # as above
    weight,
    bias,
    norm_weight,
    norm_bias,
    running_mean,
    running_variance,
    kernel,
    grad_u,  # of the shapes of what they are the gradients of
    grad_weight,
    grad_bias,
    grad_norm_weight,
    grad_norm_bias,
    grad_kernel,
    own,
    D,
    B,
    L: tl.constexpr,
    LP: tl.constexpr,
    BP: tl.constexpr,
    EPS: tl.constexpr,
):
    """Return the gradients of `forward_kernel`, whose inner data are computed again."""
    channel = tl.program_id(0)
    token, at, inside = places(B, L, LP, BP)
    start, gates = channel.to(tl.int64) * (L * B), (D + channel).to(tl.int64) * (L * B)
    x0, x1, x2, normed, _, _, by = normalised_taps(
        u + start, weight + 3 * channel, bias + channel,
        running_mean + channel, running_variance + channel, own, at, token, inside, B, L, EPS,
    )  # fmt: skip
    z = normed * tl.load(norm_weight + channel) + tl.load(norm_bias + channel)
    through = tl.sigmoid(z)
    states = tl.where(inside, z * through, 0.0)
    matrix = toeplitz(kernel + channel * L, L, LP)
    y = tl.dot(matrix, states, input_precision="ieee")

    of_out = tl.load(grad + start + at, mask=inside, other=0.0).to(tl.float32)
    gate = tl.load(u + gates + at, mask=inside, other=0.0).to(tl.float32)
    opened = tl.sigmoid(gate)
    of_gate = of_out * y * opened * (1 + gate * (1 - opened))
    tl.store(grad_u + gates + at, of_gate.to(grad_u.dtype.element_ty), mask=inside)
    of_y = of_out * gate * opened

    # That of K[t] is the sum along the diagonal i - j = t of the matrix's gradient.
    of_matrix = tl.dot(of_y, tl.trans(states), input_precision="ieee")
    row, column = tl.arange(0, LP)[:, None], tl.arange(0, LP)[None, :]
    of_kernel = tl.gather(of_matrix, (row - column + LP) % LP, 1)
    of_kernel = tl.sum(tl.where(column <= row, of_kernel, 0.0), 0)
    lag = tl.arange(0, LP)
    tl.store(grad_kernel + channel * L + lag, of_kernel, mask=lag < L)

    of_z = tl.dot(tl.trans(matrix), of_y, input_precision="ieee")
    of_z = tl.where(inside, of_z * through * (1 + z * (1 - through)), 0.0)
    of_shift, of_scale = total(of_z), total(of_z * normed)
    tl.store(grad_norm_bias + channel, of_shift)
    tl.store(grad_norm_weight + channel, of_scale)
    centred = of_z - (of_shift + normed * of_scale) / (L * B)
    of_taps = tl.where(own != 0, centred, of_z) * by * tl.load(norm_weight + channel)
    of_taps = tl.where(inside, of_taps, 0.0)
    tl.store(grad_bias + channel, total(of_taps))
    weight, grad_weight = weight + 3 * channel, grad_weight + 3 * channel
    tl.store(grad_weight, total(of_taps * x2))
    tl.store(grad_weight + 1, total(of_taps * x1))
    tl.store(grad_weight + 2, total(of_taps * x0))
    # The tap t reached t tokens ahead; shifts are products with matrices of one diagonal.
    ahead = tl.where(column == row, tl.load(weight + 2), 0.0)
    ahead = tl.where(column == row + 1, tl.load(weight + 1), ahead)
    ahead = tl.where(column == row + 2, tl.load(weight), ahead)
    of_x = tl.dot(ahead, of_taps, input_precision="ieee")
    tl.store(grad_u + start + at, of_x.to(grad_u.dtype.element_ty), mask=inside)
