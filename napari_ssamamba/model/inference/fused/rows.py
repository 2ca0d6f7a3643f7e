"""Triton kernels that work on each token by itself, or on means over a patch's tokens.

They join what lies between two matrix products: residuals, norms, activations, gates. The equations
are those of `inference.block` and `inference.stages`, which are the twins that the tests compare
with.

Symbols: B patches, L tokens, d width; LP is L rounded up to a power of two. Rows of tokens lie as
(L, B): token l of patch b is row l·B + b.
"""

from __future__ import annotations

import triton
import triton.language as tl

from napari_ssamamba.model.inference.fused.tokens import gelu


@triton.jit
def normalised(x, WIDTH: tl.constexpr, EPS: tl.constexpr):
    """Return the rows of x with mean 0 and deviation 1."""
    x = x - (tl.sum(x, 1) / WIDTH)[:, None]
    return x * tl.rsqrt(tl.sum(x * x, 1) / WIDTH + EPS)[:, None]


@triton.jit
def gather_kernel(
    z,  # (kinds · kinds · H · W, d): a projected tile
    places,  # (L,) int64: rows of z that hold the tokens of the patch of pixel 0
    pixels,  # (B,) int64: how much further those of each patch lie
    x,  # (L·B, d)
    x_normalised,  # (L·B, d)
    means,  # (B, d) float32: of the tokens of each patch
    B,
    L: tl.constexpr,
    LP: tl.constexpr,
    WIDTH: tl.constexpr,
    EPS: tl.constexpr,
):
    """Look up the tokens of a patch, and prepare the first block's input."""
    patch = tl.program_id(0)
    row = tl.arange(0, LP)
    real = (row < L)[:, None]
    channel = tl.arange(0, WIDTH)[None, :]
    source = tl.load(places + row, mask=row < L, other=0) + tl.load(pixels + patch)
    value = tl.load(z + source[:, None] * WIDTH + channel, mask=real, other=0.0)
    at = (row * B + patch).to(tl.int64)[:, None] * WIDTH + channel
    tl.store(x + at, value, mask=real)
    value = value.to(tl.float32)
    tl.store(means + patch * WIDTH + tl.arange(0, WIDTH), tl.sum(value, 0) / L)
    value = normalised(value, WIDTH, EPS).to(x_normalised.dtype.element_ty)
    tl.store(x_normalised + at, value, mask=real)


@triton.jit
def branches_kernel(
    mapped,  # (2, rows, d): Eq. 11 of both units, without bias
    x,  # (rows, d)
    parameters,  # (2, 5, d) float32: bias, norm_out's weight and bias, the branch's norm's
    both,  # (rows, 2d): f_s goes into the first half
    spectral,  # (rows, d): f_p
    rows,
    WIDTH: tl.constexpr,
    ROWS: tl.constexpr,
    EPS: tl.constexpr,
):
    """Eq. 12 and the norm after it, of both branches."""
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    real = (row < rows)[:, None]
    column = tl.arange(0, WIDTH)
    at = row.to(tl.int64)[:, None] * WIDTH + column[None, :]
    residual = tl.load(x + at, mask=real, other=0.0).to(tl.float32)
    for unit in tl.static_range(2):
        of_unit = parameters + unit * (5 * WIDTH) + column
        source = mapped + unit * (rows.to(tl.int64) * WIDTH) + at
        y = tl.load(source, mask=real, other=0.0).to(tl.float32)
        y += residual + tl.load(of_unit)[None, :]
        y = normalised(y, WIDTH, EPS)
        y = y * tl.load(of_unit + WIDTH)[None, :] + tl.load(of_unit + 2 * WIDTH)[None, :]
        y = normalised(y, WIDTH, EPS)
        y = y * tl.load(of_unit + 3 * WIDTH)[None, :] + tl.load(of_unit + 4 * WIDTH)[None, :]
        if unit == 0:
            to = both + row.to(tl.int64)[:, None] * (2 * WIDTH) + column[None, :]
            tl.store(to, y.to(both.dtype.element_ty), mask=real)
        else:
            tl.store(spectral + at, y.to(spectral.dtype.element_ty), mask=real)


@triton.jit
def answer_kernel(
    mapped,  # (rows, d): concat(A_i V_i) W_O
    both,  # (rows, 2d): f_s in the first half; f_a goes into the second
    parameters,  # (2, d) float32: the norm's weight and bias
    moments,  # (rows, 2) float32: mean and 1 / deviation of [f_s ; f_a]
    rows,
    WIDTH: tl.constexpr,
    ROWS: tl.constexpr,
    EPS: tl.constexpr,
    EPS_MIX: tl.constexpr,
):
    """Eq. 19-20, and what the norm of Eq. 22 will divide by."""
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    real = (row < rows)[:, None]
    column = tl.arange(0, WIDTH)
    at = row.to(tl.int64)[:, None] * WIDTH + column[None, :]
    y = tl.load(mapped + at, mask=real, other=0.0).to(tl.float32)
    y = normalised(y, WIDTH, EPS)
    y = y * tl.load(parameters + column)[None, :] + tl.load(parameters + WIDTH + column)[None, :]
    to = both + row.to(tl.int64)[:, None] * (2 * WIDTH) + column[None, :]
    tl.store(to + WIDTH, y.to(both.dtype.element_ty), mask=real)
    f_s = tl.load(to, mask=real, other=0.0).to(tl.float32)
    mean = (tl.sum(y, 1) + tl.sum(f_s, 1)) / (2 * WIDTH)
    f_s, y = f_s - mean[:, None], y - mean[:, None]
    variance = (tl.sum(y * y, 1) + tl.sum(f_s * f_s, 1)) / (2 * WIDTH)
    tl.store(moments + 2 * row, mean, mask=row < rows)
    tl.store(moments + 2 * row + 1, tl.rsqrt(variance + EPS_MIX), mask=row < rows)


