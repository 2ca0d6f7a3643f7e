"""A block as it runs on an NVIDIA GPU: `SceneBlock`, with all but its matrix products fused.

What lies between two products of cuBLAS is one kernel, which reads and writes each value once:
that traffic, not arithmetic, is what the plain form waits for. Products that read the same rows
are one product; the mixing's norm is applied after its product, which is linear, so that it shares
it with the gate.

Symbols: B patches, L tokens, d width, D inner width.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from napari_ssamamba.model.causal import toeplitz
from napari_ssamamba.model.device import padded
from napari_ssamamba.model.inference.block import _InputMaps, _kernel, _StateSpaces
from napari_ssamamba.model.inference.folding import folded_linear
from napari_ssamamba.model.inference.fused import rows, tokens
from napari_ssamamba.model.squeeze_excitation import NARROWEST

if TYPE_CHECKING:
    from napari_ssamamba.model.block import SSAMambaBlock

ROWS = 8
"""Tokens that a program of the kernels for single tokens takes."""

PATCHES, PARTS = 64, 8
"""Patches that a program of the state space takes at once, and how often, where there are so many:
more often than once, as each program makes the two matrices of its channel."""


def precision(dtype: torch.dtype) -> str:
    """Return how the kernels multiply matrices of a type: float32 without rounding its operands."""
    return "ieee" if dtype == torch.float32 else "tf32"


class FusedBlock:
    """A block whose kernels are Triton's.

    Parameters
    ----------
    block : SSAMambaBlock
        Trained, in evaluation, on a device that Triton compiles for; of a network that
        `is_fusible`.
    length : int
        L.
    dtype : torch.dtype
        Of the tokens.
    """

    def __init__(self, block: SSAMambaBlock, length: int, dtype: torch.dtype) -> None:
        units = [block.spatial, block.spectral]
        self.length, self.side, self.precision = length, padded(length), precision(dtype)
        self.quick = dtype == torch.bfloat16
        inputs, states = _InputMaps(units, length, dtype), _StateSpaces(units, length, dtype)
        self.eps_in = inputs.eps
        self.weight_in = inputs.weight  # (4D, d)
        self.gate_bias = inputs.gate_bias.float().flatten()
        self.taps = torch.cat([t.float()[..., 0] for t in states.taps[::-1]], 1).contiguous()
        self.bias = states.bias.float()[..., 0].contiguous()  # (2D, L)
        matrices = torch.cat([toeplitz(_kernel(u.state_space, length)).to(dtype) for u in units])
        fill = self.side - length
        self.toeplitz = torch.nn.functional.pad(matrices, (0, fill, 0, fill))

        self.weight_out = torch.stack([u.linear_out.weight.t() for u in units]).to(dtype)
        norms = [block.norm_spatial, block.norm_spectral]
        self.after_units = torch.stack(
            [
                torch.stack(
                    [u.linear_out.bias, u.norm_out.weight, u.norm_out.bias, n.weight, n.bias]
                )
                for u, n in zip(units, norms, strict=True)
            ]
        ).float()
        self.eps_out = units[0].norm_out.eps

        asking = block.space_asks
        if asking is None:
            raise ValueError("the block has no attention; it cannot be fused")
        scale = math.sqrt(asking.query.out_features / asking.heads)  # √d_h
        self.heads = asking.heads
        self.query = (asking.query.weight.double() / scale).to(dtype).t()
        self.key_value = torch.cat([asking.key.weight, asking.value.weight]).to(dtype).t()
        self.answer = asking.out.weight.to(dtype).t()
        self.answer_norm = torch.stack([asking.norm.weight, asking.norm.bias]).float()

        fusion = block.fusion
        if fusion.gate is None:
            raise ValueError("the block has no gate; it cannot be fused")
        weight, mix_bias = folded_linear(fusion.norm_mix, fusion.mix_in)
        self.mix_and_gate = torch.cat([weight, fusion.gate.weight]).to(dtype).t()  # (2d, 2d)
        sums = weight.to(dtype).double().sum(1)
        self.mix = torch.stack([sums, mix_bias]).float()
        self.eps_mix = fusion.norm_mix.eps
        self.mix_out = fusion.mix_out.weight.to(dtype).t()
        squeeze, excite = fusion.excitation.squeeze, fusion.excitation.excite
        norm = fusion.norm_out
        self.fuse = torch.stack(
            [fusion.mix_out.bias, fusion.gate.bias, norm.weight, norm.bias, excite.bias]
        ).float()
        self.squeeze, self.squeeze_bias = squeeze.weight.float(), squeeze.bias.float()
        self.excite = excite.weight.t().contiguous().float()
        if len(self.squeeze) < NARROWEST or len(self.squeeze) & (len(self.squeeze) - 1):
            raise ValueError(f"{len(self.squeeze)} hidden units are no power of two")

    def __call__(self, x: Tensor, x_normalised: Tensor) -> None:
        """Run the block in place.

        Parameters
        ----------
        x : Tensor, shape (L·B, d)
            The block's input; its output replaces it.
        x_normalised : Tensor, shape (L·B, d)
            The same, each token with mean 0 and deviation 1; replaced alike.
        """
        count, width = x.shape
        batch, programs = count // self.length, (-(-count // ROWS),)
        # One piece of memory for all: each result lies where nobody reads any more.
        size, channels = count * width, len(self.taps)
        half = max(channels * count, 4 * size)
        room = x.new_empty(2 * half)

        inner = _part(room, 0, 2 * channels, count)
        torch.mm(self.weight_in, x_normalised.t(), out=inner)  # Eq. 3
        self._states(inner, batch)
        y = inner[:channels].view(2, -1, count)
        mapped = _part(room, half, 2, count, width)
        torch.bmm(y.transpose(1, 2), self.weight_out, out=mapped)
        both, spectral = _part(room, 0, count, 2 * width), _part(room, 2 * size, count, width)
        rows.branches_kernel[programs](
            mapped, x, self.after_units, both, spectral, count,
            WIDTH=width, ROWS=ROWS, EPS=self.eps_out,
        )  # fmt: skip

        q, kv = _part(room, half, count, width), _part(room, half + size, count, 2 * width)
        gathered = _part(room, half + 3 * size, count, width)
        torch.mm(both[:, :width], self.query, out=q)  # Eq. 15
        torch.mm(spectral, self.key_value, out=kv)  # Eq. 16-17
        self._gather(q, kv, gathered, batch)
        moments = x.new_empty(count, 2, dtype=torch.float32)
        rows.answer_kernel[programs](
            torch.mm(gathered, self.answer, out=q), both, self.answer_norm, moments, count,
            WIDTH=width, ROWS=ROWS, EPS=self.eps_out, EPS_MIX=self.eps_mix,
        )  # fmt: skip
        mixed = torch.mm(both, self.mix_and_gate, out=kv)  # Eq. 21, 23
        rows.mix_kernel[programs](mixed, moments, self.mix, gathered, count, WIDTH=width, ROWS=ROWS)
        rows.fuse_kernel[(batch,)](
            torch.mm(gathered, self.mix_out, out=q), mixed, x, x_normalised, self.fuse,
            self.squeeze, self.squeeze_bias, self.excite, batch,
            L=self.length, LP=self.side, WIDTH=width, HIDDEN=len(self.squeeze),
            EPS=self.eps_out, EPS_NEXT=self.eps_in, num_warps=4,
        )  # fmt: skip

    def _states(self, inner: Tensor, batch: int) -> None:
        """Eq. 4-11 up to the output map; the result replaces the first half of (4D, L·B)."""
        channels = len(self.taps)
        patches = min(PATCHES, padded(batch))
        parts = min(PARTS, -(-batch // patches))
        programs = -(-batch // (patches * parts))
        tokens.state_space_kernel[(channels, programs)](
            inner, self.taps, self.bias, self.gate_bias, self.toeplitz, channels,
            L=self.length, LP=self.side, B=batch, PATCHES=patches, PARTS=parts,
            PRECISION=self.precision, QUICK=self.quick, num_warps=4,
        )  # fmt: skip

    def _gather(self, q: Tensor, kv: Tensor, gathered: Tensor, batch: int) -> None:
        """Eq. 18: what each token of space gathers from the spectrum's, (L·B, d)."""
        width = q.shape[1]
        together = min(self.heads, 4)
        tokens.attention_kernel[(batch, self.heads // together)](
            q, kv, gathered, batch,
            L=self.length, LP=self.side, WIDTH=width, HEAD=width // self.heads, HEADS=together,
            PRECISION=self.precision, num_warps=4,
        )  # fmt: skip


def _part(room: Tensor, begin: int, *shape: int) -> Tensor:
    """Return a part of a piece of memory as a tensor."""
    return room[begin : begin + math.prod(shape)].view(shape)
