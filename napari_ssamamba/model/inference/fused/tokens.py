"""Triton kernels that mix a patch's tokens: state space, attention, convolution.

Each reads what it needs once and writes its result once; the equations are those of
`inference.block` and `inference.stages`, which are the twins that the tests compare with.

Symbols: B patches, L tokens, d width, D inner width, n_h heads of width d_h; LP is L rounded up to
a power of two, since Triton's tiles have such sides. Rows of tokens lie as (L, B): token l of patch
b is row l·B + b.
"""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def silu(x, QUICK: tl.constexpr):
    """Return x·σ(x); `QUICK`: to 11 bits, by the GPU's own tanh, for what is rounded to 8."""
    if QUICK:
        half = 0.5 * x
        tanh = tl.inline_asm_elementwise(
            "tanh.approx.f32 $0, $1;", "=f,f", [half], dtype=tl.float32, is_pure=True, pack=1
        )
        y = half + half * tanh
    else:
        y = x * tl.sigmoid(x)
    return y


@triton.jit
def gelu(x):
    """Return the exact GELU, by the error function."""
    return 0.5 * x * (1.0 + tl.math.erf(x * 0.7071067811865476))


@triton.jit
def state_space_kernel(
    inner,  # (2·channels, L, B): the main halves of all units, which y replaces, then the gates
    taps,  # (channels, 3) float32, the last one reads the token itself
    bias,  # (channels, L) float32
    gate_bias,  # (channels,) float32
    toeplitz,  # (channels, LP, LP), zero outside L × L
    channels,
    L: tl.constexpr,
    LP: tl.constexpr,
    B: tl.constexpr,
    PATCHES: tl.constexpr,
    PARTS: tl.constexpr,  # of so many patches that a program takes, one after the other
    PRECISION: tl.constexpr,
    QUICK: tl.constexpr,
):
    """Eq. 4-11 of a channel: causal convolution, batch norm, SiLU, state space, gate."""
    channel = tl.program_id(0)
    row, back = tl.arange(0, LP), tl.arange(0, LP)[:, None] - tl.arange(0, LP)[None, :]
    real = row < L
    matrix = tl.load(toeplitz + channel * (LP * LP) + row[:, None] * LP + tl.arange(0, LP)[None, :])
    # The short convolution is a product with a matrix of three diagonals.
    short = tl.where(back == 0, tl.load(taps + channel * 3 + 2), 0.0)
    short = tl.where(back == 1, tl.load(taps + channel * 3 + 1), short)
    short = tl.where(back == 2, tl.load(taps + channel * 3), short).to(matrix.dtype)
    shift = tl.load(bias + channel * L + row, mask=real, other=0.0)[:, None]
    gate_shift = tl.load(gate_bias + channel)
    start = channel.to(tl.int64) * (L * B)
    gate_start = (channels + channel).to(tl.int64) * (L * B)
    for part in range(PARTS):
        patch = (tl.program_id(1) * PARTS + part) * PATCHES + tl.arange(0, PATCHES)
        inside = real[:, None] & (patch < B)[None, :]
        at = row[:, None] * B + patch[None, :]
        x = tl.load(inner + start + at, mask=inside, other=0.0)
        gate = tl.load(inner + gate_start + at, mask=inside, other=0.0).to(tl.float32)
        z = tl.dot(short, x, input_precision=PRECISION) + shift
        y = tl.dot(matrix, silu(z, QUICK).to(matrix.dtype), input_precision=PRECISION)
        y = y * silu(gate + gate_shift, QUICK)
        tl.store(inner + start + at, y.to(inner.dtype.element_ty), mask=inside)


@triton.jit
def attention_kernel(
    q,  # (L·B, d), scaled
    kv,  # (L·B, 2d): keys, then values
    out,  # (L·B, d)
    B,
    L: tl.constexpr,
    LP: tl.constexpr,
    WIDTH: tl.constexpr,  # d
    HEAD: tl.constexpr,  # d_h
    HEADS: tl.constexpr,  # that a program takes, one after the other
    PRECISION: tl.constexpr,
):
    """Eq. 18 and A V: what the heads of a patch gather, without ever storing their weights."""
    patch = tl.program_id(0)
    row = tl.arange(0, LP)
    real = row < L
    token = (row * B + patch).to(tl.int64)[:, None]
    for number in range(HEADS):
        channel = (tl.program_id(1) * HEADS + number) * HEAD + tl.arange(0, HEAD)[None, :]
        mask = real[:, None]
        queries = tl.load(q + token * WIDTH + channel, mask=mask, other=0.0)
        keys = tl.load(kv + token * (2 * WIDTH) + channel, mask=mask, other=0.0)
        values = tl.load(kv + token * (2 * WIDTH) + WIDTH + channel, mask=mask, other=0.0)
        scores = tl.dot(queries, tl.trans(keys), input_precision=PRECISION)
        scores = tl.where(real[None, :], scores, float("-inf"))
        weights = tl.exp(scores - tl.max(scores, 1)[:, None])
        weights = weights / tl.sum(weights, 1)[:, None]
        gathered = tl.dot(weights.to(values.dtype), values, input_precision=PRECISION)
        tl.store(out + token * WIDTH + channel, gathered.to(out.dtype.element_ty), mask=mask)


@triton.jit
def neighbours_kernel(
    x,  # (L·B, d)
    taps,  # (9, d) float32
    bias,  # (d,) float32
    out,  # (L·B, d)
    B,
    SIDE: tl.constexpr,
    L: tl.constexpr,
    LP: tl.constexpr,
    WIDTH: tl.constexpr,
    CHANNELS: tl.constexpr,  # that a program takes
):
    """Eq. 30-31: depthwise convolution with the eight neighbours, batch norm, GELU."""
    patch = tl.program_id(0)
    row = tl.arange(0, LP)
    down, across = row // SIDE, row % SIDE
    channel = tl.program_id(1) * CHANNELS + tl.arange(0, CHANNELS)
    z = tl.zeros((LP, CHANNELS), tl.float32) + tl.load(bias + channel)[None, :]
    for near in tl.static_range(9):
        near_down, near_across = down + near // 3 - 1, across + near % 3 - 1
        inside = (near_down >= 0) & (near_down < SIDE) & (near_across >= 0)
        inside = inside & (near_across < SIDE) & (row < L)
        token = ((near_down * SIDE + near_across) * B + patch).to(tl.int64)
        at = token[:, None] * WIDTH + channel[None, :]
        value = tl.load(x + at, mask=inside[:, None], other=0.0).to(tl.float32)
        z += tl.load(taps + near * WIDTH + channel)[None, :] * value
    at = (row * B + patch).to(tl.int64)[:, None] * WIDTH + channel[None, :]
    tl.store(out + at, gelu(z).to(out.dtype.element_ty), mask=(row < L)[:, None])