@triton.jit
def mix_kernel(
    mapped,  # (rows, 2d): [f_s ; f_a] times the mixing's weights in the first half
    moments,  # (rows, 2) float32
    parameters,  # (2, d) float32: sums over the mixing's weights, its bias
    out,  # (rows, d)
    rows,
    WIDTH: tl.constexpr,
    ROWS: tl.constexpr,
):
    """Eq. 22-23: the norm, a linear map that was applied before it, GELU."""
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    real = (row < rows)[:, None]
    column = tl.arange(0, WIDTH)
    at = row.to(tl.int64)[:, None] * (2 * WIDTH) + column[None, :]
    m = tl.load(mapped + at, mask=real, other=0.0).to(tl.float32)
    mean = tl.load(moments + 2 * row, mask=row < rows, other=0.0)
    scale = tl.load(moments + 2 * row + 1, mask=row < rows, other=0.0)
    m = (m - mean[:, None] * tl.load(parameters + column)[None, :]) * scale[:, None]
    m = gelu(m + tl.load(parameters + WIDTH + column)[None, :])
    at = row.to(tl.int64)[:, None] * WIDTH + column[None, :]
    tl.store(out + at, m.to(out.dtype.element_ty), mask=real)


@triton.jit
def fuse_kernel(
    mixed,  # (L·B, d): Eq. 23 without bias
    mapped,  # (L·B, 2d): the gate's product in the second half
    x,  # (L·B, d): the block's input; its output replaces it
    x_normalised,  # (L·B, d): the next block's input, normalised
    parameters,  # (5, d) float32: mix_out's and gate's bias, norm_out's weight and bias, excite's
    squeeze,  # (HIDDEN, d) float32
    squeeze_bias,  # (HIDDEN,) float32
    excite,  # (HIDDEN, d) float32
    B,
    L: tl.constexpr,
    LP: tl.constexpr,
    WIDTH: tl.constexpr,
    HIDDEN: tl.constexpr,
    EPS: tl.constexpr,
    EPS_NEXT: tl.constexpr,
):
    """Eq. 21 and 24-27: gate, squeeze-and-excitation, residual, norm."""
    patch = tl.program_id(0)
    row = tl.arange(0, LP)
    real = (row < L)[:, None]
    column = tl.arange(0, WIDTH)
    token = (row * B + patch).to(tl.int64)[:, None]
    at = token * WIDTH + column[None, :]
    gate = tl.load(mapped + token * (2 * WIDTH) + WIDTH + column[None, :], mask=real, other=0.0)
    gate = gate.to(tl.float32) + tl.load(parameters + WIDTH + column)[None, :]
    f = tl.load(mixed + at, mask=real, other=0.0).to(tl.float32)
    f = (f + tl.load(parameters + column)[None, :]) * tl.sigmoid(gate)
    mean = tl.sum(tl.where(real, f, 0.0), 0) / L  # (d,)
    hidden = tl.arange(0, HIDDEN)
    of_hidden = hidden[:, None] * WIDTH + column[None, :]
    h = tl.sum(tl.load(squeeze + of_hidden) * mean[None, :], 1) + tl.load(squeeze_bias + hidden)
    h = tl.maximum(h, 0.0)
    w = tl.sum(tl.load(excite + of_hidden) * h[:, None], 0)
    w = tl.sigmoid(w + tl.load(parameters + 4 * WIDTH + column))
    y = f * w[None, :] + tl.load(x + at, mask=real, other=0.0).to(tl.float32)
    y = normalised(y, WIDTH, EPS)
    y = y * tl.load(parameters + 2 * WIDTH + column)[None, :]
    y = y + tl.load(parameters + 3 * WIDTH + column)[None, :]
    tl.store(x + at, y.to(x.dtype.element_ty), mask=real)
    y = normalised(y, WIDTH, EPS_NEXT)
    tl.store(x_normalised + at, y.to(x_normalised.dtype.element_ty), mask=real)


@triton.jit
def pool_kernel(
    mapped,  # (L·B, d): Eq. 32's product
    bias,  # (d,) float32
    means,  # (B, d) float32
    B,
    L: tl.constexpr,
    LP: tl.constexpr,
    WIDTH: tl.constexpr,
):
    """Eq. 32's GELU, and the mean over each patch."""
    patch = tl.program_id(0)
    row = tl.arange(0, LP)
    real = (row < L)[:, None]
    column = tl.arange(0, WIDTH)
    at = (row * B + patch).to(tl.int64)[:, None] * WIDTH + column[None, :]
    z = tl.load(mapped + at, mask=real, other=0.0).to(tl.float32)
    z = gelu(z + tl.load(bias + column)[None, :])
    mean = tl.sum(tl.where(real, z, 0.0), 0) / L
    tl.store(means + patch * WIDTH + column, mean)
